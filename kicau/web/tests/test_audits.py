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

from kicau.archive.models import Item, Standing
from kicau.dataset_audit import audit_job
from kicau.dataset_audit.models import Audit, AuditState
from kicau.web.dataset_audits import audits
from kicau.workspaces.actions import update_person

POST = "Kopi Senja membuka sangrai kedua di Lembang hari Sabtu ☕, siapa membawa gelas <sendiri> minum gratis"


@pytest.fixture
def archive(actor):
    standing = Standing.objects.create(
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

    assert "No data set searched yet" in get("audits")
    assert "where" not in get("audit-new").partition("<main")[2]
    refused = page.post(reverse("audit-new"), {"file": SimpleUploadedFile("a.zip", b"PK"), "own": "yes"})
    assert (refused.status_code, "unpack a zip first" in refused.content.decode()) == (422, True)
    others = [
        f"Teks lain nomor {i} tentang {i * 7} hal yang tidak ada hubungannya dengan siapa pun" for i in range(150)
    ]
    page.post(
        reverse("audit-new"), {"file": data(*others, f"Kutipan: {POST} selesai"), "name": "Korpus <b>", "own": "yes"}
    )
    row = Audit.objects.get()
    assert "It waits for its turn" in get("audit", row.id)
    assert "every 1s" in get("audit-state", row.id)
    page.post(reverse("audit-do", args=[row.id, "stop"]))
    page.post(reverse("audit-do", args=[row.id, "resume"]))
    row = audit_job.run_audit(row.id, processes=1)
    assert row.state == AuditState.DONE, row.problem
    assert page.get(reverse("audit-state", args=[row.id]))["HX-Refresh"] == "true"
    shown = get("audit", row.id)
    for said in (
        "This data set contains 1 of the posts, in 1 place.",
        "does not say that a model was trained on it",
        "letter by letter",
        "gelas &lt;sendiri&gt;",
        "Kutipan: ",
        "korpus.jsonl, bytes",
    ):
        assert said in shown, said
    assert "1 post is in it" in get("audits")
    assert "No copy was found" in get("audit", row.id, kind="partial")

    english, indonesian = (get("audit-report", row.id, code, "html") for code in ("en", "id"))
    assert "This data set contains 1 of the posts" in english
    assert "Himpunan data ini memuat 1 kiriman, di 1 tempat." in indonesian
    assert "Korpus &lt;b&gt;" in english
    assert "☕" in english
    for code in ("en", "id"):
        assert page.get(reverse("audit-report", args=[row.id, code, "pdf"])).content.startswith(b"%PDF")

    bundle = b"".join(page.get(reverse("audit-bundle", args=[row.id])).streaming_content)

    def checked(raw: bytes, **more: str) -> str:
        sent = {"bundle": SimpleUploadedFile("evidence.json", raw), **more}
        return page.post(reverse("audit-check"), sent).content.decode()

    unknown = checked(bundle)
    assert "evidence.json is consistent; the signer was not checked." in unknown
    assert "evidence.json holds" not in unknown
    public = base64.b64decode(json.loads(bundle)["key"])
    assert "evidence.json holds" in checked(bundle, key=hashlib.sha256(public).hexdigest())
    assert "evidence.json does not hold" in checked(bundle.replace(b"Kopi", b"Kapi", 1))
    assert "signed by another key" in checked(bundle, key="0" * 64)
    assert "does not hold" in checked(b"[" * 100_000)
    assert b"def verify" in b"".join(page.get(reverse("audit-verifier")).streaming_content)


def test_what_could_not_be_read_to_its_end_is_named_in_the_readers_language(page, actor, owner, archive):
    rows = b"".join(json.dumps({"text": f"baris {n} {n * 7919}"}).encode() + b"\n" for n in range(3000))
    files = {
        "utuh.jsonl": json.dumps({"text": POST}).encode() + b"\n",
        "potong.jsonl.gz": gzip.compress(rows)[:-2000],
        "potong.jsonl.zst": zstandard.compress(rows)[:-2000],
        "potong.parquet": b"PAR1" + b"\0" * 3000,
    }
    page.post(
        reverse("audit-new"), {"name": "Korpus", "file": [SimpleUploadedFile(name, raw) for name, raw in files.items()]}
    )
    row = Audit.objects.get()
    audit_job.run_audit(row.id, processes=1)
    for language, cut, lost in (
        (
            "en",
            "{} ends in the middle of what it holds; what was read before counts.",
            "potong.parquet was cut off or is no Parquet file, so that nothing of it could be read.",
        ),
        (
            "id",
            "{} terputus di tengah isinya; yang sudah dibaca tetap dihitung.",
            "potong.parquet terpotong atau bukan berkas Parquet, jadi tidak ada isinya yang bisa dibaca.",
        ),
    ):
        update_person(owner, language=language)
        shown = page.get(reverse("audit", args=[row.id])).content.decode()
        report = page.get(reverse("audit-report", args=[row.id, language, "html"])).content.decode()
        for sentence in (cut.format("potong.jsonl.gz"), cut.format("potong.jsonl.zst"), lost):
            assert shown.count(sentence) == report.count(sentence) == 1, sentence


def test_what_a_search_names_wrongly_is_told_beside_its_field(page, actor, archive):
    for typed, sentence in (
        ({"author": "@kopisenya"}, "Nobody in the archive is called &#x27;@kopisenya&#x27;"),
        ({"networks": "twiter"}, "There is no network &#x27;twiter&#x27; here"),
        ({"since": "2026-04-01", "until": "2026-03-01"}, "It ends before it begins"),
    ):
        answer = page.post(reverse("audit-new"), {"name": "Korpus", "file": data("Halo"), **typed})
        shown = answer.content.decode()
        assert (answer.status_code, shown.count(sentence)) == (422, 1)
        assert 'value="Korpus"' in shown
    assert not Audit.objects.exists()


def test_what_is_no_bundle_is_told_beside_the_field(page, workspace, monkeypatch):
    monkeypatch.setattr(audits, "MAX_BUNDLE_BYTES", 1000)
    for sent, sentence in (
        ({}, "Choose a bundle first."),
        (
            {"bundle": SimpleUploadedFile("evidence.json", b"x" * 1001)},
            "A bundle of more than 256 MB is checked with verify.py, which is below.",
        ),
    ):
        answer = page.post(reverse("audit-check"), {"key": "ab" * 32, **sent})
        shown = answer.content.decode()
        assert (answer.status_code, shown.count(sentence)) == (422, 1)
        assert re.search(r'name="bundle"[^>]*aria-invalid.{0,200}' + re.escape(sentence), shown, re.DOTALL)
        assert f'value="{"ab" * 32}"' in shown
    empty = page.post(reverse("audit-check"), {"bundle": SimpleUploadedFile("evidence.json", b"")}).content.decode()
    assert "does not hold" in empty or "empty" in empty


def test_strangers_and_viewers(page, actor, archive, member, db):
    from kicau.workspaces.actions import add_person, create_workspace

    page.post(reverse("audit-new"), {"file": data(POST), "own": "yes"})
    row = Audit.objects.get()
    other = add_person("budi@lain.example", "Budi", "hujan-di-bandung-41")
    create_workspace(other, "Lain")
    stranger, viewer = Client(), Client()
    stranger.force_login(other)
    viewer.force_login(member("viewer").person)
    for name, more in (("audit", ()), ("audit-state", ()), ("audit-bundle", ()), ("audit-report", ("en", "pdf"))):
        assert stranger.get(reverse(name, args=[row.id, *more])).status_code == 404, name
    assert viewer.get(reverse("audit", args=[row.id])).status_code == 200
    assert viewer.get(reverse("audit-new")).status_code == 403
    assert (
        "Ask somebody whose role is contributor or above"
        in viewer.post(reverse("audit-do", args=[row.id, "stop"]), follow=True).content.decode()
    )
