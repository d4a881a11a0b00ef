"""The records of a post, built from what was rendered: pure, and the same at every repeat."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from kicau.connector.content import (
    JSON,
    Delivery,
    Media,
    MediaKind,
    Rendered,
    RenderedMedia,
    RenderedPart,
    SpanKind,
)
from kicau.networks.bluesky import text
from kicau.networks.bluesky.limits import CARD_PICTURE_RECIPE, THUMBNAIL_RULE, fact_number

POST_COLLECTION = "app.bsky.feed.post"
THREADGATE_COLLECTION = "app.bsky.feed.threadgate"
POSTGATE_COLLECTION = "app.bsky.feed.postgate"

TID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"  # of a TID, in the order in which it sorts
TID_WINDOW = 1 << 36  # microseconds, about 19 hours
MIN_TID_MICROSECONDS = 1_767_225_600_000_000  # 2026-01-01 UTC, in microseconds
MAX_DELAY = timedelta(minutes=10)

AT_URI_PATTERN = re.compile(r"at://([^/\s?#]+)/app\.bsky\.feed\.post/([A-Za-z0-9._~:-]{1,512})")
POST_URL_PATTERN = re.compile(r"https?://[^/\s?#]+/profile/([^/\s?#]+)/post/([A-Za-z0-9._~:-]{1,512})/?(?:[?#].*)?")

REPLY_RULES: Mapping[str, str] = {"mentioned": "mentionRule", "following": "followingRule", "followers": "followerRule"}


def record_key(key: UUID, part: int) -> str:
    """The key under which a part is kept, chosen before anything is sent: a TID (https://atproto.com/specs/tid).

    Time and clock of it are drawn from the delivery's key: a moment in the 19 hours before the key was made, to the
    microsecond, and one of 1,024 clocks. So two deliveries share one about as rarely as once in 10^13 pairs.
    """
    noise = int.from_bytes(hashlib.sha256(b"kicau bluesky record" + key.bytes).digest())
    made = (key.int >> 80) * 1000 if key.version == 7 else MIN_TID_MICROSECONDS
    moment = max(made - noise % TID_WINDOW, 0) + part
    number_ = (moment & ((1 << 53) - 1)) << 10 | noise >> 64 & 0x3FF
    return "".join(TID_ALPHABET[number_ >> 5 * place & 31] for place in range(12, -1, -1))


def created_at(delivery: Delivery, part: int, now: datetime) -> str:
    """What the record says of itself: the planned second, so that a repeat says the same; of one that is late, the last
    full ten minutes since.
    """
    at = (
        now if delivery.due_at is None else min(delivery.due_at + (now - delivery.due_at) // MAX_DELAY * MAX_DELAY, now)
    )
    return _iso_time(at + timedelta(milliseconds=part))  # a thread sorts by it


def _iso_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def at_uri_of_reference(given: str) -> str:
    """The at:// address of a post that somebody named by it or by its page; "" where it is neither."""
    found = AT_URI_PATTERN.fullmatch(given.strip()) or POST_URL_PATTERN.fullmatch(given.strip())
    return f"at://{found[1]}/{POST_COLLECTION}/{found[2]}" if found else ""


def split_uri(uri: str) -> tuple[str, str, str]:
    """Repository, collection and key of an at:// address. Raises ValueError."""
    if not uri.startswith("at://"):
        raise ValueError(uri)
    repo, collection, key = uri[5:].split("/")
    return repo, collection, key


def files_of_post(post: Rendered) -> Iterator[tuple[str, RenderedMedia]]:
    """Every file that is uploaded for a post, in order, each with a name for it that stays the same."""
    for p, part in enumerate(post.parts):
        yield from ((f"{p}.{n}", one) for n, one in enumerate(part.media))
    if shown := card_picture(post):
        yield "card", shown


def card_picture(post: Rendered) -> RenderedMedia | None:
    """The link card's picture: as it is where the network takes it, else made smaller."""
    one = post.link.thumbnail if post.link else None
    if one is None:
        return None
    fits = one.mime in THUMBNAIL_RULE.mimes and one.size <= fact_number("thumbnail-max-size")
    return RenderedMedia(media=one, recipe=None if fits else CARD_PICTURE_RECIPE)


def mentioned_handles(post: Rendered) -> tuple[str, ...]:
    """The handles that the texts mention, each once."""
    found = (s.target for part in post.parts for s in part.spans if s.kind is SpanKind.MENTION)
    return tuple(dict.fromkeys(found))


def post_record(post: Rendered, part: int, progress: Mapping[str, Any], at: str) -> dict[str, JSON]:
    """The record of one part; `progress` holds its blobs, the people it mentions and the posts it refers to."""
    one, refs = post.parts[part], progress.get("refs") or {}
    record: dict[str, JSON] = {"$type": POST_COLLECTION, "text": one.text, "createdAt": at}
    if facets := _build_facets(one, refs.get("people") or {}):
        record["facets"] = facets
    if reply := _reply_reference(part, progress.get("posts") or [], refs):
        record["reply"] = reply
    if embed := _build_embed(post, part, progress, refs):
        record["embed"] = embed
    if post.language:
        languages: list[JSON] = list(post.language.split(","))
        record["langs"] = languages
    if label := post.options.get("label"):
        record["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": label}]}
    return record


def _build_facets(part: RenderedPart, people: Mapping[str, str]) -> list[JSON]:
    places = [place for span in part.spans for place in (span.start, span.end)]
    offsets = text.byte_offsets(part.text, places)
    found: list[JSON] = []
    for n, span in enumerate(part.spans):
        match span.kind:
            case SpanKind.LINK:
                feature = {"$type": "app.bsky.richtext.facet#link", "uri": span.target}
            case SpanKind.TAG:
                feature = {"$type": "app.bsky.richtext.facet#tag", "tag": span.target}
            case _:
                if not people.get(span.target):
                    continue  # nobody has this name: the words stay plain text
                feature = {"$type": "app.bsky.richtext.facet#mention", "did": people[span.target]}
        found.append({"index": {"byteStart": offsets[2 * n], "byteEnd": offsets[2 * n + 1]}, "features": [{**feature}]})
    return found


def _reply_reference(part: int, out: list[Any], refs: Mapping[str, Any]) -> dict[str, JSON]:
    """Root and parent: the post that the first part answers, then each part the one before."""
    answered = refs.get("reply")
    if part == 0:
        return dict(answered) if answered else {}
    first, before = ({"uri": one["uri"], "cid": one["cid"]} for one in (out[0], out[part - 1]))
    return {"root": answered["root"] if answered else first, "parent": before}


def _build_embed(post: Rendered, part: int, progress: Mapping[str, Any], refs: Mapping[str, Any]) -> dict[str, JSON]:
    shown = _media_embed(post, part, progress.get("blobs") or {})
    quoted = refs.get("quote") if part == 0 else None
    if not quoted:
        return shown
    record: dict[str, JSON] = {"$type": "app.bsky.embed.record", "record": dict(quoted)}
    if not shown:
        return record
    return {"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": shown}


def _media_embed(post: Rendered, part: int, blobs: Mapping[str, Any]) -> dict[str, JSON]:
    media = post.parts[part].media
    if media and media[0].media.kind is MediaKind.VIDEO:
        captions = blobs.get("captions") if part == _first_video_part(post) else None
        return _video_embed(post, media[0].media, blobs[f"{part}.0"], captions)
    if media:
        return _pictures_embed(media, [blobs[f"{part}.{n}"] for n in range(len(media))])
    if part == 0 and post.link:
        external: dict[str, JSON] = {
            "uri": post.link.url,
            "title": post.link.title,
            "description": post.link.description,
        }
        if "card" in blobs:
            external["thumb"] = blobs["card"]
        return {"$type": "app.bsky.embed.external", "external": external}
    return {}


def _first_video_part(post: Rendered) -> int:
    """The part whose video the captions belong to."""
    return next(
        (p for p, part in enumerate(post.parts) if part.media and part.media[0].media.kind is MediaKind.VIDEO), -1
    )


def _pictures_embed(media: tuple[RenderedMedia, ...], blobs: list[JSON]) -> dict[str, JSON]:
    """Up to four side by side; more are a gallery, which is a type of its own."""
    gallery = len(media) > fact_number("images-max")
    items: list[JSON] = []
    for one, blob in zip(media, blobs, strict=True):
        item: dict[str, JSON] = {"image": blob, "alt": one.media.alt}
        if one.media.width and one.media.height:
            item["aspectRatio"] = _aspect_ratio(one.media)
        elif gallery:
            item["aspectRatio"] = {"width": 1, "height": 1}
        items.append({"$type": "app.bsky.embed.gallery#image", **item} if gallery else item)
    if gallery:
        return {"$type": "app.bsky.embed.gallery", "items": items}
    return {"$type": "app.bsky.embed.images", "images": items}


def _video_embed(post: Rendered, one: Media, blob: JSON, captions: JSON) -> dict[str, JSON]:
    shown: dict[str, JSON] = {"$type": "app.bsky.embed.video", "video": blob}
    if one.alt:
        shown["alt"] = one.alt
    if one.width and one.height:
        shown["aspectRatio"] = _aspect_ratio(one)
    if captions:
        shown["captions"] = [{"lang": (post.language or "en").split(",")[0], "file": captions}]
    return shown


def _aspect_ratio(one: Media) -> dict[str, JSON]:
    return {"width": one.width, "height": one.height}


def reply_and_quote_gates(post: Rendered, uri: str, at: str) -> list[tuple[str, dict[str, JSON]]]:
    """The records beside a thread's first post that say who may reply to it and quote it: (collection, record)."""
    found: list[tuple[str, dict[str, JSON]]] = []
    if chosen := post.options.get("replies"):
        allow: list[JSON] = [
            {"$type": f"{THREADGATE_COLLECTION}#{REPLY_RULES[who]}"} for who in chosen.split("+") if who in REPLY_RULES
        ]
        found.append(
            (THREADGATE_COLLECTION, {"$type": THREADGATE_COLLECTION, "post": uri, "allow": allow, "createdAt": at})
        )
    if post.options.get("quotes") == "nobody":
        rules: list[JSON] = [{"$type": f"{POSTGATE_COLLECTION}#disableRule"}]
        found.append(
            (POSTGATE_COLLECTION, {"$type": POSTGATE_COLLECTION, "post": uri, "embeddingRules": rules, "createdAt": at})
        )
    return found
