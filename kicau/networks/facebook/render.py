"""From a draft to exactly what Facebook gets and shows."""

from __future__ import annotations

from dataclasses import replace

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
from kicau.networks.facebook.limits import NETWORK_LABEL, PHOTO_RECIPE, REEL_RULE
from kicau.networks.facebook.replies import ID_PATTERN

# Facebook's own reading: an address with its scheme or www., a tag with at least one letter, a Page by its id
# in the form @[id] (https://developers.facebook.com/docs/pages-api/posts, "mention a Page").
LINK_PATTERN = regex.compile(r"(?<![\w@./])(?:https?://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]}…]", regex.IGNORECASE)
TAG_PATTERN = regex.compile(r"(?<![\w&/#])#(?=[\p{N}_\p{M}]*\p{L})[\p{L}\p{M}\p{N}_]+")
MENTION_PATTERN = regex.compile(r"@\[(\d+)(?::[^\]\n]*)?\]")


def render(draft: Draft, can: Capabilities) -> Rendered:
    """Pure and total."""
    part = draft.parts[0] if draft.parts else Part()
    text, options = displayed_text(part.text), resolve_options(draft, can)
    options["format"] = chosen_format(options["format"], part.media)
    rules = {**can.media, MediaKind.VIDEO: REEL_RULE} if options["format"] == "reel" else can.media
    checked = check_media(NETWORK_LABEL, 0, part.media, can, convert=draft.convert, rules=rules, recipe=PHOTO_RECIPE)
    longest = can.max_comment_length if draft.reply_to else can.max_length
    parts = [
        _render_part(text, checked.media, longest),
        *(_render_part(displayed_text(p.text), (), longest) for p in draft.parts[1:]),
    ]
    comment = _render_comment(draft, can)
    problems = (
        *check_shape(NETWORK_LABEL, draft, can),
        *check_length(NETWORK_LABEL, parts),
        *unsendable_problem(NETWORK_LABEL, text, "parts.0.text"),
        *_comment_problems(comment),
        *checked.problems,
        *_network_problems(draft, part, text, options["format"]),
        *_reply_problems(draft, part),
    )
    return Rendered(
        parts=tuple(parts),
        link=draft.link,
        poll=draft.poll,
        first_comment=comment,
        reply_to=(draft.reply_to or "").strip() or None,
        options=options,
        problems=problems,
        notices=(*checked.notices, *_notices(draft)),
        charges=(Charge("calls", 1 if draft.reply_to else _call_count(part, bool(comment))),),
        lead=_lead_seconds(part),
    )


def chosen_format(asked: str, media: tuple[Media, ...]) -> str:
    """ "post", or how a video is shown: "auto" becomes a reel where the video is upright and short enough."""
    videos = [one for one in media if one.kind is MediaKind.VIDEO]
    if not videos:
        return "reel" if asked == "reel" else "auto"
    return asked if asked in ("video", "reel") else "reel" if fits_reel(videos[0]) else "video"


def fits_reel(video: Media) -> bool:
    return (
        video.mime in REEL_RULE.mimes
        and abs(video.aspect - REEL_RULE.max_aspect) <= 0.005
        and video.width >= REEL_RULE.min_width
        and REEL_RULE.min_duration_ms <= video.duration_ms <= REEL_RULE.max_duration_ms
        and REEL_RULE.min_fps - 0.1 <= video.fps <= REEL_RULE.max_fps + 0.1
    )


def find_spans(text: str) -> tuple[Span, ...]:
    """Addresses, tags and Page mentions as Facebook makes them, in order."""
    found: list[Span] = []
    for match in LINK_PATTERN.finditer(text):
        target = match[0] if "://" in match[0] else f"http://{match[0]}"
        found.append(Span(SpanKind.LINK, match.start(), match.end(), match[0], target))
    found += [Span(SpanKind.TAG, m.start(), m.end(), m[0], m[0][1:]) for m in TAG_PATTERN.finditer(text)]
    found += [Span(SpanKind.MENTION, m.start(), m.end(), m[0], m[1]) for m in MENTION_PATTERN.finditer(text)]
    taken, ordered = 0, list[Span]()
    for span in sorted(found, key=lambda one: (one.start, -one.end)):
        if span.start >= taken:
            ordered.append(span)
            taken = span.end
    return tuple(ordered)


def _render_part(text: str, media: tuple[RenderedMedia, ...], limit: int) -> RenderedPart:
    return RenderedPart(text=text, spans=find_spans(text), media=media, used=len(text), limit=limit)


def _render_comment(draft: Draft, can: Capabilities) -> RenderedPart | None:
    text = displayed_text(draft.first_comment)
    return _render_part(text, (), can.max_comment_length) if text else None


def _comment_problems(comment: RenderedPart | None) -> tuple[Problem, ...]:
    if comment is None:
        return ()
    long = tuple(replace(p, field="first_comment") for p in check_length(NETWORK_LABEL, [comment]))
    return (*long, *unsendable_problem(NETWORK_LABEL, comment.text, "first_comment"))


def _network_problems(draft: Draft, part: Part, text: str, form: str) -> list[Problem]:
    found: list[Problem] = []

    def bad(code: str, field: str, message: str) -> None:
        found.append(Problem(code=code, message=message, params={"network": NETWORK_LABEL}, field=field))

    if not text and not part.media and not draft.link:
        bad("empty", "parts.0.text", "A post on {network} needs text, a link, an image or a video. Add one of these.")
    if draft.link and part.media:
        bad(
            "link-with-media",
            "link",
            "{network} shows either a link preview or images, not both. Remove the link preview or the images, or write the link into the text.",
        )
    if draft.link and not draft.link.url.startswith(("http://", "https://")):
        bad("bad-link", "link", "{network} accepts only links that begin with https:// or http://. Correct the link.")
    if form == "reel" and not any(one.kind is MediaKind.VIDEO for one in part.media):
        bad(
            "needs-video",
            "parts.0.media",
            "A reel on {network} needs a video. Add a video, or choose another format for the post.",
        )
    return found


def _reply_problems(draft: Draft, part: Part) -> list[Problem]:
    """An answer is a comment: words, under a post or comment that is named by its id."""
    given = (draft.reply_to or "").strip()
    if not given:
        return []
    found = []
    if not ID_PATTERN.fullmatch(given):
        message = "{given!r} is not the ID of a post or comment on {network}. Enter the ID from the {network} API (for example 1234_5678), not the web address."
        found.append(
            Problem(
                code="bad-reference",
                message=message,
                params={"network": NETWORK_LABEL, "given": given[:80]},
                field="reply_to",
            )
        )
    for what, field in ((part.media, "parts.0.media"), (draft.link, "link"), (draft.first_comment, "first_comment")):
        if what:
            message = (
                "A reply on {network} can contain only text. Remove the files, the link preview and the first comment."
            )
            found.append(Problem(code="words-alone", message=message, params={"network": NETWORK_LABEL}, field=field))
    return found


def _notices(draft: Draft) -> list[Problem]:
    link = draft.link
    if link is None or not (link.title or link.description or link.thumbnail):
        return []
    # Own titles are for verified owners of a domain only, since Graph v2.9 (2017).
    message = "{network} creates the link preview from the linked page. The title, description and image that you enter yourself are not shown."
    return [Problem(code="own-card-unused", message=message, params={"network": NETWORK_LABEL}, field="link")]


def _call_count(part: Part, comment: bool) -> int:
    video = any(one.kind is MediaKind.VIDEO for one in part.media)
    return (4 if video else len(part.media) + 1) + comment


def _lead_seconds(part: Part) -> int:
    """Seconds that sending the files may take; nobody sees them before the last step."""
    if not part.media:
        return 0
    video = any(one.kind is MediaKind.VIDEO for one in part.media)
    return (60 if video else 20) + 5 * len(part.media) + sum(one.size for one in part.media) // 1_000_000
