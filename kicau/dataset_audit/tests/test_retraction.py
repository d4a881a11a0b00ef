"""What was taken back leaves the audits that found it: rows, bundle, work files, and its tie to the log; all at once."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from django.db import transaction

from kicau.archive import record_statements
from kicau.archive.models import Item
from kicau.base.errors import NotFound
from kicau.dataset_audit import actions, audit_job, passages, report_documents
from kicau.dataset_audit.models import AuditState, DatasetAudit, FoundPost
from kicau.dataset_audit.tests.test_audit_job import POSTS, archive, lines, others, upload
from kicau.evidence.models import Leaf, Salt
from kicau.evidence.verify import verify
from kicau.rights.models import USES
from kicau.rights.statements import NewStatement

assert archive  # a fixture


def take_back(actor, *items: Item, uses=USES) -> None:
    record_statements.add_statements(
        actor,
        [
            NewStatement(
                layer="withdrawal", party="author", subject="item", item=i.id, says=dict.fromkeys(uses, "deny")
            )
            for i in items
        ],
    )


@pytest.fixture
def searched(actor, archive) -> DatasetAudit:
    """Three posts found; the second one stands within the passage that is kept around the first."""
    data = lines(*others(200), f"{POSTS['1']} – {POSTS['2']}", f"Seperti kata mereka: {POSTS['3']}", *others(50))
    row = audit_job.run_audit(actions.begin_audit(actor, files=[upload("a.jsonl", data)]).id, processes=1)
    assert (row.state, row.found) == (AuditState.DONE, 3), row.problem
    return row


def everything(audit: DatasetAudit) -> str:
    """All that the audit's rows and own files say, but for what it searched."""
    rows = [[base64.b64decode(hit.raw).decode("utf-8", "replace"), hit.posts] for hit in audit.hits.all()]
    files = [
        p.read_text("utf-8", "replace")
        for p in actions.audit_folder(audit.id).glob("**/*")
        if p.is_file() and p.parent.name != "shards"
    ]
    return json.dumps(
        [
            rows,
            list(FoundPost.objects.filter(audit=audit).values_list("text", flat=True)),
            files,
            DatasetAudit.objects.get(id=audit.id).summary,
        ],
        ensure_ascii=False,
    )


def posts_in(bundle: Path) -> dict[str, str]:
    return {post["id"]: post["text"] for post in json.loads(bundle.read_bytes())["material"]["posts"]}


def test_rows_bundle_and_files_lose_it_in_the_same_transaction(
    actor, archive, searched, django_capture_on_commit_callbacks
):
    gone, kept = archive[1], archive[0]
    words, others_words = "jeruk, madu dan kayu manis", "membawa gelas sendiri"
    assert words in everything(searched)
    before = actions.audit_bundle(actor, searched).read_bytes()
    with django_capture_on_commit_callbacks(execute=True):
        take_back(actor, gone)
        row = FoundPost.objects.get(audit=searched, item=str(gone.id))
        assert (row.text, row.taken_back_at is not None) == ("", True)
        assert [hit.raw for hit in searched.hits.all() if hit.posts == [str(gone.id)]] == [""]
        searched.refresh_from_db()
        with pytest.raises(NotFound):  # the old one is given to nobody, not even for a moment
            actions.audit_bundle(actor, searched)
    assert words not in everything(searched)
    assert others_words in everything(searched)
    made = actions.audit_bundle(actor, searched)
    assert made.read_bytes() != before
    assert verify(made.read_bytes())[0] == "This data set contains 2 of the posts, in 2 places."
    assert str(gone.id) not in posts_in(made)
    assert posts_in(made)[str(kept.id)] == POSTS["1"]
    leaves = Leaf.objects.filter(kind="post", ref=str(gone.id))
    assert leaves.exists()
    assert not Salt.objects.filter(leaf__in=leaves).exists()
    assert Salt.objects.filter(leaf__ref=str(kept.id), leaf__kind="post").exists()
    shown = {place.hit.posts[0]: place for place in passages.copies_in_context(searched, list(searched.hits.all()))}
    assert (shown[str(gone.id)].match, shown[str(gone.id)].posts) == ("", [(str(gone.id), "")])
    assert others_words in shown[str(kept.id)].match
    for language, said in (
        ("en", "The text of this post was removed and is no longer stored in Kicau"),
        ("id", "Teks postingan ini sudah dihapus dan tidak lagi disimpan"),
    ):
        page = report_documents.report_html(report_documents.build_report(searched, language))
        assert said in page
        assert words not in page
    assert report_documents.report_pdf(report_documents.build_report(searched, "id")).startswith(b"%PDF")

    with django_capture_on_commit_callbacks(execute=True):
        take_back(actor, archive[0], archive[2])
    searched.refresh_from_db()
    assert not any(text in everything(searched) for text in POSTS.values())
    assert searched.bundle_sha256 == ""
    assert (searched.found, searched.hits.count()) == (3, 3)
    assert not (actions.audit_folder(searched.id) / actions.BUNDLE_FILE_NAME).exists()


def test_a_post_between_the_phrases_of_one_that_stays_is_blanked_there(
    actor, archive, django_capture_on_commit_callbacks, tmp_path
):
    """The bundle of what stays holds nothing of it, and fits the searched file."""
    own = POSTS["1"].split()
    mixed = f"{' '.join(own[:8])} {POSTS['2']} {' '.join(own[8:])}"
    data = lines(*others(200), mixed, *others(50))
    row = audit_job.run_audit(actions.begin_audit(actor, files=[upload("a.jsonl", data)]).id, processes=1)
    assert (row.state, row.found) == (AuditState.DONE, 2), row.problem
    (around,) = (hit for hit in row.hits.all() if hit.posts == [str(archive[0].id)])
    assert "jeruk" in base64.b64decode(around.raw)[around.first_byte - around.raw_first_byte :].decode()
    with django_capture_on_commit_callbacks(execute=True):
        take_back(actor, archive[1])
    assert not any(word in everything(row) for word in ("jeruk", "Puntang", "kayu manis"))
    (tmp_path / "a.jsonl").write_bytes(data)
    row.refresh_from_db()
    made = actions.audit_bundle(actor, row).read_bytes()
    (name,) = {
        finding["shard"]
        for finding in json.loads(base64.b64decode(json.loads(made)["statement"]["payload"]))["predicate"]["findings"]
    }
    said = verify(made, shards={name: str(tmp_path / "a.jsonl")})
    assert said[0] == "This data set contains 1 of the posts, in 1 places."


def test_a_post_whose_words_one_that_stays_needs_is_left_in_that_one(
    actor, archive, django_capture_on_commit_callbacks
):
    """A longer post that quotes the withdrawn one keeps its own evidence whole."""
    quoting = archive[2]
    Item.objects.filter(id=quoting.id).update(text=f"Kata petani: {POSTS['2']}, dan kami percaya padanya sepenuhnya")
    data = lines(*others(200), f"Kata petani: {POSTS['2']}, dan kami percaya padanya sepenuhnya", *others(50))
    row = audit_job.run_audit(actions.begin_audit(actor, files=[upload("a.jsonl", data)]).id, processes=1)
    assert row.found >= 2, row.problem
    with django_capture_on_commit_callbacks(execute=True):
        take_back(actor, archive[1])
    kept = [hit for hit in row.hits.exclude(raw="") if hit.posts == [str(quoting.id)]]
    assert [hit.kind for hit in kept] == ["exact"]
    assert "jeruk" in base64.b64decode(kept[0].raw).decode()
    row.refresh_from_db()
    assert verify(actions.audit_bundle(actor, row).read_bytes())


def test_a_change_that_is_undone_takes_nothing_back(actor, archive, searched):
    with transaction.atomic():
        take_back(actor, archive[1])
        assert POSTS["2"] not in list(FoundPost.objects.values_list("text", flat=True))
        transaction.set_rollback(True)
    assert POSTS["2"] in everything(searched)
    assert actions.audit_bundle(actor, searched)


def test_a_no_to_training_leaves_the_evidence_of_it(actor, archive, searched):
    take_back(actor, archive[1], uses=("train_gen", "train_other"))
    assert POSTS["2"] in everything(searched)


def test_an_author_who_takes_all_back_reaches_the_audits_too(actor, archive, searched):
    record_statements.add_statements(
        actor, [NewStatement(layer="withdrawal", party="author", subject="author", key="x:1", says={"search": "deny"})]
    )
    assert set(FoundPost.objects.filter(audit=searched).values_list("text", flat=True)) == {""}


def test_what_was_taken_back_is_not_looked_for_and_not_kept_by_a_search_that_runs(
    actor, archive, monkeypatch, django_capture_on_commit_callbacks
):
    take_back(actor, archive[2])
    row = actions.begin_audit(actor, files=[upload("a.jsonl", lines(*others(200), *POSTS.values()))])
    search = audit_job.run_search

    def while_it_is_searched(*given, **more):
        done = search(*given, **more)
        take_back(actor, archive[1])
        return done

    monkeypatch.setattr(audit_job, "run_search", while_it_is_searched)
    with django_capture_on_commit_callbacks(execute=True):
        row = audit_job.run_audit(row.id, processes=1)
    assert (row.state, row.posts) == (AuditState.DONE, 2), row.problem
    assert POSTS["1"] in everything(row)
    assert POSTS["2"] not in everything(row)
    assert POSTS["3"] not in everything(row)
    assert set(posts_in(actions.audit_bundle(actor, row))) == {str(archive[0].id)}


def test_what_a_stopped_audit_keeps_to_go_on_with_goes_too(
    actor, archive, django_capture_on_commit_callbacks, monkeypatch
):
    row = actions.begin_audit(actor, files=[upload("a.jsonl", lines(*others(20), POSTS["1"], POSTS["2"]))])

    def stopped(*_args, **_how):
        actions.stop_audit(actor, row.id)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(audit_job, "build_report", stopped)
        audit_job.run_audit(row.id, processes=1)
    words = "jeruk, madu dan kayu manis"
    assert words in everything(row)
    with django_capture_on_commit_callbacks(execute=True):
        take_back(actor, archive[1])
    assert words not in everything(row)
    actions.resume_audit(actor, row.id)
    row = audit_job.run_audit(row.id, processes=1)
    assert (row.state, row.posts, row.found) == (AuditState.DONE, 2, 1)
