"""Links, mentions, hashtags and lengths. Each case was also put to Ruby with the server's own expressions (2026-11-24)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kicau.connector.content import SpanKind
from kicau.networks.mastodon import text


def found(said: str, kind: SpanKind) -> list[str]:
    return [said[one.start : one.end] for one in text.find_entities(said) if one.kind is kind]


@pytest.mark.parametrize(
    ("said", "links"),
    [
        ("https://kopisenja.com", ["https://kopisenja.com"]),
        ("HTTP://Kopi.ID/Menu?a=1&b=2#x.", ["HTTP://Kopi.ID/Menu?a=1&b=2#x"]),
        ("(https://id.wikipedia.org/wiki/Kopi_(minuman))", ["https://id.wikipedia.org/wiki/Kopi_(minuman)"]),
        ("https://kopi.id:8080/a, https://kopi.id/b!", ["https://kopi.id:8080/a", "https://kopi.id/b"]),
        ("https://例え.jp/パス", ["https://例え.jp/パス"]),
        ("gemini://kopi.id/", ["gemini://kopi.id/"]),
        ("kopi.id www.kopi.id", []),  # no protocol, no link
        ("kopi.id/?ke=https://a.com", []),  # swallowed by what is none
        ("xhttps://kopi.id", []),
        ("@https://kopi.id", []),
        ("https://localhost/x https://kopi.invalid/x", []),  # no top-level domain that is known
        ("https://kopi_senja.id https://a_b.kopi.id", ["https://a_b.kopi.id"]),
        ("https://-kopi.id https://kopi-.id", []),
        ("https://kopi.com1 https://kopi.com_x", ["https://kopi.com"]),
        ("ayo!https://kopi.id", ["https://kopi.id"]),
        ("https://☕.com", []),  # no name that can be written in punycode of 2003
        (f"https://{'a' * 64}.com", []),
        ("https://.co.id", []),
        ("https://t.co/abc…lalu HTTP://T.CO/aB1-x", ["https://t.co/abc", "HTTP://T.CO/aB1"]),
        ("https://t.co/abc/def?a=1#b", ["https://t.co/abc"]),
        (f"https://t.co/{'a' * 40}! https://t.co/{'a' * 41}", [f"https://t.co/{'a' * 40}"]),
        ("https://t.co/menuı ıpfs://kopi.id ſſb://kopi.id", ["https://t.co/menu", "ſſb://kopi.id"]),
        ("https://t.co/ https://t.co https://t.com/abc…", ["https://t.co/", "https://t.co", "https://t.com/abc…"]),
    ],
)
def test_links(said: str, links: list[str]) -> None:
    assert found(said, SpanKind.LINK) == links


@pytest.mark.parametrize(
    ("said", "mentions"),
    [
        ("@amy @amy@kopi.social, (@a.b_c@x-y.id)", ["@amy", "@amy@kopi.social", "@a.b_c@x-y.id"]),
        ("a@b x/@no =@no @@ @ok.", ["@ok"]),
        ("@amy@ @amy@b@c @namé", []),
        ("@amy:// @amy.", ["@amy"]),
        ("https://kopi.id/@amy", []),
    ],
)
def test_mentions(said: str, mentions: list[str]) -> None:
    assert found(said, SpanKind.MENTION) == mentions


@pytest.mark.parametrize(
    ("said", "tags"),
    [
        (
            "#kopi #KopiSenja2026 #kopi_senja ＃コーヒー #قهوة",
            ["#kopi", "#KopiSenja2026", "#kopi_senja", "＃コーヒー", "#قهوة"],
        ),
        ("#1 #2026 #1a a#b (#c)", ["#1a"]),
        ("#a·b #a· #a-b", ["#a·b", "#a", "#a"]),
        ("#taghttps://kopi.id", ["#tag"]),
    ],
)
def test_tags(said: str, tags: list[str]) -> None:
    assert found(said, SpanKind.TAG) == tags


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("", 0),
        (" \n", 0),
        ("kopi", 4),
        ("baris\r\nbaris", 11),
        ("👩‍👩‍👧‍👦🇮🇩👍🏽1️⃣", 4),
        ("e\u0301\u0302 ก็ 한", 5),
        ("क्ष", 2),  # Ruby breaks conjuncts
        ("น้ำ ซ้ำ ค้ำ กำ", 7),  # SARA AM belongs to what is before it, a tone mark or not
        ("ນ້ຳ ຄຳ", 3),
        ("https://t.co/abc…lalu", 23 + 5),
        ("https://kopisenja.com/" + "a" * 300, 23),
        ("kopi.id/" + "a" * 300, 308),
        ("@amy@a-very-long-name.kopi.social halo", 9),
        ("https://a.com https://b.com", 47),
    ],
)
def test_lengths(said: str, count: int) -> None:
    assert text.count_characters(said) == count


def test_the_warning_counts_and_a_server_may_count_links_in_its_own_way() -> None:
    assert text.count_characters("kopi", "awas") == 8
    assert text.count_characters("", "awas") == 4
    assert text.count_characters("x https://kopisenja.com/menu", per_url=32) == 34
    assert text.count_characters("x https://kopisenja.com/menu", per_url=0) == 28


def test_tidy_keeps_what_the_server_keeps() -> None:
    assert text.normalize_text("\n a\r\nb \x00\t") == "a\nb"
    assert text.normalize_text("\u00a0a") == "\u00a0a"


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 200_000,
        "https://" * 20_000,
        "https://" + "a." * 50_000,
        "é-" * 50_000 + ".com https://",
        "https://a.com/" + "(" * 100_000,
        "https://a.com/" + "(a" * 50_000,
        "@a" * 100_000,
        "#" + "1" * 100_000,
        "_." * 50_000 + "com https://",
        "https://a.com/" + ".a" * 50_000,
    ],
    ids=range(10),
)
def test_a_hostile_text_is_read(hostile: str) -> None:
    """bench/hostile_texts.py measures that it takes no more time than its length."""
    found = text.find_entities(hostile)
    assert all(before.end <= after.start for before, after in pairwise(found))
    shorter = sum(one.end - one.start - text.URL_LENGTH for one in found if one.kind is SpanKind.LINK)
    assert text.count_characters(hostile) <= text.split_graphemes(hostile) - min(shorter, 0)
