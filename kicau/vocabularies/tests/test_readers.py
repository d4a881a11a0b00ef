"""What each reader makes of what strangers write: what is malformed is told and allows nothing, what is unknown is kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kicau.vocabularies import aipref, cawg, content_signal, iptc, lexicon, odrl, robots, rsl, spdx, tdmrep
from kicau.vocabularies.markup import MalformedXml, parse_xml
from kicau.vocabularies.terms import combine_declarations


def said(reading):
    return combine_declarations(reading.declarations)


def test_aipref_as_the_draft_has_it():
    assert said(aipref.read_preference(b"train-ai=y, search=n")) == {"train_gen": "allow", "search": "deny"}
    assert said(aipref.read_preference(b"train-ai;allow=n, train-ai=y")) == {"train_gen": "allow"}
    unclear = aipref.read_preference(b'train-ai=y, train-ai, search=n, search="n"')
    assert said(unclear) == {}
    assert len(unclear.faults) == 2
    broken = aipref.read_preference(b"Train-AI=y")
    assert not broken.declarations
    assert "Train-AI=y" in broken.faults[0]
    assert aipref.read_preference(b"train-ai=n, train-genai=n;exceptions=cc-cr").declarations[0].kept == (
        ("train-genai", "n"),
    )
    assert said(aipref.read_preference(b"ai-use=y")) == {"ground": "allow"}  # no word of imitation
    assert "synthesise" in said(aipref.read_preference(b"ai-use=n"))
    assert "train_other" not in said(aipref.read_preference(b"train-ai=n"))  # classifiers are left out of it in words


def test_content_signals():
    both = content_signal.read_signal("search=yes, ai-train=no, use=reference")
    assert said(both) == {"train_gen": "deny", "train_other": "deny", "search": "allow"}
    assert both.declarations[0].kept == (("use", "reference"),)
    wrong = content_signal.read_signal("ai-train=maybe, search")
    assert not wrong.declarations
    assert len(wrong.faults) == 2
    assert said(content_signal.read_signal("search=yes, search=no")) == {"search": "deny"}
    assert not content_signal.read_signal("").faults


ROBOTS = b"""License: /rsl.xml
User-Agent: *
Allow: /
Disallow: /never/
Content-Usage: / train-ai=n
Content-Usage: /ai-ok/ train-ai=y
Content-Signal: search=yes, ai-train=no

User-Agent: ExampleBot
User-Agent: OtherBot
Allow: /
Content-Usage: / train-ai=y
"""


def test_robots_txt_by_group_and_path():
    told = robots.read_robots(ROBOTS, "https://example.org/robots.txt")
    usage = lambda path, agent="*": combine_declarations(d for d in told.about(path, agent) if d.vocabulary == "aipref")  # noqa: E731
    assert told.licences == ("https://example.org/rsl.xml",)
    assert usage("/test") == {"train_gen": "deny"}
    assert usage("/ai-ok/test") == {"train_gen": "allow"}
    assert told.about("/never/test") == ()
    assert usage("/test", "examplebot") == usage("/test", "OtherBot") == {"train_gen": "allow"}
    assert usage("/test", "SomebodyElse") == {"train_gen": "deny"}
    conflict = robots.read_robots(b"User-agent: *\nContent-Usage: / train-ai=y\nContent-Usage: / train-ai=n\n")
    assert combine_declarations(conflict.about("/")) == {"train_gen": "deny"}
    lost = robots.read_robots(b"Content-Usage: / train-ai=y\n")
    assert lost.about("/") == ()
    assert lost.reading.faults
    long = robots.read_robots(b"User-agent: *\n" + b"#" * robots.MAX_BYTES + b"\nContent-Usage: / train-ai=y\n")
    assert long.about("/") == ()
    assert robots.matches_pattern("/*.php$", "/a/b.php")
    assert not robots.matches_pattern("/*.php$", "/a/b.php5")


RSL = """<rsl xmlns="https://rslstandard.org/rsl"><content url="/"{server}>
<license>{first}</license>{second}<copyright>Example</copyright></content></rsl>"""


def rsl_says(first, second="", server=""):
    reading = rsl.read_document(RSL.format(first=first, second=second, server=server).encode())
    return said(reading), dict(reading.declarations[0].conditions), reading


def test_rsl():
    assert rsl_says('<prohibits type="usage">ai-all</prohibits>')[0] == dict.fromkeys(
        ("train_gen", "train_other", "ground", "embed", "synthesise"), "deny"
    )
    priced = """<permits type="usage">search</permits><prohibits type="usage">ai-train</prohibits>
        <payment type="crawl"><amount currency="USD">0.015</amount></payment>"""
    assert rsl_says(priced)[:2] == (
        {"train_gen": "deny", "train_other": "deny", "search": "conditional"},
        {"payment": "crawl 0.015 USD"},
    )
    both = rsl_says('<permits type="usage">all</permits><prohibits type="usage">ai-train</prohibits>')[0]
    assert both["train_gen"] == "deny"  # a prohibition goes before a permission
    assert both["search"] == "allow"
    choice = rsl_says(
        '<prohibits type="usage">ai-train</prohibits>',
        '<license><permits type="usage">ai-train</permits><payment type="attribution"/></license>',
    )
    assert choice[:2] == ({"train_gen": "conditional", "train_other": "conditional"}, {"attribution": ""})
    for limit, bound in (
        ('<permits type="user">non-commercial education</permits>', "non-commercial"),
        ('<permits type="geo">ID SG</permits>', "geography"),
        ('<permits type="moon">full</permits>', "consent"),
        ('<payment type="moonstones"/>', "consent"),
    ):
        says, conditions, _ = rsl_says('<permits type="usage">search</permits>' + limit)
        assert (says, set(conditions)) == ({"search": "conditional"}, {bound})
    assert rsl_says('<permits type="usage">search</permits>', server=' server="https://licence.example"')[1] == {
        "consent": "https://licence.example"
    }
    assert ("permits usage", "ai-dream") in rsl_says('<permits type="usage">ai-dream</permits>')[2].declarations[0].kept
    for bad in (
        b"<rsl",
        b"<rsl/>",
        b"<html></html>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><rsl xmlns="https://rslstandard.org/rsl"/>',
        b'<rsl xmlns="https://rslstandard.org/rsl"><content><license><permits type="usage">all</permits></license></content></rsl>',
    ):
        assert not rsl.read_document(bad).declarations
        assert rsl.read_document(bad).faults
    assert rsl.named_in_header('<https://a.example/x>; rel="license"; type="application/rsl+xml", <y>; rel=next') == (
        "https://a.example/x",
    )
    links, documents = rsl.named_in_page(
        '<link rel="license" type="application/rsl+xml" href="l.xml"><script type="application/rsl+xml"><rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><prohibits type="usage">all</prohibits></license></content></rsl></script>',
        "https://a.example/p/",
    )
    assert links == ("https://a.example/p/l.xml",)
    assert said(rsl.read_document(documents[0]))["search"] == "deny"
    with pytest.raises(MalformedXml):
        parse_xml(b"<a>" * 100 + b"</a>" * 100)


def test_tdm_reservations():
    reserved = dict.fromkeys(("train_gen", "train_other", "embed"), "deny")
    assert said(tdmrep.read_headers({"TDM-Reservation": "1"})) == reserved
    assert said(tdmrep.read_headers({"tdm-reservation": "0"}))["train_gen"] == "allow"
    asked = tdmrep.read_headers({"tdm-reservation": "1", "tdm-policy": "https://example.org/p.json"})
    assert set(said(asked).values()) == {"conditional"}
    assert asked.declarations[0].conditions == {"consent": "https://example.org/p.json"}
    for wrong in ("2", "true", "", "0, 1"):
        assert not tdmrep.read_headers({"tdm-reservation": wrong}).declarations
        assert tdmrep.read_headers({"tdm-reservation": wrong}).faults
    file = tdmrep.read_file(
        json.dumps(
            [
                {"location": "/photos/*", "tdm-reservation": 1},
                {"location": "/", "tdm-reservation": 0},
                {"tdm-reservation": 0},
            ]
        ).encode()
    )
    assert tdmrep.rule_about(file, "/photos/a.jpg").says == reserved
    assert tdmrep.rule_about(file, "/words").says["embed"] == "allow"
    assert len(file.faults) == 1
    for bad in (
        b"{",
        b"{}",
        b"[1]",
        b'[{"location": "/", "tdm-reservation": true}]',
        b'[{"location": "/", "tdm-reservation": "0"}]',
        b"[" * 100_000,
    ):
        assert not tdmrep.read_file(bad).declarations
        assert tdmrep.read_file(bad).faults
    page = '<meta name="TDM-Reservation" content="1"><meta name="tdm-reservation" content="0">'
    assert said(tdmrep.read_html(page)) == reserved
    assert not tdmrep.read_html("<p>nothing</p>").faults


def test_assertions_records_values_licences_and_offers():
    bare = {
        "entries": {
            "c2pa.ai_generative_training": {"use": "constrained"},
            "cawg.ai_training": {"use": "perhaps"},
            "cawg.dreams": {"use": "allowed"},
        }
    }
    assert said(cawg.read_assertion(bare)) == {"train_gen": "deny"}  # constrained without a word about how
    assert cawg.read_assertion(bare).declarations[0].kept == (("cawg.dreams", "allowed"),)
    assert len(cawg.read_assertion(bare).faults) == 1
    assert cawg.read_assertion(None).faults
    record = {
        "$type": lexicon.NSID,
        "preferences": {"training": {"allow": False}, "inference": {"allow": "yes"}},
        "updatedAt": "2026-11-26T00:00:00Z",
    }
    assert said(lexicon.read_record(record)) == {"train_gen": "deny", "train_other": "deny"}
    assert len(lexicon.read_record(record).faults) == 1
    one = record | {"scope": {"$type": f"{lexicon.NSID}#entityScope", "entity": "did:web:example.org"}}
    assert lexicon.read_record(one).declarations[0].agent == "did:web:example.org"
    assert not lexicon.read_record(record | {"scope": {"$type": f"{lexicon.NSID}#moonScope"}}).declarations
    packet = iptc.write_packet({"train_gen": "deny"}).replace(b"GENAIMLTRAINING", b"EXCEPTONTUESDAYS")
    assert not iptc.read_packet(packet).declarations
    assert "TUESDAYS" in iptc.read_packet(packet).faults[0]
    assert iptc.read_packet(b"<x").faults
    assert said(spdx.read_expression("CC-BY-4.0 AND LicenseRef-ours")) == {}
    assert said(spdx.read_expression("CC0-1.0 OR LicenseRef-ours"))["train_gen"] == "allow"
    assert said(spdx.read_expression("cc-by-nc-nd-4.0"))["train_gen"] == "deny"
    assert (
        str(spdx.parse_expression("MIT or (Apache-2.0 with LLVM-exception and ISC)"))
        == "MIT OR Apache-2.0 WITH LLVM-exception AND ISC"
    )
    for bad in ("", "MIT AND", "(MIT", "MIT)", "MIT Apache-2.0", "OR", "MIT WITH", "(" * 50 + "MIT", "M T&", "x" * 500):
        assert spdx.read_expression(bad).faults, bad
        assert not spdx.read_expression(bad).declarations
    strange = {
        "permission": [
            {
                "action": "use",
                "constraint": {"leftOperand": "purpose", "operator": "eq", "rightOperand": "train_gen"},
                "duty": [{"action": "dance"}],
            },
            {"action": "odrl:display"},
        ]
    }
    assert said(odrl.read_offer(strange)) == {"train_gen": "conditional"}
    assert odrl.read_offer(strange).declarations[0].kept == (("permission", "display"),)
    assert odrl.read_offer([]).faults


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from(
        (
            b"",
            b"User-agent: *\nContent-Usage: / ",
            b"train-ai=",
            b"<rsl ",
            b"[{",
            b'{"entries": {',
            b"\xff\xd8\xff\xe1",
            b"search=yes,",
        )
    ),
)
def test_no_reader_fails_over_noise(noise, head):
    import io

    from kicau.vocabularies import containers

    data = head + noise
    text = data.decode("latin-1")
    robots.read_robots(data)
    aipref.read_preference(data)
    rsl.read_document(data)
    tdmrep.read_file(data)
    iptc.read_packet(data)
    for read in (
        content_signal.read_signal,
        tdmrep.read_html,
        spdx.read_expression,
        rsl.named_in_page,
        rsl.named_in_header,
    ):
        read(text)
    for read in (cawg.read_assertion, lexicon.read_record, odrl.read_offer):
        read({"entries": text, "preferences": {text: text}, "permission": [text, {"action": text}]})
    found = containers.find_metadata(io.BytesIO(data))
    list(containers.mining_assertions(found.c2pa or data))
