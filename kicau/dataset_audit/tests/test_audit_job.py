"""An audit begun by a person: uploads checked and kept, searched beside the work, taken up again, proven; bad files told."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kicau.archive.models import Item, RightsContext
from kicau.base.errors import Conflict, NotAllowed, ValidationFailed
from kicau.dataset_audit import actions, audit_job, audit_queue
from kicau.dataset_audit.models import AuditState, DatasetAudit, FoundPost
from kicau.evidence.verify import verify

POSTS = {
    "1": "Kopi Senja membuka sangrai kedua di Lembang hari Sabtu, siapa membawa gelas sendiri minum gratis",
    "2": "Petani Puntang mengirim biji pertama musim ini; rasanya seperti jeruk, madu dan kayu manis",
    "3": "Hujan turun di Braga sejak pagi dan semua kursi di teras penuh orang yang membaca koran",
}


@pytest.fixture
def archive(actor):
    standing = RightsContext.objects.create(
        workspace=actor.workspace, network="x", author="x:1", own=True, acquired=["imported"]
    )
    return Item.objects.bulk_create(
        Item(workspace=actor.workspace, network="x", remote_id=key, standing=standing, text=text, sources=[])
        for key, text in POSTS.items()
    )


def upload(name: str, raw: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, raw)


def lines(*texts: str) -> bytes:
    return b"".join(json.dumps({"text": text}).encode() + b"\n" for text in texts)


def others(n: int) -> list[str]:
    return [
        f"Teks lain nomor {i} tentang {i * 7} hal yang tidak ada hubungannya sama sekali dengan siapa pun"
        for i in range(n)
    ]


def test_from_uploads_to_a_bundle_that_holds(actor, archive, tmp_path, django_capture_on_commit_callbacks):
    whole = lines(*others(200), f"Kutipan: {POSTS['1']} selesai", POSTS["2"].upper(), *others(50))
    table = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": [*others(300), POSTS["3"]]}), table)
    packed = gzip.compress(lines(*others(4000), POSTS["3"]))
    files = [
        upload("a.jsonl", whole),
        upload("b.parquet", table.read_bytes()),
        upload("broken.jsonl.gz", packed[: len(packed) // 2]),
        upload("broken.parquet", table.read_bytes()[:-200]),
        upload("latin.txt", f"caf\xe9 {POSTS['2']}".encode("latin-1")),
        upload("wide.txt", POSTS["1"].encode("utf-16")),
    ]
    row = actions.begin_audit(actor, name="Korpus", files=files)
    assert audit_queue.next_due_audit() == row.id
    with django_capture_on_commit_callbacks(execute=True):
        row = audit_job.run_audit(row.id, processes=1)
    assert (row.state, row.posts, row.found) == (AuditState.DONE, 3, 3), row.problem
    places = {(hit.shard, FoundPost.objects.get(audit=row, item=hit.posts[0]).text) for hit in row.hits.all()}
    assert places >= {
        ("a.jsonl", POSTS["1"]),
        ("a.jsonl", POSTS["2"]),
        ("b.parquet", POSTS["3"]),
        ("latin.txt", POSTS["2"]),
        ("wide.txt", POSTS["1"]),
    }
    assert {hit.kind for hit in row.hits.filter(shard="a.jsonl")} == {"exact", "normalised"}
    assert set(row.summary["data"]["failed"]) == {"broken.jsonl.gz", "broken.parquet"}
    assert str(tmp_path.parent) not in json.dumps(row.summary)
    assert row.summary["sensitivity"]
    said = verify(actions.audit_bundle(actor, row).read_bytes())
    assert said[0].startswith("This data set contains 3 of the posts")
    assert audit_queue.next_due_audit() is None
    assert {path.name for path in actions.audit_folder(row.id).iterdir()} == {"shards", actions.BUNDLE_FILE_NAME}
    with pytest.raises(Conflict):
        actions.stop_audit(actor, row.id)


def test_what_cannot_be_searched_is_refused_and_leaves_nothing(actor, archive, member, tmp_path, settings):
    kept = actions.audit_folder(actor.workspace.id).parent
    before = set(kept.glob("*"))
    folder = tmp_path / "milik operator"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines(POSTS["1"]))
    for given, said in [
        ({}, "Either upload the files of the dataset or enter"),
        ({"files": [upload("a.zip", b"PK")]}, "and unpack ZIP files first"),
        ({"files": [upload("a.jsonl", b"")]}, "is empty"),
        (
            {"where": str(folder)},
            "The server administrator has not yet allowed Kicau to search any folder on this server",
        ),
    ]:
        with pytest.raises(ValidationFailed, match=said):
            actions.begin_audit(actor, **given)
    settings.KICAU_AUDIT_FOLDERS = [str(folder), "s3://open/data"]
    (tmp_path / "list.txt").write_text("/etc/passwd\n")
    (folder / "list.txt").write_text(f"{folder}/a.jsonl\n/etc/passwd\n")
    (folder / "way-out").symlink_to("/etc")
    for where in (
        "/etc",
        f"{folder}/../",
        f"{folder}/way-out",
        f"@{tmp_path}/list.txt",
        f"@{folder}/list.txt",
        "s3://open/database",
        "gs://open/data/x",
        "https://open/data",
    ):
        with pytest.raises(ValidationFailed, match="The server administrator allows only these locations"):
            actions.begin_audit(actor, where=where)
    for rest in (
        "?endpoint_override=127.0.0.1:18391&scheme=http",
        "/x?region=us-east-1",
        "/x#y",
        "@127.0.0.1/x",
        "/%2e%2e/x",
        "/../x",
        "/a..b",
        "/\\x",
        "/x y",
        "/x\n/y",
    ):
        (folder / "list.txt").write_text(f"{folder}/a.jsonl\ns3://open/data{rest}\n")
        for where in (f"s3://open/data{rest}", *([f"@{folder}/list.txt"] if "\n" not in rest else [])):
            with pytest.raises(
                ValidationFailed, match="Enter the address of a file or folder without these characters"
            ):
                actions.begin_audit(actor, where=where)
    settings.KICAU_AUDIT_FOLDERS = ["s3://key:secret@open/data?endpoint_override=minio.example:9000"]
    with pytest.raises(
        ValidationFailed, match=r"The server administrator allows only these locations: s3://open/data\.$"
    ):
        actions.begin_audit(actor, where="s3://open/other")
    settings.KICAU_AUDIT_FOLDERS = [str(folder), "s3://open/data"]
    with pytest.raises(NotAllowed):
        actions.begin_audit(member("contributor"), where=str(folder))
    assert not DatasetAudit.objects.exists()
    assert set(kept.glob("*")) == before
    row = actions.begin_audit(actor, where=str(folder / "a.jsonl"), query={"words": "tidakada"})
    assert audit_job.run_audit(row.id).problem["code"] == "no-posts"
    actions.resume_audit(actor, row.id)
    actions.stop_audit(actor, row.id)
    assert audit_job.run_audit(row.id).state == AuditState.CANCELED
