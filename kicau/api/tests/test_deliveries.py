"""The calendar over HTTP, and what people do with deliveries."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

import pytest

from kicau.api.tests.conftest import MARK, World
from kicau.api.tests.test_authentication import problem
from kicau.base import clock
from kicau.channels.models import Channel
from kicau.publishing.models import Delivery, Revision
from kicau.workspaces.models import Person, Workspace

pytestmark = pytest.mark.usefixtures("december_2026")


@pytest.fixture
def world(populated: World, db: None) -> World:
    return deepcopy(populated)


@pytest.fixture
def owner(world: World) -> Person:
    return world.actor.person


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.actor.workspace


def test_the_calendar_by_due_time_and_its_filters(api, world):
    def found(query: str) -> list[str]:
        answer = api.get(f"/deliveries?{query}")
        assert answer.status_code == 200, answer.content
        return [d["state"] for d in answer.json()["items"]]

    assert sorted(found("")) == ["failed", "held", "held", "published", "scheduled", "unknown"]
    assert found("channel=lama") == found("network=bluesky") == ["held"]  # frozen, its network is left
    assert found("state=failed&state=unknown") == ["failed", "unknown"]
    assert found("channel=linkedin-kopisenja") == ["held"]
    assert found(f"channel={world.ids['channel']}&state=published") == ["published"]
    assert found("network=linkedin") == ["held"]
    assert len(found(f"campaign={MARK}")) == len(found(f"tag={MARK}")) == 4
    assert found(f"post={world.deliveries['failed'].draft_id}") == ["failed"]
    later = clock.now() + timedelta(days=1, hours=12)
    assert found(f"from={later:%Y-%m-%dT%H:%M}Z") == ["held"]
    assert len(found(f"to={later.isoformat()}")) == 5  # its + not escaped
    assert found("from=2020-01-01&to=2020-02-01") == []
    times = [d["due_at"] for d in api.get("/deliveries").json()["items"]]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "query", ["from=yesterday", "to=2027-13-01", "state=lost", "channel=nobody", "from=2027-03-01T09:00:00%2B99:00"]
)
def test_filters_that_mean_nothing(api, world, query):
    problem(api.get(f"/deliveries?{query}"), 404 if "channel" in query else 422)


def test_a_delivery_tells_its_story(api, world):
    path = f"/deliveries/{world.ids['delivery_id']}"
    moved = api.post(f"{path}/reschedule", {"at": "2027-03-02T10:30", "timezone": "Asia/Jakarta"})
    assert (moved.json()["due_at"], moved.json()["timezone"]) == ("2027-03-02T03:30:00Z", "Asia/Jakarta")
    assert api.post(f"{path}/cancel").json()["state"] == "canceled"
    story = api.get(path).json()
    assert [a["outcome"] for a in story["attempts"]] == ["moved", "canceled"]
    assert "2027-03-02 10:30 WIB" in story["attempts"][0]["sentence"]
    assert story["rendered"][0]["text"] == f"scheduled {MARK}"
    assert api.post(f"{path}/retry").json()["state"] == "scheduled"


def test_confirm_and_resolve(api, world):
    held = f"/deliveries/{world.deliveries['held'].id}"
    confirmed = api.post(f"{held}/confirm").json()
    assert (confirmed["state"], confirmed["confirmed_by"]["name"]) == ("scheduled", "Sari Wulandari")
    problem(api.post(f"{held}/confirm"), 409)
    unknown = f"/deliveries/{world.deliveries['unknown'].id}"
    found = api.post(
        f"{unknown}/resolve", {"published": True, "url": "https://social.example/7", "remote_id": "7"}
    ).json()
    assert (found["state"], found["url"], found["remote_ids"]) == ("published", "https://social.example/7", ["7"])


def test_what_cannot_be_done_now(api, world):
    published = f"/deliveries/{world.deliveries['published'].id}"
    for act, body in [
        ("cancel", None),
        ("retry", None),
        ("confirm", None),
        ("reschedule", {"at": "2027-03-02T10:30Z"}),
        ("resolve", {"published": False}),
    ]:
        assert "published" in problem(api.post(f"{published}/{act}", body), 409)["detail"]
    problem(api.post(f"{published}/reschedule", {"at": "2020-01-01T00:00Z"}), 422)
    problem(api.post(f"{published}/reschedule", {"at": "2027-03-02T10:30Z", "timezone": "No/Where"}), 422)


def test_deleting_where_the_network_is_not_reached(api, world):
    row = world.deliveries["published"]
    app = Channel.objects.get(id=row.channel_id).app
    app.endpoints = {"graph": "http://127.0.0.1:9"}  # nobody listens there
    app.save()
    assert "The post also stays unchanged in Kicau" in problem(api.post(f"/deliveries/{row.id}/delete"), 409)["detail"]
    assert Delivery.objects.get(id=row.id).state == "published"


def test_editing_is_shown_first_and_settled_where_its_answer_was_lost(api, world):
    row = world.deliveries["published"]
    seen = api.post(f"/deliveries/{row.id}/edit/preview", {"texts": [{"text": "Kopi #pagi"}]}).json()
    assert (seen["parts"][0]["text"], seen["changed"], seen["problems"]) == ("Kopi #pagi", [1], [])
    app = Channel.objects.get(id=row.channel_id).app
    app.endpoints = {"graph": "http://127.0.0.1:9"}
    app.save()
    assert (
        "Kicau could not send your edit of the post to Facebook"
        in problem(api.post(f"/deliveries/{row.id}/edit", {"texts": [{"text": "Kopi"}]}), 409)["detail"]
    )
    problem(api.post(f"/deliveries/{row.id}/edit/resolve", {}), 409)
    Revision.objects.update(state="unknown")
    assert api.post(f"/deliveries/{row.id}/edit/resolve", {"reads": "after"}).json()["text"] == "Kopi"


def test_charges_and_their_sums(api, world):
    charge = api.get("/charges?network=facebook&channel=facebook-kopisenja").json()["items"][0]
    assert (charge["meter"], charge["units"], charge["micro"], charge["currency"]) == (f"calls-{MARK}", 3, 45000, "USD")
    assert api.get("/charges?to=2020-01-01").json()["items"] == []
    total = api.get("/charges/totals").json()["items"]
    assert [(t["network"], t["calls"], t["units"], t["micro"]) for t in total] == [("facebook", 1, 3, 45000)]
    assert api.get("/charges/totals?from=2099-01-01").json()["items"] == []


def test_many_at_once_and_what_lies_ready_to_write_with(api, world):
    ids = [world.ids["delivery_id"], str(world.deliveries["published"].id)]
    wanted = [{"delivery": key, "at": "2027-03-02T10:30", "timezone": "Asia/Jakarta"} for key in ids]
    assert api.post("/deliveries/reschedule", {"moves": wanted}).status_code == 409, "all or none"
    moved = api.post("/deliveries/reschedule", {"moves": wanted[:1]}).json()["items"]
    assert [one["due_at"] for one in moved] == ["2027-03-02T03:30:00Z"]
    told = api.post("/deliveries/cancel", {"deliveries": [*ids, "nobody"]}).json()
    assert [one["state"] for one in told["done"]] == ["canceled"]
    assert [one["delivery"] for one in told["refused"]][:1] == ids[1:]
    assert len(api.post("/deliveries/retry", {"deliveries": ids}).json()["refused"]) == 1
    assert api.post("/deliveries/retry", {"deliveries": []}).status_code == 422

    kept = api.post("/saved-texts", {"kind": "hashtags", "name": "Kopi", "text": "#kopi"}).json()
    again = api.post("/saved-texts", {"kind": "hashtags", "name": "Kopi", "text": "#kopi #senja"}).json()
    assert (kept["id"], again["text"]) == (again["id"], "#kopi #senja")
    assert [one["name"] for one in api.get("/saved-texts?kind=hashtags").json()["items"]] == ["Kopi"]
    assert api.ask("DELETE", f"/saved-texts/{kept['id']}", None).status_code == 204
    assert api.post("/contacts", {"name": "dua kata", "mentions": {"x": "@a"}}).status_code == 422
    contact = api.post("/contacts", {"name": "@Budi", "mentions": {"x": "budi"}}).json()
    assert contact["mentions"] == {"x": "@budi"}
    first = api.get("/contacts?limit=1").json()
    assert len(api.get(f"/contacts?cursor={first['next']}").json()["items"]) == 1
    assert api.get("/accounts?words=bu").json()["items"] == []
