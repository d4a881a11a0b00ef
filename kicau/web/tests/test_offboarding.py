"""The assistant shows what will happen first; every page of the road opens, for who may see it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from kicau.base import clock
from kicau.channels.models import Channel
from kicau.offboarding import actions, jobs
from kicau.offboarding.models import Offboarding
from kicau.publishing.models import Delivery

pytestmark = pytest.mark.django_db


def words(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_the_whole_road_by_the_pages(page, post, channels, actor, member, settings, tmp_path):
    settings.KICAU_DATA = tmp_path
    rows = [post(f"Kopi {n}", hours=24 * (n + 1)).deliveries[0] for n in range(4)]
    post("Kopi " * 40 + "panjang sekali", hours=200)
    assert "Stop using X" in words(page.get("/offboarding/new?network=x"))
    at = (clock.now() + timedelta(days=2, hours=12)).astimezone(clock.find_zone("Asia/Jakarta"))
    form = {"network": "x", "when": "at", "date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}", "timezone": "Asia/Jakarta"}
    ahead = page.get("/offboarding/new", form, headers={"hx-request": "true"})
    assert "2 posts will be published as scheduled before Kicau stops publishing" in words(ahead)
    assert "3 posts are put on hold: Kicau neither publishes nor deletes them" in words(ahead)
    assert Offboarding.objects.count() == 0
    assert page.post("/offboarding/new", form | {"date": "x"}).status_code == 422
    assert page.post("/offboarding/new", form | {"reason": "Terlalu mahal"}).status_code == 302
    row = Offboarding.objects.get()
    here = f"/offboarding/{row.id}"
    for place, said in (
        (here, "Posts scheduled after the date when Kicau stops publishing"),
        ("/offboarding", "Publishing will stop on a set date"),
        ("/calendar", "Kicau will stop publishing to X on"),
        ("/channels", "Kicau will stop publishing posts to this channel on"),
        ("/calendar?view=month", "Kicau stops publishing to this network on this day"),
        ("/channels/x-kopisenja", "Kicau will stop publishing to this channel on"),
        ("/compose", "until"),
        (f"{here}/return", "Kicau has not stopped publishing, so there is nothing to resume"),
        (f"{here}/new-targets?channel=mastodon-kopisenja", "This page is only a preview."),
    ):
        assert said in words(page.get(place, follow=True)), place
    page.post(f"{here}/leave-now")
    assert Delivery.objects.filter(hold="offboarded").count() == 5
    seen = words(page.get(f"{here}/new-targets?channel=instagram-kopisenja&channel=mastodon-kopisenja"))
    assert "5 posts fit the chosen channels and can be scheduled on them" in seen
    assert "5 posts do not fit the chosen channels. Change the posts first" in seen
    assert "Problems of each post" in seen
    page.post(f"{here}/new-targets", {"channel": ["mastodon-kopisenja"], "overdue": "leave"})
    page.post(f"{here}/export")
    assert "Kicau is creating the export file" in words(page.get(here))
    assert (jobs.run_job(), jobs.run_job()) == (1, 1)
    shown = words(page.get(f"{here}?jobs=1", headers={"hx-request": "true"}))
    assert "5 of 5 posts on hold were moved to other channels" in shown
    link = re.search(r'href="(/offboarding/exports/[^"]+)"', page.get(here).content.decode())[1]
    file = page.get(link)
    assert b"".join(file.streaming_content)[:2] == b"PK"
    assert 'filename="x-' in file["Content-Disposition"]
    Delivery.objects.filter(id=rows[0].id).update(due_at=clock.now() - timedelta(hours=1))
    assert "1 post is past its scheduled time" in words(page.get(f"{here}/return"))
    assert page.post(f"{here}/return", {"overdue": "shift", "date": "", "time": ""}).status_code == 422
    page.post(f"{here}/return", {"overdue": "ask"})
    assert "1 post is past its scheduled time" in words(page.get(here))
    page.post(f"{here}/overdue", {"overdue": "cancel"})
    assert Delivery.objects.filter(state="canceled").count() == 1
    assert set(Channel.objects.values_list("state", flat=True)) == {"active"}
    viewer = Client(headers={"accept-language": "id"})
    viewer.force_login(member("viewer").person)
    assert viewer.get(here).status_code == 200
    assert viewer.get(f"{here}/new-targets").status_code == viewer.get(link).status_code == 403
    assert viewer.get("/offboarding/new?network=x").status_code == 403


def test_a_proposal_and_the_operators_page(page, post, channels, actor, owner, member):
    post("Kopi")
    told = {"refusals": 7, "refused_channels": 2, "first": clock.now().isoformat(), "said": "client-not-enrolled"}
    row = Offboarding.objects.create(
        workspace=actor.workspace,
        network="x",
        state="proposed",
        cause="refused",
        effective_at=clock.now(),
        evidence=told,
    )
    actions.close_channels(actor, row, clock.now(), "proposed")
    assert "Kicau can no longer access X. Posts scheduled on this network are on hold" in words(page.get("/calendar"))
    assert "client-not-enrolled" in words(page.get(f"/offboarding/{row.id}"))
    page.post(f"/offboarding/{row.id}/dismiss")
    assert Channel.objects.get(network="x").state == "active"
    assert "1 workspace" in words(page.get("/offboarding/instance-wide"))
    page.post("/offboarding/instance-wide", {"app": "x/default", "when": "now", "reason": "Terlalu mahal"})
    assert Channel.objects.get(network="x").state == "offboarded"
    made = Offboarding.objects.get(by_operator=True)
    assert "Terlalu mahal" in words(page.get("/offboarding/instance-wide"))
    page.post("/offboarding/instance-wide", {"decision_id": str(made.decision_id)})
    assert Channel.objects.get(network="x").state == "active"
    guest = Client()
    guest.force_login(member("admin").person)
    assert guest.get("/offboarding/instance-wide").status_code == 403
