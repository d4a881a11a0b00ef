"""Decisions: the order of authority, who can lift what, and what stays open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import uuid4

import pytest

from kicau.rights import sentences, statements
from kicau.rights.decisions import ItemFacts, StatementFacts, decide, is_under_prefix
from kicau.rights.models import USES, Layer

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ITEM = uuid4()
FETCHED = ItemFacts(network="n", author="n:1", acquired=("fetched",), item=ITEM, url="https://n.example/a/1")
PARTY = {"contract": "network", "site": "site", "default": "workspace"}


def said(layer: str, value: str, **more) -> StatementFacts:
    more.setdefault("party", PARTY.get(layer, "author"))
    more.setdefault("id", f"{layer}-{value}-{len(more)}-{more.get('party_name', '')}")
    return StatementFacts(layer=layer, says={"train_gen": value}, **more)


def answer(*statements: StatementFacts, facts: ItemFacts = FETCHED, meets=()) -> str:
    found = decide("train_gen", facts, statements, NOW, meets=meets)
    assert sentences.decision_reason(found).sentence
    assert found.digest == decide("train_gen", facts, reversed(statements), NOW, meets=meets).digest
    return str(found.answer)


def test_reasons_read_as_sentences_whoever_has_no_name():
    def why(*statements: StatementFacts, network: str = "n") -> str:
        return sentences.decision_reason(
            decide("train_gen", replace(FETCHED, network=network), statements, NOW)
        ).sentence

    assert (
        why(said("author", "deny"))
        == "No. The author does not want this content to be used for training a generative AI model."
    )
    assert (
        why(said("author", "allow"))
        == "Yes. The author allows this content to be used for training a generative AI model."
    )
    assert (
        why(said("author", "deny", party_name="Teman"))
        == "No. The author, Teman, does not want this content to be used for training a generative AI model."
    )
    assert (
        why(said("contract", "deny", network="x"), network="x")
        == "No. The terms of use of X, which apply to this copy of the content, do not allow it to be used for training a generative AI model."
    )
    assert (
        why(said("contract", "deny", network="n"))
        == "No. The terms of use of n, which apply to this copy of the content, do not allow it to be used for training a generative AI model."
    )


def test_nobody_spoke():
    assert answer() == "unknown"
    assert answer(said("default", "unknown")) == "unknown"


@pytest.mark.parametrize(("higher", "lower"), list(combinations(Layer.values, 2)))
def test_the_higher_no_always_counts(higher, lower):
    by_whom = {"party": "network"} if (higher, lower) == ("grant", "contract") else {}
    assert answer(said(higher, "deny", **by_whom), said(lower, "allow")) == "no"


def test_the_first_that_speaks_allows():
    spoken = [layer for layer in Layer.values if layer not in ("withdrawal", "contract")]
    for higher, lower in combinations(spoken, 2):
        assert answer(said(higher, "allow"), said(lower, "deny")) == "yes", (higher, lower)


def test_a_grant_lifts_only_what_its_grantor_controls():
    terms, wish = said("contract", "deny"), said("author", "deny")
    by_author, by_network = said("grant", "allow"), said("grant", "allow", party="network")
    assert answer(by_author, terms) == "no"
    assert answer(by_author, wish) == "yes"
    assert answer(by_network, terms) == "yes"
    assert answer(by_network, wish) == "no"
    assert answer(by_network, by_author, terms, wish) == "yes"
    assert answer(said("contract", "allow"), wish) == "no"
    assert answer(said("contract", "allow"), said("site", "deny")) == "yes"


def test_terms_that_nobody_reviewed_leave_it_open():
    assert answer(said("contract", "unknown"), said("author", "allow")) == "unknown"
    assert answer(said("contract", "unknown"), said("author", "deny")) == "no"
    assert (
        answer(said("contract", "unknown"), said("grant", "allow", party="network"), said("author", "allow")) == "yes"
    )


def test_narrower_then_later_and_the_strictest_of_several_parties():
    wide = said("author", "deny", id="a")
    one = said("author", "allow", id="b", subject="item", item=ITEM)
    assert answer(wide, one) == "yes"
    assert answer(wide, said("author", "allow", id="c", subject="item", item=uuid4())) == "no"
    later = said("author", "allow", id="d", valid_from=NOW - timedelta(days=1))
    assert answer(said("author", "deny", id="e", valid_from=NOW - timedelta(days=2)), later) == "yes"
    assert answer(said("author", "allow", party_name="A"), said("author", "deny", party_name="B")) == "no"
    both = [said("withdrawal", "deny"), said("withdrawal", "allow", subject="item", item=ITEM)]
    assert answer(*both) == "no"


def test_what_is_not_valid_or_not_about_it_says_nothing():
    ended = said("author", "allow", valid_until=NOW)
    future = said("author", "allow", valid_from=NOW + timedelta(seconds=1))
    other = [
        said("author", "allow", network="m"),
        said("author", "allow", acquired="imported"),
        said("author", "allow", subject="author", key="own"),
    ]
    assert answer(ended, future, *other) == "unknown"
    assert answer(said("site", "deny", subject="site", key="https://n.example/a")) == "no"
    assert is_under_prefix("https://n.example/ab", "https://n.example/a") is False


def test_conditions_are_met_or_the_answer_is_open():
    free = said("author", "conditional", conditions={"attribution": "name her", "non-commercial": ""})
    assert answer(free) == "unknown"
    assert answer(free, meets=["attribution"]) == "unknown"
    assert answer(free, meets=["attribution", "non-commercial"]) == "yes"
    assert answer(said("author", "conditional"), meets=["attribution"]) == "unknown"
    bound = said("contract", "conditional", conditions={"payment": ""})
    assert answer(bound, said("author", "allow")) == "unknown"
    assert answer(bound, said("author", "allow"), meets=["payment"]) == "yes"


def test_each_copy_is_judged_and_the_freest_used():
    twice = ItemFacts(network="n", author="n:1", own=True, acquired=("fetched", "imported"))
    terms, own = said("contract", "deny", acquired="fetched"), said("author", "allow", subject="author", key="own")
    assert answer(terms, own, facts=twice) == "yes"
    assert answer(terms, own, facts=ItemFacts(network="n", own=True, acquired=("fetched",))) == "no"
    assert answer(said("withdrawal", "deny"), own, facts=twice) == "no"


@pytest.mark.parametrize("use", ["train_gen", "train_other", "synthesise", "redistribute", "search"])
@pytest.mark.parametrize("way", ["composed", "imported", "fetched", "received", "generated"])
def test_nobody_else_can_permit_others_words(use, way):
    """Whatever the workspace says: its rules, its default, its grant."""
    others = ItemFacts(network="n", author="n:1", acquired=(way,), item=ITEM)
    for rule in (
        *statements.policy_statements(dict.fromkeys(USES, "allow"), {}),
        StatementFacts(id="d", layer="default", party="workspace", says={use: "allow"}),
        StatementFacts(id="e", layer="default", party="author", says={use: "allow"}),
        StatementFacts(id="g", layer="grant", party="workspace", says={use: "allow"}),
        StatementFacts(id="i", layer="grant", party="workspace", subject="item", item=ITEM, says={use: "allow"}),
    ):
        in_house = use == "search" and not rule.id.startswith("policy")
        decision = decide(use, others, [rule], NOW)
        assert decision.answer == ("yes" if in_house else "unknown"), rule
        assert decide(use, replace(others, own=True), [rule], NOW).answer == "yes"
    assert decide(use, others, statements.policy_statements({}, {use: "deny"}), NOW).answer == "no"
    assert (
        decide(use, replace(others, own=True), statements.policy_statements({}, {use: "deny"}), NOW).answer == "unknown"
    )
