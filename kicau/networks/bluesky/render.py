"""A draft as Bluesky will show it: pure, total, and complete about what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from kicau.connector.capabilities import Capabilities
from kicau.connector.checks.media import CheckedMedia, check_media
from kicau.connector.checks.shape import check_length, check_shape, resolve_options
from kicau.connector.content import (
    Charge,
    Draft,
    Link,
    Media,
    MediaKind,
    Part,
    Problem,
    Rendered,
    RenderedPart,
)
from kicau.networks.bluesky import records, text
from kicau.networks.bluesky.limits import NETWORK_LABEL, PICTURE_RECIPE, THUMBNAIL_RULE, fact_number

POINTS_METER = "points"  # the meter: writes of an account are counted in points, and cost no money
LANGUAGE_PATTERN = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def _problem(code: str, field: str, message: str, **params: str | int | float) -> Problem:
    return Problem(code=code, message=message, params={"network": NETWORK_LABEL, **params}, field=field)


def render(draft: Draft, can: Capabilities) -> Rendered:
    problems = list(check_shape(NETWORK_LABEL, draft, can))
    notices: list[Problem] = []
    parts: list[RenderedPart] = []
    options = resolve_options(draft, can)
    for n, part in enumerate(draft.parts or (Part(),)):
        checked = check_media(NETWORK_LABEL, n, part.media, can, convert=draft.convert, recipe=PICTURE_RECIPE)
        problems += checked.problems
        notices += checked.notices
        words = part.text.replace("\r\n", "\n")
        made = RenderedPart(
            text=words,
            spans=text.find_spans(words),
            media=checked.media,
            used=text.count_graphemes(words),
            limit=can.max_length,
            unit=can.unit,
        )
        parts.append(made)
        problems += _part_problems(n, made, len(draft.parts), alone=n > 0 or not (draft.link or options.get("quote")))
        notices += _part_notices(n, made)
    problems += check_length(NETWORK_LABEL, parts, can_thread=True)
    link, told, known = _render_link(draft, parts)
    problems += told
    notices += known
    reply_to, referred = _referenced_posts(draft, options)
    problems += referred
    language, spoken = _checked_languages(draft)
    problems += [*spoken, *_option_problems(options, parts, reply_to)]
    return _build_rendered(parts, link, reply_to, language, options, problems, notices)


def _build_rendered(
    parts: list[RenderedPart],
    link: Link | None,
    reply_to: str | None,
    language: str,
    options: dict[str, str],
    problems: list[Problem],
    notices: list[Problem],
) -> Rendered:
    made = Rendered(
        parts=tuple(parts),
        link=link,
        reply_to=reply_to,
        language=language,
        options=options,
        problems=tuple(problems),
        notices=tuple(notices),
    )
    return replace(made, charges=(Charge(POINTS_METER, _write_points(made)),), lead=_lead_seconds(made))


def _write_points(post: Rendered) -> int:
    """What the writes will use up: a first post with gates is created together with them, the other parts are put."""
    beside = len(records.reply_and_quote_gates(post, "", ""))
    created = 1 + beside if beside else 0
    return fact_number("create-points") * created + fact_number("put-points") * (len(post.parts) - bool(beside))


def _lead_seconds(post: Rendered) -> int:
    """Seconds ahead in which files are uploaded, and people and posts looked up."""
    kinds = {one.media.kind for _, one in records.files_of_post(post)}
    if MediaKind.VIDEO in kinds:
        return 300
    return 60 if kinds or records.mentioned_handles(post) or post.reply_to or post.options.get("quote") else 0


def too_many_bytes_problem(part: int, parts: int, actual: int) -> Problem:
    """Emoji of families and some scripts take many bytes for each of the characters that a person counts."""
    limit = fact_number("max-bytes")
    where = f"part {part + 1} of the text" if parts > 1 else "the text"
    problem = _problem(
        "too-many-bytes",
        f"parts.{part}.text",
        "On {network}, {text_or_part} has a size of {actual} bytes, but the limit is {limit} bytes (an emoji can need many bytes). Shorten the text or split it into a thread.",
        text_or_part=where,
        actual=actual,
        limit=limit,
    )
    return replace(problem, limit=limit, actual=actual, fix="split")


def _part_problems(n: int, part: RenderedPart, parts: int, *, alone: bool) -> Iterator[Problem]:
    field = f"parts.{n}.text"
    if not part.text.strip() and not part.media and alone:
        yield _problem(
            "needs-text",
            field,
            "{network} requires text or a file in each part of a thread, but part {part} is empty. Write some text in this part or add a file.",
            part=n + 1,
        )
    if text.has_unsendable(part.text):
        yield _problem(
            "broken-text",
            field,
            "The text for {network} contains a damaged or invisible character (for example, half an emoji). Delete this character, then type it again.",
        )
    if (actual := text.utf8_size(part.text)) > fact_number("max-bytes"):
        yield too_many_bytes_problem(n, parts, actual)


def _part_notices(n: int, part: RenderedPart) -> Iterator[Problem]:
    for m, one in enumerate(part.media):
        if one.media.kind is MediaKind.GIF:
            yield _problem(
                "gif-stands-still",
                f"parts.{n}.media.{m}",
                "{network} shows only the first image of an animated GIF, so {name} will not move. If it should move, use a video.",
                name=one.media.name or one.media.ref,
            )
    for tag in text.overlong_tags(part.text):
        yield _problem(
            "tag-too-long",
            f"parts.{n}.text",
            "{network} allows hashtags of at most {limit} characters. Unless you shorten {tag}, it appears as ordinary text.",
            limit=fact_number("max-tag-length"),
            tag=tag[:80],
        )


def _render_link(draft: Draft, parts: list[RenderedPart]) -> tuple[Link | None, list[Problem], list[Problem]]:
    """The card as it will be shown, what is wrong with it, and what is worth knowing."""
    link, told, known = draft.link, list[Problem](), list[Problem]()
    if link is None:
        return None, told, known
    if parts[0].media:
        if any(link.url in part.text for part in parts):
            known.append(
                _problem(
                    "card-left-out",
                    "link",
                    "{network} shows either files or a link preview, not both. Kicau publishes the post with its files and without the preview, and the link stays in the text.",
                )
            )
        else:
            told.append(
                _problem(
                    "link-with-media",
                    "link",
                    "{network} shows either files or a link preview, not both. Put {url} into the text of the post, remove the files, or remove the link preview.",
                    url=link.url,
                )
            )
        return None, told, known
    if not re.match(r"https?://[^\s/]\S*$", link.url):
        told.append(
            _problem(
                "bad-link",
                "link.url",
                "{network} accepts only links that begin with http:// or https:// and contain no spaces. Correct the link {url!r}.",
                url=link.url[:200],
            )
        )
    if any(map(text.has_unsendable, (link.title, link.description, link.url))):
        told.append(
            _problem(
                "broken-text",
                "link",
                "The link preview for {network} contains a damaged or invisible character (for example, half an emoji). Delete this character, then type it again.",
            )
        )
    if not link.title.strip():
        host = _host_of_url(link.url)
        known.append(
            _problem(
                "card-without-title",
                "link.title",
                "{network} does not read the title of the linked page. Unless you enter a title, the link preview shows only {host}.",
                host=host,
            )
        )
        link = replace(link, title=host)
    if link.thumbnail:
        checked = _render_thumbnail(link.thumbnail, draft)
        told += map(_thumbnail_problem, checked.problems)
        known += map(_thumbnail_problem, checked.notices)
    return link, told, known


def _host_of_url(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _render_thumbnail(one: Media, draft: Draft) -> CheckedMedia:
    """A picture that the network does not take as it is has its copy made, where converting is allowed."""
    rules = {MediaKind.IMAGE: THUMBNAIL_RULE}
    can = Capabilities(max_length=0, media=rules, max_media=1)
    return check_media(NETWORK_LABEL, 0, (one,), can, convert=draft.convert, rules=rules, recipe=PICTURE_RECIPE)


def _thumbnail_problem(problem: Problem) -> Problem:
    place = problem.field.removeprefix("parts.0.media.0").removeprefix("parts.0.media")
    return replace(problem, field="link.thumbnail" + place)


def _referenced_posts(draft: Draft, options: dict[str, str]) -> tuple[str | None, list[Problem]]:
    """The at:// address of the post that this one answers; that of the one it quotes replaces the option's value."""
    told = []
    found: dict[str, str] = {}
    for field, given in (("reply_to", draft.reply_to or ""), ("options.quote", options.get("quote", ""))):
        found[field] = records.at_uri_of_reference(given)
        if given and not found[field]:
            told.append(
                _problem(
                    "bad-reference",
                    field,
                    "{given} is not the address of a {network} post. Enter the post's link (https://…/profile/…/post/…) or its address at://…/app.bsky.feed.post/….",
                    given=repr(given[:100]),
                )
            )
    if found["options.quote"]:
        options["quote"] = found["options.quote"]
    return found["reply_to"] or None, told


def _checked_languages(draft: Draft) -> tuple[str, list[Problem]]:
    """The post's languages, with commas between."""
    tags = [tag for tag in re.split(r"[\s,;]+", draft.language.replace("_", "-")) if tag]
    told = []
    if wrong := [tag for tag in tags if not LANGUAGE_PATTERN.fullmatch(tag)]:
        told.append(
            _problem(
                "bad-language",
                "language",
                "{tag!r} is not a language code that {network} accepts. Use another code. For example: en or id-ID.",
                tag=wrong[0][:40],
            )
        )
    if len(tags) > (limit := fact_number("max-languages")):
        problem = _problem(
            "too-many-languages",
            "language",
            "You chose {actual} languages for this post, but {network} allows at most {limit}. Remove some languages.",
            limit=limit,
            actual=len(tags),
        )
        told.append(replace(problem, limit=limit, actual=len(tags)))
    return ",".join(tags), told


def _option_problems(options: dict[str, str], parts: list[RenderedPart], reply_to: str | None) -> Iterator[Problem]:
    if options.get("replies") and reply_to:
        yield _problem(
            "gate-on-reply",
            "options.replies",
            "Your post on {network} is a reply, and only the person who started the thread decides who can reply. For “Who can reply to this post”, choose “Anyone”.",
        )
    if not (captions := options.get("captions", "")):
        return
    field, limit = "options.captions", fact_number("captions-max-size")
    if not any(one.media.kind is MediaKind.VIDEO for part in parts for one in part.media):
        yield _problem(
            "captions-without-video",
            field,
            "{network} accepts subtitles only with a video, and this post has no video. Remove the subtitles or add a video.",
        )
    if not captions.lstrip("\ufeff").startswith("WEBVTT") or text.has_unsendable(captions):
        yield _problem(
            "bad-captions",
            field,
            "{network} accepts video subtitles only in the WebVTT format, in which the text begins with the word WEBVTT. Paste the whole text of a WebVTT file.",
        )
    if (actual := text.utf8_size(captions)) > limit:
        problem = _problem(
            "captions-too-long",
            field,
            "The video subtitles are {actual} bytes, but {network} allows at most {limit} bytes. Shorten the subtitles.",
            limit=limit,
            actual=actual,
        )
        yield replace(problem, limit=limit, actual=actual)
