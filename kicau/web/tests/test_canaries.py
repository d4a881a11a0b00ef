"""Canaries' pages: registered, published, tested by a table of scores, and taken along as evidence; and who may do what."""

from __future__ import annotations

import csv
import io

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kicau.dataset_audit import canaries
from kicau.evidence import verify
from kicau.evidence.models import Canary
from kicau.workspaces.actions import add_person, create_workspace, update_person


def registered(page, **more) -> Canary:
    answer = page.post(reverse("canaries"), {"name": "Musim <b>hujan", "candidates": "40", "language": "id", **more})
    row = Canary.objects.get()
    assert answer.headers["Location"] == reverse("canary", args=[row.id])
    return row


def scored(page, row: Canary, score) -> SimpleUploadedFile:
    """The table as it is given out, with a score by `score(number, text)` in each row."""
    told = page.get(reverse("canary-candidates", args=[row.id])).content.decode()
    made = io.StringIO()
    out = csv.writer(made)
    out.writerow(("number", "text", "score"))
    out.writerows(
        (r["number"], r["text"], score(int(r["number"]), r["text"])) for r in csv.DictReader(io.StringIO(told))
    )
    return SimpleUploadedFile("scores.csv", made.getvalue().encode())


def test_a_canary_is_registered_tested_and_proved(page, actor, owner):
    assert (
        "No canary text (a unique sentence that reveals copying) is registered yet."
        in page.get(reverse("canaries")).content.decode()
    )
    refused = page.post(reverse("canaries"), {"name": "", "candidates": "7", "language": "en", "sentence": "no place"})
    assert refused.status_code == 422
    assert "Enter a name for the canary text (a marker text that reveals copying)." in refused.content.decode()
    row = registered(page)
    again = page.post(reverse("canaries"), {"name": row.name, "candidates": "40", "language": "id"})
    assert (again.status_code, "already" in again.content.decode()) == (422, True)
    published = canaries.published_text(actor, row)
    where = reverse("canary", args=[row.id])
    shown = page.get(where).content.decode()
    assert published in shown
    assert not any(text in shown for text in row.candidates if text != published)
    assert "Musim &lt;b&gt;hujan" in shown

    test = reverse("canary-test", args=[row.id])
    gap = page.post(test, {"scores": SimpleUploadedFile("s.csv", b"number,score\n1,2\n"), "model": "model-x"})
    assert (gap.status_code, "39 sentences have no score" in gap.content.decode()) == (422, True)
    assert page.post(test, {"model": "model-x"}).status_code == 422
    row.refresh_from_db()
    assert row.tests == 0
    table = scored(page, row, lambda n, text: 0.5 if text == published else n)
    page.post(test, {"scores": table, "model": "model <x>", "direction": "lower"})
    says = "Of 40 candidates registered beforehand, the published one ranks 1 in the scores given for model &lt;x&gt;. A model that never saw it ranks it so or better with a chance of 0.025. It says nothing of any other text."
    assert says in page.get(where).content.decode()
    worst = scored(page, row, lambda n, text: 0.5 if text == published else n)
    page.post(test, {"scores": worst, "model": "model-y", "direction": "higher"})
    shown = page.get(where).content.decode()
    assert "ranks 40 in the scores given for model-y" in shown
    assert "This is test 2 of this canary: with 2 tests one of them falls so with a chance of up to 1." in shown
    assert says in shown
    assert "2 tests of AI models with this sentence" in page.get(reverse("canaries")).content.decode()
    assert "was trained" not in shown

    bundle = page.post(reverse("canary-evidence", args=[row.id, 1])).content
    held = verify.verify(bundle)
    assert "ranks 1 in the scores given for model <x>" in held[0]
    assert any("counted again: 1 of 40" in line for line in held)
    told = verify.verify(bundle, language="id")
    assert told[0].startswith("Dari 40 kalimat yang didaftarkan sebelumnya, yang diterbitkan menempati peringkat 1")
    assert "dengan peluang 0,025. Ini tidak mengatakan apa pun tentang teks lain." in told[0]
    second = verify.verify(page.post(reverse("canary-evidence", args=[row.id, 2])).content, language="id")
    assert (
        "Ini uji ke-2 untuk kenari ini: dari 2 uji, salah satunya jatuh demikian dengan peluang sampai 1." in second[0]
    )
    assert page.post(reverse("canary-evidence", args=[row.id, 3])).status_code == 404

    update_person(owner, language="id")
    said = page.get(where).content.decode()
    assert "Sebelum pengujian, Kicau mendaftarkan 40 kalimat, dan salah satunya diterbitkan." in said
    assert "kalimat yang diterbitkan berada di peringkat 1 (" in said
    assert "dengan peluang 0,025." in said


def test_strangers_viewers_and_contributors(page, actor, member):
    row = registered(page)
    published = canaries.published_text(actor, row)
    page.post(reverse("canary-test", args=[row.id]), {"scores": scored(page, row, lambda n, _: n), "model": "m"})
    other = add_person("budi@lain.example", "Budi", "hujan-di-bandung-41")
    create_workspace(other, "Lain")
    asks = {"canary": (), "canary-candidates": (), "canary-evidence": (1,), "canary-test": ()}
    expected = {"stranger": (404, 404, 404, 404), "viewer": (200, 403, 403, 403), "contributor": (200, 403, 403, 403)}
    for who, statuses in expected.items():
        client = Client()
        client.force_login(other if who == "stranger" else member(who).person)
        got = []
        for name, more in asks.items():
            do = client.post if name in ("canary-evidence", "canary-test") else client.get
            got.append(do(reverse(name, args=[row.id, *more])).status_code)
        assert tuple(got) == statuses, who
        shown = client.get(reverse("canary", args=[row.id])).content.decode()
        assert (published in shown) == (who == "contributor"), who
        assert client.post(reverse("canaries"), {"name": "Mine", "candidates": "20"}).status_code in (302, 403)
    assert list(Canary.objects.filter(workspace_id=actor.workspace.id)) == [row]
