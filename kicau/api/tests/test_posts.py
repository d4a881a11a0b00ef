"""Posts over HTTP: written, previewed, scheduled, replaced."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

import pytest

from kicau.api.tests.conftest import MARK, World, add_channel, caller_for, write
from kicau.api.tests.test_authentication import problem
from kicau.base import clock
from kicau.publishing.models import Delivery, Draft
from kicau.workspaces.models import Person, Workspace

pytestmark = pytest.mark.usefixtures("december_2026")

SIMPLE = {"parts": [{"text": "Buka lagi besok. #kopisenja"}]}


@pytest.fixture
def world(populated: World, db: None) -> World:
    return deepcopy(populated)


@pytest.fixture
def owner(world: World) -> Person:
    return world.actor.person


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.actor.workspace


def test_a_post_comes_back_as_it_was_written(api, world):
    body = {
        "parts": [{"text": "Satu 👩🏽‍🍳", "media": [{"medium": world.ids["medium_id"], "alt": ""}]}, {"text": "dua"}],
        "link": {"url": "https://kopisenja.example", "title": "Menu"},
        "first_comment": "Pertama!",
        "options": {"linkedin.visibility": "CONNECTIONS"},
        "language": "id",
        "campaign": "Menu baru",
        "tags": ["menu", "promo"],
        "timezone": "Asia/Makassar",
        "convert": False,
        "ref": "menu-1",
        "origin": "generated",
        "origin_detail": "a model",
        "ai_use": {"train_gen": "deny"},
        "variants": [{"network": "linkedin", "parts": [{"text": "Untuk rekan kerja"}]}],
    }
    answer = api.post("/posts", body)
    assert answer.status_code == 201, answer.content
    post = answer.json()["post"]
    for name in (
        "first_comment",
        "options",
        "language",
        "campaign",
        "tags",
        "timezone",
        "convert",
        "ref",
        "origin",
        "origin_detail",
        "ai_use",
    ):
        assert post[name] == body[name], name
    assert post["parts"] == [
        {
            "text": "Satu 👩🏽‍🍳",
            "media": [{"medium": world.ids["medium_id"], "alt": "", "cover": None, "cover_ms": None}],
        },
        {"text": "dua", "media": []},
    ]
    assert post["variants"][0]["parts"][0]["text"] == "Untuk rekan kerja"
    assert (post["state"], post["version"], post["author"]["name"]) == ("draft", 1, "Sari Wulandari")
    assert answer["Location"] == f"/api/v1/posts/{post['id']}"
    assert api.get(answer["Location"]).json() == post


def test_write_and_schedule_in_one_call(api, world):
    plan = {"channels": ["facebook-kopisenja"], "at": "2027-03-01T15:00", "timezone": "Asia/Jakarta"}
    made = api.post("/posts", SIMPLE | {"schedule": plan}).json()
    assert made["post"]["state"] == "scheduled"
    assert made["deliveries"][0]["due_at"] == "2027-03-01T08:00:00Z"
    assert made["deliveries"][0]["timezone"] == "Asia/Jakarta"


def test_a_post_that_cannot_be_scheduled_is_not_made_either(api, world):
    before = Draft.objects.count()
    long = {
        "parts": [{"text": "a" * 3001}],
        "schedule": {"channels": ["linkedin-kopisenja", "facebook-kopisenja"], "at": "now"},
    }
    errors = problem(api.post("/posts", long), 422)["errors"]
    assert [(e["field"], e["code"], e["limit"], e["actual"]) for e in errors] == [
        ("channels.linkedin-kopisenja.parts.0.text", "too-long", 3000, 3001)
    ]
    assert Draft.objects.count() == before


@pytest.mark.parametrize(
    ("plan", "field", "code"),
    [
        ({"at": "2027-03-01T09:00"}, "schedule.timezone", "needs-zone"),
        ({"at": "2027-03-01T09:00", "timezone": "Asia/Bandung"}, "schedule.timezone", "unknown-zone"),
        ({"at": "now", "timezone": "Mars/Olympus"}, "schedule.timezone", "unknown-zone"),
        ({"at": "2027-03-28T02:30", "timezone": "Europe/Berlin"}, "schedule.at", "no-such-time"),
        ({"at": "2027-10-31T02:30", "timezone": "Europe/Berlin"}, "schedule.at", "two-such-times"),
        ({"at": "2020-01-01T09:00Z"}, "schedule.at", "past"),
        ({"at": "2099-01-01T09:00Z"}, "at", "too-far"),
        ({"at": "2027-03-01"}, "schedule.at", "no-time"),
        ({"at": "whenever"}, "schedule.at", "no-time"),
        ({}, "schedule.at", "needs-time"),
        ({"at": "now", "slot": True}, "schedule.at", "needs-time"),
        ({"slot": True}, "at", "invalid"),
    ],
)
def test_times_that_are_no_certain_moment(api, world, plan, field, code):
    answer = api.post("/posts", SIMPLE | {"schedule": {"channels": ["facebook-kopisenja"], **plan}})
    errors = problem(answer, 422)["errors"]
    assert [(e["field"], e["code"]) for e in errors] == [(field, code)], errors


def test_both_moments_of_a_doubled_hour_can_be_said(api, world):
    def due(at: str) -> str:
        return api.post("/posts", SIMPLE | {"schedule": {"channels": ["facebook-kopisenja"], "at": at}}).json()[
            "deliveries"
        ][0]["due_at"]

    assert due("2027-10-31T02:30+02:00") == "2027-10-31T00:30:00Z"
    assert due("2027-10-31T02:30+01:00") == "2027-10-31T01:30:00Z"


def test_the_next_free_slot_of_each_channel(api, world):
    for key in ("facebook-kopisenja", "linkedin-kopisenja"):
        assert (
            api.put(
                f"/channels/{key}/slots",
                {"timezone": "Asia/Jakarta", "slots": [{"weekday": d, "time": "09:00"} for d in range(7)]},
            ).status_code
            == 200
        )
    expected = api.get("/channels/facebook-kopisenja/next-slot").json()["at"]
    made = [
        api.post(
            "/posts", SIMPLE | {"schedule": {"channels": ["facebook-kopisenja", "linkedin-kopisenja"], "slot": True}}
        ).json()["deliveries"]
        for _ in range(2)
    ]
    times = [[d["due_at"] for d in deliveries] for deliveries in made]
    assert times[0] == [expected, expected]
    assert times[1][0] > times[0][0]
    assert api.get("/channels/facebook-kopisenja/next-slot").json()["at"] > times[1][0]


def test_schedule_an_existing_post(api, world):
    answer = api.post(
        f"/posts/{world.ids['post_id']}/schedule", {"channels": [world.ids["channel"]], "at": "2027-03-01T09:00+07:00"}
    )
    assert answer.status_code == 201
    row = Delivery.objects.get(id=answer.json()["deliveries"][0]["id"])
    assert row.due_at.isoformat() == "2027-03-01T02:00:00+00:00"


def test_confirmation_is_asked_or_given(api, world):
    plan = {"channels": ["linkedin-kopisenja"], "at": "2027-03-01T09:00Z"}
    held = api.post("/posts", SIMPLE | {"schedule": plan}).json()["deliveries"][0]
    assert (held["state"], held["hold"]) == ("held", "confirmation")
    given = api.post("/posts", {"parts": [{"text": "lain"}], "schedule": plan | {"confirm": True}}).json()[
        "deliveries"
    ][0]
    assert (given["state"], given["confirmed_by"]["name"]) == ("scheduled", "Sari Wulandari")


def test_a_preview_tells_lengths_spans_problems_and_prices(api, world):
    post = api.post("/posts", {"parts": [{"text": "Lihat https://kopisenja.example #kopi " + "a" * 2990}]}).json()[
        "post"
    ]["id"]
    answer = api.post(f"/posts/{post}/preview", {"channels": ["facebook-kopisenja", "linkedin-kopisenja"]})
    first, second = answer.json()["items"]
    assert (first["channel"], first["problems"]) == ("facebook-kopisenja", [])
    kinds = {s["kind"]: first["parts"][0]["text"][s["start"] : s["end"]] for s in first["parts"][0]["spans"]}
    assert kinds["link"] == "https://kopisenja.example"
    assert second["problems"][0]["field"] == "channels.linkedin-kopisenja.parts.0.text"
    assert second["parts"][0]["length"] > second["parts"][0]["limit"]
    assert Delivery.objects.filter(draft_id=post).count() == 0


def test_the_same_text_again_is_warned_of(api, world):
    plan = {"channels": ["facebook-kopisenja"], "at": "2027-03-01T09:00Z"}
    api.post("/posts", SIMPLE | {"schedule": plan})
    notices = api.post("/posts", SIMPLE | {"schedule": plan}).json()["notices"]
    assert [n["code"] for n in notices] == ["duplicate"]


def test_nobody_is_overwritten(api, world):
    path = f"/posts/{world.ids['post_id']}"
    old = api.get(path)["ETag"]
    assert api.put(path, {"parts": [{"text": "satu"}]}, If_Match=old).json()["version"] == 2
    answer = api.put(path, {"parts": [{"text": "dua"}]}, If_Match=old)
    assert "current version: 2" in problem(answer, 412)["detail"]
    assert api.get(path).json()["parts"][0]["text"] == "satu"
    assert api.put(path, {"parts": [{"text": "tiga"}]}, If_Match=answer["ETag"]).status_code == 200


def test_replacing_makes_waiting_deliveries_anew_or_changes_nothing(api, world):
    row = world.deliveries["scheduled"]
    path = f"/posts/{row.draft_id}"
    assert api.put(path, {"parts": [{"text": "teks baru"}]}).status_code == 200
    assert api.get(f"/deliveries/{row.id}").json()["text"] == "teks baru"
    problem(api.put(path, {"parts": [{"text": "a" * 70_000}]}), 422)
    assert api.get(path).json()["parts"][0]["text"] == "teks baru"


def test_content_time_and_channels_change_in_one_call(api, world):
    row = world.deliveries["scheduled"]
    path, begun = f"/posts/{row.draft_id}", world.deliveries["published"]
    change = {
        "parts": [{"text": "teks baru"}],
        "at": "2027-03-02T10:30",
        "timezone": "Asia/Jakarta",
        "add_channels": ["linkedin-kopisenja"],
    }
    answer = api.patch(path, change, If_Match=api.get(path)["ETag"])
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["changed"] == [str(row.id)]
    assert {(d["text"], d["due_at"]) for d in body["deliveries"]} == {("teks baru", "2027-03-02T03:30:00Z")}
    assert len(body["deliveries"]) == 2
    assert "version" in problem(api.patch(path, change, If_Match='"1"'), 412)["detail"]
    assert api.patch(path, {"tags": ["menu"]}).json()["post"]["parts"][0]["text"] == "teks baru"
    assert len(api.patch(path, {"remove_channels": change["add_channels"]}).json()["canceled"]) == 1
    answer = api.patch(f"/posts/{begun.draft_id}", {"parts": [{"text": "terlambat"}]})
    assert answer.json()["begun"] == [str(begun.id)]
    problem(api.patch(f"/posts/{begun.draft_id}", {"at": "2027-03-02T10:30Z"}), 409)


def test_changed_content_is_confirmed_again_or_held_but_never_silently(api, world):
    plan = {"channels": ["linkedin-kopisenja"], "at": "2027-03-01T09:00Z", "confirm": True}
    post = api.post("/posts", SIMPLE | {"schedule": plan}).json()["post"]["id"]
    for ask in (api.put, api.patch):
        answer = problem(ask(f"/posts/{post}", {"parts": [{"text": "lain"}]}), 422)
        assert [(e["field"], e["code"]) for e in answer["errors"]] == [("confirm", "confirm-again")]
    held = api.patch(f"/posts/{post}", {"parts": [{"text": "lain"}], "confirm": False}).json()["deliveries"]
    assert [(d["state"], d["hold"]) for d in held] == [("held", "confirmation")]
    again = api.patch(f"/posts/{post}", {"confirm": True}).json()["deliveries"]
    assert [(d["state"], d["confirmed_by"]["name"]) for d in again] == [("scheduled", "Sari Wulandari")]


def test_a_second_set_is_made_only_when_it_is_asked_for(api, world):
    row = world.deliveries["scheduled"]
    plan = {"channels": [row.channel.key], "at": "2027-03-01T09:00Z"}
    assert row.channel.key in problem(api.post(f"/posts/{row.draft_id}/schedule", plan), 409)["detail"]
    assert api.post(f"/posts/{row.draft_id}/schedule", plan | {"again": True}).status_code == 201


def test_submit_archive_duplicate(api, world):
    path = f"/posts/{world.ids['post_id']}"
    copy = api.post(f"{path}/duplicate")
    assert copy.status_code == 201
    assert (copy.json()["parts"], copy.json()["ref"]) == (api.get(path).json()["parts"], "")
    assert api.post(f"{path}/submit").json()["state"] == "submitted"
    problem(api.post(f"{path}/submit"), 409)
    assert api.post(f"{path}/archive").json()["state"] == "archived"
    problem(api.post(f"/posts/{world.deliveries['scheduled'].draft_id}/archive"), 409)


def test_filters(api, world):
    def found(query: str) -> int:
        return len(api.get(f"/posts?{query}").json()["items"])

    assert found(f"tag={MARK}") == 5
    assert found(f"ref={MARK}") == 1
    assert found("state=draft") == 1
    assert found(f"campaign={MARK}&state=scheduled") == 4
    assert found("campaign=none") == 0
    assert [c["name"] for c in api.get("/campaigns").json()["items"]] == [MARK]


def test_a_reference_is_taken_once(api, world):
    assert MARK in problem(api.post("/posts", SIMPLE | {"ref": MARK}), 409)["detail"]


def test_unknown_channel_medium_network_and_doubled_variant(api, world):
    problem(api.post("/posts", SIMPLE | {"schedule": {"channels": ["x-nobody"], "at": "now"}}), 404)
    problem(api.post("/posts", {"parts": [{"media": [{"medium": "0192d3b8-0000-7000-8000-000000000000"}]}]}), 404)
    assert (
        problem(api.post("/posts", SIMPLE | {"variants": [{"network": "myspace"}]}), 422)["errors"][0]["field"]
        == "variants.network"
    )
    twice = [{"channel": "facebook-kopisenja"}, {"channel": world.ids["channel"]}]
    assert problem(api.post("/posts", SIMPLE | {"variants": twice}), 422)["errors"][0]["field"] == "variants"


def test_pages_stay_right_while_posts_come(stranger):
    api = caller_for(stranger)
    made = [str(write(stranger, f"post {n}").id) for n in range(7)]
    first = api.get("/posts?limit=3").json()
    write(stranger, "newer")
    second = api.get(f"/posts?limit=3&cursor={first['next']}").json()
    third = api.get(f"/posts?limit=3&cursor={second['next']}").json()
    assert [p["id"] for page in (first, second, third) for p in page["items"]] == made[::-1]
    assert third["next"] is None


def test_a_cursor_of_another_list_or_a_forged_one(api, actor):
    for n in range(2):
        write(actor, f"post {n}")
    cursor = api.get("/posts?limit=1").json()["next"]
    for path in (f"/deliveries?cursor={cursor}", "/posts?cursor=abc", f"/posts?cursor={cursor}x"):
        assert problem(api.get(path), 422)["errors"][0]["code"] == "unknown-cursor"


def test_lists_take_few_statements_however_long(api, world, django_assert_max_num_queries):
    now = clock.now()
    rows = [
        Delivery(
            workspace=world.actor.workspace,
            draft=world.post,
            channel=world.channel,
            network="facebook",
            due_at=now + timedelta(seconds=n),
            next_at=now,
            rendered={"parts": [{"text": "x"}]},
        )
        for n in range(3000)
    ]
    Delivery.objects.bulk_create(rows)
    Draft.objects.bulk_create(Draft(workspace=world.actor.workspace, author=world.actor.person) for _ in range(300))
    cursor, seen = "", []
    for _ in range(4):
        with django_assert_max_num_queries(12):
            page = api.get(f"/deliveries?limit=100&state=scheduled&cursor={cursor}").json()
        cursor, seen = page["next"], seen + [d["id"] for d in page["items"]]
    assert len(set(seen)) == 400
    for path in (
        "/posts?limit=100",
        "/media",
        "/channels",
        "/members",
        "/tokens",
        "/activity",
        "/charges",
        "/campaigns",
        "/webhooks",
    ):
        with django_assert_max_num_queries(12):
            assert api.get(path).status_code == 200


def test_a_contributor_writes_but_does_not_publish(world, member):
    asking = caller_for(member("contributor"))
    made = asking.post("/posts", SIMPLE)
    assert made.status_code == 201
    plan = {"channels": ["facebook-kopisenja"], "at": "now"}
    assert "editor" in problem(asking.post(f"/posts/{made.json()['post']['id']}/schedule", plan), 403)["detail"]
    before = Draft.objects.count()
    problem(asking.post("/posts", SIMPLE | {"schedule": plan}), 403)
    assert Draft.objects.count() == before


def test_a_token_does_no_more_than_its_scopes(actor, world):
    reading = caller_for(actor, "read")
    assert "the permission (scope) 'write'" in problem(reading.post("/posts", SIMPLE), 403)["detail"]
    assert add_channel(actor, "facebook", "second").key in [c["key"] for c in reading.get("/channels").json()["items"]]
