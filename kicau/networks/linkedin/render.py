"""A draft as LinkedIn will show it: pure, total, and complete about what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from kicau.connector.capabilities import Capabilities
from kicau.connector.checks.formats import MEDIA_KIND_NAMES
from kicau.connector.checks.media import check_media
from kicau.connector.checks.polls import check_poll
from kicau.connector.checks.shape import check_length, check_shape, resolve_options
from kicau.connector.content import (
    Charge,
    Draft,
    Link,
    Media,
    MediaKind,
    Part,
    Poll,
    Problem,
    Rendered,
    RenderedMedia,
    RenderedPart,
    SpanKind,
)
from kicau.networks.linkedin import little
from kicau.networks.linkedin.limits import NETWORK_LABEL, PICTURE_RECIPE, fact_number

CALLS_METER = "calls"  # the meter: LinkedIn counts calls a day and charges no money


def _problem(code: str, field: str, message: str, **params: str | int | float) -> Problem:
    return Problem(code=code, message=message, params={"network": NETWORK_LABEL, **params}, field=field)


def render(draft: Draft, can: Capabilities) -> Rendered:
    problems = list(check_shape(NETWORK_LABEL, draft, can))
    notices: list[Problem] = []
    parts = []
    for n, part in enumerate(draft.parts or (Part(),)):
        made = _render_part(n, part, draft, can)
        parts.append(made[0])
        problems += made[1]
        notices += made[2]
    problems += check_length(NETWORK_LABEL, parts)
    link, told = _render_link(draft, parts, can)
    problems += told.problems
    notices += told.notices
    poll, asked = _render_poll(draft, parts, can)
    problems += asked.problems
    notices += asked.notices
    if draft.reply_to:
        parts = [replace(part, limit=can.max_comment_length) for part in parts]
        problems += [*_render_reply(draft), *check_length(NETWORK_LABEL, parts)]
    comment, said = _render_comment(draft, can)
    problems += said.problems
    notices += said.notices
    if not any(part.text.strip() or part.media for part in parts) and not draft.link and not draft.poll:
        problems.append(
            _problem(
                "needs-text",
                "parts.0.text",
                "A post on {network} needs text, a file, a link or a poll. Add one of these.",
            )
        )
    return Rendered(
        parts=tuple(parts),
        link=link,
        poll=poll,
        first_comment=comment,
        reply_to=(draft.reply_to or "").strip() or None,
        options=resolve_options(draft, can),
        problems=tuple(problems),
        notices=tuple(notices),
        charges=(Charge(CALLS_METER, _call_count(parts, link, comment)),),
        lead=_lead_seconds(parts, link),
    )


TARGET_PATTERN = re.compile(
    r"urn:li:(?:share|ugcPost|activity):\d+|urn:li:comment:\(urn:li:(?:share|ugcPost|activity):\d+,\d+\)"
)


def _render_reply(draft: Draft) -> Iterable[Problem]:
    """An answer is a comment: words, under a post or comment that is named by its URN."""
    given = (draft.reply_to or "").strip()
    if not TARGET_PATTERN.fullmatch(given):
        yield _problem(
            "bad-reference",
            "reply_to",
            "{given!r} is not the ID of a post or comment on {network}. Enter an ID of the form urn:li:share:… or urn:li:comment:(…).",
            given=given[:80],
        )
    for what, field in (
        (draft.parts and draft.parts[0].media, "parts.0.media"),
        (draft.link, "link"),
        (draft.poll, "poll"),
        (draft.first_comment, "first_comment"),
    ):
        if what:
            yield _problem(
                "words-alone",
                field,
                "A reply on {network} can contain only text. Remove the files, the link preview, the poll and the first comment.",
            )


def _lead_seconds(parts: Iterable[RenderedPart], link: Link | None) -> int:
    """Seconds ahead in which files are uploaded: videos and documents are processed, and a member may not ask how far."""
    kinds = {one.media.kind for part in parts for one in part.media}
    if kinds & {MediaKind.VIDEO, MediaKind.DOCUMENT}:
        return 600
    return 60 if kinds or (link and link.thumbnail) else 0


class _RenderNotes:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.notices: list[Problem] = []


def _render_part(
    n: int, part: Part, draft: Draft, can: Capabilities
) -> tuple[RenderedPart, list[Problem], list[Problem]]:
    text, spans = little.parse_typed(part.text)
    checked = check_media(NETWORK_LABEL, n, part.media, can, convert=draft.convert, recipe=PICTURE_RECIPE)
    problems, notices = [*checked.problems, *_unsendable_problems(f"parts.{n}.text", text)], list(checked.notices)
    for k, one in enumerate(part.media):
        if one.alt and one.kind in (MediaKind.VIDEO, MediaKind.DOCUMENT):
            notices.append(
                _problem(
                    "alt-not-sent",
                    f"parts.{n}.media.{k}.alt",
                    "{network} accepts no alt text for files of this kind ({kind}). Kicau saves the alt text of {name} but does not send it to the network.",
                    what=MEDIA_KIND_NAMES[one.kind],
                    name=one.name or one.ref,
                )
            )
    bare = not part.media and not draft.link and not draft.poll
    if bare and (url := next((s.text for s in spans if s.kind is SpanKind.LINK), "")):
        notices.append(
            _problem(
                "no-link-card",
                f"parts.{n}.text",
                "In this kind of post, {network} does not create a link preview of {url} by itself. To show one, add a link preview with a title yourself.",
                url=url,
            )
        )
    made = RenderedPart(
        text=text,
        spans=spans,
        media=tuple(_without_needless_limits(m) for m in checked.media),
        used=little.count_units(text),
        limit=can.max_length,
        unit=can.unit,
    )
    return made, problems, notices


def _without_needless_limits(one: RenderedMedia) -> RenderedMedia:
    """A copy that is made for another reason than its pixels keeps them all."""
    if one.recipe and one.media.width * one.media.height <= fact_number("image-max-pixels"):
        return replace(one, recipe=replace(one.recipe, max_width=0, max_height=0))
    return one


def _unsendable_problems(field: str, text: str) -> Iterable[Problem]:
    if any("\ud800" <= char <= "\udfff" or char == "\x00" for char in text):
        yield _problem(
            "broken-text",
            field,
            "The text for {network} contains a damaged or invisible character (for example, half an emoji). Delete this character, then type it again.",
        )


def _render_link(draft: Draft, parts: list[RenderedPart], can: Capabilities) -> tuple[Link | None, _RenderNotes]:
    told, link = _RenderNotes(), draft.link
    if link is None:
        return None, told
    excludes_preview = bool(draft.poll) or any(part.media for part in parts)
    if excludes_preview and any(link.url in part.text for part in parts):
        message = (
            "{network} cannot show a poll and a link preview in the same post. Kicau publishes the post without the preview, and the link stays in the text."
            if draft.poll
            else "{network} cannot show files and a link preview in the same post. Kicau publishes the post without the preview, and the link stays in the text."
        )
        told.notices.append(_problem("card-left-out", "link", message))
        return None, told
    if excludes_preview:
        message = (
            "{network} cannot show a poll and a link preview in the same post. Put {url} into the text, or remove the poll or the link preview."
            if draft.poll
            else "{network} cannot show files and a link preview in the same post. Put {url} into the text, or remove the files or the link preview."
        )
        told.problems.append(_problem("link-with-media", "link", message, url=link.url))
    if not link.url.lower().startswith(("http://", "https://")):
        told.problems.append(
            _problem(
                "bad-link",
                "link.url",
                "{network} accepts only links that begin with http:// or https://. Correct the link {url!r}.",
                url=link.url,
            )
        )
    if not link.title.strip():
        told.problems.append(
            _problem(
                "link-needs-title",
                "link.title",
                "{network} does not take a title from the linked page {url}. Write a title for its link preview yourself.",
                url=link.url,
            )
        )
    if link.thumbnail:
        link = replace(link, thumbnail=_render_thumbnail(link.thumbnail, draft, can, told))
    return link, told


def _render_thumbnail(one: Media, draft: Draft, can: Capabilities, told: _RenderNotes) -> Media | None:
    """A thumbnail is sent as it is; one that LinkedIn does not take is a problem."""
    rules = {MediaKind.IMAGE: can.media[MediaKind.IMAGE]} if MediaKind.IMAGE in can.media else {}
    checked = check_media(NETWORK_LABEL, 0, (one,), can, convert=False, rules=rules)
    if one.alt:
        told.notices.append(
            _problem(
                "alt-not-sent",
                "link.thumbnail.alt",
                "{network} accepts no alt text for the image of a link preview. Kicau saves the alt text of {name} but does not send it to the network.",
                name=one.name or one.ref,
            )
        )
    told.problems += [
        replace(p, field="link.thumbnail" + p.field.removeprefix("parts.0.media.0").removeprefix("parts.0.media"))
        for p in checked.problems
    ]
    return one


def _render_poll(draft: Draft, parts: list[RenderedPart], can: Capabilities) -> tuple[Poll | None, _RenderNotes]:
    told, poll = _RenderNotes(), draft.poll
    if poll is None or can.poll is None:
        return poll, told
    told.problems += check_poll(NETWORK_LABEL, poll, can, [little.count_units(o) for o in poll.options])
    if any(part.media for part in parts):
        told.problems.append(
            _problem(
                "poll-with-media",
                "poll",
                "{network} does not allow files in a post with a poll. Remove the files or the poll.",
            )
        )
    limit, field = can.poll.max_question_length, "poll.question"
    if not poll.question.strip():
        text = parts[0].text.strip() if parts else ""
        if text and little.count_units(text) <= limit:
            told.notices.append(
                _problem(
                    "question-from-text",
                    field,
                    "A poll on {network} needs a question, but this poll has none. Kicau also uses the text of the post as the question.",
                )
            )
            return replace(poll, question=text), told
        told.problems.append(
            _problem(
                "poll-needs-question",
                field,
                "A poll on {network} needs a question of at most {limit} characters. Write the question.",
                limit=limit,
            )
        )
    elif (actual := little.count_units(poll.question)) > limit:
        problem = _problem(
            "question-too-long",
            field,
            "The poll question for {network} has {actual} characters, but the limit is {limit}. Shorten the question.",
            limit=limit,
            actual=actual,
        )
        told.problems.append(replace(problem, limit=limit, actual=actual))
    return poll, told


def _render_comment(draft: Draft, can: Capabilities) -> tuple[RenderedPart | None, _RenderNotes]:
    told = _RenderNotes()
    if not draft.first_comment:
        return None, told
    text, spans = little.parse_typed(draft.first_comment)
    told.problems += _unsendable_problems("first_comment", text)
    if any(s.kind is SpanKind.MENTION for s in spans):
        told.notices.append(
            _problem(
                "comment-mentions",
                "first_comment",
                "In a first comment on {network}, a mention appears as a plain name. It does not link to the account.",
            )
        )
    used, limit = little.count_units(text), can.max_comment_length
    if limit and used > limit:
        problem = _problem(
            "comment-too-long",
            "first_comment",
            "The first comment for {network} has {actual} characters, but the limit is {limit}. Shorten the comment.",
            limit=limit,
            actual=used,
        )
        told.problems.append(replace(problem, limit=limit, actual=used, fix="shorten"))
    if not text.strip():
        told.problems.append(
            _problem(
                "comment-empty",
                "first_comment",
                "The first comment for {network} is empty. Write the comment or remove it.",
            )
        )
    plain = tuple(s for s in spans if s.kind is not SpanKind.MENTION)
    return RenderedPart(text=text, spans=plain, used=used, limit=limit, unit=can.unit), told


def _call_count(parts: list[RenderedPart], link: Link | None, comment: RenderedPart | None) -> int:
    """Calls that the daily limits count, without waiting for a video or document, whose polls depend on LinkedIn."""
    per_file: Mapping[MediaKind, int] = {MediaKind.VIDEO: 3, MediaKind.DOCUMENT: 2}
    files = sum(per_file.get(m.media.kind, 1) for part in parts for m in part.media)
    return 1 + files + bool(link and link.thumbnail) + bool(comment)
