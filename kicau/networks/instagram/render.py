"""From a draft to exactly what Instagram gets and shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import regex

from kicau.connector.capabilities import Capabilities
from kicau.connector.checks.media import check_media
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
    Span,
    SpanKind,
)
from kicau.networks._meta.text import displayed_text, unsendable_problem
from kicau.networks.instagram.limits import FACTS, IMAGE_RECIPE, NETWORK_LABEL, RULES_BY_FORMAT

ID_PATTERN = regex.compile(r"\d{1,30}")  # of a comment

# Instagram's own reading: addresses in a caption are no links; tags take letters, digits, _ and emoji.
TAG_PATTERN = regex.compile(r"(?<![\w&#/])#(?:[\p{L}\p{M}\p{N}_]|\p{Extended_Pictographic}\uFE0F?)+")
MENTION_PATTERN = regex.compile(r"(?<![\w.@/])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?)(?![\w@])")


def render(draft: Draft, can: Capabilities) -> Rendered:
    """Pure and total."""
    part = draft.parts[0] if draft.parts else Part()
    options = resolve_options(draft, can)
    kind = post_format(options["format"], [one.kind for one in part.media])
    if options["format"] == "auto" and kind == "reel":
        options["format"] = "reel"
    text = displayed_text(part.text) if kind != "story" else ""
    room = replace(can, max_media=1) if kind == "story" else can
    checked = check_media(
        NETWORK_LABEL, 0, part.media, room, convert=draft.convert, rules=RULES_BY_FORMAT[kind], recipe=IMAGE_RECIPE
    )
    comment = _render_comment(draft, can)
    longest = can.max_comment_length if draft.reply_to else can.max_length
    parts = [
        _render_part(text, checked.media, longest),
        *(_render_part(displayed_text(p.text), (), longest) for p in draft.parts[1:]),
    ]
    problems = (
        *check_shape(NETWORK_LABEL, draft, can),
        *(_reply_problems(draft, part, text) if draft.reply_to else _media_problems(part, kind)),
        *check_length(NETWORK_LABEL, parts),
        *unsendable_problem(NETWORK_LABEL, text, "parts.0.text"),
        *_too_many_tags(parts[0].spans, "parts.0.text"),
        *_comment_problems(comment, kind),
        *checked.problems,
        *_link_problem(draft),
    )
    return Rendered(
        parts=tuple(parts),
        link=draft.link,
        poll=draft.poll,
        first_comment=comment,
        reply_to=(draft.reply_to or "").strip() or None,
        options=options,
        problems=problems,
        notices=(
            *checked.notices,
            *_notices(part, kind, checked.media),
            *(() if draft.reply_to else _quota_notice(can)),
        ),
        lead=0 if draft.reply_to else _lead_seconds(part),
        charges=_charges(draft, part, bool(comment)),
    )


def post_format(form: str, kinds: Sequence[MediaKind]) -> str:
    """ "image", "carousel", "reel" or "story": what is made of these files."""
    if form in ("reel", "story"):
        return form
    if len(kinds) > 1:
        return "carousel"
    return "reel" if MediaKind.VIDEO in kinds else "image"


def find_spans(text: str) -> tuple[Span, ...]:
    """Mentions and tags as Instagram makes them, in order."""
    found = [Span(SpanKind.TAG, m.start(), m.end(), m[0], m[0][1:]) for m in TAG_PATTERN.finditer(text)]
    found += [Span(SpanKind.MENTION, m.start(), m.end(), m[0], m[1]) for m in MENTION_PATTERN.finditer(text)]
    return tuple(sorted(found, key=lambda one: one.start))


def _render_part(text: str, media: tuple[RenderedMedia, ...], limit: int) -> RenderedPart:
    return RenderedPart(text=text, spans=find_spans(text), media=media, used=len(text), limit=limit)


def _render_comment(draft: Draft, can: Capabilities) -> RenderedPart | None:
    text = displayed_text(draft.first_comment)
    return _render_part(text, (), can.max_comment_length) if text else None


def _comment_problems(comment: RenderedPart | None, kind: str) -> list[Problem]:
    if comment is None:
        return []
    found = [replace(problem, field="first_comment") for problem in check_length(NETWORK_LABEL, [comment])]
    found += unsendable_problem(NETWORK_LABEL, comment.text, "first_comment")
    found += _too_many_tags(comment.spans, "first_comment")
    if kind == "story":
        message = "A story on {network} cannot have comments. Remove the first comment, or choose another format for the post."
        found.append(
            Problem(code="no-first-comment", message=message, params={"network": NETWORK_LABEL}, field="first_comment")
        )
    return found


def _reply_problems(draft: Draft, part: Part, text: str) -> list[Problem]:
    """An answer is a comment: words, under a comment that is named by its id."""
    found, given = [], (draft.reply_to or "").strip()
    if not ID_PATTERN.fullmatch(given):
        message = "{given!r} is not the ID of a comment on {network}. Enter the comment's ID from the {network} API (a long number), not the web address."
        found.append(
            Problem(
                code="bad-reference",
                message=message,
                params={"network": NETWORK_LABEL, "given": given[:80]},
                field="reply_to",
            )
        )
    if not text:
        message = "A reply on {network} needs text. Write some text in the reply."
        found.append(Problem(code="empty", message=message, params={"network": NETWORK_LABEL}, field="parts.0.text"))
    for what, field in ((part.media, "parts.0.media"), (draft.first_comment, "first_comment")):
        if what:
            message = "A reply on {network} can contain only text. Remove the files and the first comment."
            found.append(Problem(code="words-alone", message=message, params={"network": NETWORK_LABEL}, field=field))
    return found


def _media_problems(part: Part, kind: str) -> list[Problem]:
    if not part.media:
        message = "A post on {network} needs an image or a video. Add one of them."
        return [Problem(code="needs-media", message=message, params={"network": NETWORK_LABEL}, field="parts.0.media")]
    if kind == "reel" and all(one.kind is not MediaKind.VIDEO for one in part.media):
        message = "A reel on {network} needs a video. Add a video, or choose another format for the post."
        return [Problem(code="needs-video", message=message, params={"network": NETWORK_LABEL}, field="parts.0.media")]
    return []


def _too_many_tags(found: tuple[Span, ...], field: str) -> list[Problem]:
    problems = []
    for kind, name, code, message in (
        (
            SpanKind.TAG,
            "max_tags",
            "too-many-hashtags",
            "This text has {actual} hashtags, but {network} allows at most {limit}. Remove some hashtags.",
        ),
        (
            SpanKind.MENTION,
            "max_mentions",
            "too-many-mentions",
            "This text mentions {actual} accounts, but {network} allows at most {limit}. Remove some mentions.",
        ),
    ):
        count, limit = sum(span.kind is kind for span in found), int(FACTS[name].value)
        if count > limit:
            params: dict[str, str | int | float] = {"network": NETWORK_LABEL, "limit": limit, "actual": count}
            problems.append(Problem(code=code, message=message, params=params, field=field, limit=limit, actual=count))
    return problems


def _link_problem(draft: Draft) -> list[Problem]:
    if draft.link is None:
        return []
    message = "{network} does not show link previews. Remove the link preview for this channel, or put the link into the text."
    return [Problem(code="no-link-card", message=message, params={"network": NETWORK_LABEL}, field="link")]


def _notices(part: Part, kind: str, media: tuple[RenderedMedia, ...]) -> list[Problem]:
    found: list[Problem] = []

    def tell(code: str, field: str, message: str) -> None:
        found.append(Problem(code=code, message=message, params={"network": NETWORK_LABEL}, field=field))

    if kind == "story" and part.text.strip():
        tell(
            "text-not-shown",
            "parts.0.text",
            "A story on {network} shows no text, so Kicau publishes only the image or video of this post.",
        )
    if kind == "carousel" and len({_aspect_group(one) for one in media}) > 1:
        tell(
            "cropped-to-first",
            "parts.0.media",
            "{network} crops all files in a carousel to the shape of the first file (its ratio of width to height).",
        )
    for n, one in enumerate(part.media):
        if one.alt and one.kind is not MediaKind.IMAGE:
            tell(
                "alt-not-taken",
                f"parts.0.media.{n}.alt",
                "{network} accepts alt text only for images. Kicau saves the video's alt text but does not send it to the network.",
            )
    return found


def _aspect_group(one: RenderedMedia) -> float:
    """The shape that a file arrives in, after padding where a copy is made."""
    media: Media = one.media
    if not one.recipe:
        return round(media.aspect, 2)
    return round(min(max(media.aspect, one.recipe.min_aspect), one.recipe.max_aspect or media.aspect), 2)


def _quota_notice(can: Capabilities) -> list[Problem]:
    """A full quota holds a post back, it does not spoil it."""
    limit, used = can.quota.get("posts-24h", 0), can.quota.get("posts-24h-used", 0)
    if not limit or used < limit:
        return []
    next_time = datetime.fromtimestamp(can.quota.get("posts-24h-resets", 0), UTC)
    message = "{network} allows {limit} posts in 24 hours, and this account has already published {actual}. Posts scheduled before {next_time} wait until that time."
    params: dict[str, str | int | float] = {
        "network": NETWORK_LABEL,
        "limit": limit,
        "actual": used,
        "next_time": f"{next_time:%Y-%m-%d %H:%M} UTC",
    }
    return [Problem(code="quota-full", message=message, params=params, field="", limit=limit, actual=used)]


def _charges(draft: Draft, part: Part, comment: bool) -> tuple[Charge, ...]:
    if draft.reply_to:
        return (Charge("calls", 1),)
    return (Charge("posts-24h"), Charge("calls", _call_count(len(part.media), comment)))


def _call_count(files: int, comment: bool) -> int:
    """At least: a container each (and one for the carousel), one look, publishing, reading the address."""
    return files + (files > 1) + 3 + comment


def _lead_seconds(part: Part) -> int:
    """Seconds that fetching and preparing the files may take; nobody sees them before the last step."""
    video = any(one.kind is MediaKind.VIDEO for one in part.media)
    return (180 if video else 30) + 5 * len(part.media) + sum(one.size for one in part.media) // 1_000_000
