"""X's text rules against the public conformance suite of twitter-text, all cases, and against hostile texts."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from kicau.networks.x import text as rules
from kicau.networks.x.text import (
    DEFAULT_RULES,
    RULES_140,
    RULES_2017,
    TweetEntity,
    find_entities,
    parse_text,
    weighted_length,
)

SUITE = Path(__file__).parent / "conformance"
VALIDATE_SHA256 = "29fa1be663676f3d0bb0a67f393b32c15d92c5dd10db9be401bf7708d7c5b703"  # of the tag v3.1.0


@cache
def suite(name: str) -> dict[str, list[dict]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((SUITE / name).read_text(encoding="utf-8"), loader)["tests"]


def cases(name: str, group: str):
    return [pytest.param(one["text"], one["expected"], id=f"{group}-{n}") for n, one in enumerate(suite(name)[group])]


def every(*groups: str):
    return pytest.mark.parametrize(
        ("text", "expected"), [one for group in groups for one in cases("extract.yml", group)]
    )


def checked(group: str):
    return pytest.mark.parametrize(("text", "expected"), cases("validate.yml", group))


def values(found: tuple[TweetEntity, ...]) -> list[str]:
    return [one.value for one in found]


def indexed(found: tuple[TweetEntity, ...], name: str) -> list[dict]:
    return [{name: one.value, "indices": [one.start, one.end]} for one in found]


# Extraction


@every("mentions")
def test_mentions(text, expected):
    assert values(rules.find_mentions(text)) == expected


@every("mentions_with_indices")
def test_where_mentions_are(text, expected):
    assert indexed(rules.find_mentions(text), "screen_name") == expected


@every("mentions_or_lists_with_indices")
def test_where_mentions_and_lists_are(text, expected):
    found = rules.find_mentions_or_lists(text)
    assert [one | {"list_slug": e.list_slug} for one, e in zip(indexed(found, "screen_name"), found, strict=True)] == [
        {key: one[key] for key in ("screen_name", "indices", "list_slug")} for one in expected
    ]


@every("replies")
def test_whom_a_reply_is_to(text, expected):
    assert rules.reply_screen_name(text) == expected


@every("urls", "tco_urls_with_params")
def test_urls(text, expected):
    assert values(rules.find_urls(text)) == expected


@every("urls_with_indices", "urls_with_directional_markers")
def test_where_urls_are(text, expected):
    assert indexed(rules.find_urls(text), "url") == expected


@every("hashtags", "hashtags_from_astral")
def test_hashtags(text, expected):
    assert values(rules.find_hashtags(text)) == expected


@every("hashtags_with_indices")
def test_where_hashtags_are(text, expected):
    assert indexed(rules.find_hashtags(text), "hashtag") == expected


@every("cashtags")
def test_cashtags(text, expected):
    assert values(rules.find_cashtags(text)) == expected


@every("cashtags_with_indices")
def test_where_cashtags_are(text, expected):
    assert indexed(rules.find_cashtags(text), "cashtag") == expected


@pytest.mark.parametrize("group", ["country", "generic"])
def test_every_top_level_domain_of_the_suite(group):
    missed = [
        one["text"] for one in suite("tlds.yml")[group] if values(rules.find_urls(one["text"])) != one["expected"]
    ]
    assert missed == []
    assert len(suite("tlds.yml")[group]) == {"country": 315, "generic": 1259}[group]


# Validation


@checked("tweets")
def test_the_posts_of_140(text, expected):
    assert rules.is_valid_text(text, RULES_140) is expected


@checked("usernames")
def test_usernames(text, expected):
    assert rules.is_valid_username(text) is expected


@checked("lists")
def test_lists(text, expected):
    assert rules.is_valid_list(text) is expected


@checked("hashtags")
def test_valid_hashtags(text, expected):
    assert rules.is_valid_hashtag(text) is expected


@checked("urls")
def test_valid_urls(text, expected):
    assert rules.is_valid_url(text) is expected


@checked("urls_without_protocol")
def test_valid_urls_without_protocol(text, expected):
    assert rules.is_valid_url(text, protocol=False) is expected


# Lengths


def last_unit(text: str, end: int) -> int:
    """The index of the last UTF-16 unit before a place: how the suite writes the end of a range."""
    return max(0, len(text[:end].encode("utf-16-le")) // 2 - 1)


def as_the_suite_writes(text: str, config) -> dict:
    found = parse_text(text, config)
    return {
        "weightedLength": found.weighted_length,
        "valid": found.valid,
        "permillage": found.permillage,
        "displayRangeStart": 0,
        "displayRangeEnd": last_unit(text, len(text)),
        "validRangeStart": found.valid_range[0],
        "validRangeEnd": last_unit(text, found.valid_range[1]),
    }


@checked("WeightedTweetsCounterTest")
def test_lengths_without_emoji(text, expected):
    assert as_the_suite_writes(text, RULES_2017) == expected


@checked("WeightedTweetsWithDiscountedEmojiCounterTest")
def test_lengths(text, expected):
    assert as_the_suite_writes(text, DEFAULT_RULES) == expected
    assert weighted_length(text) == expected["weightedLength"]


@checked("UnicodeDirectionalMarkerCounterTest")
def test_lengths_with_marks_of_direction(text, expected):
    assert as_the_suite_writes(text, DEFAULT_RULES) == expected


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("👩🏽‍🚀", 2),
        ("🇮🇩🇬🇧", 4),
        ("🇦🇦", 4),  # no flag: two letters
        ("🏴󠁧󠁢󠁷󠁬󠁳󠁿", 2),
        ("👩‍❤️‍💋‍👨", 2),
        ("Ngopi dulu ☕️⚡️⭐️ " * 14, 252),
        ("☕⚡⭐", 6),
        ("☕︎", 4),
        ("☝️🏽", 2),
        ("🕵🏽‍♂️", 2),
        ("1️⃣#⃣", 4),
        ("©", 1),
        ("©️", 2),
        ("☺︎", 4),  # asked to be text
        ("👨‍🐱", 5),  # joined, but no known emoji
        ("😀🏽", 4),  # takes no skin tone
        ("❤️‍🔥", 5),  # this and those that follow are younger than the library's list of 2018
        ("🏳️‍⚧️", 7),
        ("🐻‍❄️", 5),
        ("🧑‍🎄", 5),
        ("🧑🏿‍🤝‍🧑🏻", 8),
        ("👩🏽‍🤝‍👨🏿", 8),
        ("♾️", 4),
        ("🫷🏽", 4),
        ("🇨🇶", 4),
    ],
)
def test_emoji_count_two_each(text, length):
    assert weighted_length(text) == length


def test_emoji_that_may_count_as_several_are_named():
    plain = "kopi ☕️ 👍🏽 👩🏽‍🚀 👨‍👩‍👧‍👦 🇮🇩 1️⃣ ☺︎ ☝️ 🏳️‍🌈"
    assert rules.heavy_emoji(plain) == {}
    assert rules.heavy_emoji(plain + "🧑‍🎄 dan 👩🏽‍🤝‍👨🏿, 🧑‍🎄") == {"🧑‍🎄": 5, "👩🏽‍🤝‍👨🏿": 8}
    assert rules.heavy_emoji("🧑‍🎄", RULES_2017) == {}


def test_the_suite_is_the_published_one():
    assert hashlib.sha256((SUITE / "validate.yml").read_bytes()).hexdigest() == VALIDATE_SHA256
    counts = {name: sum(map(len, suite(name).values())) for name in ("extract.yml", "validate.yml", "tlds.yml")}
    assert counts == {"extract.yml": 238, "validate.yml": 97, "tlds.yml": 1574}


# All kinds together


def test_entities_come_in_order_and_apart():
    text = "Hai @kicau, baca https://example.com/#berita #Ramadan2026 dan $GOTO di example.co.id 😀"
    assert [(one.kind, one.text, one.value) for one in find_entities(text)] == [
        ("mention", "@kicau", "kicau"),
        ("link", "https://example.com/#berita", "https://example.com/#berita"),
        ("tag", "#Ramadan2026", "Ramadan2026"),
        ("cashtag", "$GOTO", "GOTO"),
        ("link", "example.co.id", "example.co.id"),
    ]
    assert all(text[one.start : one.end] == one.text for one in find_entities(text))


def test_the_valid_part_of_a_long_text_is_what_fits():
    text = "かな" * 100 + " https://example.com"
    start, end = parse_text(text).valid_range
    assert (start, end, weighted_length(text[:end])) == (0, 140, 280)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("éxample.com", ["xample.com"]),  # X takes a first letter that is not ASCII for what stands before
        ("Wow😀.example.com", ["example.com"]),
        ("x.example.com.", ["x.example.com"]),
        ("example.com?a=1", ["example.com"]),  # a query needs a path where there's no protocol
        ("example.com:80/a?b=1!", ["example.com:80/a?b=1"]),
        ("http://example.com/a!(b)", ["http://example.com/a"]),
        ("http://example.com/a(b)(c).", ["http://example.com/a(b)(c)"]),
        ("a@example.com", []),
        ("http://" + "a" * 63 + ".com", ["http://" + "a" * 63 + ".com"]),
        ("http://" + "a" * 64 + ".com", []),
        ("https://example.com/" + "a" * 4068, ["https://example.com/" + "a" * 4068]),
        ("https://example.com/" + "a" * 4069, []),
    ],
)
def test_links_beyond_the_suite(text, found):
    assert values(rules.find_urls(text)) == found


# Hostile texts: each repeated to 100,000 characters

HOSTILE = [
    "a.a.a.",
    "com.",
    "a.com-.",
    "a_.com.",
    "あ.com",
    "é.com.",
    "a.comあ",
    "x.みんな",
    "@@@@",
    "@a",
    "RT@",
    "####",
    "#1",
    "#a",
    "$$$$",
    "$a ",
    ":::://",
    "http://",
    "http://a.",
    "http://a.com/((",
    "a.com/(a(a",
    "/.,!",
    "a.com?!!",
    "xn--a.",
    "a.com ",
    "。.com",
    "👨‍",
    "🇦",
    "1️⃣",
    "e\u0301",
    "\u200d",
    "-",
    "_",
    "a",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_hostile_text_of_100_000_characters_is_read(unit):
    """bench/hostile_texts.py measures that it takes no more time than its length."""
    text = unit * (100_000 // len(unit))
    found = find_entities(text)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert parse_text(text).weighted_length == weighted_length(text) > DEFAULT_RULES.limit
    assert not parse_text(text).valid


def test_half_characters_are_counted_like_any_other():
    assert weighted_length("\ud83d.com a\udc00") == 10
    assert find_entities("\ud83d.com #\ud83d @\udc00 http://\ud83d.com")[0].text == "http://\ud83d.com"
