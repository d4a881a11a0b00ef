"""Canaries: committed to beforehand, ranked exactly, and checked by the one-file verifier."""

from __future__ import annotations

import csv
import io
import json
import random

import pytest

from kicau.base.errors import Conflict, NotFound, ValidationFailed
from kicau.dataset_audit import canaries
from kicau.evidence import verify
from kicau.evidence.models import Leaf
from kicau.evidence.tests.test_evidence import resealed
from kicau.workspaces.actions import actor_for, create_workspace


def test_a_rank_is_exact_and_ties_count_against_it():
    assert canaries.rank_published([3.0, 1.0, 2.0, 2.0], 1) == canaries.CanaryRanking(1, 4)
    assert canaries.rank_published([3.0, 1.0, 2.0, 2.0], 3).rank == 3
    assert canaries.rank_published([3.0, 1.0, 2.0, 2.0], 0, lower_is_likelier=False).p == 0.25
    assert canaries.rank_published([0.0] * 50, 7).p == 1.0
    # A model that never saw the canary: p is at most x with a chance of x, whatever the scores are.
    dice, tries = random.Random(8), 4000
    found = [canaries.rank_published([dice.gauss(0, 1) for _ in range(20)], dice.randrange(20)).p for _ in range(tries)]
    for share in (0.05, 0.25, 0.5):
        assert abs(sum(p <= share for p in found) / tries - share) < 0.03


def test_a_canary_from_its_registration_to_the_evidence(actor, owner):
    made = canaries.register_canary(actor, "Musim hujan", candidates=40, language="id")
    assert len(set(made.candidates)) == 40
    assert canaries.published_text(actor, made) in made.candidates
    assert [leaf.kind for leaf in Leaf.objects.filter(index__gte=made.first_leaf)] == ["canary", "canary"]
    assert canaries.published_text(actor, made) not in str(list(Leaf.objects.values()))
    with pytest.raises(Conflict):
        canaries.register_canary(actor, "Musim hujan")
    elsewhere = actor_for(owner, create_workspace(owner, "Lain").id, "cli")
    with pytest.raises(NotFound):
        canaries.get_canary(elsewhere, made.id)
    rows = list(csv.DictReader(io.StringIO(canaries.candidates_csv(actor, made))))
    for row in rows:
        row["score"] = "0.5" if row["text"] == canaries.published_text(actor, made) else str(float(row["number"]))
    table = "number,score\n" + "".join(f"{r['number']},{r['score']}\n" for r in reversed(rows))
    scores = canaries.parse_scores(table, 40)
    for wrong in (
        table.replace("\n7,", "\n8,"),
        table + "41,1\n",
        table + "nan,1\n",
        "number,score\n",
        table.replace("0.5", "inf"),
    ):
        with pytest.raises(ValidationFailed):
            canaries.parse_scores(wrong, 40)
    report = canaries.score_canary(actor, made, scores, model="model-x")
    assert (report["canary"]["rank"], report["canary"]["p"]) == (1, 1 / 40)
    assert (
        "Of 40 candidates registered beforehand, the published one ranks 1 in the scores given for model-x"
        in report["says"]
    )
    assert "was trained" not in report["says"]
    again = canaries.score_canary(actor, made, scores, model="model-x")
    assert "test 2 of this canary" in again["says"]
    assert [(row.number, said) for row, said in canaries.tests_with_sentences(actor, made)] == [
        (2, again["says"]),
        (1, report["says"]),
    ]
    bundle = canaries.canary_test_evidence(actor, made, report)
    assert any("counted again" in line for line in verify.verify(bundle))

    def other_rank(held):
        statement = json.loads(verify.unpacked(held["statement"]["payload"], ""))
        statement["predicate"]["canary"]["rank"] = 2
        verify.check_canary(statement["predicate"], held["material"], held["log"])

    with pytest.raises(verify.Refused, match="rank"):
        resealed(bundle, other_rank)
    with pytest.raises(verify.Refused, match="same posts"):
        verify.verify(resealed(bundle, lambda held: held["log"]["proofs"].pop(f"{made.id}:published")))
