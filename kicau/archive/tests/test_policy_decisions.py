"""Half a million at once has the same answers as one by one."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from kicau.archive.models import Item, RightsContext
from kicau.archive.policy_decisions import RightsEvaluator, decide_item
from kicau.archive.policy_preview import PolicyChange, simulate_change
from kicau.archive.record_statements import bind_by_files
from kicau.archive.search import ArchiveQuery, count_facets
from kicau.base import clock
from kicau.base.errors import NotFound, ValidationFailed
from kicau.rights import statements
from kicau.rights.decisions import RightsVerdict, decide
from kicau.rights.models import Layer, Origin, Party, Statement, Subject, Terms
from kicau.rights.statements import NewStatement

NETWORKS, LICENCES = ("n", "m"), ("", "CC-BY-4.0")
FILES = ("0" * 64, "1" * 64)
ACQUIRED = (["imported"], ["fetched"], ["fetched", "imported"], ["received"])


@pytest.fixture
def items(workspace):
    chance = random.Random(4)
    standings = [
        RightsContext(workspace=workspace, network=n, author=f"{n}:{a}", own=a == 1, licence=licence, acquired=ways)
        for n in NETWORKS
        for a in (1, 2)
        for licence in LICENCES
        for ways in ACQUIRED
    ]
    RightsContext.objects.bulk_create(standings)
    made = [
        Item(
            workspace=workspace,
            network=s.network,
            remote_id=str(i),
            standing=s,
            sources=[1],
            text=f"post {i}",
            url=f"https://{s.network}.example/{i % 3}/{i}",
            media=[{"name": "a.jpg", "sha256": FILES[i % 4]}] if i % 4 < 2 else [],
        )
        for i, s in enumerate(chance.choices(standings, k=60))
    ]
    return Item.objects.bulk_create(made)


def spoken(chance: random.Random, items: list[Item]) -> NewStatement:
    subject = chance.choice(Subject.values)
    network = chance.choice(NETWORKS)
    keys = {
        "network": network,
        "site": f"https://{network}.example/{chance.randrange(3)}",
        "licence": LICENCES[1],
        "author": chance.choice(["own", f"{network}:2"]),
        "file": chance.choice(FILES),
    }
    begin = clock.now() - timedelta(days=chance.randrange(1, 9))
    layer = chance.choice(Layer.values)
    values = ("deny",) if layer == "withdrawal" else statements.STATEMENT_VALUES
    return NewStatement(
        layer=layer,
        party=chance.choice(Party.values),
        subject=subject,
        key=keys.get(subject, ""),
        item=chance.choice(items).id if subject == "item" else None,
        network=chance.choice(["", "", network]),
        acquired=chance.choice(["", "", *Origin.values]),
        says={use: chance.choice(values) for use in ("train_gen", "ground") if chance.random() < 0.7}
        or {"embed": "deny"},
        conditions={"attribution": ""} if chance.random() < 0.5 else {},
        valid_from=begin,
        valid_until=begin + timedelta(days=chance.randrange(1, 12)) if chance.random() < 0.3 else None,
    )


def test_at_once_and_one_by_one_agree(workspace, actor, items):
    for seed in range(25):
        chance = random.Random(seed)
        Statement.objects.all().delete()
        Item.objects.update(said=False)
        kept = statements.record_statements(
            workspace.id, [spoken(chance, items) for _ in range(chance.randrange(1, 14))]
        )
        Item.objects.filter(id__in=[s.item for s in kept if s.item]).update(said=True)
        bind_by_files(workspace, [item.id for item in items])
        workspace.ai_use = (
            {"train_gen": chance.choice(["allow", "deny", "conditional"])} if chance.random() < 0.5 else {}
        )
        workspace.others_ai_use = {"ground": chance.choice(["allow", "deny"])} if chance.random() < 0.5 else {}
        today = clock.now().date()
        Terms.objects.all().delete()
        Terms.objects.create(
            network="n",
            acquired="fetched",
            since=today,
            seen_on=today,
            says={"train_gen": "deny"},
            reviewed_at=chance.choice([None, clock.now()]),
        )
        at, meets = clock.now(), chance.choice([[], ["attribution"]])
        everything = [
            *map(statements.statement_facts, kept),
            *statements.policy_statements(workspace.ai_use, workspace.others_ai_use),
            *statements.terms_statements(),
        ]
        judge = RightsEvaluator(workspace, at=at)
        for use in ("train_gen", "ground"):
            slow = {
                i.id: decide(use, i.facts(), everything, at, meets=meets)
                for i in Item.objects.select_related("standing")
            }
            fast = dict(judge.decide_items(use, Item.objects.all(), meets))
            assert {k: d.digest for k, d in fast.items()} == {k: d.digest for k, d in slow.items()}, seed
            for answer in RightsVerdict:
                found = Item.objects.filter(judge.permitted(use, [answer], meets).q).values_list("id", flat=True)
                assert set(found) == {k for k, d in slow.items() if d.answer == answer}, (seed, answer)
            if use == "train_gen":
                actor.workspace.ai_use = workspace.ai_use
                counted = count_facets(actor, ArchiveQuery(meets=meets)).answers
                assert counted == Counter(d.answer.value for d in slow.values()), seed


def test_one_item_is_reached_through_its_workspace(actor, items, member):
    viewer = member("viewer")
    assert set(decide_item(viewer, items[0].id).decisions) >= {"train_gen", "archive"}
    with pytest.raises(NotFound):
        decide_item(viewer, "nothing")


def test_what_is_tried_is_what_then_happens(actor, items):
    workspace = actor.workspace
    terms = [
        Terms.objects.create(
            network=network,
            acquired=way,
            since="2026-01-01",
            seen_on="2026-11-26",
            says={"train_gen": "deny", "ground": "allow"},
            summary="s",
            source="https://n.example",
        )
        for network, way in (("n", "fetched"), ("m", ""))
    ]
    moved = 0
    for seed in range(24):
        chance = random.Random(seed)
        Statement.objects.all().delete()
        Item.objects.update(said=False)
        Terms.objects.update(reviewed_at=None)
        workspace.ai_use = {"train_gen": "allow", "ground": "allow"}
        workspace.save()
        kept = statements.record_statements(workspace.id, [spoken(chance, items) for _ in range(6)])
        Item.objects.filter(id__in=[row.item for row in kept if row.item]).update(said=True)
        one = replace(spoken(chance, items), valid_until=None)
        said = {"train_gen": "allow", "ground": "deny"}
        change = (
            PolicyChange(added=[one]),
            PolicyChange(ended=[kept[0].id]),
            PolicyChange(terms={terms[1].id: said}),
            PolicyChange(policy={"train_gen": "conditional"}),
        )[seed % 4]

        def permitted():
            judge = RightsEvaluator(workspace)
            return {
                use: {
                    id_
                    for id_, d in judge.decide_items(use, Item.objects.order_by("id"))
                    if d.answer == RightsVerdict.YES
                }
                for use in ("train_gen", "ground")
            }

        before = permitted()
        effects = {e.use: e for e in simulate_change(actor, change, ("train_gen", "ground"))}
        assert permitted() == before  # nothing was changed
        match seed % 4:
            case 0:
                rows = statements.record_statements(workspace.id, [one])
                Item.objects.filter(id__in=[row.item for row in rows if row.item]).update(said=True)
            case 1:
                statements.end_statements(workspace.id, [kept[0].id])
            case 2:
                Terms.objects.filter(id=terms[1].id).update(says=said, reviewed_at=clock.now())
            case 3:
                workspace.ai_use = {"train_gen": "conditional"}
        after = permitted()
        for use, effect in effects.items():
            assert (effect.before, effect.after) == (len(before[use]), len(after[use])), (seed, use)
            assert (effect.entering, effect.leaving) == (len(after[use] - before[use]), len(before[use] - after[use]))
            assert {i.id for i in effect.enter} <= after[use] - before[use]
            assert {i.id for i in effect.leave} <= before[use] - after[use]
            if len(effect.why_enter) < 20 and len(effect.why_leave) < 20:
                assert (sum(w.items for w in effect.why_enter), sum(w.items for w in effect.why_leave)) == (
                    effect.entering,
                    effect.leaving,
                )
            assert all(w.reason.sentence.startswith("Yes. ") for w in effect.why_enter)
            assert not any(w.reason.sentence.startswith("Yes. ") for w in effect.why_leave)
            moved += effect.entering + effect.leaving
    assert moved > 50


def test_what_cannot_be_made_cannot_be_tried(workspace, actor):
    with pytest.raises(NotFound):
        simulate_change(actor, PolicyChange(ended=[workspace.id]))
    with pytest.raises(NotFound):
        simulate_change(actor, PolicyChange(terms={7: {}}))
    with pytest.raises(ValidationFailed, match="not a valid value in the field “layer”"):
        simulate_change(
            actor,
            PolicyChange(
                added=[NewStatement(layer="whim", party="author", subject="everything", says={"search": "deny"})]
            ),
        )
