"""What an Instagram account may publish: every number with its source, and the capabilities built from them."""

from __future__ import annotations

from datetime import date

from kicau.connector.capabilities import Ability, Capabilities, CoverRule, Fact, MediaRule, Option
from kicau.connector.content import MediaKind, Recipe
from kicau.networks._meta.graph import API_VERSION

NETWORK_LABEL = "Instagram"
CHECKED_ON = date(2026, 11, 24)
MEDIA_SOURCE = (
    "https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media (as quoted)"
)
GUIDE_SOURCE = "https://developers.facebook.com/docs/instagram-platform/content-publishing (as quoted)"
LIMIT_SOURCE = "https://developers.facebook.com/docs/instagram-api/reference/ig-user/content_publishing_limit"
SAMPLES_SOURCE = "https://github.com/fbsamples/reels_publishing_apis (Meta's own samples)"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED_ON)


FACTS = {
    "api.version": API_VERSION,
    "max_length": _fact(2_200, MEDIA_SOURCE),
    "max_comment_length": _fact(2_200, "taken to be a caption's; the comments reference names no number"),
    "max_mentions": _fact(20, MEDIA_SOURCE),
    "max_tags": _fact(
        30, MEDIA_SOURCE + "; the app itself takes 5 since December 2025, which the API does not say of itself"
    ),
    "max_alt": _fact(1_000, MEDIA_SOURCE + ": pictures only"),
    "carousel.min": _fact(2, GUIDE_SOURCE),
    "carousel.max": _fact(10, GUIDE_SOURCE),
    "image.types": _fact("JPEG", MEDIA_SOURCE),
    "image.max_size": _fact(8_000_000, MEDIA_SOURCE + ": 8 MB"),
    "image.max_width": _fact(1_440, MEDIA_SOURCE + ": wider ones are scaled down by Instagram itself"),
    "image.min_aspect": _fact(0.8, MEDIA_SOURCE + ": 4:5"),
    "image.max_aspect": _fact(1.91, MEDIA_SOURCE + ": 1.91:1"),
    "reel.max_size": _fact(300_000_000, MEDIA_SOURCE + "; Meta's samples say 1 GB"),
    "reel.min_duration_s": _fact(3, SAMPLES_SOURCE),
    "reel.max_duration_s": _fact(900, SAMPLES_SOURCE),
    "reel.min_fps": _fact(23, SAMPLES_SOURCE),
    "reel.max_fps": _fact(60, SAMPLES_SOURCE),
    "reel.max_bitrate": _fact(25_000_000, SAMPLES_SOURCE),
    "reel.max_width": _fact(1_920, SAMPLES_SOURCE),
    "reel.codecs": _fact("H.264 or HEVC, AAC", SAMPLES_SOURCE),
    "cover.max_size": _fact(
        8_000_000, MEDIA_SOURCE + ": cover_url, JPEG as pictures are; thumb_offset is in milliseconds"
    ),
    "story.max_duration_s": _fact(60, MEDIA_SOURCE),
    "story.max_size": _fact(100_000_000, MEDIA_SOURCE),
    "carousel.video_max_duration_s": _fact(60, MEDIA_SOURCE + ": media_type VIDEO"),
    "posts_24h": _fact(50, LIMIT_SOURCE + "; the guide says 100: the number that counts is read from the network"),
    "containers_24h": _fact(400, GUIDE_SOURCE),
    "container_hours": _fact(24, GUIDE_SOURCE + ": then it is EXPIRED"),
    "clock_margin_s": _fact(3, "ours: timestamp has whole seconds"),
}


def _fact_number(name: str) -> int:
    return int(FACTS[name].value)


IMAGE_RULE = MediaRule(
    mimes=frozenset({"image/jpeg"}),
    max_count=_fact_number("carousel.max"),
    max_size=_fact_number("image.max_size"),
    min_aspect=float(FACTS["image.min_aspect"].value),
    max_aspect=float(FACTS["image.max_aspect"].value),
    max_alt=_fact_number("max_alt"),
)


# A reel's cover only: https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media
# (cover_url, thumb_offset; where both are given the picture counts), read 2026-11-24. It is cropped to 9:16.
IMAGE_RECIPE = Recipe(
    mime="image/jpeg", max_width=_fact_number("image.max_width"), max_size=_fact_number("image.max_size")
)
COVER_RULE = CoverRule(
    frame=True,
    picture=MediaRule(mimes=frozenset({"image/jpeg"}), max_size=_fact_number("cover.max_size")),
    recipe=IMAGE_RECIPE,
)


def _video_rule(count: int, longest: str, size: str, cover: CoverRule | None = None) -> MediaRule:
    return MediaRule(
        mimes=frozenset({"video/mp4", "video/quicktime"}),
        max_count=count,
        max_size=_fact_number(size),
        max_width=_fact_number("reel.max_width"),
        min_aspect=0.01,
        max_aspect=10.0,
        min_duration_ms=_fact_number("reel.min_duration_s") * 1000,
        max_duration_ms=_fact_number(longest) * 1000,
        min_fps=_fact_number("reel.min_fps"),
        max_fps=_fact_number("reel.max_fps"),
        max_bitrate=_fact_number("reel.max_bitrate"),
        video_codecs=frozenset({"h264", "hevc"}),
        audio_codecs=frozenset({"aac"}),
        cover=cover,
    )


REEL_RULE = _video_rule(1, "reel.max_duration_s", "reel.max_size", COVER_RULE)
CAROUSEL_VIDEO_RULE = _video_rule(_fact_number("carousel.max"), "carousel.video_max_duration_s", "story.max_size")
STORY_VIDEO_RULE = _video_rule(1, "story.max_duration_s", "story.max_size")
STORY_IMAGE_RULE = MediaRule(mimes=IMAGE_RULE.mimes, max_size=IMAGE_RULE.max_size, max_alt=IMAGE_RULE.max_alt)
RULES_BY_FORMAT = {
    "image": {MediaKind.IMAGE: IMAGE_RULE, MediaKind.VIDEO: REEL_RULE},
    "carousel": {MediaKind.IMAGE: IMAGE_RULE, MediaKind.VIDEO: CAROUSEL_VIDEO_RULE},
    "reel": {MediaKind.VIDEO: REEL_RULE},
    "story": {MediaKind.IMAGE: STORY_IMAGE_RULE, MediaKind.VIDEO: STORY_VIDEO_RULE},
}

FORMAT_OPTION = Option(
    name="format",
    label="Publish as",
    choices=(("auto", "Automatic"), ("reel", "Reel"), ("story", "Story")),
    default="auto",
    help="With the format “Automatic”, Kicau publishes one image as a post, one video as a reel, and 2 to 10 files as a carousel. A story shows no text and disappears after a day.",
)
SHARE_TO_FEED_OPTION = Option(
    name="share_to_feed",
    label="Show the reel in the feed too, not only in the Reels tab",
    choices=(("true", "Yes"), ("false", "No")),
    default="true",
)

baseline = Capabilities(
    max_length=_fact_number("max_length"),
    max_comment_length=_fact_number("max_comment_length"),
    media=RULES_BY_FORMAT["carousel"] | {MediaKind.VIDEO: REEL_RULE},
    max_media=_fact_number("carousel.max"),
    mixes_media=True,
    needs_media=True,
    abilities=frozenset({Ability.ALT_TEXT, Ability.FIRST_COMMENT, Ability.REPLY}),
    options=(FORMAT_OPTION, SHARE_TO_FEED_OPTION),
    facts=FACTS,
)
