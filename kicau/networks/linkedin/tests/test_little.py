from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kicau.connector.content import SpanKind
from kicau.networks.linkedin import little
from kicau.networks.linkedin.sandbox import text as sandbox_text
from kicau.networks.linkedin.tests.cast import TRICKY

KOPI = "@[Kopi Senja](urn:li:organization:5012346)"


def kinds(text: str) -> list[tuple[str, str, str]]:
    shown, spans = little.parse_typed(text)
    assert all(shown[s.start : s.end] == s.text for s in spans)
    assert [s.start for s in spans] == sorted(s.start for s in spans)
    return [(s.kind.value, s.text, s.target) for s in spans]


def test_every_reserved_character_is_escaped() -> None:
    reserved = r"\|{}@[]()<>#*_~"
    assert little.escape_text(reserved) == "".join(f"\\{c}" for c in reserved)
    assert (
        little.write_commentary(*little.parse_typed(TRICKY))
        == r"Kopi \(susu\) \[baru\] \{dingin\} \<es\> 50% \*promo\* \_hari\_ \~ini\~ \| a\\b \@ 7:00 \# 1"
    )


def test_a_mention_is_shown_as_its_name() -> None:
    shown, (span,) = little.parse_typed(f"Hello {KOPI}!")
    assert shown == "Hello Kopi Senja!"
    assert (span.kind, span.text, span.target) == (SpanKind.MENTION, "Kopi Senja", "urn:li:organization:5012346")
    assert little.write_commentary(shown, (span,)) == f"Hello {KOPI}!"


@pytest.mark.parametrize(
    "text", ["@[Kopi Senja]", "@[Kopi](urn:li:share:1)", "@[](urn:li:person:1)", "[x](https://a.com)", "@sari"]
)
def test_what_is_no_mention_stays_to_the_letter(text: str) -> None:
    shown, spans = little.parse_typed(text)
    assert shown == text
    assert all(s.kind is SpanKind.LINK for s in spans)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#kopi", ["kopi"]),
        ("#kopi_senja!", ["kopi_senja"]),
        ("＃珈琲 #ngopi2026", ["珈琲", "ngopi2026"]),
        ("#1 and #2026", []),
        ("a#b, &#x27; #", []),
        ("#café (#teh)", ["café", "teh"]),
        (r"{hashtag|\#|kopi} and {hashtag|#|teh}", ["kopi", "teh"]),
    ],
)
def test_hashtags(text: str, tags: list[str]) -> None:
    assert [target for kind, _, target in kinds(text) if kind == "tag"] == tags


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://a.example/b_(c)?d=1#e.", ["https://a.example/b_(c)?d=1#e"]),
        ("(see https://a.example/b)", ["https://a.example/b"]),
        ("www.kopi.co.id and kopi.id/menu, yes", ["www.kopi.co.id", "kopi.id/menu"]),
        ("sari@kopi.id v1.2 file.txt https://", []),
        ("https://a.example/#not_a_tag", ["https://a.example/#not_a_tag"]),
    ],
)
def test_links(text: str, links: list[str]) -> None:
    found = kinds(text)
    assert [shown for kind, shown, _ in found if kind == "link"] == links
    assert [kind for kind, *_ in found if kind != "link"] == []


def test_a_link_is_sent_escaped_and_comes_out_whole() -> None:
    url = "https://a.example/b_(c)?d=1#e"
    sent = little.write_commentary(*little.parse_typed(url))
    assert sent == r"https://a.example/b\_\(c\)?d=1\#e"
    assert sandbox_text.parse_commentary(sent, {}).text == url


def test_length_is_counted_in_utf16() -> None:
    assert little.count_units("kopi") == 4
    assert little.count_units("☕🏽") == 3
    assert little.count_units("👩‍👩‍👧‍👦") == 11


PIECES = [*"ab1 .,\n\\|{}@[]()<>#*_~＃é☕🏽:/", "https://a.example/x", "kopi.id", KOPI, "#tag", r"{hashtag|\#|t}"]
typed = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@settings(max_examples=150, deadline=None)
@given(typed)
def test_what_the_network_reads_is_what_was_previewed(text: str) -> None:
    """Two writings of the same grammar, ours and the sandbox's, meet."""
    shown, spans = little.parse_typed(text)
    sent = little.write_commentary(shown, spans)
    seen = sandbox_text.parse_commentary(sent, {"urn:li:organization:5012346": "Kopi Senja"})
    assert (seen.text, seen.cut) == (shown, "")
    assert list(seen.tags) == [s.target for s in spans if s.kind is SpanKind.TAG]
    assert list(seen.mentions) == [s.target for s in spans if s.kind is SpanKind.MENTION]
    assert little.displayed_text(sent) == shown


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("Kopi (susu) hari ini", "Kopi "),
        ("harga *promo*", "harga "),
        ("a_b", "a"),
        ("halo @sari", "halo "),
        ("#tag and # alone", "#tag and "),
        ("{hashtag|#|kopi} {x}", "#kopi "),
        (r"a \(b\) \z", "a (b) "),
        ("@[Kopi Senja] (urn:li:organization:5012346) ok", "Kopi Senja ok"),
    ],
)
def test_the_sandbox_cuts_what_is_not_escaped(sent: str, seen: str) -> None:
    assert sandbox_text.parse_commentary(sent, {}).text == seen


def test_a_mention_of_another_name_is_plain_text() -> None:
    names = {"urn:li:organization:1": "Kopi Senja", "urn:li:person:x": "Sari Wulandari"}
    assert sandbox_text.parse_commentary("@[kopi senja](urn:li:organization:1)", names).mentions == ()
    assert sandbox_text.parse_commentary("@[Kopi Senja](urn:li:organization:1)", names).mentions == (
        "urn:li:organization:1",
    )
    assert sandbox_text.parse_commentary("@[Sari](urn:li:person:x)", names).mentions == ("urn:li:person:x",)
