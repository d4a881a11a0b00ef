"""A draft as Mastodon will show it. Pure: no I/O, never raises, cuts nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from kicau.connector.capabilities import Capabilities, MediaRule
from kicau.connector.checks.formats import format_duration
from kicau.connector.checks.media import check_media
from kicau.connector.checks.polls import check_poll
from kicau.connector.checks.shape import check_length, check_shape, resolve_options
from kicau.connector.content import (
    Charge,
    Draft,
    Media,
    MediaKind,
    Part,
    Problem,
    Rendered,
    RenderedMedia,
    RenderedPart,
)
from kicau.networks.mastodon import limits, text
from kicau.networks.mastodon.limits import NETWORK_LABEL, PICTURE_RECIPE, characters_per_url, fact_number
from kicau.networks.mastodon.wire import CALLS_METER

# A lone surrogate is no character at all, and the server's database keeps no U+0000.
UNSENDABLE_PATTERN = re.compile("[\x00\ud800-\udfff]")
POST_ID_PATTERN = re.compile(r"[0-9A-Za-z_.\-]{1,64}")
URL_PATTERN = re.compile(r"https?://([^/?#\s]+)(/[^\s]*)?", re.IGNORECASE)
OWN_POST_PATH_PATTERN = re.compile(r"/(?:web/|deck/)?@[^/]+/(\d+)/?(?:[?#].*)?$")

type ProblemParams = dict[str, str | int | float]


def _problem(code: str, field: str, message: str, **params: str | int | float) -> Problem:
    return Problem(code=code, message=message, params={"network": NETWORK_LABEL, **params}, field=field)


def render(draft: Draft, can: Capabilities) -> Rendered:
    """Exactly what the server will get, with every problem and notice."""
    draft, notices = _with_link(draft)
    options = resolve_options(draft, can)
    problems = list(check_shape(NETWORK_LABEL, draft, can))
    parts = []
    warning = text.normalize_text(options.get("warning", ""))
    for n, part in enumerate(draft.parts or (Part(),)):
        made, broken, worth_knowing = _render_part(n, part, draft, can, warning)
        parts.append(made)
        problems += broken
        notices += worth_knowing
    problems += check_length(NETWORK_LABEL, parts, can_thread=True)
    problems += _blank_part_problems(draft, parts, warning)
    problems += _poll_problems(draft, can)
    problems += _option_problems(options, parts)
    reply_to, wrong = _post_reference("reply_to", draft.reply_to or "", can)
    problems += wrong
    if "quote" in options:
        options["quote"], wrong = _post_reference("options.quote", options["quote"], can)
        problems += wrong
    if "warning" in options:
        options["warning"] = warning
    return Rendered(
        parts=tuple(parts),
        poll=draft.poll,
        reply_to=reply_to or None,
        language=_language_code(draft.language),
        options=options,
        problems=tuple(problems),
        notices=tuple(notices),
        charges=(Charge(CALLS_METER, _call_count(parts, reply_to, options.get("quote", ""))),),
        lead=_lead_seconds(parts),
    )


def _lead_seconds(parts: Iterable[RenderedPart]) -> int:
    """Seconds ahead in which files are uploaded; a server keeps a file that no post shows for about a day."""
    kinds = {one.media.kind for part in parts for one in part.media}
    if not kinds:
        return 0
    return 60 if kinds == {MediaKind.IMAGE} else 600


def _call_count(parts: list[RenderedPart], *references: str) -> int:
    """Without waiting for a video, whose polls depend on the server."""
    return len(parts) + sum(len(part.media) for part in parts) + sum(is_url_reference(one) for one in references)


def is_url_reference(reference: str) -> bool:
    """Whether the server must be asked for the id behind a reference."""
    return "://" in reference


def focal_point(post: Rendered, place: int) -> str:
    """The focal point of the file at that place among all files of the post; "" where none was given."""
    points = [one.strip() for one in post.options.get("focus", "").split(";")]
    return points[place] if place < len(points) else ""


def _language_code(tag: str) -> str:
    """What Mastodon knows languages by: ISO 639, of Chinese also the region (app/helpers/languages_helper.rb)."""
    first, _, rest = tag.replace("_", "-").partition("-")
    region = rest.rpartition("-")[2].upper()
    return f"zh-{region}" if first.lower() == "zh" and region in ("CN", "HK", "TW") else first.lower()


def _render_part(
    n: int, part: Part, draft: Draft, can: Capabilities, warning: str
) -> tuple[RenderedPart, list[Problem], list[Problem]]:
    shown = text.normalize_text(part.text)
    files, one_line = _alt_text_notices(n, part.media, can)
    checked = check_media(
        NETWORK_LABEL, n, files, can, convert=draft.convert, rules=_media_rules(part.media, can), recipe=PICTURE_RECIPE
    )
    problems, notices = list(checked.problems), list(checked.notices)
    if bad := UNSENDABLE_PATTERN.search(shown):
        problems.append(
            _problem(
                "broken-text",
                f"parts.{n}.text",
                "The text for {network} contains a character that the network does not accept ({character}). Delete this character.",
                character=f"U+{ord(bad[0]):04X}",
            )
        )
    if len(part.media) > 1 and any(one.kind is MediaKind.VIDEO for one in part.media):
        problems.append(
            _problem(
                "mixed-media",
                f"parts.{n}.media",
                "{network} does not allow a video together with other files in one post. Remove the video, or remove the other files.",
            )
        )
    notices += [*one_line, *_video_frame_problems(n, part.media), *_garbled_character_problems(n, shown, can)]
    made = RenderedPart(
        text=shown,
        spans=text.find_spans(shown),
        media=tuple(_fit_to_server_size(one, can) for one in checked.media),
        used=text.count_characters(shown, warning, per_url=characters_per_url(can)),
        limit=can.max_length,
        unit=can.unit,
    )
    return made, problems, notices


def _media_rules(media: tuple[Media, ...], can: Capabilities) -> Mapping[MediaKind, MediaRule]:
    """Mastodon keeps still GIFs smaller than other pictures; one that is too large becomes a JPEG."""
    still, moving = can.media.get(MediaKind.IMAGE), can.media.get(MediaKind.GIF)
    if still is None or moving is None or not moving.max_pixels:
        return can.media
    large = any(
        one.mime == "image/gif" and one.kind is MediaKind.IMAGE and one.width * one.height > moving.max_pixels
        for one in media
    )
    return {**can.media, MediaKind.IMAGE: replace(still, mimes=still.mimes - {"image/gif"})} if large else can.media


def _fit_to_server_size(one: RenderedMedia, can: Capabilities) -> RenderedMedia:
    """A copy is made no larger than the server's own: it shrinks every picture to 3840×2160 pixels' worth."""
    rule = can.media.get(MediaKind.IMAGE)
    if one.recipe and rule and rule.max_pixels and one.media.width * one.media.height > rule.max_pixels:
        shrink = (rule.max_pixels / (one.media.width * one.media.height)) ** 0.5
        return replace(
            one,
            recipe=replace(
                one.recipe, max_width=int(one.media.width * shrink), max_height=int(one.media.height * shrink)
            ),
        )
    return one


def _alt_text_notices(n: int, media: tuple[Media, ...], can: Capabilities) -> tuple[tuple[Media, ...], list[Problem]]:
    """Where a server keeps one line of an alt text, all of it becomes one line."""
    if not limits.lacks_feature(can, "alt-lines"):
        return media, []
    joined = tuple(replace(one, alt=" ".join(one.alt.split("\n"))) if "\n" in one.alt else one for one in media)
    told = [
        _problem(
            "alt-one-line",
            f"parts.{n}.media.{m}.alt",
            "This {network} server stores alt text in a single line, so the server replaces line breaks in your alt text with spaces.",
        )
        for m, (one, made) in enumerate(zip(media, joined, strict=True))
        if one is not made
    ]
    return joined, told


def _garbled_character_problems(n: int, shown: str, can: Capabilities) -> Iterable[Problem]:
    if limits.lacks_feature(can, "high-planes") and (found := next((c for c in shown if ord(c) >= 0x20000), "")):
        yield _problem(
            "garbled",
            f"parts.{n}.text",
            "This {network} server cannot show the character {character} correctly. Some flag emoji and rare Chinese characters need it. Use another character or plain words.",
            character=f"U+{ord(found):04X}",
        )


def _video_frame_problems(n: int, media: tuple[Media, ...]) -> Iterable[Problem]:
    for m, one in enumerate(media):
        frames = one.duration_ms * one.fps / 1000
        if one.kind is MediaKind.VIDEO and frames > (limit := fact_number("video-max-frames")):
            yield _problem(
                "cut-video",
                f"parts.{n}.media.{m}",
                "{network} may show only the first {seconds} of the video {name}. If its end is important, shorten the video.",
                seconds=format_duration(limit / one.fps * 1000),
                name=one.name or one.ref,
            )


def _blank_part_problems(draft: Draft, parts: list[RenderedPart], warning: str) -> Iterable[Problem]:
    quoted = bool(draft.options.get("quote", "").strip())
    for n, part in enumerate(parts):
        if part.text.strip() or part.media or (n == 0 and quoted):
            continue
        where = f"part {n + 1} of the thread" if n else "the post"
        if n == 0 and draft.poll:
            yield _problem(
                "empty",
                "parts.0.text",
                "A poll on {network} needs a question. Write the question into the text of the post.",
            )
        elif not warning:
            yield _problem(
                "empty",
                f"parts.{n}.text",
                "For {network}, {text_or_part} is empty. Write text or add a file.",
                text_or_part=where,
            )
        else:
            yield _problem(
                "empty",
                f"parts.{n}.text",
                "For {network}, {text_or_part} has a content warning but no text and no file. Write text or add a file.",
                text_or_part=where,
            )


def _poll_problems(draft: Draft, can: Capabilities) -> Iterable[Problem]:
    if draft.poll is None:
        return
    options = [text.normalize_text(one) for one in draft.poll.options]
    yield from check_poll(NETWORK_LABEL, draft.poll, can, map(text.split_graphemes, options))
    if len(set(options)) < len(options):
        yield _problem(
            "poll-duplicate",
            "poll.options",
            "A poll on {network} cannot have the same option twice. Change one of the two options.",
        )
    if draft.parts and draft.parts[0].media:
        yield _problem(
            "poll-with-media",
            "parts.0.media",
            "{network} does not allow files in a post with a poll. Remove the files or the poll.",
        )


def _option_problems(options: Mapping[str, str], parts: list[RenderedPart]) -> Iterable[Problem]:
    if UNSENDABLE_PATTERN.search(options.get("warning", "")):
        yield _problem(
            "broken-text",
            "options.warning",
            "The content warning for {network} contains a damaged or invisible character. Delete the character and type it again.",
        )
    points = [one.strip() for one in options.get("focus", "").split(";")]
    files = sum(len(part.media) for part in parts)
    for point in filter(None, points):
        if not _is_focal_point(point):
            yield _problem(
                "bad-focus",
                "options.focus",
                "{given!r} is not a valid focal point for an image on {network}. Enter two numbers from -1 (left or bottom) to 1 (right or top), for example 0.2,-0.5.",
                given=point[:50],
            )
    if points != [""] and len(points) > files:
        yield _problem(
            "bad-focus",
            "options.focus",
            "This post for {network} has {actual} focal points for images but only {files} files. Enter at most one focal point for each file.",
            actual=len(points),
            files=files,
        )


def _is_focal_point(given: str) -> bool:
    try:
        x, y = (float(one) for one in given.split(","))
    except ValueError:
        return False
    return -1 <= x <= 1 and -1 <= y <= 1


def _with_link(draft: Draft) -> tuple[Draft, list[Problem]]:
    """Servers draw cards from the address in the text alone, so a link that is not in it is put there."""
    notices: list[Problem] = []
    if draft.poll and draft.poll.question:
        notices.append(
            _problem(
                "no-poll-question",
                "poll.question",
                "A poll on {network} has no separate field for the question. Readers see the post's text as the question.",
            )
        )
    link = draft.link
    if link is None or not draft.parts:
        return draft, notices
    if link.title or link.description or link.thumbnail:
        notices.append(
            _problem(
                "no-link-card",
                "link",
                "{network} creates the link preview itself from the linked page. Kicau does not send the title, description and image that you entered.",
            )
        )
    first = draft.parts[0]
    if link.url and not any(link.url in part.text for part in draft.parts):
        joined = f"{first.text.rstrip()}\n\n{link.url}" if first.text.strip() else link.url
        draft = replace(draft, parts=(replace(first, text=joined), *draft.parts[1:]))
        notices.append(
            _problem(
                "link-in-text",
                "link",
                "On {network}, a link must be part of the text, so Kicau adds the link at the end of the text.",
            )
        )
    return draft, notices


def _post_reference(field: str, given: str, can: Capabilities) -> tuple[str, list[Problem]]:
    """The id of a post on the channel's own server, or an address that the server will be asked about."""
    given = given.strip()
    if not given or POST_ID_PATTERN.fullmatch(given):
        return given, []
    address = URL_PATTERN.fullmatch(given)
    if (
        address
        and address[1].lower() == limits.fact_text(can, "host").lower()
        and (own := OWN_POST_PATH_PATTERN.fullmatch(address[2] or ""))
    ):
        return own[1], []
    if address:
        return given, []
    message = "{given!r} is not the link or ID of a {network} post. Enter the post's link (https://…) or its ID on your server."
    return given, [_problem("bad-reference", field, message, given=given[:100])]
