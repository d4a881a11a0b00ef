"""Another workspace's archive, rights, sets, audits and canaries: nothing of them is shown, nothing done to them, and the
answer is the same as for what never was."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kicau.archive.models import ArchiveImport, Item, RightsContext
from kicau.archive.record_statements import add_statements
from kicau.base.ids import new_id
from kicau.dataset_audit import actions as audits
from kicau.dataset_audit import canaries
from kicau.dataset_audit.models import DatasetAudit
from kicau.rights.models import Statement
from kicau.rights.statements import NewStatement
from kicau.training_sets import actions as sets
from kicau.training_sets import build, recipients
from kicau.training_sets.models import Recipient, TrainingSet
from kicau.workspaces.actions import add_person, create_workspace

SECRET = "Rahasia resep kayu manis"
POSTS = {
    "archive-add-statement": {"verb": "withdraw"},
    "training-set-add-recipient": {"name": "Lab"},
    "rights-policy-effects": {},
    "canary-test": {"scores": "1"},
    "training-set-change": {
        "purpose": "x",
        "format": "text",
        "train": "100",
        "validation": "0",
        "test": "0",
        "least_words": "1",
    },
    "training-set-personal-data": {"rest": "keep"},
}


@pytest.fixture
def theirs(actor):
    """(view, its arguments) of all that has an id, and the ids."""
    standing = RightsContext.objects.create(
        workspace=actor.workspace, network="x", author="x:1", own=True, acquired=["imported"]
    )
    item = Item.objects.create(
        workspace=actor.workspace, network="x", remote_id="1", standing=standing, text=SECRET, sources=[]
    )
    (statement,) = add_statements(
        actor,
        [NewStatement(layer="author", party="workspace", subject="author", key="own", says={"train_gen": "allow"})],
    )
    of = sets.create_set(actor, name=SECRET)
    version = build.make_version(sets.order_version(actor, of.id))
    who = recipients.add_recipient(actor, version, name=SECRET)
    audit = audits.begin_audit(actor, name=SECRET, files=[SimpleUploadedFile("a.jsonl", b'{"text": "halo"}\n')])
    canary = canaries.register_canary(actor, name=SECRET, candidates=1000)
    taken = ArchiveImport.objects.create(workspace=actor.workspace, path="x", name=SECRET, state="asking")
    return [
        ("archive-item", [item.id]),
        ("archive-add-statement", [item.id]),
        ("archive-end-statement", [item.id, statement.id]),
        ("rights-end-statement", [statement.id]),
        *[("archive-import-action", [taken.id, verb]) for verb in ("own", "received", "stop", "resume")],
        *[
            (name, [of.id])
            for name in (
                "training-set",
                "training-set-progress",
                "training-set-change",
                "training-set-preview",
                "training-set-create-version",
                "training-set-personal-data",
            )
        ],
        *[(name, [of.id, 1]) for name in ("training-set-version", "training-set-delta", "training-set-add-recipient")],
        ("training-set-file", [of.id, 1, "train.jsonl"]),
        ("recipient-ask", [who.id]),
        ("recipient-acknowledged", [who.id]),
        *[(name, [audit.id]) for name in ("dataset-audit", "dataset-audit-progress", "dataset-audit-evidence")],
        ("dataset-audit-report", [audit.id, "en", "html"]),
        *[("dataset-audit-action", [audit.id, verb]) for verb in ("stop", "resume")],
        *[(name, [canary.id]) for name in ("canary", "canary-candidates", "canary-test")],
        ("canary-evidence", [canary.id, 1]),
    ]


@pytest.fixture
def stranger(db):
    person = add_person("budi@lain.example", "Budi", "hujan-di-bandung-41")
    create_workspace(person, "Lain")
    client = Client()
    client.force_login(person)
    return client


def state() -> tuple[object, ...]:
    """All that a stranger could have changed."""
    rows = (Item, Statement, TrainingSet, Recipient, DatasetAudit, ArchiveImport)
    return tuple(list(model.objects.order_by("id").values()) for model in rows)


def test_whatever_is_named_by_its_id_is_the_same_as_what_never_was(stranger, theirs):
    before = state()
    for name, ids in theirs:
        never = [one if isinstance(one, int | str) else new_id() for one in ids]
        for method in ("get", "post"):
            told = []
            for some in (ids, never):
                answer = getattr(stranger, method)(
                    reverse(name, args=some), POSTS.get(name, {}) if method == "post" else {}, follow=True
                )
                shown = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
                assert SECRET not in shown, (name, method)
                for here, other in zip(some, ids, strict=True):
                    shown = shown.replace(str(here), str(other))
                told.append(
                    (
                        answer.status_code,
                        [(to.replace(str(some[0]), ""), code) for to, code in answer.redirect_chain],
                        len(shown),
                    )
                )
            assert told[0] == told[1], (name, method)
            assert told[0][0] in (404, 405) or told[0][1], (name, method, told[0])
    assert state() == before
    for name in (
        "archive",
        "archive-facets",
        "archive-imports",
        "training-sets",
        "dataset-audits",
        "canaries",
        "rights",
    ):
        assert SECRET not in stranger.get(reverse(name)).content.decode()
    assert (
        "Kicau cannot find this item in"
        in stranger.post(reverse("rights-policy-effects"), {"ends": theirs[3][1][0]}).content.decode()
    )
