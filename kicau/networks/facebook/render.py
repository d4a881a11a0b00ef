"""From a draft to exactly what Facebook gets and shows."""

from __future__ import annotations

from dataclasses import replace

import regex

from kicau.connector.capabilities import Capabilities
from kicau.connector.checks import check_media, check_shape, filled_options, too_long
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
from kicau.networks._meta.text import shown, unsendable
from kicau.networks.facebook.limits import NETWORK, RECIPE, REEL
from kicau.networks.facebook.replies import ID

# Facebook's own reading: an address with its scheme or www., a tag with at least one letter, a Page by its id
# in the form @[id] (https://developers.facebook.com/docs/pages-api/posts, "mention a Page").
LINK = regex.compile(r"(?<![\w@./])(?:https?://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]}…]", regex.IGNORECASE)
TAG = regex.compile(r"(?<![\w&/#])#(?=[\p{N}_\p{M}]*\p{L})[\p{L}\p{M}\p{N}_]+")
MENTION = regex.compile(r"@\[(\d+)(?::[^\]\n]*)?\]")


def render(draft: Draft, can: Capabilities) -> Rendered:
    """Pure and total."""
    part = draft.parts[0] if draft.parts else Part()
    text, options = shown(part.text), filled_options(draft, can)
    options["format"] = chosen_format(options["format"], part.media)
    rules = {**can.media, MediaKind.VIDEO: REEL} if options["format"] == "reel" else can.media
    checked = check_media(NETWORK, 0, part.media, can, convert=draft.convert, rules=rules, recipe=RECIPE)
    longest = can.max_comment_length if draft.reply_to else can.max_length
    parts = [_part(text, checked.media, longest), *(_part(shown(p.text), (), longest) for p in draft.parts[1:])]
    comment = _comment(draft, can)
    problems = (
        *check_shape(NETWORK, draft, can),
        *too_long(NETWORK, parts),
        *unsendable(NETWORK, text, "parts.0.text"),
        *_comment_problems(comment),
        *checked.problems,
        *_own_problems(draft, part, text, options["format"]),
        *_answer_problems(draft, part),
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
        charges=(Charge("calls", 1 if draft.reply_to else _calls(part, bool(comment))),),
        lead=_lead(part),
    )


def chosen_format(asked: str, media: tuple[Media, ...]) -> str:
    """ "post", or how a video is shown: "auto" becomes a reel where the video is upright and short enough."""
    videos = [one for one in media if one.kind is MediaKind.VIDEO]
    if not videos:
        return "reel" if asked == "reel" else "auto"
    return asked if asked in ("video", "reel") else "reel" if fits_a_reel(videos[0]) else "video"


def fits_a_reel(video: Media) -> bool:
    return (
        video.mime in REEL.mimes
        and abs(video.aspect - REEL.max_aspect) <= 0.005
        and video.width >= REEL.min_width
        and REEL.min_duration_ms <= video.duration_ms <= REEL.max_duration_ms
        and REEL.min_fps - 0.1 <= video.fps <= REEL.max_fps + 0.1
    )


def spans(text: str) -> tuple[Span, ...]:
    """Addresses, tags and Page mentions as Facebook makes them, in order."""
    found: list[Span] = []
    for match in LINK.finditer(text):
        target = match[0] if "://" in match[0] else f"http://{match[0]}"
        found.append(Span(SpanKind.LINK, match.start(), match.end(), match[0], target))
    found += [Span(SpanKind.TAG, m.start(), m.end(), m[0], m[0][1:]) for m in TAG.finditer(text)]
    found += [Span(SpanKind.MENTION, m.start(), m.end(), m[0], m[1]) for m in MENTION.finditer(text)]
    taken, ordered = 0, list[Span]()
    for span in sorted(found, key=lambda one: (one.start, -one.end)):
        if span.start >= taken:
            ordered.append(span)
            taken = span.end
    return tuple(ordered)


def _part(text: str, media: tuple[RenderedMedia, ...], limit: int) -> RenderedPart:
    return RenderedPart(text=text, spans=spans(text), media=media, used=len(text), limit=limit)


def _comment(draft: Draft, can: Capabilities) -> RenderedPart | None:
    text = shown(draft.first_comment)
    return _part(text, (), can.max_comment_length) if text else None


def _comment_problems(comment: RenderedPart | None) -> tuple[Problem, ...]:
    if comment is None:
        return ()
    long = tuple(replace(p, field="first_comment") for p in too_long(NETWORK, [comment]))
    return (*long, *unsendable(NETWORK, comment.text, "first_comment"))


def _own_problems(draft: Draft, part: Part, text: str, form: str) -> list[Problem]:
    found: list[Problem] = []

    def bad(code: str, field: str, message: str) -> None:
        found.append(Problem(code=code, message=message, params={"network": NETWORK}, field=field))

    if not text and not part.media and not draft.link:
        bad("empty", "parts.0.text", "A post on {network} needs a text, a link, a picture or a video: add one.")
    if draft.link and part.media:
        bad(
            "link-with-media",
            "link",
            "{network} shows a link card or pictures, not both: remove one, or write the link into the text.",
        )
    if draft.link and not draft.link.url.startswith(("http://", "https://")):
        bad("bad-link", "link", "{network} needs a link that starts with https:// or http://: mend it.")
    if form == "reel" and not any(one.kind is MediaKind.VIDEO for one in part.media):
        bad("needs-video", "parts.0.media", "A reel on {network} needs a video: add one, or choose another format.")
    return found


def _answer_problems(draft: Draft, part: Part) -> list[Problem]:
    """An answer is a comment: words, under a post or comment that is named by its id."""
    given = (draft.reply_to or "").strip()
    if not given:
        return []
    found = []
    if not ID.fullmatch(given):
        message = "{network} knows posts and comments by their number in its API, not by {given!r}."
        found.append(
            Problem(
                code="bad-reference",
                message=message,
                params={"network": NETWORK, "given": given[:80]},
                field="reply_to",
            )
        )
    for what, field in ((part.media, "parts.0.media"), (draft.link, "link"), (draft.first_comment, "first_comment")):
        if what:
            message = "An answer on {network} has words alone: remove files, link card and first comment."
            found.append(Problem(code="words-alone", message=message, params={"network": NETWORK}, field=field))
    return found


def _notices(draft: Draft) -> list[Problem]:
    link = draft.link
    if link is None or not (link.title or link.description or link.thumbnail):
        return []
    # Own titles are for verified owners of a domain only, since Graph v2.9 (2017).
    message = (
        "{network} draws the link's card from the page itself: your own title, description and picture are not shown."
    )
    return [Problem(code="own-card-unused", message=message, params={"network": NETWORK}, field="link")]


def _calls(part: Part, comment: bool) -> int:
    video = any(one.kind is MediaKind.VIDEO for one in part.media)
    return (4 if video else len(part.media) + 1) + comment


def _lead(part: Part) -> int:
    """Seconds that sending the files may take; nobody sees them before the last step."""
    if not part.media:
        return 0
    video = any(one.kind is MediaKind.VIDEO for one in part.media)
    return (60 if video else 20) + 5 * len(part.media) + sum(one.size for one in part.media) // 1_000_000
