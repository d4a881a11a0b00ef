"""What an Instagram account may publish: every number with its source, and the capabilities built from them."""

from __future__ import annotations

from datetime import date

from kicau.connector.capabilities import Ability, Capabilities, CoverRule, Fact, MediaRule, Option
from kicau.connector.content import MediaKind, Recipe
from kicau.networks._meta.graph import VERSION

NETWORK = "Instagram"
CHECKED = date(2026, 11, 24)
MEDIA = (
    "https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media (as quoted)"
)
GUIDE = "https://developers.facebook.com/docs/instagram-platform/content-publishing (as quoted)"
LIMIT = "https://developers.facebook.com/docs/instagram-api/reference/ig-user/content_publishing_limit"
SAMPLES = "https://github.com/fbsamples/reels_publishing_apis (Meta's own samples)"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED)


FACTS = {
    "api.version": VERSION,
    "max_length": _fact(2_200, MEDIA),
    "max_comment_length": _fact(2_200, "taken to be a caption's; the comments reference names no number"),
    "max_mentions": _fact(20, MEDIA),
    "max_tags": _fact(30, MEDIA + "; the app itself takes 5 since December 2025, which the API does not say of itself"),
    "max_alt": _fact(1_000, MEDIA + ": pictures only"),
    "carousel.min": _fact(2, GUIDE),
    "carousel.max": _fact(10, GUIDE),
    "image.types": _fact("JPEG", MEDIA),
    "image.max_size": _fact(8_000_000, MEDIA + ": 8 MB"),
    "image.max_width": _fact(1_440, MEDIA + ": wider ones are scaled down by Instagram itself"),
    "image.min_aspect": _fact(0.8, MEDIA + ": 4:5"),
    "image.max_aspect": _fact(1.91, MEDIA + ": 1.91:1"),
    "reel.max_size": _fact(300_000_000, MEDIA + "; Meta's samples say 1 GB"),
    "reel.min_duration_s": _fact(3, SAMPLES),
    "reel.max_duration_s": _fact(900, SAMPLES),
    "reel.min_fps": _fact(23, SAMPLES),
    "reel.max_fps": _fact(60, SAMPLES),
    "reel.max_bitrate": _fact(25_000_000, SAMPLES),
    "reel.max_width": _fact(1_920, SAMPLES),
    "reel.codecs": _fact("H.264 or HEVC, AAC", SAMPLES),
    "cover.max_size": _fact(8_000_000, MEDIA + ": cover_url, JPEG as pictures are; thumb_offset is in milliseconds"),
    "story.max_duration_s": _fact(60, MEDIA),
    "story.max_size": _fact(100_000_000, MEDIA),
    "carousel.video_max_duration_s": _fact(60, MEDIA + ": media_type VIDEO"),
    "posts_24h": _fact(50, LIMIT + "; the guide says 100: the number that counts is read from the network"),
    "containers_24h": _fact(400, GUIDE),
    "container_hours": _fact(24, GUIDE + ": then it is EXPIRED"),
    "clock_margin_s": _fact(3, "ours: timestamp has whole seconds"),
}


def _number(name: str) -> int:
    return int(FACTS[name].value)


JPEG = MediaRule(
    mimes=frozenset({"image/jpeg"}),
    max_count=_number("carousel.max"),
    max_size=_number("image.max_size"),
    min_aspect=float(FACTS["image.min_aspect"].value),
    max_aspect=float(FACTS["image.max_aspect"].value),
    max_alt=_number("max_alt"),
)


# A reel's cover only: https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media
# (cover_url, thumb_offset; where both are given the picture counts), read 2026-11-24. It is cropped to 9:16.
RECIPE = Recipe(mime="image/jpeg", max_width=_number("image.max_width"), max_size=_number("image.max_size"))
COVER = CoverRule(
    frame=True,
    picture=MediaRule(mimes=frozenset({"image/jpeg"}), max_size=_number("cover.max_size")),
    recipe=RECIPE,
)


def _video(count: int, longest: str, size: str, cover: CoverRule | None = None) -> MediaRule:
    return MediaRule(
        mimes=frozenset({"video/mp4", "video/quicktime"}),
        max_count=count,
        max_size=_number(size),
        max_width=_number("reel.max_width"),
        min_aspect=0.01,
        max_aspect=10.0,
        min_duration_ms=_number("reel.min_duration_s") * 1000,
        max_duration_ms=_number(longest) * 1000,
        min_fps=_number("reel.min_fps"),
        max_fps=_number("reel.max_fps"),
        max_bitrate=_number("reel.max_bitrate"),
        video_codecs=frozenset({"h264", "hevc"}),
        audio_codecs=frozenset({"aac"}),
        cover=cover,
    )


REEL = _video(1, "reel.max_duration_s", "reel.max_size", COVER)
CAROUSEL_VIDEO = _video(_number("carousel.max"), "carousel.video_max_duration_s", "story.max_size")
STORY_VIDEO = _video(1, "story.max_duration_s", "story.max_size")
STORY_JPEG = MediaRule(mimes=JPEG.mimes, max_size=JPEG.max_size, max_alt=JPEG.max_alt)
RULES = {
    "image": {MediaKind.IMAGE: JPEG, MediaKind.VIDEO: REEL},
    "carousel": {MediaKind.IMAGE: JPEG, MediaKind.VIDEO: CAROUSEL_VIDEO},
    "reel": {MediaKind.VIDEO: REEL},
    "story": {MediaKind.IMAGE: STORY_JPEG, MediaKind.VIDEO: STORY_VIDEO},
}

FORMAT = Option(
    name="format",
    label="Publish as",
    choices=(("auto", "Whatever fits"), ("reel", "A reel"), ("story", "A story")),
    default="auto",
    help="One picture is a post, one video a reel, 2 to 10 files a carousel. A story shows no text and is gone after a day.",
)
SHARE = Option(
    name="share_to_feed",
    label="Show a reel in the feed too",
    choices=(("true", "Yes"), ("false", "No")),
    default="true",
)

baseline = Capabilities(
    max_length=_number("max_length"),
    max_comment_length=_number("max_comment_length"),
    media=RULES["carousel"] | {MediaKind.VIDEO: REEL},
    max_media=_number("carousel.max"),
    mixes_media=True,
    needs_media=True,
    abilities=frozenset({Ability.ALT_TEXT, Ability.FIRST_COMMENT, Ability.REPLY}),
    options=(FORMAT, SHARE),
    facts=FACTS,
)
