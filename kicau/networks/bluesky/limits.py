"""Every number of Bluesky with its source, and the capabilities built from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from kicau.connector.capabilities import Ability, Capabilities, Fact, MediaRule, Option
from kicau.connector.content import MediaKind, Recipe

NETWORK_LABEL = "Bluesky"
CHECKED_ON = date(2026, 11, 24)
LEXICONS_SOURCE = "https://github.com/bluesky-social/atproto/tree/main/lexicons (2026-08-20)"
RATES_SOURCE = "https://docs.bsky.app/docs/advanced-guides/rate-limits"
SERVER_SOURCE = "the answers of a real server (@atproto/pds 0.5.35)"
APP_SOURCE = "https://github.com/bluesky-social/social-app/blob/main/src/lib/constants.ts"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED_ON)


FACTS: Mapping[str, Fact] = {
    "max-length": _fact(300, f"{LEXICONS_SOURCE}: app.bsky.feed.post text, maxGraphemes"),
    "max-bytes": _fact(3000, f"{LEXICONS_SOURCE}: app.bsky.feed.post text, maxLength in UTF-8 bytes"),
    "unit": _fact("grapheme clusters (UAX 29), and UTF-8 bytes beside them", f"{LEXICONS_SOURCE} and {SERVER_SOURCE}"),
    "max-parts": _fact(100, "not limited by the network; beyond it a thread would spend too much of an hour's points"),
    "max-languages": _fact(3, f"{LEXICONS_SOURCE}: app.bsky.feed.post langs"),
    "max-tag-length": _fact(64, f"{LEXICONS_SOURCE}: app.bsky.richtext.facet#tag, maxGraphemes"),
    "images-max": _fact(4, f"{LEXICONS_SOURCE}: app.bsky.embed.images"),
    # The schema takes 20 and asks apps to stop at 10, as Bluesky's own does since June 2026.
    "gallery-max": _fact(10, f"{LEXICONS_SOURCE}: app.bsky.embed.gallery, description of items"),
    "image-max-size": _fact(2_000_000, f"{LEXICONS_SOURCE}: app.bsky.embed.images#image, maxSize"),
    "thumbnail-max-size": _fact(1_000_000, f"{LEXICONS_SOURCE}: app.bsky.embed.external#external thumb, maxSize"),
    "video-max-size": _fact(300_000_000, f"{LEXICONS_SOURCE}: app.bsky.embed.video, maxSize"),
    "video-max-duration-ms": _fact(
        600_000,
        "10 min since September 2026: https://bsky.app/profile/bsky.app/post/3mtwf7gxkwc2r, as quoted in https://github.com/williamsdb/php2Bluesky/issues/40",
    ),
    "captions-max-size": _fact(20_000, f"{LEXICONS_SOURCE}: app.bsky.embed.video#caption file, maxSize"),
    # Each server sets its own and tells it (com.atproto.server.describeServer, blobUploadLimit).
    "blob-max-size": _fact(
        50_000_000,
        f"{RATES_SOURCE} names 50 MB for Bluesky's own servers; {SERVER_SOURCE} takes 5,242,880 bytes by default",
    ),
    "max-alt": _fact(2000, f"no limit in the schema; {APP_SOURCE}: MAX_ALT_TEXT"),
    "create-points": _fact(3, RATES_SOURCE),
    "put-points": _fact(2, f"{SERVER_SOURCE}: putRecord counts as an update, also where it creates"),
    "delete-points": _fact(1, RATES_SOURCE),
    "points-an-hour": _fact(5000, f"{RATES_SOURCE}: writes of one account"),
    "points-a-day": _fact(35_000, f"{RATES_SOURCE}: writes of one account"),
    "session-days": _fact(14, f"{SERVER_SOURCE}: the longest sign-in by OAuth of a client without a key"),
    "session-days-with-key": _fact(
        730, f"{SERVER_SOURCE}: the longest sign-in by OAuth of a client with a key, used at least every 3 months"
    ),
}


def fact_number(name: str) -> int:
    """A fact that is a whole number. Raises KeyError for an unknown name."""
    return int(FACTS[name].value)


IMAGE_RULE = MediaRule(
    mimes=frozenset({"image/jpeg", "image/png", "image/webp"}),
    max_count=fact_number("gallery-max"),
    max_size=fact_number("image-max-size"),
    max_alt=fact_number("max-alt"),
)
GIF_RULE = replace(IMAGE_RULE, mimes=frozenset({"image/gif"}))
VIDEO_RULE = MediaRule(
    mimes=frozenset({"video/mp4"}),
    max_size=fact_number("blob-max-size"),
    max_duration_ms=fact_number("video-max-duration-ms"),
    max_alt=fact_number("max-alt"),
)
THUMBNAIL_RULE = replace(IMAGE_RULE, max_count=1, max_size=fact_number("thumbnail-max-size"), max_alt=0)

PICTURE_RECIPE = Recipe(mime="image/jpeg")
CARD_PICTURE_RECIPE = Recipe(
    mime="image/jpeg", max_width=1200, max_height=1200, max_size=fact_number("thumbnail-max-size")
)

REPLIES_OPTION = Option(
    name="replies",
    label="Who can reply to this post",
    choices=(
        ("", "Anyone"),
        ("following", "People you follow"),
        ("followers", "Your followers"),
        ("mentioned", "People you mention"),
        ("following+mentioned", "People you follow or mention"),
        ("nobody", "Nobody"),
    ),
    help="The setting “Who can reply to this post” applies to all posts of the thread.",
)
QUOTES_OPTION = Option(name="quotes", label="Who can quote this post", choices=(("", "Anyone"), ("nobody", "Nobody")))
WARNING_OPTION = Option(
    name="label",
    label="Content warning",
    choices=(
        ("", "None"),
        ("sexual", "Sexually suggestive"),
        ("nudity", "Nudity"),
        ("porn", "Adult content"),
        ("graphic-media", "Violent or disturbing images or videos"),
    ),
    help="Readers see this content warning before they see the post or its images.",
)
QUOTE_OPTION = Option(
    name="quote",
    label="Quote a post",
    help="Enter the link to the post that you want to quote (https://bsky.app/…), or its address that begins with at://.",
)
CAPTIONS_OPTION = Option(
    name="captions",
    label="Video subtitles",
    help="Paste the whole text of a subtitle file in the WebVTT format, at most 20,000 bytes. The subtitles must be in the language of the post.",
    long=True,
)

baseline = Capabilities(
    max_length=fact_number("max-length"),
    unit="graphemes",
    max_parts=fact_number("max-parts"),
    media={MediaKind.IMAGE: IMAGE_RULE, MediaKind.GIF: GIF_RULE, MediaKind.VIDEO: VIDEO_RULE},
    max_media=fact_number("gallery-max"),
    abilities=frozenset({Ability.THREAD, Ability.REPLY, Ability.DELETE, Ability.ALT_TEXT, Ability.LINK_CARD}),
    options=(REPLIES_OPTION, QUOTES_OPTION, WARNING_OPTION, QUOTE_OPTION, CAPTIONS_OPTION),
    facts=FACTS,
)


def capabilities_for_server(blob_limit: int) -> Capabilities:
    """What an account can do on a server that takes files of up to `blob_limit` bytes; 0: it did not say."""
    if blob_limit <= 0:
        return baseline
    video = min(blob_limit, fact_number("video-max-size"))
    picture = min(blob_limit, fact_number("image-max-size"))
    told = Fact(
        value=blob_limit, source="the account's own server: com.atproto.server.describeServer", checked=CHECKED_ON
    )
    return replace(
        baseline,
        media={
            MediaKind.IMAGE: replace(IMAGE_RULE, max_size=picture),
            MediaKind.GIF: replace(GIF_RULE, max_size=picture),
            MediaKind.VIDEO: replace(VIDEO_RULE, max_size=video),
        },
        facts={**FACTS, "blob-max-size": told},
    )
