"""A set holds what is permitted and nothing else, in the same bytes each time, and gives back what is taken back."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kicau.archive.models import Item, RightsContext
from kicau.archive.record_statements import add_statements
from kicau.base.errors import Conflict, NotAllowed, ValidationFailed
from kicau.rights.decisions import RightsVerdict
from kicau.rights.models import Layer, Party, Subject
from kicau.rights.statements import NewStatement
from kicau.training_sets import actions, build, recipients, retraction, versions
from kicau.training_sets.models import TrainingSetVersion, VersionItem, VersionState
from kicau.training_sets.records import MustNotBeUsed

DAY = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = [
    "kopi",
    "roti",
    "hujan",
    "pagi",
    "jalan",
    "kota",
    "pasar",
    "biji",
    "senja",
    "malam",
    "cerita",
    "laut",
    "gunung",
    "angin",
    "kebun",
    "sungai",
    "kabar",
    "teman",
]


@pytest.fixture
def archive(actor):
    """Forty of our posts, each answered by somebody who says nothing, and our answers to some of these."""
    ours = RightsContext.objects.create(
        workspace=actor.workspace, network="x", author="x:1", own=True, acquired=["imported"]
    )
    theirs = RightsContext.objects.create(workspace=actor.workspace, network="x", author="x:2", acquired=["imported"])
    dice, items = random.Random(2), []
    for n in range(40):
        common = {"workspace": actor.workspace, "network": "x", "posted_at": DAY + timedelta(hours=n)}
        text = f"nomor {n} " + " ".join(dice.choices(WORDS, k=12))
        items.append(Item(**common, remote_id=f"o{n}", standing=ours, text=text, sources=[], language="id"))
        items.append(
            Item(
                **common,
                remote_id=f"t{n}",
                standing=theirs,
                kind="reply",
                reply_to=f"o{n}",
                text=f"tanya {n} " + " ".join(dice.choices(WORDS, k=9)),
                sources=[],
            )
        )
        if n % 2:
            items.append(
                Item(
                    **common,
                    remote_id=f"a{n}",
                    standing=ours,
                    kind="reply",
                    reply_to=f"t{n}",
                    text=f"jawab {n} hubungi 0812-3456-78{n:02} ya " + " ".join(dice.choices(WORDS, k=6)),
                    sources=[],
                )
            )
    Item.objects.bulk_create(items)
    return {item.remote_id: item for item in items}


@pytest.fixture
def allowed(actor):
    """This workspace lets its own words be learnt from."""
    add_statements(
        actor,
        [
            NewStatement(
                layer=Layer.AUTHOR,
                party=Party.WORKSPACE,
                subject=Subject.AUTHOR,
                key="own",
                says={"train_gen": "allow"},
            )
        ],
    )


def make(actor, name="Suara kami", **more) -> TrainingSetVersion:
    of = actions.create_set(actor, name=name, **more)
    return build.make_version(actions.order_version(actor, of.id, as_of=datetime(2099, 1, 1, tzinfo=UTC)))


def records(version: TrainingSetVersion) -> list[dict]:
    folder = versions.version_folder(version)
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_only_what_is_permitted_is_in_it_and_each_absence_has_its_reason(actor, archive, allowed):
    version = make(actor)
    held = records(version)
    assert {r["id"] for r in held} == {str(i.id) for key, i in archive.items() if key[0] in "oa"}
    assert version.excluded == {
        "Unknown. Nobody has stated whether this content may be used for training a generative AI model.": 40
    }
    assert all("0812" not in r["text"] for r in held)
    assert "[phone]" in next(r["text"] for r in held if r["text"].startswith("jawab"))
    with (versions.version_folder(version) / "excluded.csv").open() as lines:
        assert len(list(csv.DictReader(lines))) == 40
    with (versions.version_folder(version) / "redactions.csv").open() as lines:
        assert {row["kind"] for row in csv.DictReader(lines)} == {"phone"}
    assert VersionItem.objects.filter(version=version).count() == 60
    assert {r["use"] for r in held} == {"train_gen"}
    assert all(len(r["decision"]) == 64 for r in held)


def test_nothing_is_in_it_where_nobody_spoke(actor, archive):
    assert records(make(actor)) == []


def test_two_makings_are_equal_byte_for_byte(actor, archive, allowed):
    first = make(actor)
    told = {p.name: p.read_bytes() for p in versions.version_folder(first).iterdir()}
    again = build.make_version(first)
    assert {p.name: p.read_bytes() for p in versions.version_folder(again).iterdir()} == told
    assert {name: hashlib.sha256(raw).hexdigest() for name, raw in told.items()} == {
        n: f["sha256"] for n, f in again.files.items()
    }


def test_conversations_need_every_turn_and_stay_in_one_split(actor, archive, allowed):
    alone = make(actor, "tanpa izin", format="chat")
    assert all(len(r["messages"]) == 2 for r in records(alone))  # the prompt, and what answers nothing
    assert (
        alone.excluded[
            "Excluded from the training set because the text replies to another text that may not be used or is not in the archive. Without that other text, the conversation is incomplete."
        ]
        == 20
    )
    add_statements(
        actor,
        [
            NewStatement(
                layer=Layer.GRANT, party=Party.AUTHOR, subject=Subject.AUTHOR, key="x:2", says={"train_gen": "allow"}
            )
        ],
    )
    held = records(make(actor, "dengan izin", format="chat"))
    longest = max(held, key=lambda r: len(r["messages"]))
    assert [m["role"] for m in longest["messages"]] == ["user", "assistant", "user", "assistant"]
    version = TrainingSetVersion.objects.get(set__name="dengan izin")
    split_of: dict[str, str] = {}
    for path in versions.version_folder(version).glob("*.jsonl"):
        for line in path.read_text().splitlines():
            number = json.loads(line)["messages"][-1]["content"].split()[1]
            assert split_of.setdefault(number, path.stem) == path.stem


def test_a_forbidden_item_never_enters_whatever_the_policies_say(actor, archive):
    """Random statements of every kind; each item that comes in is decided again, alone and without the database.
    POLICIES=1000 in the environment tries a thousand policies (half a minute)."""
    from kicau.rights import statements
    from kicau.rights.decisions import decide
    from kicau.rights.models import Statement
    from kicau.training_sets.records import gather_records, workspace_items

    dice = random.Random(12)
    of = actions.create_set(actor, name="acak")
    planted, at = archive["o7"], datetime(2099, 1, 1, tzinfo=UTC)
    Item.objects.update(said=True)
    facts = {item.id: item.facts() for item in Item.objects.select_related("standing")}
    general = [
        *statements.policy_statements(actor.workspace.ai_use, actor.workspace.others_ai_use),
        *statements.terms_statements(),
    ]
    entered = 0
    for _ in range(int(os.environ.get("POLICIES", "25"))):
        Statement.objects.all().delete()
        given = [_random_statement(dice, archive) for _ in range(dice.randint(1, 6))]
        given.append(
            NewStatement(
                layer=Layer.WITHDRAWAL,
                party=Party.AUTHOR,
                subject=Subject.ITEM,
                item=planted.id,
                says={"train_gen": "deny"},
            )
        )
        said = [
            *general,
            *(statements.statement_facts(row) for row in statements.record_statements(actor.workspace.id, given)),
        ]
        gathered = gather_records(of, workspace_items(actor.workspace, None), at)
        held = {item for record in gathered.records for item, _ in record.items}
        entered += len(held)
        assert planted.id not in held
        assert {
            id_ for id_, of_it in facts.items() if decide("train_gen", of_it, said, at).answer == RightsVerdict.YES
        } == held
        assert len(held) + len(gathered.excluded) == len(archive)
    assert entered


def _random_statement(dice: random.Random, archive) -> NewStatement:
    subject, key, item = dice.choice(
        [
            (Subject.EVERYTHING, "", None),
            (Subject.NETWORK, "x", None),
            (Subject.AUTHOR, "own", None),
            (Subject.AUTHOR, "x:2", None),
            (Subject.ITEM, "", dice.choice(list(archive.values())).id),
        ]
    )
    says = {"train_gen": dice.choice(("allow", "deny", "conditional", "allow"))}
    conditions = {"attribution": ""} if says["train_gen"] == "conditional" else {}
    layer = dice.choice([layer for layer in Layer if layer != Layer.WITHDRAWAL])
    return NewStatement(
        layer=layer,
        party=dice.choice(list(Party)),
        subject=subject,
        key=key,
        item=item,
        says=says,
        conditions=conditions,
    )


def test_what_was_decided_against_cannot_be_written(actor, archive, allowed):
    from kicau.training_sets.options import SetOptions
    from kicau.training_sets.records import _build_record, _DecisionCache, gather_records, workspace_items

    of = actions.create_set(actor, name="x")
    row = (
        gather_records(of, workspace_items(actor.workspace, None), datetime(2099, 1, 1, tzinfo=UTC)).records[0].rows[0]
    )
    object.__setattr__(row.decision, "answer", RightsVerdict.UNKNOWN)
    with pytest.raises(MustNotBeUsed):
        _build_record(
            of, [row], {row.standing: RightsContext.objects.get(id=row.standing)}, SetOptions(), _DecisionCache()
        )


def test_taking_one_item_back_reaches_the_set_and_who_has_it(actor, archive, allowed):
    version = make(actor)
    kept = recipients.add_recipient(actor, version, name="Lab Bahasa", contact="lab@example.org")
    item = archive["o3"]
    (told,) = retraction.affected_recipients(actor.workspace, "train_gen", Item.objects.filter(id=item.id))
    assert (told.name, told.of, told.version, told.items) == ("Lab Bahasa", "Suara kami", 1, 1)
    add_statements(
        actor,
        [
            NewStatement(
                layer=Layer.WITHDRAWAL,
                party=Party.AUTHOR,
                subject=Subject.ITEM,
                item=item.id,
                says={"train_gen": "deny"},
            )
        ],
    )
    following = TrainingSetVersion.objects.get(number=2)
    assert following.delta["record_ids"] == [str(item.id)]
    version.refresh_from_db()
    kept.refresh_from_db()
    assert (version.state, kept.owes, kept.acknowledged_at) == (VersionState.SUPERSEDED, 2, None)
    with pytest.raises(Conflict, match="Use version 2, which does not contain the removed content"):
        actions.file_of(actor, version, "train.jsonl")
    following.as_of = datetime(2099, 1, 1, tzinfo=UTC)
    following.save()
    assert build.make_next() == 1
    assert build.make_next() == 0
    following.refresh_from_db()
    assert following.state == VersionState.READY
    assert str(item.id) not in {r["id"] for r in records(following)}
    assert recipients.acknowledge(actor, kept.id).acknowledged_at
    assert retraction.retract_items(actor.workspace) == []


def test_public_loaders_read_it(actor, archive, allowed, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    version = make(actor)
    folder = versions.version_folder(version)
    code = f"""
import warnings; warnings.simplefilter("ignore")
import datasets, mlcroissant
found = datasets.load_dataset({str(folder)!r}, cache_dir={str(tmp_path / "cache")!r})
print(sum(len(split) for split in found.values()))
for kind in ("json", "parquet"):
    files = {{s: str(p) for s in ("train", "validation", "test") for p in [__import__("pathlib").Path({str(folder)!r}) / (s + (".jsonl" if kind == "json" else ".parquet"))] if p.exists()}}
    print(sum(len(split) for split in datasets.load_dataset(kind, data_files=files, cache_dir={str(tmp_path / "cache")!r}).values()))
told = mlcroissant.Dataset({str(folder / "croissant.json")!r})
print(sum(1 for name in [r.id for r in told.metadata.record_sets] for _ in told.records(name)))
print(told.metadata.conforms_to)
"""
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[:4] == ["60", "60", "60", "60"]
    assert "croissant/1.1" in done.stdout


def test_what_is_wrong_is_said_and_who_may_not_is_told(actor, member):
    for told in (
        {"use": "x"},
        {"format": "y"},
        {"meets": ["z"]},
        {"query": {"colour": "red"}},
        {"query": {"since": "monday"}},
        {"options": {"shares": [1]}},
        {"options": {"prompt": "{secret}"}},
        {"name": " "},
    ):
        with pytest.raises(ValidationFailed):
            actions.create_set(actor, **{"name": "n", **told})
    with pytest.raises(NotAllowed):
        actions.create_set(member("editor"), name="n")
    actions.create_set(actor, name="n")
    with pytest.raises(Conflict):
        actions.create_set(actor, name="n")


def test_a_set_that_cannot_be_made_leaves_no_half(actor, archive, allowed, monkeypatch):
    of = actions.create_set(actor, name="n")
    version = actions.order_version(actor, of.id)
    monkeypatch.setattr(
        "kicau.training_sets.files._write_parquet",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    assert build.make_next() == 1
    version.refresh_from_db()
    assert version.state == VersionState.FAILED
    assert "No space left" in version.problem
    assert not Path(versions.version_folder(version)).exists()
