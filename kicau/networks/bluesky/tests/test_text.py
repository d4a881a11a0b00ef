from __future__ import annotations

from itertools import pairwise

import pytest

from kicau.connector.content import SpanKind
from kicau.networks.bluesky import text
from kicau.networks.bluesky.tests.cast import TRICKY
from kicau.networks.bluesky.tests.spec import recorded


@pytest.mark.parametrize(
    "case",
    [c for c in recorded("verdicts")["cases"] if isinstance(c["change"].get("text"), str)],
    ids=lambda c: repr(c["change"]["text"][:6]),
)
def test_lengths_are_the_servers_own(case: dict) -> None:  # type: ignore[type-arg]
    words = case["change"]["text"]
    assert (text.count_graphemes(words) > 300 or text.utf8_size(words) > 3000) == (case["status"] == 400)


def spans(words: str) -> list[tuple[str, str, str]]:
    return [(span.kind.value, span.text, span.target) for span in text.find_spans(words)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("https://kopi.example/a?b=c#d", [("https://kopi.example/a?b=c#d", "https://kopi.example/a?b=c#d")]),
        ("Lihat https://kopi.example.", [("https://kopi.example", "https://kopi.example")]),
        ("(https://kopi.example/x)", [("https://kopi.example/x", "https://kopi.example/x")]),
        ("https://kopi.example/x_(y)", [("https://kopi.example/x_(y)", "https://kopi.example/x_(y)")]),
        ("“https://kopi.example”", []),  # nothing begins behind a quotation mark, as in the network's own apps
        ("kopi.id, dan kopi.id/menu!", [("kopi.id", "https://kopi.id"), ("kopi.id/menu", "https://kopi.id/menu")]),
        ("KOPI.ID", [("KOPI.ID", "https://KOPI.ID")]),
        ("sari@kopi.id dan e.g. v1.2 dan README.mdx", []),
        ("kopi.id_x kopi.id@x a-.id", []),
        ("https:// http://", []),
        ("kopi.id:8080/x", [("kopi.id:8080/x", "https://kopi.id:8080/x")]),
        ("kopi.idさん kopi.idを kopi.id。", [("kopi.id", "https://kopi.id")] * 3),
        ("http\u017f://kopi.id", []),
    ],
)
def test_links(words: str, found: list[tuple[str, str]]) -> None:
    assert spans(words) == [("link", *one) for one in found]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("@KopiSenja.test, hai", [("@KopiSenja.test", "kopisenja.test")]),
        ("(@sari.bsky.social)", [("@sari.bsky.social", "sari.bsky.social")]),
        ("@sari @kopi.nosuchtop x@sari.bsky.social @", []),
        ("@sari.bsky.social.", [("@sari.bsky.social", "sari.bsky.social")]),
        ("@sari.bsky.social@x.test", []),
        *(
            (f"@sari.bsky.social{following}", [("@sari.bsky.social", "sari.bsky.social")])
            for following in (
                "さん",
                "の投稿",
                "ครับ",
                "先生",
                "님",
                "é",
                "ı",
                "٣",
                "- ya",
                "-",
                "...",
                "’s",
                "'s",
                "/x",
                ":",
                "!",
                "🎉",
            )
        ),
        ("@sari.bsky.social_ @sari.bsky.social._ @sari.bsky.socialx", []),
    ],
)
def test_mentions(words: str, found: list[tuple[str, str]]) -> None:
    assert spans(words) == [("mention", *one) for one in found]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("#kopi #Kopi_Senja. #é", [("#kopi", "kopi"), ("#Kopi_Senja", "Kopi_Senja"), ("#é", "é")]),
        ("#2026 # #. ##", []),
        ("#١٢٣ #१२३ #²³", [("#١٢٣", "١٢٣"), ("#१२३", "१२३"), ("#²³", "²³")]),
        ("#kopi2026 #1a", [("#kopi2026", "kopi2026"), ("#1a", "1a")]),
        ("＃全角", [("＃全角", "全角")]),
        ("kopi#senja (#kopi", []),
        ("#kopi\u200bsenja", [("#kopi", "kopi")]),
        ("#️⃣ satu", []),
        ("#" + "a" * 64, [("#" + "a" * 64, "a" * 64)]),
        ("#" + "a" * 65, []),
    ],
)
def test_tags(words: str, found: list[tuple[str, str]]) -> None:
    assert spans(words) == [("tag", *one) for one in found]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("$AAPL, $goto! ($BBCA)", [("$AAPL", "$AAPL"), ("$goto", "$GOTO"), ("$BBCA", "$BBCA")]),
        ("$TSLA’s $A1", [("$TSLA", "$TSLA"), ("$A1", "$A1")]),
        ("$100 $ABCDEF US$AAPL $AAPLの $ $$A $BBCA/JK $é", []),
    ],
)
def test_cashtags(words: str, found: list[tuple[str, str]]) -> None:
    assert spans(words) == [("tag", *one) for one in found]


def test_offsets_are_bytes() -> None:
    found = text.find_spans(TRICKY)
    assert [span.kind for span in found] == [SpanKind.MENTION, SpanKind.LINK, SpanKind.TAG, SpanKind.LINK]
    places = [place for span in found for place in (span.start, span.end)]
    offsets = text.byte_offsets(TRICKY, places)
    raw = TRICKY.encode()
    assert [raw[a:b].decode() for a, b in zip(offsets[::2], offsets[1::2], strict=True)] == [s.text for s in found]


@pytest.mark.parametrize(
    "words",
    [
        "(" * 100_000,
        "a.id" * 50_000,
        "#" + "," * 100_000,
        "(https://a" * 20_000,
        "a." * 100_000,
        "@a.id" * 30_000,
        "https://" + "(" * 50_000 + ")" * 50_000,
        "(#" * 50_000,
    ],
)
def test_a_hostile_text_is_read(words: str) -> None:
    """bench/hostile_texts.py measures that it takes no more time than its length."""
    found = text.find_spans(words)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(words[span.start : span.end] == span.text for span in found)
    assert all(tag in words for tag in text.overlong_tags(words))
