"""Licences as people name them: spelled in many ways, joined by AND, OR and WITH, and read for one purpose."""

from __future__ import annotations

import license_expression
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kicau.base import clock
from kicau.rights import licences
from kicau.rights.decisions import ItemFacts, StatementFacts, decide, is_under_prefix
from kicau.rights.licences import InvalidExpression, canonical_spdx, licence_meaning, parse_expression

NOW = clock.now()
SPELLINGS = {
    "CC-BY-ND-4.0": (
        "cc-by-nd-4.0",
        "CC BY-ND 4.0",
        "cc by nd 4.0",
        "cc_by_nd_4.0",
        "CCBYND 4.0",
        "CC BY-ND 4.0 Deed",
        "CC BY 4.0 ND",
        "CC-BY-4.0-ND",
        "CC BY 4.0 (ND)",
        "Creative Commons Attribution-NoDerivatives 4.0 International",
        "Creative Commons Attribution-NoDerivs 4.0 International License",
        "Attribution-NoDerivatives 4.0 International (CC BY-ND 4.0)",
        "https://creativecommons.org/licenses/by-nd/4.0/",
        "http://CreativeCommons.org/licenses/by-nd/4.0/legalcode.id",
        "creativecommons.org/licenses/by-nd/4.0/deed.en",
    ),
    "CC-BY-NC-ND-3.0-US": ("CC BY-NC-ND 3.0 US", "https://creativecommons.org/licenses/by-nc-nd/3.0/us/"),
    "CC-BY-NC-3.0-IGO": ("CC BY-NC 3.0 IGO", "cc by 3.0 nc igo"),
    "CC-BY-NC-SA-4.0": ("Creative Commons Attribution Non-Commercial Share Alike 4.0", "by-nc-sa 4.0", "CC-BY-NC-SA-4"),
    "LicenseRef-CC-BY": ("CC BY", "cc-by", "Creative Commons Attribution", "ccby"),
    "CC0-1.0": (
        "cc0",
        "CC0 1.0",
        "CC0 1.0 Universal",
        "CC Zero",
        "Creative Commons Zero v1.0 Universal",
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    "MIT": (
        "mit",
        "MIT License",
        "The MIT License",
        "https://opensource.org/licenses/MIT",
        "https://spdx.org/licenses/MIT.html",
    ),
    "Apache-2.0": (
        "apache-2.0",
        "Apache 2.0",
        "Apache License, Version 2.0",
        "https://www.apache.org/licenses/LICENSE-2.0",
    ),
    "GPL-3.0-or-later": ("gpl-3.0-OR-LATER", "GPLv3 or later", "GNU GPL v3+"),
    "LicenseRef-all-rights-reserved": (
        "All rights reserved",
        "ALL RIGHTS RESERVED.",
        "© 2025 Teman",
        "Copyright 2025 Teman",
    ),
    "MIT OR CC-BY-ND-4.0": ("mit or cc-by-nd-4.0", "(MIT License OR CC BY-ND 4.0)"),
    "CC0-1.0 AND CC-BY-ND-4.0": ("CC0 and CC BY-ND 4.0", "(cc0-1.0)AND(cc-by-nd-4.0)"),
    "Apache-2.0 WITH LLVM-exception": ("apache-2.0 with llvm-exception",),
    "": ("", "  ", "NOASSERTION", "n/a", "-"),
}


@pytest.mark.parametrize(("spdx", "spelled"), [(k, one) for k, many in SPELLINGS.items() for one in (k, *many)])
def test_common_spellings(spdx, spelled):
    assert canonical_spdx(spelled) == spdx
    assert canonical_spdx(canonical_spdx(spelled)) == spdx


@pytest.mark.parametrize(
    "text",
    [
        "CC-BY-ND-4.0 OR",
        "CC0 maybe",
        "Lisensi khusus",
        "CC BY-ND-SA 4.0",
        "MIT AND (",
        "CC-BY-ND-4.0 CC0",
        "free as in CC0 beer",
        "((CC0-1.0 OR MIT) CC-BY-ND-4.0)",
        "(CC0-1.0 OR MIT) CC-BY-ND-4.0 OR MIT",
        "CC0-1.0 (MIT)",
        "CC-BY-4.0 MIT",
        "(CC-BY-4.0 ( MIT)",
        "(CC0-1.0 ) CC0-1.0)",
        "CC-BY-4.0-XYZ",
    ],
)
def test_what_is_not_understood_permits_nothing(text):
    assert licence_meaning(text, "train_gen", frozenset(["attribution"])).value == "unknown"
    assert (
        decide(
            "train_gen",
            ItemFacts(licence=text),
            [StatementFacts(id="d", layer="default", party="workspace", says={"train_gen": "allow"})],
            NOW,
        ).answer
        == "unknown"
    )


@pytest.mark.parametrize(
    ("expression", "meets", "answer"),
    [
        ("CC0-1.0", (), "yes"),
        ("CC-BY-4.0", (), "unknown"),
        ("CC-BY-4.0", ("attribution",), "yes"),
        ("CC-BY-NC-4.0", ("attribution",), "unknown"),
        ("CC-BY-NC-4.0", ("attribution", "non-commercial"), "yes"),
        ("CC-BY-ND-4.0", ("attribution", "non-commercial", "share-alike", "consent"), "no"),
        ("CC-BY-ND-4.0 OR MIT", ("attribution",), "yes"),
        ("CC-BY-ND-4.0 OR CC0-1.0", (), "yes"),
        ("CC-BY-ND-4.0 AND CC0-1.0", (), "no"),
        ("CC0-1.0 AND MIT", (), "unknown"),
        ("CC0-1.0 AND MIT", ("attribution",), "yes"),
        ("CC0-1.0 AND LicenseRef-ours", (), "unknown"),
        ("CC-BY-ND-4.0 AND LicenseRef-ours", (), "no"),
        ("CC0-1.0 OR LicenseRef-ours", (), "yes"),
        ("CC-BY-ND-4.0 OR LicenseRef-ours", (), "unknown"),
        ("CC-BY-NC-4.0 OR (CC-BY-SA-4.0 AND MIT)", ("attribution", "share-alike"), "yes"),
        ("Apache-2.0 WITH LLVM-exception", ("attribution",), "yes"),
        ("Apache-2.0 WITH No-exception", ("attribution",), "unknown"),
        ("LicenseRef-all-rights-reserved", (), "no"),
    ],
)
def test_expressions_for_a_purpose(expression, meets, answer):
    for text in (expression, expression.lower(), expression.replace("-4.0", " 4.0")):
        decision = decide("train_gen", ItemFacts(licence=text), [], NOW, meets=meets)
        assert decision.answer == answer, text
        assert decision.layer == "licence"
        if answer == "yes" and "CC0" not in expression:
            assert "attribution" in decision.duties


def test_the_reading_gives_way_to_what_somebody_says_of_the_licence():
    item = ItemFacts(licence="CC-BY-ND-4.0")
    allow = StatementFacts(
        id="a",
        layer="licence",
        party="author",
        party_name="Sari",
        subject="licence",
        key="cc by-nd 4.0",
        says={"train_gen": "allow"},
    )
    assert decide("train_gen", item, [allow], NOW).answer == "yes"
    assert decide("ground", item, [allow], NOW).answer == "no"
    elsewhere = StatementFacts(id="b", layer="licence", party="author", acquired="fetched", says={"train_gen": "allow"})
    assert (
        decide("train_gen", ItemFacts(licence="CC-BY-ND-4.0", acquired=("received",)), [elsewhere], NOW).answer == "no"
    )


@pytest.mark.parametrize("value", ["allow", "deny", "unknown"])
@pytest.mark.parametrize(
    ("key", "licence", "matches", "allows"),
    [
        ("cc-by-nd-4.0", "CC-BY-ND-4.0", True, True),
        ("CC BY-ND 4.0", "CC-BY-ND-4.0 OR MIT", True, True),
        ("CC-BY-ND-4.0", "CC-BY-ND-4.0 AND MIT", True, False),
        ("mit or cc-by-nd-4.0", "CC-BY-ND-4.0 OR MIT", True, True),
        ("MIT AND CC0", "cc0 and mit", True, True),
        ("CC-BY-ND-4.0", "CC-BY-4.0", False, False),
        ("CC-BY-4.0", "CC-BY-ND-4.0", False, False),
        ("MIT", "", False, False),
        ("MIT", "LicenseRef-MIT", False, False),
    ],
)
def test_statements_find_licences_by_meaning(key, licence, matches, allows, value):
    said = StatementFacts(id="g", layer="grant", party="author", subject="licence", key=key, says={"train_gen": value})
    concerns = said.concerns("train_gen", ItemFacts(licence=licence))
    assert concerns is (allows if value == "allow" else matches)


@pytest.mark.parametrize(
    ("url", "site", "is_under"),
    [
        ("https://x.com/a", "https://X.com/", True),
        ("https://X.COM/a/1", "https://x.com/a", True),
        ("HTTPS://x.com:443/a", "https://x.com", True),
        ("https://x.com/A", "https://x.com/a", False),
        ("https://x.com.evil.example/a", "https://x.com", False),
        ("https://kopi.example/a", "kopi.example", True),
        ("https://bücher.example/a", "https://xn--bcher-kva.example", True),
        ("https://x.com:8443/a", "https://x.com", False),
        ("https://x.com/ab", "https://x.com/a", False),
        ("", "https://x.com", False),
    ],
)
def test_sites_match_by_meaning(url, site, is_under):
    assert is_under_prefix(url, site) is is_under


OPERATORS = ("AND", "OR", "and", "or")
PLAIN = st.sampled_from(["MIT", "CC0-1.0", "cc-by-4.0", "LicenseRef-x", "Apache-2.0 WITH LLVM-exception"])
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.lists(st.tuples(st.sampled_from(OPERATORS), inner), min_size=2, max_size=3).map(
        lambda parts: f"({' '.join(f'{operator} {part}' for operator, part in parts).partition(' ')[2]})"
    ),
    max_leaves=8,
)


@given(NESTED)
def test_a_reader_of_others_sees_the_same_tree(text):
    if len(text) <= licences.MAX_LENGTH:
        assert parse_expression(text).key() == key_of_peer(PEER.parse(text))


PEER = license_expression.Licensing()


def key_of_peer(found):
    """As `LicenceNode.key`: order, repetition, nesting and case do not count."""
    for operator in ("AND", "OR"):
        kind = getattr(PEER, operator)
        if isinstance(found, kind):
            flat, rest = [], list(found.args)
            while rest:
                one = rest.pop()
                (rest if isinstance(one, kind) else flat).extend(one.args if isinstance(one, kind) else [one])
            joined = frozenset(map(key_of_peer, flat))
            return (operator, joined) if len(joined) > 1 else next(iter(joined))
    if isinstance(found, license_expression.LicenseWithExceptionSymbol):
        return found.license_symbol.key.casefold(), found.exception_symbol.key.casefold()
    return found.key.casefold(), ""


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["MIT", "CC BY-ND 4.0", "and", "OR", "(", ")", "with", "x y"]), max_size=9).map(" ".join)
)
def test_no_text_breaks_the_reader(text):
    assert canonical_spdx(canonical_spdx(text)) == canonical_spdx(text)
    try:
        assert parse_expression(str(parse_expression(text))).key() == parse_expression(text).key()
    except InvalidExpression:
        assert not licences.is_known(text)
