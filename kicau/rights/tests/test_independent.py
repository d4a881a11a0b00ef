"""A second decision function, written from the docs alone, agrees with the first on random cases.

800 cases by default; DECISION_CASES=10000 in the environment: as many as that.
"""

from __future__ import annotations

import ast
import os
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from kicau.rights.decisions import ItemFacts, StatementFacts, decide
from kicau.rights.models import CONDITIONS, Layer, Origin, Party, Subject
from kicau.rights.statements import STATEMENT_VALUES
from kicau.rights.tests import independent

CASES = int(os.environ.get("DECISION_CASES") or 800)
USES = ("train_gen", "search")
NETWORKS = ("n", "m")
NAMES = ("CC0-1.0", "MIT", "cc-by-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "LicenseRef-one", "licenseref-TWO")


def a_licence(chance, depth=0):
    if depth > 2 or chance.random() < 0.5:
        name = chance.choice(NAMES)
        return chance.choice((name, name.upper(), name.lower()))
    joined = chance.choice((" AND ", " OR ", " and ")).join(a_licence(chance, depth + 1) for _ in range(2))
    return f"({joined})" if depth else joined


DAY = 86_400.0
FILES = ["0" * 64, "1" * 64, "2" * 64]
ITEMS = [UUID(int=n) for n in (1, 2)]


def test_it_imports_nothing_of_the_product():
    tree = ast.parse(Path(independent.__file__).read_text())
    names = [getattr(node, "module", None) or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert not [name for name in names if name.startswith("kicau")]


def test_two_functions_agree():
    chance, answers = random.Random(19), Counter()
    for number in range(CASES):
        item, heard = an_item(chance), [a_statement(chance, n) for n in range(chance.choice((1, 3, 5, 8, 13)))]
        use, at = chance.choice(USES), chance.randrange(2, 9) * DAY
        meets = set(chance.sample(CONDITIONS, chance.randrange(0, 4)))
        ours = decide(use, facts(item), map(said, heard), moment(at), meets=meets)
        theirs = independent.answer(use, item, heard, at, meets)
        assert str(ours.answer) == theirs, (number, use, item, heard, at, meets)
        answers[theirs] += 1
    assert min(answers[word] for word in ("yes", "no", "unknown")) > CASES / 20, answers


@pytest.mark.parametrize("layer", [layer for layer in Layer.values if layer != "default"])
def test_unknown_stops_every_lower_yes(layer):
    """On whichever layer it is, by whichever party."""
    item = {"acquired": ["received"], "network": "n", "author": "n:1", "own": False, "licence": ""}
    item |= {"url": "https://n.example/a/1", "id": str(ITEMS[0]), "files": []}
    plain = {"subject": "everything", "key": "", "item": None, "network": "", "acquired": "", "conditions": {}}
    for party in Party.values:
        for below in Layer.values[Layer.values.index(layer) + 1 :]:
            if layer == "contract" and below == "contract":
                continue
            heard = [
                {"id": "a", "layer": layer, "party": party, "says": {"search": "unknown"}},
                {"id": "b", "layer": below, "party": "author", "says": {"search": "allow"}},
            ]
            rows = [plain | one | {"party_name": "", "from": 0.0, "until": None} for one in heard]
            found = decide("search", facts(item), map(said, rows), moment(DAY))
            assert found.answer == "unknown", (party, below)
            assert independent.answer("search", item, rows, DAY, set()) == "unknown"
            assert [link.said.id for link in found.chain if link.decided] == ["a"]


def an_item(chance):
    network, own = chance.choice(NETWORKS), chance.random() < 0.5
    return {
        "id": str(chance.choice(ITEMS)),
        "network": network,
        "author": f"{network}:{chance.choice('12')}",
        "own": own,
        "licence": "" if chance.random() < 0.5 else a_licence(chance),
        "url": f"https://{network}.example/{chance.choice('ab')}/{chance.choice('12')}",
        "acquired": sorted(chance.sample(Origin.values, chance.choice((0, 1, 1, 1, 2)))),
        "files": sorted(chance.sample(FILES, chance.choice((0, 1, 1, 2)))),
    }


def a_statement(chance, number):
    network, subject = chance.choice(NETWORKS), chance.choice((*Subject.values, "everything", "everything"))
    begin = chance.randrange(0, 4) * DAY
    keys = {
        "network": network,
        "site": chance.choice(
            ("https://N.example/a", "HTTPS://n.example:443/a/", "https://m.example", "https://n.exa")
        ),
        "licence": chance.choice((a_licence(chance), chance.choice(NAMES))),
        "author": chance.choice(("own", "others", f"{network}:1")),
        "file": chance.choice(FILES),
    }
    bound = chance.sample(CONDITIONS, chance.choice((0, 1, 1, 2)))
    return {
        "id": f"{number:03}",
        "layer": chance.choice(Layer.values),
        "party": chance.choice(Party.values),
        "party_name": chance.choice(("", "", "Ana")),
        "subject": subject,
        "key": keys.get(subject, ""),
        "item": str(chance.choice(ITEMS)) if subject == "item" else None,
        "network": chance.choice(("", "", "", network)),
        "acquired": chance.choice((*[""] * 9, *Origin.values)),
        "says": {use: chance.choice((*STATEMENT_VALUES, "allow", "allow")) for use in USES if chance.random() < 0.8},
        "conditions": dict.fromkeys(bound, ""),
        "from": begin,
        "until": begin + chance.randrange(2, 7) * DAY if chance.random() < 0.3 else None,
    }


def facts(item):
    values = {name: item[name] for name in ("network", "author", "own", "licence", "url")}
    found = {name: tuple(item[name]) for name in ("acquired", "files")}
    return ItemFacts(**values, **found, item=UUID(item["id"]))


def said(row):
    return StatementFacts(
        **{name: value for name, value in row.items() if name not in ("from", "until", "item")},
        item=UUID(row["item"]) if row["item"] else None,
        valid_from=moment(row["from"]),
        valid_until=None if row["until"] is None else moment(row["until"]),
    )


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)
