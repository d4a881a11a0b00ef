"""What a Threads account may publish: every number with its source, and the capabilities built from them."""

from __future__ import annotations

from datetime import date

from kicau.connector.capabilities import Ability, Capabilities, Fact, MediaRule, Option, PollRule
from kicau.connector.content import MediaKind, Recipe

NETWORK = "Threads"
CHECKED = date(2026, 11, 26)
OVERVIEW = "https://developers.facebook.com/docs/threads/overview (as quoted)"
POSTS = "https://developers.facebook.com/docs/threads/posts (as quoted)"
COLLECTION = "Meta's Threads API collection of 2026-01-02 (github.com/fbsamples/threads_api)"
TROUBLE = "https://developers.facebook.com/docs/threads/troubleshooting (as quoted)"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED)


FACTS = {
    "max_length": _fact(500, OVERVIEW + ": an emoji counts as many as its UTF-8 bytes"),
    "max_links": _fact(5, OVERVIEW + ": unique addresses in one post, since 2025-12-22"),
    "max_alt": _fact(1_000, POSTS),
    "max_parts": _fact(50, "ours: a thread of replies; only the quota of replies bounds it"),
    "topic.max_length": _fact(50, POSTS + ": 1 to 50 characters, no full stop and no ampersand"),
    "poll.min_options": _fact(2, COLLECTION + ": option_a and option_b"),
    "poll.max_options": _fact(4, COLLECTION + ": option_a to option_d"),
    "poll.max_option_length": _fact(25, POSTS),
    "poll.minutes": _fact(1_440, POSTS + ": a poll ends after 24 hours, and no other time can be asked for"),
    "carousel.min": _fact(2, COLLECTION),
    "carousel.max": _fact(20, COLLECTION),
    "image.types": _fact("JPEG, PNG", OVERVIEW),
    "image.max_size": _fact(8_000_000, OVERVIEW + ": 8 MB"),
    "image.max_aspect": _fact(10.0, OVERVIEW + ": 10:1"),
    "image.max_width": _fact(1_440, OVERVIEW + ": wider ones are scaled down by Threads itself"),
    "video.max_size": _fact(1_000_000_000, OVERVIEW + ": 1 GB"),
    "video.max_duration_s": _fact(300, OVERVIEW),
    "video.min_fps": _fact(23, OVERVIEW),
    "video.max_fps": _fact(60, OVERVIEW),
    "video.max_width": _fact(1_920, OVERVIEW),
    "video.max_bitrate": _fact(100_000_000, OVERVIEW),
    "video.max_aspect": _fact(10.0, OVERVIEW),
    "video.codecs": _fact("H.264 or HEVC, AAC", OVERVIEW),
    "posts_24h": _fact(250, OVERVIEW + ": a carousel is one; the number that counts is read from the account"),
    "replies_24h": _fact(1_000, OVERVIEW + ": every part of a thread but its first is a reply"),
    "deletes_24h": _fact(100, OVERVIEW),
    "container_hours": _fact(24, TROUBLE + ": then it is EXPIRED"),
    "clock_margin_s": _fact(3, "ours: timestamp has whole seconds"),
}


def number(name: str) -> int:
    return int(FACTS[name].value)


PICTURE = MediaRule(
    mimes=frozenset({"image/jpeg", "image/png"}),
    max_count=number("carousel.max"),
    max_size=number("image.max_size"),
    min_aspect=1 / float(FACTS["image.max_aspect"].value),
    max_aspect=float(FACTS["image.max_aspect"].value),
    max_alt=number("max_alt"),
)
VIDEO = MediaRule(
    mimes=frozenset({"video/mp4", "video/quicktime"}),
    max_count=number("carousel.max"),
    max_size=number("video.max_size"),
    max_width=number("video.max_width"),
    min_aspect=0.01,
    max_aspect=float(FACTS["video.max_aspect"].value),
    max_duration_ms=number("video.max_duration_s") * 1000,
    min_fps=number("video.min_fps"),
    max_fps=number("video.max_fps"),
    max_bitrate=number("video.max_bitrate"),
    video_codecs=frozenset({"h264", "hevc"}),
    audio_codecs=frozenset({"aac"}),
    max_alt=number("max_alt"),
)
RECIPE = Recipe(mime="image/jpeg", max_width=number("image.max_width"), max_size=number("image.max_size"))

REPLIES = Option(
    name="reply_control",
    label="Who may reply",
    choices=(
        ("everyone", "Everyone"),
        ("accounts_you_follow", "Accounts you follow"),
        ("followers_only", "Your followers"),
        ("mentioned_only", "Only who is mentioned"),
        ("parent_post_author_only", "Only the author of the post above"),
    ),
    default="everyone",
)
TOPIC = Option(
    name="topic",
    label="Topic",
    help="One topic, up to 50 characters, without full stop or &. Left empty, the first #tag of the text becomes it.",
)
QUOTE = Option(name="quote", label="Quote a post", help="The number of the post in Threads' API.")
SPOILER = Option(
    name="spoiler",
    label="Hide pictures and videos until they are tapped",
    choices=(("false", "No"), ("true", "Yes")),
    default="false",
)

baseline = Capabilities(
    max_length=number("max_length"),
    max_parts=number("max_parts"),
    media={MediaKind.IMAGE: PICTURE, MediaKind.VIDEO: VIDEO},
    max_media=number("carousel.max"),
    mixes_media=True,
    poll=PollRule(
        min_options=number("poll.min_options"),
        max_options=number("poll.max_options"),
        max_option_length=number("poll.max_option_length"),
        durations=(number("poll.minutes"),),
    ),
    abilities=frozenset(
        {Ability.THREAD, Ability.REPLY, Ability.DELETE, Ability.ALT_TEXT, Ability.POLL, Ability.LINK_CARD}
    ),
    options=(REPLIES, TOPIC, QUOTE, SPOILER),
    facts=FACTS,
)
