"""Audits' pages: begun by an upload, followed, read, taken along as report and evidence, and a bundle checked."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re

import pytest
import zstandard
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kicau.archive.models import Item, RightsContext
from kicau.dataset_audit import audit_job
from kicau.dataset_audit.models import AuditState, DatasetAudit
from kicau.web.dataset_audits import check_bundle
from kicau.workspaces.actions import update_person

POST = "Kopi Senja membuka sangrai kedua di Lembang hari Sabtu ☕, siapa membawa gelas <sendiri> minum gratis"


@pytest.fixture
def archive(actor):
    standing = RightsContext.objects.create(
        workspace=actor.workspace, network="x", author="x:1", own=True, acquired=["imported"]
    )
    return Item.objects.create(
        workspace=actor.workspace, network="x", remote_id="1", standing=standing, text=POST, sources=[]
    )


def data(*texts: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("korpus.jsonl", b"".join(json.dumps({"text": t}).encode() + b"\n" for t in texts))


def test_an_upload_becomes_a_verdict_a_report_and_evidence(page, actor, archive, django_assert_max_num_queries):
    def get(name, *args, **query):
        with django_assert_max_num_queries(12):
            answer = page.get(reverse(name, args=args), query)
        assert answer.status_code == 200, answer.content
        return answer.content.decode()

    assert "You have not searched any dataset for your posts yet" in get("dataset-audits")
    assert "where" not in get("dataset-audit-new").partition("<main")[2]
    refused = page.post(reverse("dataset-audit-new"), {"file": SimpleUploadedFile("a.zip", b"PK"), "own": "yes"})
    assert (refused.status_code, "and unpack ZIP files first" in refused.content.decode()) == (422, True)
    others = [
        f"Teks lain nomor {i} tentang {i * 7} hal yang tidak ada hubungannya dengan siapa pun" for i in range(150)
    ]
    page.post(
        reverse("dataset-audit-new"),
        {"file": data(*others, f"Kutipan: {POST} selesai"), "name": "Korpus <b>", "own": "yes"},
    )
    row = DatasetAudit.objects.get()
    assert "The search has not started yet. It starts automatically" in get("dataset-audit", row.id)
    assert "every 1s" in get("dataset-audit-progress", row.id)
    page.post(reverse("dataset-audit-action", args=[row.id, "stop"]))
    page.post(reverse("dataset-audit-action", args=[row.id, "resume"]))
    row = audit_job.run_audit(row.id, processes=1)
    assert row.state == AuditState.DONE, row.problem
    assert page.get(reverse("dataset-audit-progress", args=[row.id]))["HX-Refresh"] == "true"
    shown = get("dataset-audit", row.id)
    for said in (
        "Posts found in this dataset: 1. Places in the dataset with a copy of a post: 1.",
        "does not prove that an AI model was trained on this post",
        "exact copy",
        "gelas &lt;sendiri&gt;",
        "Kutipan: ",
        "korpus.jsonl, bytes",
    ):
        assert said in shown, said
    assert "1 of your posts was found in someone else's dataset" in get("dataset-audits")
    assert "No copy of your posts was found in this dataset" in get("dataset-audit", row.id, kind="partial")

    english, indonesian = (get("dataset-audit-report", row.id, code, "html") for code in ("en", "id"))
    assert "Posts found in this dataset: 1" in english
    assert (
        "Postingan yang ditemukan dalam set data ini: 1. Tempat dalam set data yang memuat salinan postingan: 1."
        in indonesian
    )
    assert "Korpus &lt;b&gt;" in english
    assert "☕" in english
    for code in ("en", "id"):
        assert page.get(reverse("dataset-audit-report", args=[row.id, code, "pdf"])).content.startswith(b"%PDF")

    bundle = b"".join(page.get(reverse("dataset-audit-evidence", args=[row.id])).streaming_content)

    def checked(raw: bytes, **more: str) -> str:
        sent = {"bundle": SimpleUploadedFile("evidence.json", raw), **more}
        return page.post(reverse("dataset-audit-check"), sent).content.decode()

    unknown = checked(bundle)
    assert (
        "The evidence file evidence.json has not changed since it was signed. Kicau did not check who signed it, because you entered no key fingerprint."
        in unknown
    )
    assert "The evidence file evidence.json is valid" not in unknown
    public = base64.b64decode(json.loads(bundle)["key"])
    assert "The evidence file evidence.json is valid" in checked(bundle, key=hashlib.sha256(public).hexdigest())
    assert "The evidence file evidence.json is not valid" in checked(bundle.replace(b"Kopi", b"Kapi", 1))
    assert "signed by another key" in checked(bundle, key="0" * 64)
    assert "is not valid, for this reason" in checked(b"[" * 100_000)
    assert b"def verify" in b"".join(page.get(reverse("dataset-audit-verifier")).streaming_content)


def test_what_could_not_be_read_to_its_end_is_named_in_the_readers_language(page, actor, owner, archive):
    rows = b"".join(json.dumps({"text": f"baris {n} {n * 7919}"}).encode() + b"\n" for n in range(3000))
    files = {
        "utuh.jsonl": json.dumps({"text": POST}).encode() + b"\n",
        "potong.jsonl.gz": gzip.compress(rows)[:-2000],
        "potong.jsonl.zst": zstandard.compress(rows)[:-2000],
        "potong.parquet": b"PAR1" + b"\0" * 3000,
    }
    page.post(
        reverse("dataset-audit-new"),
        {"name": "Korpus", "file": [SimpleUploadedFile(name, raw) for name, raw in files.items()]},
    )
    row = DatasetAudit.objects.get()
    audit_job.run_audit(row.id, processes=1)
    for language, cut, lost in (
        (
            "en",
            "The end of the dataset file {} is missing. The search results include the part that Kicau could read.",
            "The dataset file potong.parquet is incomplete or not a Parquet data file, so Kicau did not search this file.",
        ),
        (
            "id",
            "Bagian akhir berkas set data {} hilang. Hasil pencarian mencakup bagian yang dapat dibaca Kicau.",
            "Berkas set data potong.parquet tidak lengkap atau bukan berkas data Parquet, jadi Kicau tidak mencari di berkas ini.",
        ),
    ):
        update_person(owner, language=language)
        shown = page.get(reverse("dataset-audit", args=[row.id])).content.decode()
        report = page.get(reverse("dataset-audit-report", args=[row.id, language, "html"])).content.decode()
        for sentence in (cut.format("potong.jsonl.gz"), cut.format("potong.jsonl.zst"), lost):
            assert shown.count(sentence) == report.count(sentence) == 1, sentence


def test_what_a_search_names_wrongly_is_told_beside_its_field(page, actor, archive):
    for typed, sentence in (
        ({"author": "@kopisenya"}, "The archive has no posts by &#x27;@kopisenya&#x27;"),
        ({"networks": "twiter"}, "Kicau does not know the social network &#x27;twiter&#x27;"),
        ({"since": "2026-04-01", "until": "2026-03-01"}, "The end date must be after the start date."),
    ):
        answer = page.post(reverse("dataset-audit-new"), {"name": "Korpus", "file": data("Halo"), **typed})
        shown = answer.content.decode()
        assert (answer.status_code, shown.count(sentence)) == (422, 1)
        assert 'value="Korpus"' in shown
    assert not DatasetAudit.objects.exists()


def test_what_is_no_bundle_is_told_beside_the_field(page, workspace, monkeypatch):
    monkeypatch.setattr(check_bundle, "MAX_BUNDLE_BYTES", 1000)
    for sent, sentence in (
        ({}, "First choose an evidence file to check."),
        (
            {"bundle": SimpleUploadedFile("evidence.json", b"x" * 1001)},
            "On this page, you can check evidence files of up to 256 MB. To check a larger file, download the program verify.py below and run it on your computer.",
        ),
    ):
        answer = page.post(reverse("dataset-audit-check"), {"key": "ab" * 32, **sent})
        shown = answer.content.decode()
        assert (answer.status_code, shown.count(sentence)) == (422, 1)
        assert re.search(r'name="bundle"[^>]*aria-invalid.{0,200}' + re.escape(sentence), shown, re.DOTALL)
        assert f'value="{"ab" * 32}"' in shown
    empty = page.post(
        reverse("dataset-audit-check"), {"bundle": SimpleUploadedFile("evidence.json", b"")}
    ).content.decode()
    assert "is not valid, for this reason" in empty or "empty" in empty


def test_strangers_and_viewers(page, actor, archive, member, db):
    from kicau.workspaces.actions import add_person, create_workspace

    page.post(reverse("dataset-audit-new"), {"file": data(POST), "own": "yes"})
    row = DatasetAudit.objects.get()
    other = add_person("budi@lain.example", "Budi", "hujan-di-bandung-41")
    create_workspace(other, "Lain")
    stranger, viewer = Client(), Client()
    stranger.force_login(other)
    viewer.force_login(member("viewer").person)
    for name, more in (
        ("dataset-audit", ()),
        ("dataset-audit-progress", ()),
        ("dataset-audit-evidence", ()),
        ("dataset-audit-report", ("en", "pdf")),
    ):
        assert stranger.get(reverse(name, args=[row.id, *more])).status_code == 404, name
    assert viewer.get(reverse("dataset-audit", args=[row.id])).status_code == 200
    assert viewer.get(reverse("dataset-audit-new")).status_code == 403
    assert (
        "Ask someone with the role contributor or higher"
        in viewer.post(reverse("dataset-audit-action", args=[row.id, "stop"]), follow=True).content.decode()
    )
