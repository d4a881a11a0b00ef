"""What a Threads account may publish: every number with its source, and the capabilities built from them."""

from __future__ import annotations

from datetime import date

from kicau.connector.capabilities import Ability, Capabilities, Fact, MediaRule, Option, PollRule
from kicau.connector.content import MediaKind, Recipe

NETWORK_LABEL = "Threads"
CHECKED_ON = date(2026, 11, 26)
OVERVIEW_SOURCE = "https://developers.facebook.com/docs/threads/overview (as quoted)"
POSTS_SOURCE = "https://developers.facebook.com/docs/threads/posts (as quoted)"
COLLECTION_SOURCE = "Meta's Threads API collection of 2026-01-02 (github.com/fbsamples/threads_api)"
TROUBLESHOOTING_SOURCE = "https://developers.facebook.com/docs/threads/troubleshooting (as quoted)"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED_ON)


FACTS = {
    "max_length": _fact(500, OVERVIEW_SOURCE + ": an emoji counts as many as its UTF-8 bytes"),
    "max_links": _fact(5, OVERVIEW_SOURCE + ": unique addresses in one post, since 2025-12-22"),
    "max_alt": _fact(1_000, POSTS_SOURCE),
    "max_parts": _fact(50, "ours: a thread of replies; only the quota of replies bounds it"),
    "topic.max_length": _fact(50, POSTS_SOURCE + ": 1 to 50 characters, no full stop and no ampersand"),
    "poll.min_options": _fact(2, COLLECTION_SOURCE + ": option_a and option_b"),
    "poll.max_options": _fact(4, COLLECTION_SOURCE + ": option_a to option_d"),
    "poll.max_option_length": _fact(25, POSTS_SOURCE),
    "poll.minutes": _fact(1_440, POSTS_SOURCE + ": a poll ends after 24 hours, and no other time can be asked for"),
    "carousel.min": _fact(2, COLLECTION_SOURCE),
    "carousel.max": _fact(20, COLLECTION_SOURCE),
    "image.types": _fact("JPEG, PNG", OVERVIEW_SOURCE),
    "image.max_size": _fact(8_000_000, OVERVIEW_SOURCE + ": 8 MB"),
    "image.max_aspect": _fact(10.0, OVERVIEW_SOURCE + ": 10:1"),
    "image.max_width": _fact(1_440, OVERVIEW_SOURCE + ": wider ones are scaled down by Threads itself"),
    "video.max_size": _fact(1_000_000_000, OVERVIEW_SOURCE + ": 1 GB"),
    "video.max_duration_s": _fact(300, OVERVIEW_SOURCE),
    "video.min_fps": _fact(23, OVERVIEW_SOURCE),
    "video.max_fps": _fact(60, OVERVIEW_SOURCE),
    "video.max_width": _fact(1_920, OVERVIEW_SOURCE),
    "video.max_bitrate": _fact(100_000_000, OVERVIEW_SOURCE),
    "video.max_aspect": _fact(10.0, OVERVIEW_SOURCE),
    "video.codecs": _fact("H.264 or HEVC, AAC", OVERVIEW_SOURCE),
    "posts_24h": _fact(250, OVERVIEW_SOURCE + ": a carousel is one; the number that counts is read from the account"),
    "replies_24h": _fact(1_000, OVERVIEW_SOURCE + ": every part of a thread but its first is a reply"),
    "deletes_24h": _fact(100, OVERVIEW_SOURCE),
    "container_hours": _fact(24, TROUBLESHOOTING_SOURCE + ": then it is EXPIRED"),
    "clock_margin_s": _fact(3, "ours: timestamp has whole seconds"),
}


def fact_number(name: str) -> int:
    return int(FACTS[name].value)


PICTURE_RULE = MediaRule(
    mimes=frozenset({"image/jpeg", "image/png"}),
    max_count=fact_number("carousel.max"),
    max_size=fact_number("image.max_size"),
    min_aspect=1 / float(FACTS["image.max_aspect"].value),
    max_aspect=float(FACTS["image.max_aspect"].value),
    max_alt=fact_number("max_alt"),
)
VIDEO_RULE = MediaRule(
    mimes=frozenset({"video/mp4", "video/quicktime"}),
    max_count=fact_number("carousel.max"),
    max_size=fact_number("video.max_size"),
    max_width=fact_number("video.max_width"),
    min_aspect=0.01,
    max_aspect=float(FACTS["video.max_aspect"].value),
    max_duration_ms=fact_number("video.max_duration_s") * 1000,
    min_fps=fact_number("video.min_fps"),
    max_fps=fact_number("video.max_fps"),
    max_bitrate=fact_number("video.max_bitrate"),
    video_codecs=frozenset({"h264", "hevc"}),
    audio_codecs=frozenset({"aac"}),
    max_alt=fact_number("max_alt"),
)
PICTURE_RECIPE = Recipe(
    mime="image/jpeg", max_width=fact_number("image.max_width"), max_size=fact_number("image.max_size")
)

REPLIES_OPTION = Option(
    name="reply_control",
    label="Who can reply to this post",
    choices=(
        ("everyone", "Everyone"),
        ("accounts_you_follow", "Only accounts you follow"),
        ("followers_only", "Your followers"),
        ("mentioned_only", "Only accounts you mention"),
        ("parent_post_author_only", "Only the author of the post you reply to"),
    ),
    default="everyone",
)
TOPIC_OPTION = Option(
    name="topic",
    label="Topic of the post",
    help="Enter one topic of at most 50 characters, without a period or &. If you enter none, Threads uses the first hashtag in the text as the topic.",
)
QUOTE_OPTION = Option(
    name="quote",
    label="Quote a post",
    help="Enter the ID of the post that you want to quote. This long number comes from the Threads API. The post's web address does not contain it.",
)
SPOILER_OPTION = Option(
    name="spoiler",
    label="Hide images and videos until readers tap them",
    choices=(("false", "No"), ("true", "Yes")),
    default="false",
)

baseline = Capabilities(
    max_length=fact_number("max_length"),
    max_parts=fact_number("max_parts"),
    media={MediaKind.IMAGE: PICTURE_RULE, MediaKind.VIDEO: VIDEO_RULE},
    max_media=fact_number("carousel.max"),
    mixes_media=True,
    poll=PollRule(
        min_options=fact_number("poll.min_options"),
        max_options=fact_number("poll.max_options"),
        max_option_length=fact_number("poll.max_option_length"),
        durations=(fact_number("poll.minutes"),),
    ),
    abilities=frozenset(
        {Ability.THREAD, Ability.REPLY, Ability.DELETE, Ability.ALT_TEXT, Ability.POLL, Ability.LINK_CARD}
    ),
    options=(REPLIES_OPTION, TOPIC_OPTION, QUOTE_OPTION, SPOILER_OPTION),
    facts=FACTS,
)
