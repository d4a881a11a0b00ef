"""Every number of Mastodon with its source, and the capabilities of a usual server and of one that was asked.

The numbers here are the defaults; a server tells its own (`capabilities_of_server`), and those count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from kicau.connector.capabilities import Ability, Capabilities, CoverRule, Fact, MediaRule, Option, PollRule
from kicau.connector.content import MediaKind, Recipe
from kicau.networks.mastodon.servers import MISSING_FEATURES, ServerInfo

NETWORK_LABEL = "Mastodon"
CHECKED_ON = date(2026, 11, 24)
DOCS_SOURCE = "https://docs.joinmastodon.org"
INSTANCE_SOURCE = f"{DOCS_SOURCE}/entities/Instance/#configuration"
CODE_SOURCE = "Mastodon's own code, read as of 4.6"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED_ON)


FACTS: Mapping[str, Fact] = {
    "max-length": _fact(500, f"{INSTANCE_SOURCE}: statuses.max_characters"),
    "unit": _fact(
        "grapheme clusters, the warning's included", f"{CODE_SOURCE}: app/validators/status_length_validator.rb"
    ),
    "characters-per-url": _fact(23, f"{INSTANCE_SOURCE}: statuses.characters_reserved_per_url"),
    # Not a rule of Mastodon: a longer thread would run into the limit on posting long before its end.
    "max-parts": _fact(100, f"{CODE_SOURCE}: app/lib/rate_limiter.rb, 300 posts in 3 hours"),
    "max-media": _fact(4, f"{INSTANCE_SOURCE}: statuses.max_media_attachments"),
    "max-alt": _fact(1500, f"{INSTANCE_SOURCE}: media_attachments.description_limit"),
    "image-limit": _fact(16_777_216, f"{INSTANCE_SOURCE}: media_attachments.image_size_limit; a file must be smaller"),
    "image-max-pixels": _fact(33_177_600, f"{INSTANCE_SOURCE}: media_attachments.image_matrix_limit"),
    "gif-max-pixels": _fact(921_600, f"{CODE_SOURCE}: app/models/concerns/attachmentable.rb, GIF_MATRIX_LIMIT"),
    "video-limit": _fact(103_809_024, f"{INSTANCE_SOURCE}: media_attachments.video_size_limit; a file must be smaller"),
    "video-max-pixels": _fact(8_294_400, f"{INSTANCE_SOURCE}: media_attachments.video_matrix_limit"),
    "video-max-fps": _fact(120, f"{INSTANCE_SOURCE}: media_attachments.video_frame_rate_limit"),
    "video-max-frames": _fact(
        36_000, f"{CODE_SOURCE}: app/models/media_attachment.rb, MAX_VIDEO_FRAMES; the rest is cut off"
    ),
    "poll-min-options": _fact(2, f"{CODE_SOURCE}: app/validators/poll_options_validator.rb"),
    "poll-max-options": _fact(4, f"{INSTANCE_SOURCE}: polls.max_options"),
    "poll-max-option-length": _fact(50, f"{INSTANCE_SOURCE}: polls.max_characters_per_option"),
    "poll-min-seconds": _fact(300, f"{INSTANCE_SOURCE}: polls.min_expiration"),
    "poll-max-seconds": _fact(2_629_746, f"{INSTANCE_SOURCE}: polls.max_expiration"),
    "key-seconds": _fact(3600, f"{DOCS_SOURCE}/methods/statuses/#create: Idempotency-Key is stored for up to 1 hour"),
    "quotes-since": _fact(7, f"{DOCS_SOURCE}/client/quotes: api_versions.mastodon of 4.5"),
}


def fact_number(name: str) -> int:
    """A fact that is a whole number. Raises KeyError for an unknown name."""
    return int(FACTS[name].value)


IMAGE_MIMES = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/heif", "image/avif"}
)
VIDEO_MIMES = frozenset({"video/mp4", "video/quicktime", "video/webm"})
# What is made of a picture that a server does not take as it is.
PICTURE_RECIPE = Recipe(mime="image/jpeg")

VISIBILITY_CHOICES = (
    ("public", "Everyone, in public timelines too"),
    ("unlisted", "Everyone, but not in public timelines"),
    ("private", "Followers only"),
    ("direct", "Only people that are mentioned"),
)
YES_NO_CHOICES = (("no", "No"), ("yes", "Yes"))
VISIBILITY_OPTION = Option(
    name="visibility",
    label="Who can see this post",
    choices=VISIBILITY_CHOICES,
    default="public",
    narrow=frozenset({"private", "direct"}),
)
WARNING_OPTION = Option(
    name="warning",
    label="Content warning",
    help="Readers see only this content warning until they choose to open the post. The warning counts toward the character limit of every part of a thread.",
)
SENSITIVE_OPTION = Option(
    name="sensitive",
    label="Mark images and videos as sensitive",
    choices=YES_NO_CHOICES,
    default="no",
    help="If turned on, images and videos stay hidden until readers choose to see them.",
)
FOCUS_OPTION = Option(
    name="focus",
    label="Focal point of each image (the area that stays visible)",
    help="The part of an image around its focal point stays visible after cropping. Enter x,y: 0,0 is the middle, -1,-1 bottom left and 1,1 top right. Separate the focal points of several images with semicolons.",
    points=True,
)
POLL_MULTIPLE_OPTION = Option(
    name="poll_multiple", label="Let voters choose several options in the poll", choices=YES_NO_CHOICES, default="no"
)
POLL_HIDE_TOTALS_OPTION = Option(
    name="poll_hide_totals", label="Hide poll results until the poll ends", choices=YES_NO_CHOICES, default="no"
)
QUOTE_OPTION = Option(
    name="quote",
    label="Quote a post",
    help="Enter the link to the post that you want to quote, or the post's ID on your Mastodon server.",
)
QUOTES_OPTION = Option(
    name="quotes",
    label="Who can quote this post",
    choices=(
        ("", "Use the default setting of your Mastodon account"),
        ("public", "Everyone"),
        ("followers", "Followers only"),
        ("nobody", "Nobody"),
    ),
)

IMAGE_RULE = MediaRule(
    mimes=IMAGE_MIMES,
    max_count=fact_number("max-media"),
    max_size=fact_number("image-limit") - 1,
    max_pixels=fact_number("image-max-pixels"),
    max_alt=fact_number("max-alt"),
)
GIF_RULE = replace(IMAGE_RULE, mimes=frozenset({"image/gif"}), max_pixels=fact_number("gif-max-pixels"))
# A picture beside the file, of the same limits as any: https://docs.joinmastodon.org/methods/media/#v2 (`thumbnail`,
# since 3.2.0), 2026-11-26.
COVER_RULE = CoverRule(
    picture=MediaRule(mimes=frozenset({"image/jpeg", "image/png"}), max_size=fact_number("image-limit") - 1),
    recipe=Recipe(mime="image/jpeg", max_width=1920, max_height=1920),
)
VIDEO_RULE = MediaRule(
    cover=COVER_RULE,
    mimes=VIDEO_MIMES,
    max_size=fact_number("video-limit") - 1,
    max_pixels=fact_number("video-max-pixels"),
    max_fps=fact_number("video-max-fps"),
    max_alt=fact_number("max-alt"),
)
POLL_RULE = PollRule(
    min_options=fact_number("poll-min-options"),
    max_options=fact_number("poll-max-options"),
    max_option_length=fact_number("poll-max-option-length"),
    min_minutes=-(-fact_number("poll-min-seconds") // 60),
    max_minutes=fact_number("poll-max-seconds") // 60,
)

baseline = Capabilities(
    max_length=fact_number("max-length"),
    max_parts=fact_number("max-parts"),
    media={MediaKind.IMAGE: IMAGE_RULE, MediaKind.GIF: GIF_RULE, MediaKind.VIDEO: VIDEO_RULE},
    max_media=fact_number("max-media"),
    mixes_media=True,  # pictures and GIFs; a video stands alone, which `render` sees to
    poll=POLL_RULE,
    abilities=frozenset({Ability.THREAD, Ability.REPLY, Ability.EDIT, Ability.DELETE, Ability.ALT_TEXT, Ability.POLL}),
    editable=frozenset({"text", "alt", "options.warning", "options.sensitive"}),
    options=(
        VISIBILITY_OPTION,
        WARNING_OPTION,
        SENSITIVE_OPTION,
        FOCUS_OPTION,
        POLL_MULTIPLE_OPTION,
        POLL_HIDE_TOTALS_OPTION,
        QUOTE_OPTION,
        QUOTES_OPTION,
    ),
    facts=FACTS,
)


def capabilities_of_server(server: ServerInfo, today: date) -> Capabilities:
    """What a server says that it takes; what it does not say is as on a usual one."""
    told: dict[str, Fact] = {}

    def ask(name: str, *path: str) -> int:
        """A limit by its place in the answer, or else the default."""
        value = server.limit(*path)
        if value is None:
            return fact_number(name)
        told[name] = Fact(value=value, source=f"{server.source}: {'.'.join(path)}", checked=today)
        return value

    alt = ask("max-alt", "media_attachments", "description_limit")
    count = ask("max-media", "statuses", "max_media_attachments")
    image_limit = ask("image-limit", "media_attachments", "image_size_limit")
    ask("characters-per-url", "statuses", "characters_reserved_per_url")
    image = replace(
        IMAGE_RULE,
        mimes=_accepted_types(server, IMAGE_MIMES),
        max_count=count,
        max_size=image_limit - 1,
        max_pixels=ask("image-max-pixels", "media_attachments", "image_matrix_limit"),
        max_alt=alt,
    )
    gif = replace(image, mimes=GIF_RULE.mimes, max_pixels=GIF_RULE.max_pixels if server.software == "mastodon" else 0)
    video = replace(
        VIDEO_RULE,
        cover=COVER_RULE if server.software == "mastodon" else None,  # others do not say that they take one
        mimes=_accepted_types(server, VIDEO_MIMES),
        max_size=ask("video-limit", "media_attachments", "video_size_limit") - 1,
        max_pixels=ask("video-max-pixels", "media_attachments", "video_matrix_limit"),
        max_fps=ask("video-max-fps", "media_attachments", "video_frame_rate_limit"),
        max_alt=alt,
    )
    poll = PollRule(
        min_options=fact_number("poll-min-options"),
        max_options=ask("poll-max-options", "polls", "max_options"),
        max_option_length=ask("poll-max-option-length", "polls", "max_characters_per_option"),
        min_minutes=max(1, -(-ask("poll-min-seconds", "polls", "min_expiration") // 60)),
        max_minutes=ask("poll-max-seconds", "polls", "max_expiration") // 60,
    )
    who = {
        name: Fact(value=value, source=server.source, checked=today)
        for name, value in (("host", server.host), ("version", server.version), ("software", server.software))
    }
    can = replace(
        baseline,
        max_length=ask("max-length", "statuses", "max_characters"),
        media={MediaKind.IMAGE: image, MediaKind.GIF: gif, MediaKind.VIDEO: video},
        max_media=count,
        poll=poll,
    )
    return _without_missing_features(replace(can, facts={**FACTS, **told, **who}), server)


def _accepted_types(server: ServerInfo, known: frozenset[str]) -> frozenset[str]:
    """Those of the known types that the server lists; all where it lists none of them."""
    return (known & server.mimes) or known


def _without_missing_features(can: Capabilities, server: ServerInfo) -> Capabilities:
    lost = {QUOTE_OPTION, QUOTES_OPTION} if not server.can_quote else set()
    if not server.has("polls"):
        lost |= {POLL_MULTIPLE_OPTION, POLL_HIDE_TOTALS_OPTION}
        can = replace(can, poll=None, abilities=can.abilities - {Ability.POLL})
    if not server.has("focus"):
        lost.add(FOCUS_OPTION)
    if not server.has("delete"):
        can = replace(can, abilities=can.abilities - {Ability.DELETE})
    if not server.has("edit-rest"):
        can = replace(can, editable=can.editable & {"text"})
    options = [option for option in can.options if option not in lost]
    if missing := {name for name in ("unlisted", "direct") if not server.has(name)}:
        fewer = replace(VISIBILITY_OPTION, choices=tuple(one for one in VISIBILITY_CHOICES if one[0] not in missing))
        options[options.index(VISIBILITY_OPTION)] = fewer
    return replace(can, options=tuple(options))


def characters_per_url(can: Capabilities) -> int:
    fact = can.facts.get("characters-per-url")
    return int(fact.value) if fact else fact_number("characters-per-url")


def fact_text(can: Capabilities, name: str) -> str:
    """A fact of the channel that is text, "" where it is not known."""
    fact: Any = can.facts.get(name)
    return str(fact.value) if fact else ""


def lacks_feature(can: Capabilities, what: str) -> bool:
    """Whether the channel's server is one that was seen not to do this."""
    return what in MISSING_FEATURES.get(fact_text(can, "software"), ())
