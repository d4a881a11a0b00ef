"""What a Facebook Page may publish: every number with its source, and the capabilities built from them."""

from __future__ import annotations

from datetime import date, timedelta

from kicau.connector.capabilities import Ability, Capabilities, CoverRule, Fact, MediaRule, Option
from kicau.connector.content import MediaKind, Recipe
from kicau.networks._meta.graph import API_VERSION

NETWORK_LABEL = "Facebook"
CHECKED_ON = date(2026, 11, 24)
REELS_SOURCE = "https://developers.facebook.com/documentation/video-api/guides/reels-publishing (2026-07-30)"
PHOTOS_SOURCE = "https://developers.facebook.com/docs/graph-api/reference/page/photos/ (v25.0)"
THUMBNAILS_SOURCE = "https://developers.facebook.com/docs/graph-api/reference/video/thumbnails (v21.0)"
HELP_SOURCE = "https://www.facebook.com/help/ (videos, as quoted by several posting tools; not in the API's documents)"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED_ON)


FACTS = {
    "api.version": API_VERSION,
    "max_length": _fact(63_206, "widely quoted; in no official document that was found"),
    "max_comment_length": _fact(8_000, "widely quoted; in no official document that was found"),
    "photo.max_size": _fact(
        4_000_000, 'the API\'s own refusal (324/1366046): "Photos should be less than 4 MB"; its pages say 10 MB'
    ),
    "photo.types": _fact("JPEG PNG GIF TIFF HEIF WebP BMP", PHOTOS_SOURCE + " and the refusal 324/1366046"),
    "photo.max_count": _fact(10, "what posting tools allow for attached_media; the documents name no number"),
    "video.max_size": _fact(4_000_000_000, HELP_SOURCE),
    "video.max_duration_s": _fact(14_400, HELP_SOURCE),
    "cover.max_size": _fact(10_000_000, THUMBNAILS_SOURCE + ": 10 MB"),
    "reel.min_duration_s": _fact(3, REELS_SOURCE),
    "reel.max_duration_s": _fact(90, REELS_SOURCE),
    "reel.min_width": _fact(540, REELS_SOURCE),
    "reel.min_height": _fact(960, REELS_SOURCE),
    "reel.aspect": _fact("9:16", REELS_SOURCE),
    "reel.min_fps": _fact(24, REELS_SOURCE),
    "reel.max_fps": _fact(60, REELS_SOURCE),
    "reel.per_day": _fact(30, REELS_SOURCE),
    "clock_margin_s": _fact(3, "ours: created_time has whole seconds"),
}


def _fact_number(name: str) -> int:
    return int(FACTS[name].value)


CLOCK_MARGIN = timedelta(seconds=_fact_number("clock_margin_s"))
VIDEO_MIMES = frozenset(
    {
        "video/mp4",
        "video/quicktime",
        "video/x-m4v",
        "video/webm",
        "video/x-matroska",
        "video/x-msvideo",
        "video/mpeg",
        "video/3gpp",
    }
)

PHOTO_RULE = MediaRule(
    mimes=frozenset({"image/jpeg", "image/png", "image/gif", "image/tiff", "image/heic", "image/webp", "image/bmp"}),
    max_count=_fact_number("photo.max_count"),
    max_size=_fact_number("photo.max_size"),
)
PHOTO_RECIPE = Recipe(mime="image/jpeg", max_width=2048, max_height=2048, max_size=_fact_number("photo.max_size"))
COVER_RULE = CoverRule(  # no format is named there but "an image file"
    picture=MediaRule(mimes=frozenset({"image/jpeg", "image/png"}), max_size=_fact_number("cover.max_size")),
    recipe=PHOTO_RECIPE,
)
VIDEO_RULE = MediaRule(
    cover=COVER_RULE,
    mimes=VIDEO_MIMES,
    max_size=_fact_number("video.max_size"),
    max_duration_ms=_fact_number("video.max_duration_s") * 1000,
)
REEL_RULE = MediaRule(
    cover=COVER_RULE,
    mimes=frozenset({"video/mp4", "video/quicktime", "video/x-m4v"}),
    max_size=_fact_number("video.max_size"),
    min_width=_fact_number("reel.min_width"),
    min_height=_fact_number("reel.min_height"),
    min_aspect=9 / 16,
    max_aspect=9 / 16,
    min_duration_ms=_fact_number("reel.min_duration_s") * 1000,
    max_duration_ms=_fact_number("reel.max_duration_s") * 1000,
    min_fps=_fact_number("reel.min_fps"),
    max_fps=_fact_number("reel.max_fps"),
)

FORMAT_OPTION = Option(
    name="format",
    label="Publish video as",
    choices=(("auto", "Automatic"), ("video", "Video"), ("reel", "Reel")),
    default="auto",
    help="A reel is a vertical video (9:16) that lasts 3 to 90 seconds. If you choose “Automatic”, every such video is published as a reel.",
)

baseline = Capabilities(
    max_length=_fact_number("max_length"),
    max_comment_length=_fact_number("max_comment_length"),
    media={MediaKind.IMAGE: PHOTO_RULE, MediaKind.VIDEO: VIDEO_RULE},
    max_media=_fact_number("photo.max_count"),
    abilities=frozenset(
        {Ability.EDIT, Ability.DELETE, Ability.ALT_TEXT, Ability.LINK_CARD, Ability.FIRST_COMMENT, Ability.REPLY}
    ),
    editable=frozenset({"text"}),
    options=(FORMAT_OPTION,),
    facts=FACTS,
)
