"""Whatever is said and however it is carried: nothing is allowed at the other end that was not allowed here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kicau.rights.uses import CONDITIONS, USE_VALUES, USES
from kicau.vocabularies import iptc, odrl, rsl
from kicau.vocabularies.known import VOCABULARIES, lost_values, vocabulary_tables
from kicau.vocabularies.terms import combine_declarations

policies = st.dictionaries(st.sampled_from(USES), st.sampled_from(USE_VALUES))


@pytest.mark.parametrize("slug", VOCABULARIES)
@settings(max_examples=40, deadline=None)
@given(says=policies)
def test_what_is_written_is_read_again_and_never_as_more(slug, says):
    one = VOCABULARIES[slug]
    written = one.write(says)
    reading = one.hear(written)
    heard = combine_declarations(reading.declarations)
    assert not reading.faults
    for use, value in heard.items():
        if value == "allow":
            assert says.get(use) == "allow", f"{use} was not allowed"
    table = lost_values(slug)
    for use, value in says.items():
        if value == "deny" and table[use]["deny"]:
            assert heard.get(use) == "deny", f"{use} was refused, and {slug} can say so"
    assert combine_declarations(one.hear(one.write(heard)).declarations) == heard  # stable from the second time on


@settings(max_examples=40, deadline=None)
@given(
    says=policies,
    conditions=st.dictionaries(st.sampled_from(CONDITIONS), st.sampled_from(("", "ID", "1 USD")), min_size=1),
)
def test_conditions_are_kept_or_become_a_refusal(says, conditions):
    bound = [use for use, value in says.items() if value == "conditional"]
    for reading in (
        odrl.read_offer(odrl.write_offer(says, conditions)),
        rsl.read_document(rsl.write_document(says, conditions=conditions, terms="https://example.org/terms").encode()),
    ):
        (told,) = reading.declarations or (None,)
        for use in bound:
            if told and told.says.get(use) == "conditional":
                assert set(told.conditions) == set(conditions)
            elif told:
                assert told.says.get(use) in (None, "deny")


def test_odrl_keeps_every_use_value_and_condition():
    says = dict(zip(USES, USE_VALUES * 3, strict=False))
    (told,) = odrl.read_offer(odrl.write_offer(says, {"attribution": "", "geography": "ID"})).declarations
    assert (told.says, told.conditions) == (says, {"attribution": "", "geography": "ID"})


def test_iptc_has_a_value_for_every_refusal_and_keeps_what_else_the_packet_says():
    other = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description rdf:about="" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    dc:format="image/jpeg" plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-ALLOWED"/></rdf:RDF></x:xmpmeta>"""
    packet = iptc.write_packet({"train_gen": "deny"}, into=other)
    assert b'dc:format="image/jpeg"' in packet
    assert packet.count(b"DataMining>") == 2
    assert iptc.read_packet(packet).declarations[0].says == {"train_gen": "deny"}
    assert iptc.mining_term({"train_gen": "deny", "train_other": "deny"}) == "PROHIBITED-AIMLTRAINING"
    assert (
        iptc.mining_term(dict.fromkeys(iptc.MINING_USES, "deny") | {"search": "allow"})
        == "PROHIBITED-EXCEPTSEARCHENGINEINDEXING"
    )
    assert iptc.mining_term({"ground": "deny"}) == ""


def test_the_table_of_losses_is_true():
    page = Path(__file__).parents[3] / "docs/reference/vocabularies.md"
    assert page.read_text("utf-8").endswith(vocabulary_tables()), (
        "python -m kicau.vocabularies.known prints what belongs there"
    )
