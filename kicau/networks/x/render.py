"""A draft as X will show it. Pure: no I/O, never raises, cuts nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from kicau.connector.capabilities import Capabilities
from kicau.connector.checks.media import check_media
from kicau.connector.checks.polls import check_poll
from kicau.connector.checks.shape import check_length, check_shape, resolve_options
from kicau.connector.content import (
    Charge,
    Draft,
    MediaKind,
    Part,
    Problem,
    Recipe,
    Rendered,
    RenderedMedia,
    RenderedPart,
    Span,
    SpanKind,
)
from kicau.networks.x.errors import NETWORK_LABEL
from kicau.networks.x.limits import SELF_SERVE_REPLIES, fact_number
from kicau.networks.x.text import find_entities, heavy_emoji, weighted_length
from kicau.networks.x.wire import METADATA_METER, POST_METER, POST_WITH_LINK_METER, SUMMONED_REPLY_METER

JPEG_RECIPE = Recipe(mime="image/jpeg")
POST_ID_PATTERN = re.compile(r"(?:^|/status(?:es)?/)(\d{1,19})(?:[/?#].*)?$")
# twitter-text names the first three invalid; a lone surrogate is no character at all and U+0000 ends texts early.
UNSENDABLE_PATTERN = re.compile("[\ufffe\ufeff\uffff\x00\ud800-\udfff]")
MAX_NAMED_EMOJI = 5  # in one notice
FOLDED_LENGTH = 280  # weighted characters of a long post that readers see before "Show more"


type ProblemParams = dict[str, str | int | float]


def render(draft: Draft, can: Capabilities) -> Rendered:
    """Exactly what X will get, with every problem and price."""
    draft, notices = _with_link(draft)
    problems = list(check_shape(NETWORK_LABEL, draft, can))
    parts: list[RenderedPart] = []
    for n, part in enumerate(draft.parts):
        checked = check_media(NETWORK_LABEL, n, part.media, can, convert=draft.convert, recipe=JPEG_RECIPE)
        parts.append(_render_part(part, checked.media, can))
        problems += checked.problems
        notices += checked.notices
        problems += _part_problems(n, part, parts[n], poll=n == 0 and draft.poll is not None)
        notices += _part_notices(n, part, parts[n])
    problems += check_length(NETWORK_LABEL, parts, can_thread=True)
    problems += check_poll(NETWORK_LABEL, draft.poll, can, map(len, draft.poll.options)) if draft.poll else ()
    options = resolve_options(draft, can)
    reply_to, quote, more = _referenced_posts(draft, options)
    problems += more
    notices += _reply_notices(draft, can)
    if "quote" in options:
        options["quote"] = quote
    return Rendered(
        parts=tuple(parts),
        poll=draft.poll,
        reply_to=reply_to,
        answers_own=draft.answers_own if reply_to else None,
        options=options,
        problems=tuple(problems),
        notices=tuple(notices),
        charges=tuple(_charges(parts, reply_to, draft.answers_own)),
        lead=_lead_seconds(parts),
    )


def _lead_seconds(parts: Iterable[RenderedPart]) -> int:
    """Seconds ahead in which files are uploaded: pictures are one call each, GIFs and videos are processed by X."""
    kinds = {one.media.kind for part in parts for one in part.media}
    if not kinds:
        return 0
    return 60 if kinds == {MediaKind.IMAGE} else 600


def find_spans(text: str) -> tuple[Span, ...]:
    """Links, mentions, hashtags and cashtags by X's own rules, in order."""
    found = []
    for one in sorted(find_entities(text), key=lambda e: e.start):
        written = text[one.start : one.end]
        match one.kind:
            case "link":
                target = written if re.match(r"https?://", written, re.I) else f"http://{written}"
                found.append(Span(SpanKind.LINK, one.start, one.end, written, target))
            case "mention":
                found.append(Span(SpanKind.MENTION, one.start, one.end, written, written[1:]))
            case "tag":
                found.append(Span(SpanKind.TAG, one.start, one.end, written, written[1:]))
            case _:
                found.append(Span(SpanKind.TAG, one.start, one.end, written, written))  # a cashtag keeps its $
    return tuple(found)


def charge_of_part(part: RenderedPart, *, answers: bool, own: bool | None) -> Charge:
    """What creating this part is billed as. `answers`: whether it answers a post that was there before; `own`: whether
    that is the account's own, so that nobody summoned the answer; None where that is not known."""
    if any(span.kind is SpanKind.LINK for span in part.spans):
        return Charge(POST_WITH_LINK_METER)
    if not answers or own:
        return Charge(POST_METER)
    return Charge(SUMMONED_REPLY_METER, estimated=own is None)


def wants_alt(media: RenderedMedia) -> bool:
    """Whether an alt text is sent for this file. X shows none on videos."""
    return bool(media.media.alt) and media.media.kind in (MediaKind.IMAGE, MediaKind.GIF)


def _render_part(part: Part, media: tuple[RenderedMedia, ...], can: Capabilities) -> RenderedPart:
    text = part.text.replace("\r\n", "\n")
    return RenderedPart(
        text=text, spans=find_spans(text), media=media, used=weighted_length(text), limit=can.max_length, unit=can.unit
    )


def _part_problems(n: int, part: Part, made: RenderedPart, *, poll: bool) -> Iterable[Problem]:
    where = f"part {n + 1} of the thread" if n else "the post"
    text, media = f"parts.{n}.text", f"parts.{n}.media"
    if not made.text.strip() and not part.media:
        message = "For {network}, {text_or_part} is empty. Write text or add an image."
        yield Problem(
            code="empty", message=message, params={"network": NETWORK_LABEL, "text_or_part": where}, field=text
        )
    if bad := UNSENDABLE_PATTERN.search(made.text):
        message = "{network} does not accept the character {character}, which is character number {place} in {text_or_part}. Delete this character."
        params: ProblemParams = {
            "network": NETWORK_LABEL,
            "character": f"U+{ord(bad[0]):04X}",
            "text_or_part": where,
            "place": bad.start() + 1,
        }
        yield Problem(code="bad-character", message=message, params=params, field=text)
    cashtags = sum(s.kind is SpanKind.TAG and s.text.startswith("$") for s in made.spans)
    if cashtags > (limit := fact_number("max-cashtags")):
        message = "{network} allows at most one cashtag (a stock symbol such as $TSLA) in a post, but {text_or_part} has {actual}. Keep only one cashtag."
        params = {"network": NETWORK_LABEL, "text_or_part": where, "limit": limit, "actual": cashtags}
        yield Problem(
            code="too-many-cashtags", message=message, params=params, field=text, limit=limit, actual=cashtags
        )
    if poll and part.media:
        message = "{network} does not allow a poll together with images or a video. Remove the poll, or remove the images and the video."
        yield Problem(code="poll-with-media", message=message, params={"network": NETWORK_LABEL}, field=media)
    pixels, name = fact_number("gif-max-pixels"), ""
    for m, one in enumerate(part.media):
        actual = one.width * one.height * one.frames
        if one.kind is MediaKind.GIF and actual > pixels:
            name = one.name or one.ref
            message = "All images of the animated GIF {name} together have {actual} million pixels, but {network} accepts at most {limit} million. Make the GIF smaller or shorter."
            params = {
                "network": NETWORK_LABEL,
                "limit": pixels // 1_000_000,
                "name": name,
                "actual": round(actual / 1e6),
            }
            yield Problem(
                code="too-many-pixels",
                message=message,
                params=params,
                field=f"{media}.{m}",
                limit=pixels,
                actual=actual,
            )


def _part_notices(n: int, part: Part, made: RenderedPart) -> Iterable[Problem]:
    for m, one in enumerate(part.media):
        if one.kind is MediaKind.VIDEO and one.alt:
            message = "{network} does not support alt text for videos. Kicau saves the alt text of {name} but does not send it to the network."
            params: ProblemParams = {"network": NETWORK_LABEL, "name": one.name or one.ref}
            yield Problem(code="no-alt-on-video", message=message, params=params, field=f"parts.{n}.media.{m}.alt")
    if heavy := heavy_emoji(made.text):
        message = "{network} may count each of these emoji as more than 2 characters: {emoji}. Kicau uses the higher count so that {network} does not reject the post as too long."
        params = {"network": NETWORK_LABEL, "emoji": " ".join(list(heavy)[:MAX_NAMED_EMOJI])}
        yield Problem(code="heavy-emoji", message=message, params=params, field=f"parts.{n}.text")
    if FOLDED_LENGTH < made.used <= made.limit:
        message = "{network} shows the first {limit} characters of this text and hides the rest behind “Show more”."
        params = {"network": NETWORK_LABEL, "limit": FOLDED_LENGTH}
        yield Problem(
            code="folds", message=message, params=params, field=f"parts.{n}.text", limit=FOLDED_LENGTH, actual=made.used
        )


def _with_link(draft: Draft) -> tuple[Draft, list[Problem]]:
    """X draws cards from the address in the text alone, so a link that is not in it is put there."""
    notices: list[Problem] = []
    link = draft.link
    params: ProblemParams = {"network": NETWORK_LABEL}
    if draft.poll and draft.poll.question:
        message = (
            "A poll on {network} has no separate field for the question. Readers see the post's text as the question."
        )
        notices.append(Problem(code="no-poll-question", message=message, params=params, field="poll.question"))
    if link is None or not draft.parts:
        return draft, notices
    if link.title or link.description or link.thumbnail:
        message = "{network} creates the link preview itself from the linked page. Kicau does not send the title, description and image that you entered."
        notices.append(Problem(code="no-link-card", message=message, params=params, field="link"))
    first = draft.parts[0]
    if link.url and not any(link.url in part.text for part in draft.parts):
        joined = f"{first.text.rstrip()}\n{link.url}" if first.text.strip() else link.url
        draft = replace(draft, parts=(replace(first, text=joined), *draft.parts[1:]))
        message = "On {network}, a link must be part of the text, so Kicau adds the link at the end of the text."
        notices.append(Problem(code="link-in-text", message=message, params=params, field="link"))
    return draft, notices


def _referenced_posts(draft: Draft, options: dict[str, str]) -> tuple[str | None, str, list[Problem]]:
    """The ids of the posts that this one answers and quotes; an address is taken for its id."""
    problems = []
    found: dict[str, str] = {}
    for field, given in (("reply_to", draft.reply_to or ""), ("options.quote", options.get("quote", ""))):
        fits = POST_ID_PATTERN.search(given.strip())
        found[field] = fits[1] if fits else given
        if given and not fits:
            message = "{given} is not the ID or link of a {network} post. Enter the post's ID, or a link that ends in /status/ and a number."
            params: ProblemParams = {"network": NETWORK_LABEL, "given": repr(given[:100])}
            problems.append(Problem(code="bad-reference", message=message, params=params, field=field))
    return found["reply_to"] or None, found["options.quote"], problems


def _reply_notices(draft: Draft, can: Capabilities) -> Iterable[Problem]:
    fact = can.facts.get("replies")
    if draft.reply_to and fact is not None and fact.value == SELF_SERVE_REPLIES:
        message = "On {network}, this account can reply only to its own posts, or to posts that mention or quote this account."
        yield Problem(code="summoned-only", message=message, params={"network": NETWORK_LABEL}, field="reply_to")


def _charges(parts: list[RenderedPart], reply_to: str | None, own: bool | None) -> Iterable[Charge]:
    """In the order in which they will be spent: alt texts, then posts."""
    for part in parts:
        for media in part.media:
            if wants_alt(media):
                yield Charge(METADATA_METER)
    for n, part in enumerate(parts):
        yield replace(charge_of_part(part, answers=n == 0 and bool(reply_to), own=own), proven=True)
