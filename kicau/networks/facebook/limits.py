"""What a Facebook Page may publish: every number with its source, and the capabilities built from them."""

from __future__ import annotations

from datetime import date, timedelta

from kicau.connector.capabilities import Ability, Capabilities, CoverRule, Fact, MediaRule, Option
from kicau.connector.content import MediaKind, Recipe
from kicau.networks._meta.graph import VERSION

NETWORK = "Facebook"
CHECKED = date(2026, 11, 24)
REELS = "https://developers.facebook.com/documentation/video-api/guides/reels-publishing (2026-07-30)"
PHOTOS = "https://developers.facebook.com/docs/graph-api/reference/page/photos/ (v25.0)"
THUMBNAILS = "https://developers.facebook.com/docs/graph-api/reference/video/thumbnails (v21.0)"
HELP = "https://www.facebook.com/help/ (videos, as quoted by several posting tools; not in the API's documents)"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED)


FACTS = {
    "api.version": VERSION,
    "max_length": _fact(63_206, "widely quoted; in no official document that was found"),
    "max_comment_length": _fact(8_000, "widely quoted; in no official document that was found"),
    "photo.max_size": _fact(
        4_000_000, 'the API\'s own refusal (324/1366046): "Photos should be less than 4 MB"; its pages say 10 MB'
    ),
    "photo.types": _fact("JPEG PNG GIF TIFF HEIF WebP BMP", PHOTOS + " and the refusal 324/1366046"),
    "photo.max_count": _fact(10, "what posting tools allow for attached_media; the documents name no number"),
    "video.max_size": _fact(4_000_000_000, HELP),
    "video.max_duration_s": _fact(14_400, HELP),
    "cover.max_size": _fact(10_000_000, THUMBNAILS + ": 10 MB"),
    "reel.min_duration_s": _fact(3, REELS),
    "reel.max_duration_s": _fact(90, REELS),
    "reel.min_width": _fact(540, REELS),
    "reel.min_height": _fact(960, REELS),
    "reel.aspect": _fact("9:16", REELS),
    "reel.min_fps": _fact(24, REELS),
    "reel.max_fps": _fact(60, REELS),
    "reel.per_day": _fact(30, REELS),
    "clock_margin_s": _fact(3, "ours: created_time has whole seconds"),
}


def _number(name: str) -> int:
    return int(FACTS[name].value)


MARGIN = timedelta(seconds=_number("clock_margin_s"))
VIDEO_TYPES = frozenset(
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

PHOTO = MediaRule(
    mimes=frozenset({"image/jpeg", "image/png", "image/gif", "image/tiff", "image/heic", "image/webp", "image/bmp"}),
    max_count=_number("photo.max_count"),
    max_size=_number("photo.max_size"),
)
RECIPE = Recipe(mime="image/jpeg", max_width=2048, max_height=2048, max_size=_number("photo.max_size"))
COVER = CoverRule(  # no format is named there but "an image file"
    picture=MediaRule(mimes=frozenset({"image/jpeg", "image/png"}), max_size=_number("cover.max_size")), recipe=RECIPE
)
VIDEO = MediaRule(
    cover=COVER,
    mimes=VIDEO_TYPES,
    max_size=_number("video.max_size"),
    max_duration_ms=_number("video.max_duration_s") * 1000,
)
REEL = MediaRule(
    cover=COVER,
    mimes=frozenset({"video/mp4", "video/quicktime", "video/x-m4v"}),
    max_size=_number("video.max_size"),
    min_width=_number("reel.min_width"),
    min_height=_number("reel.min_height"),
    min_aspect=9 / 16,
    max_aspect=9 / 16,
    min_duration_ms=_number("reel.min_duration_s") * 1000,
    max_duration_ms=_number("reel.max_duration_s") * 1000,
    min_fps=_number("reel.min_fps"),
    max_fps=_number("reel.max_fps"),
)

FORMAT = Option(
    name="format",
    label="Show a video as",
    choices=(("auto", "Whatever fits"), ("video", "A video"), ("reel", "A reel")),
    default="auto",
    help="A reel is upright (9:16) and runs 3 to 90 seconds; whatever fits makes one of every video that is so.",
)

baseline = Capabilities(
    max_length=_number("max_length"),
    max_comment_length=_number("max_comment_length"),
    media={MediaKind.IMAGE: PHOTO, MediaKind.VIDEO: VIDEO},
    max_media=_number("photo.max_count"),
    abilities=frozenset(
        {Ability.EDIT, Ability.DELETE, Ability.ALT_TEXT, Ability.LINK_CARD, Ability.FIRST_COMMENT, Ability.REPLY}
    ),
    editable=frozenset({"text"}),
    options=(FORMAT,),
    facts=FACTS,
)
