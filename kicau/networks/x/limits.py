"""Every number of X with its source, and the capabilities built from them.

Where X's own pages disagree, the stricter one is the limit of a usual account and the note beside it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from kicau.connector.capabilities import Ability, Capabilities, Fact, MediaRule, Option, PollRule
from kicau.connector.content import MediaKind

CHECKED_ON = date(2026, 11, 24)
SPEC_SOURCE = "X API v2 OpenAPI 2.167, 2026-08-22"
MEDIA_SOURCE = "https://docs.x.com/x-api/media/quickstart/best-practices"
RATES_SOURCE = "https://docs.x.com/x-api/fundamentals/rate-limits"
CHANGELOG_SOURCE = "https://docs.x.com/changelog"

SELF_SERVE_REPLIES = "summoned"  # value of the fact "replies": only to those who mentioned or quoted the account
ANY_REPLIES = "any"
OPEN_TIERS = frozenset({"enterprise"})  # App.tier: apps that X's self-serve rules of 2026 do not bind


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED_ON)


FACTS: Mapping[str, Fact] = {
    "max-length": _fact(280, "twitter-text configuration v3, maxWeightedTweetLength (2021-10-21)"),
    "link-length": _fact(23, "twitter-text configuration v3, transformedURLLength (2021-10-21)"),
    "premium-max-length": _fact(25_000, f"{CHANGELOG_SOURCE} (2024-08-20)"),
    # Not a rule of X: a longer thread would run into the limit on posting before its end.
    "max-parts": _fact(100, f"{RATES_SOURCE}: POST /2/tweets, 100 per 15 min and user"),
    "max-media": _fact(4, f"{SPEC_SOURCE}: CreatePostsMedia.media_ids"),
    "max-cashtags": _fact(1, "X developer changelog, April 2026: at most one cashtag in a post"),
    "image-max-size": _fact(5_000_000, f"{MEDIA_SOURCE}: 5 MB"),
    "gif-max-size": _fact(15_000_000, f"{MEDIA_SOURCE}: 15 MB"),
    "gif-max-width": _fact(1280, f"{MEDIA_SOURCE}: 1280x1080"),
    "gif-max-height": _fact(1080, f"{MEDIA_SOURCE}: 1280x1080"),
    "gif-max-frames": _fact(350, f"{MEDIA_SOURCE}: 350 frames"),
    "gif-max-pixels": _fact(300_000_000, f"{MEDIA_SOURCE}: width × height × frames"),
    # The page was reworded in 2026: a version of it allows a usual account 20 minutes and 8 GB. Not tried live.
    "video-max-size": _fact(512_000_000, f"{MEDIA_SOURCE}: 512 MB"),
    "video-min-duration-ms": _fact(500, f"{MEDIA_SOURCE}: 0.5 s"),
    "video-max-duration-ms": _fact(140_000, f"{MEDIA_SOURCE}: 140 s"),
    "video-min-side": _fact(32, f"{MEDIA_SOURCE}: 32x32"),
    # "Between 32x32 and 1280x1024", while 720x1280 is recommended: so the numbers bind whichever way it is turned.
    "video-max-long-side": _fact(1280, f"{MEDIA_SOURCE}: 1280x1024"),
    "video-max-pixels": _fact(1280 * 1024, f"{MEDIA_SOURCE}: 1280x1024"),
    "video-min-aspect": _fact(1 / 3, f"{MEDIA_SOURCE}: 1:3 to 3:1"),
    "video-max-aspect": _fact(3.0, f"{MEDIA_SOURCE}: 1:3 to 3:1"),
    "video-max-fps": _fact(60.0, f"{MEDIA_SOURCE}: 60 FPS"),
    "premium-video-max-size": _fact(16_000_000_000, f"{MEDIA_SOURCE}: 16 GB for Premium and verified accounts (2026)"),
    "premium-video-max-duration-ms": _fact(
        125 * 60_000, f"{MEDIA_SOURCE}: 125 minutes for Premium and verified (2026)"
    ),
    "premium-video-max-long-side": _fact(1920, f"{MEDIA_SOURCE}: 1080p for subscribed users"),
    "premium-video-max-pixels": _fact(1920 * 1200, f"{MEDIA_SOURCE}: 1080p for subscribed users"),
    "max-alt": _fact(1000, f"{SPEC_SOURCE}: CreateMediaMetadataMetadataAltText.text"),
    "poll-min-options": _fact(2, f"{SPEC_SOURCE}: CreatePostsPoll.options"),
    "poll-max-options": _fact(4, f"{SPEC_SOURCE}: CreatePostsPoll.options"),
    "poll-max-option-length": _fact(25, f"{SPEC_SOURCE}: CreatePostsPoll.options"),
    "poll-min-minutes": _fact(5, f"{SPEC_SOURCE}: CreatePostsPoll.duration_minutes"),
    "poll-max-minutes": _fact(10080, f"{SPEC_SOURCE}: CreatePostsPoll.duration_minutes"),
    "max-segments": _fact(1000, f"{SPEC_SOURCE}: AppendMediaUploadRequest.segment_index 0 to 999"),
    "replies": _fact(
        SELF_SERVE_REPLIES, "X developer changelog, February 2026: self-serve apps reply only when summoned"
    ),
    "quote-posts": _fact("none", "X developer changelog, April 2026: no quote-posts for self-serve apps"),
}


def fact_number(name: str) -> int:
    """A fact that is a whole number. Raises KeyError for an unknown name."""
    return int(FACTS[name].value)


def fact_float(name: str) -> float:
    return float(FACTS[name].value)


IMAGE_RULE = MediaRule(
    mimes=frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
    max_count=fact_number("max-media"),
    max_size=fact_number("image-max-size"),
    max_alt=fact_number("max-alt"),
)
GIF_RULE = MediaRule(
    mimes=frozenset({"image/gif"}),
    max_count=1,
    max_size=fact_number("gif-max-size"),
    max_width=fact_number("gif-max-width"),
    max_height=fact_number("gif-max-height"),
    max_frames=fact_number("gif-max-frames"),
    max_alt=fact_number("max-alt"),
)
VIDEO_RULE = MediaRule(
    mimes=frozenset({"video/mp4", "video/quicktime"}),
    max_count=1,
    max_size=fact_number("video-max-size"),
    min_width=fact_number("video-min-side"),
    min_height=fact_number("video-min-side"),
    max_width=fact_number("video-max-long-side"),
    max_height=fact_number("video-max-long-side"),
    max_pixels=fact_number("video-max-pixels"),
    min_aspect=fact_float("video-min-aspect"),
    max_aspect=fact_float("video-max-aspect"),
    min_duration_ms=fact_number("video-min-duration-ms"),
    max_duration_ms=fact_number("video-max-duration-ms"),
    max_fps=fact_float("video-max-fps"),
    video_codecs=frozenset({"h264"}),
    audio_codecs=frozenset({"aac"}),
)

YES_NO_CHOICES = (("no", "No"), ("yes", "Yes"))
CHANNEL_OPTIONS = (
    Option(
        name="replies",
        label="Who can reply to this post",
        choices=(
            ("", "Everyone"),
            ("following", "Only accounts you follow"),
            ("mentionedUsers", "Only accounts you mention"),
            ("subscribers", "Your paying subscribers"),
            ("verified", "Verified accounts"),
        ),
    ),
    Option(
        name="made_with_ai",
        label="Made with AI",
        choices=YES_NO_CHOICES,
        default="no",
        help="If turned on, readers see a note that the images or the video were made with AI.",
    ),
    Option(
        name="paid_partnership",
        label="Paid partnership",
        choices=YES_NO_CHOICES,
        default="no",
        help="If turned on, readers see a note that the post is advertising.",
    ),
)
QUOTE_OPTION = Option(
    name="quote", label="Quote a post", help="Enter the link to the post that you want to quote, or the post's ID."
)

baseline = Capabilities(
    max_length=fact_number("max-length"),
    unit="characters",
    max_parts=fact_number("max-parts"),
    media={MediaKind.IMAGE: IMAGE_RULE, MediaKind.GIF: GIF_RULE, MediaKind.VIDEO: VIDEO_RULE},
    max_media=fact_number("max-media"),
    mixes_media=False,
    poll=PollRule(
        min_options=fact_number("poll-min-options"),
        max_options=fact_number("poll-max-options"),
        max_option_length=fact_number("poll-max-option-length"),
        min_minutes=fact_number("poll-min-minutes"),
        max_minutes=fact_number("poll-max-minutes"),
    ),
    abilities=frozenset({Ability.THREAD, Ability.REPLY, Ability.DELETE, Ability.ALT_TEXT, Ability.POLL}),
    options=CHANNEL_OPTIONS,
    facts=FACTS,
)


def capabilities_for_tier(*, premium: bool, tier: str) -> Capabilities:
    """What an account may do through an app on `tier` ("" is pay-per-use)."""
    can = baseline
    if premium:
        video = replace(
            VIDEO_RULE,
            max_size=fact_number("premium-video-max-size"),
            max_duration_ms=fact_number("premium-video-max-duration-ms"),
            max_width=fact_number("premium-video-max-long-side"),
            max_height=fact_number("premium-video-max-long-side"),
            max_pixels=fact_number("premium-video-max-pixels"),
        )
        can = replace(can, max_length=fact_number("premium-max-length"), media={**can.media, MediaKind.VIDEO: video})
    if tier in OPEN_TIERS:
        contract = "the operator's setting: the app is on an Enterprise contract"
        opened = {"replies": _fact(ANY_REPLIES, contract), "quote-posts": _fact(ANY_REPLIES, contract)}
        can = replace(can, options=(*can.options, QUOTE_OPTION), facts={**can.facts, **opened})
    return can


PREMIUM_SUBSCRIPTIONS = frozenset({"Basic", "Premium", "PremiumPlus"})  # User.subscription_type, SPEC
PREMIUM_VERIFIED = frozenset({"blue", "business", "government"})  # User.verified_type, SPEC


def is_premium(user: Mapping[str, object]) -> bool:
    """Whether GET /2/users/me tells of an account with long posts and long videos."""
    return user.get("subscription_type") in PREMIUM_SUBSCRIPTIONS or user.get("verified_type") in PREMIUM_VERIFIED
