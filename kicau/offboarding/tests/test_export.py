"""The archive is whole, and a program that knows nothing of us reads it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from kicau.base import clock
from kicau.costs import actions as plans
from kicau.media import library
from kicau.media.actions import add_medium
from kicau.offboarding import actions, jobs
from kicau.offboarding.models import OffboardingJob
from kicau.publishing.content import compositions
from kicau.publishing.models import Attempt, Delivery
from kicau.sync.models import Comment, MetricsChange, PostMetrics
from kicau.workspaces.models import Person

pytestmark = pytest.mark.django_db
READER = Path(__file__).resolve().parents[3] / "tests" / "drill" / "reader.py"


def test_everything_of_a_network_in_one_open_archive(actor, channel, posts, tmp_path, monkeypatch, settings):
    settings.KICAU_DATA = tmp_path
    channel("ana")
    Person.objects.update(language="id")
    uses = []
    for n in range(3):
        Image.new("RGB", (40 + n, 30), "#a05030").save(tmp_path / f"{n}.png")
        medium = add_medium(actor, tmp_path / f"{n}.png", f"{n}.png", alt="Cangkir <3")
        uses.append(medium)
    part = compositions.PartContent(
        text='Halo, "dunia"\nbaris dua', media=(compositions.MediumAttachment(medium=uses[0].id),)
    )
    loose = compositions.create_draft(
        actor, compositions.Composition(parts=(part, compositions.PartContent(text="Kedua")))
    )
    rows = posts("ana", 3)
    shown = {"media": {"ref": uses[1].ref, "alt": ""}}
    done = {"state": "published", "remote_ids": ["77"], "url": "https://social.example/77", "published_at": clock.now()}
    Delivery.objects.filter(id=rows[0].id).update(**done, rendered={"parts": [{"text": "lama", "media": [shown]}]})
    Attempt.objects.create(delivery=rows[0], did="publish", outcome="published", sentence="Published.")
    kept = PostMetrics.objects.create(
        channel=rows[0].channel,
        delivery=rows[0],
        remote_id="77",
        published_at=clock.now(),
        values={"like_count": 4711},
        read_at=clock.now(),
    )
    MetricsChange.objects.create(post=kept, at=clock.now(), values={"like_count": 4711})
    for delivery, text in ((rows[0], "Enak sekali <3"), (None, "Hanya menyapa")):
        Comment.objects.create(
            channel=rows[0].channel,
            delivery=delivery,
            remote_id=text,
            author="9",
            text=text,
            at=clock.now(),
            handle="=cmd()",
            name='@SUM(1)"',
        )
    Delivery.objects.filter(id=rows[1].id).update(url="javascript:alert(1)")  # of before such addresses were refused
    for name, more in (
        ("Stranger sebulan", {"network": "stranger"}),
        ("Semua", {}),
        ("Ana", {"channel_id": rows[0].channel_id}),
    ):
        plans.set_budget(actor, plans.BudgetValues(name=name, amount=5_000_000, period="month", currency="USD", **more))
    left = actions.announce_offboarding(actor, network="stranger", reason="Terlalu mahal")
    job = jobs.request_export(actor, left.id)
    assert jobs.request_export(actor, left.id).id == job.id  # it is being made already
    OffboardingJob.objects.filter(id=job.id).update(state="working", lease_until=clock.now())  # by a worker that died
    assert (jobs.run_job(), jobs.run_job()) == (1, 0)
    job = jobs.one_job(actor, job.id)
    assert (job.state, job.percent, job.sentence) == ("done", 100, "")
    path = jobs.archive_file(job)
    said = subprocess.run([sys.executable, "-I", str(READER), str(path)], capture_output=True, text=True, check=False)
    told = json.loads(said.stdout)
    assert told["problems"] == []
    with zipfile.ZipFile(path) as packed:
        budgets, deliveries = (json.loads(packed.read(f"data/{name}.json")) for name in ("budgets", "deliveries"))
    assert "rendered" in deliveries[0]
    assert not {"head", "picture", "charges"} & set(deliveries[0]), "it says so already"
    assert {one["name"] for one in budgets} == {"Stranger sebulan", "Ana"}
    assert told["deliveries"] == {"published": 1, "held/offboarded": 2}
    assert (told["posts"], told["media"], told["remote_ids"]) == ({"scheduled": 3, "draft": 1}, 2, 1)
    assert told["shown"] == {"published": 1, "waiting": 2, "drafts": 1, "other": 0}
    assert told["rows"]["parts"] == 5
    assert [told["rows"][name] for name in ("numbers", "readings", "answers")] == [1, 1, 2]
    with zipfile.ZipFile(path) as archive:
        everything = b"".join(archive.read(n) for n in archive.namelist())
        assert b'"credentials"' not in everything
        shown = archive.read("pages/published-1.html").decode()
        assert "like_count 4711" in shown
        assert "Enak sekali &lt;3" in shown
        sheet = list(csv.DictReader(io.StringIO(archive.read("data/answers.csv").decode(), newline="")))
        assert ("Hanya menyapa", "'=cmd()", "'@SUM(1)\"") in [
            (one["text"], one["handle"], one["name"]) for one in sheet
        ]
        pages = [archive.read(n).decode() for n in archive.namelist() if n.endswith(".html")]
        assert not any("javascript:" in page for page in pages)
        assert "Postingan yang masih terjadwal" in archive.read("index.html").decode()
        assert f"media/{uses[0].sha256}.png" in archive.read("pages/drafts-1.html").decode()
    library.original_path(uses[0].ref).unlink()  # a disk that lost a file does not keep the rest from being had
    again = jobs.request_export(actor, left.id)
    jobs.run_job(again.id)
    assert jobs.one_job(actor, again.id).result["missing"] == ["0.png"]
    monkeypatch.setattr(jobs, "write_export", lambda *a: 1 / 0)
    broken = jobs.request_export(actor, left.id)
    jobs.run_job(broken.id)
    assert (
        "This export or move of posts failed because of an internal error in Kicau"
        in jobs.one_job(actor, broken.id).sentence
    )
    with clock.freeze_clock(clock.now() + jobs.ARCHIVE_RETENTION * 2):
        assert (jobs.delete_old_archives(), jobs.delete_old_archives(), path.exists()) == (2, 0, False)
    assert loose.state == "draft"
