"""Every number of Bluesky with its source, and the capabilities built from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from kicau.connector.capabilities import Ability, Capabilities, Fact, MediaRule, Option
from kicau.connector.content import MediaKind, Recipe

LABEL = "Bluesky"
CHECKED = date(2026, 11, 24)
LEXICONS = "https://github.com/bluesky-social/atproto/tree/main/lexicons (2026-08-20)"
RATES = "https://docs.bsky.app/docs/advanced-guides/rate-limits"
SERVER = "the answers of a real server (@atproto/pds 0.5.35)"
APP = "https://github.com/bluesky-social/social-app/blob/main/src/lib/constants.ts"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED)


FACTS: Mapping[str, Fact] = {
    "max-length": _fact(300, f"{LEXICONS}: app.bsky.feed.post text, maxGraphemes"),
    "max-bytes": _fact(3000, f"{LEXICONS}: app.bsky.feed.post text, maxLength in UTF-8 bytes"),
    "unit": _fact("grapheme clusters (UAX 29), and UTF-8 bytes beside them", f"{LEXICONS} and {SERVER}"),
    "max-parts": _fact(100, "not limited by the network; beyond it a thread would spend too much of an hour's points"),
    "max-languages": _fact(3, f"{LEXICONS}: app.bsky.feed.post langs"),
    "max-tag-length": _fact(64, f"{LEXICONS}: app.bsky.richtext.facet#tag, maxGraphemes"),
    "images-max": _fact(4, f"{LEXICONS}: app.bsky.embed.images"),
    # The schema takes 20 and asks apps to stop at 10, as Bluesky's own does since June 2026.
    "gallery-max": _fact(10, f"{LEXICONS}: app.bsky.embed.gallery, description of items"),
    "image-max-size": _fact(2_000_000, f"{LEXICONS}: app.bsky.embed.images#image, maxSize"),
    "thumbnail-max-size": _fact(1_000_000, f"{LEXICONS}: app.bsky.embed.external#external thumb, maxSize"),
    "video-max-size": _fact(300_000_000, f"{LEXICONS}: app.bsky.embed.video, maxSize"),
    "video-max-duration-ms": _fact(
        600_000,
        "10 min since September 2026: https://bsky.app/profile/bsky.app/post/3mtwf7gxkwc2r, as quoted in https://github.com/williamsdb/php2Bluesky/issues/40",
    ),
    "captions-max-size": _fact(20_000, f"{LEXICONS}: app.bsky.embed.video#caption file, maxSize"),
    # Each server sets its own and tells it (com.atproto.server.describeServer, blobUploadLimit).
    "blob-max-size": _fact(
        50_000_000, f"{RATES} names 50 MB for Bluesky's own servers; {SERVER} takes 5,242,880 bytes by default"
    ),
    "max-alt": _fact(2000, f"no limit in the schema; {APP}: MAX_ALT_TEXT"),
    "create-points": _fact(3, RATES),
    "put-points": _fact(2, f"{SERVER}: putRecord counts as an update, also where it creates"),
    "delete-points": _fact(1, RATES),
    "points-an-hour": _fact(5000, f"{RATES}: writes of one account"),
    "points-a-day": _fact(35_000, f"{RATES}: writes of one account"),
    "session-days": _fact(14, f"{SERVER}: the longest sign-in by OAuth of a client without a key"),
    "session-days-with-key": _fact(
        730, f"{SERVER}: the longest sign-in by OAuth of a client with a key, used at least every 3 months"
    ),
}


def number(name: str) -> int:
    """A fact that is a whole number. Raises KeyError for an unknown name."""
    return int(FACTS[name].value)


IMAGE = MediaRule(
    mimes=frozenset({"image/jpeg", "image/png", "image/webp"}),
    max_count=number("gallery-max"),
    max_size=number("image-max-size"),
    max_alt=number("max-alt"),
)
GIF = replace(IMAGE, mimes=frozenset({"image/gif"}))
VIDEO = MediaRule(
    mimes=frozenset({"video/mp4"}),
    max_size=number("blob-max-size"),
    max_duration_ms=number("video-max-duration-ms"),
    max_alt=number("max-alt"),
)
THUMBNAIL = replace(IMAGE, max_count=1, max_size=number("thumbnail-max-size"), max_alt=0)

PICTURE = Recipe(mime="image/jpeg")
CARD_PICTURE = Recipe(mime="image/jpeg", max_width=1200, max_height=1200, max_size=number("thumbnail-max-size"))

REPLIES = Option(
    name="replies",
    label="Who can reply",
    choices=(
        ("", "Anyone"),
        ("following", "People you follow"),
        ("followers", "Your followers"),
        ("mentioned", "People you mention"),
        ("following+mentioned", "People you follow or mention"),
        ("nobody", "Nobody"),
    ),
    help="Holds for the whole thread.",
)
QUOTES = Option(name="quotes", label="Who can quote it", choices=(("", "Anyone"), ("nobody", "Nobody")))
WARNING = Option(
    name="label",
    label="Content warning",
    choices=(
        ("", "None"),
        ("sexual", "Suggestive"),
        ("nudity", "Nudity"),
        ("porn", "Adult"),
        ("graphic-media", "Graphic media"),
    ),
    help="Readers see the warning before the post or its pictures.",
)
QUOTE = Option(name="quote", label="Quotes this post", help="The post's address on bsky.app, or its at:// address.")
CAPTIONS = Option(
    name="captions",
    label="Captions of the video",
    help="The text of a WebVTT file, in the post's language; at most 20,000 bytes.",
    long=True,
)

baseline = Capabilities(
    max_length=number("max-length"),
    unit="graphemes",
    max_parts=number("max-parts"),
    media={MediaKind.IMAGE: IMAGE, MediaKind.GIF: GIF, MediaKind.VIDEO: VIDEO},
    max_media=number("gallery-max"),
    abilities=frozenset({Ability.THREAD, Ability.REPLY, Ability.DELETE, Ability.ALT_TEXT, Ability.LINK_CARD}),
    options=(REPLIES, QUOTES, WARNING, QUOTE, CAPTIONS),
    facts=FACTS,
)


def for_server(blob_limit: int) -> Capabilities:
    """What an account can do on a server that takes files of up to `blob_limit` bytes; 0: it did not say."""
    if blob_limit <= 0:
        return baseline
    video = min(blob_limit, number("video-max-size"))
    picture = min(blob_limit, number("image-max-size"))
    told = Fact(value=blob_limit, source="the account's own server: com.atproto.server.describeServer", checked=CHECKED)
    return replace(
        baseline,
        media={
            MediaKind.IMAGE: replace(IMAGE, max_size=picture),
            MediaKind.GIF: replace(GIF, max_size=picture),
            MediaKind.VIDEO: replace(VIDEO, max_size=video),
        },
        facts={**FACTS, "blob-max-size": told},
    )
