"""Tables of posts over HTTP."""

from __future__ import annotations

from copy import deepcopy

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kicau.api.tests.conftest import World, caller_for, png
from kicau.api.tests.test_authentication import problem
from kicau.publishing.models import Delivery, Draft
from kicau.workspaces.models import Person, Workspace

pytestmark = pytest.mark.usefixtures("december_2026")

GOOD = """\ufeffref;channels;at;text;media;alt
a-1;facebook-kopisenja;2027-03-01 09:00;Selamat pagi;;
a-2;facebook-kopisenja;2027-03-01 12:00;Menu siang;menu.png;Papan menu
"""
BAD = "ref,channels,at,text\nb-1,nobody,2027-03-01 09:00,Halo\nb-2,facebook-kopisenja,2020-01-01 09:00,Halo\nb-3,facebook-kopisenja,2027-03-01 09:00,Halo\n"


@pytest.fixture
def world(populated: World, db: None) -> World:
    return deepcopy(populated)


@pytest.fixture
def owner(world: World) -> Person:
    return world.actor.person


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.actor.workspace


def csv(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("posts.csv", text.encode(), "text/csv")


def test_a_table_is_checked_then_made_once(api, world):
    before = Draft.objects.count()
    report = api.upload(
        "/imports/check", table=csv(GOOD), files=[SimpleUploadedFile("menu.png", png("#123456"))]
    ).json()
    assert (report["ready"], report["deliveries"], report["problems"]) == (2, 2, [])
    assert Draft.objects.count() == before
    made = api.upload("/imports", table=csv(GOOD), files=[SimpleUploadedFile("menu.png", png("#123456"))])
    assert made.status_code == 201, made.content
    assert (len(made.json()["posts"]), made.json()["deliveries"]) == (2, 2)
    second = api.get(f"/posts/{made.json()['posts'][1]}").json()
    assert (second["ref"], second["origin"], len(second["parts"][0]["media"])) == ("a-2", "imported", 1)
    again = api.upload("/imports", table=csv(GOOD), files=[SimpleUploadedFile("menu.png", png("#123456"))]).json()
    assert (again["posts"], again["skipped"]) == ([], ["a-1", "a-2"])


def test_every_problem_of_every_row(api, world):
    report = api.upload("/imports/check", table=csv(BAD), timezone="Asia/Jakarta").json()
    assert {(p["row"], p["column"]) for p in report["problems"]} == {(2, "channels"), (3, "at")}
    assert report["ready"] == 1
    before = (Draft.objects.count(), Delivery.objects.count())
    errors = problem(api.upload("/imports", table=csv(BAD)), 422)["errors"]
    assert {e["field"] for e in errors} == {"rows.2.channels", "rows.3.at"}
    assert (Draft.objects.count(), Delivery.objects.count()) == before
    made = api.upload("/imports", table=csv(BAD), skip_bad="true").json()
    assert len(made["posts"]) == 1


def test_what_is_no_table(api, world):
    assert problem(api.upload("/imports/check", table=csv("a,b\n1,2\n")), 422)["errors"][0]["code"] == "missing-column"
    assert (
        problem(api.upload("/imports/check", table=SimpleUploadedFile("p.csv", b"PK\x03\x04zip")), 422)["errors"][0][
            "code"
        ]
        == "not-csv"
    )
    assert problem(api.upload("/imports/check", file=csv(GOOD)), 422)["errors"][0]["field"] == "file"
    assert {
        p["code"] for p in api.upload("/imports/check", table=csv(GOOD), timezone="No/Where").json()["problems"]
    } >= {"unknown-zone"}


def test_a_table_that_names_a_file_that_is_not_there(api, world):
    report = api.upload("/imports/check", table=csv(GOOD)).json()
    assert [(p["field"], "menu.png" in p["message"]) for p in report["problems"]] == [("rows.3.media", True)]
    outside = GOOD.replace("menu.png", "/etc/passwd")
    assert api.upload("/imports/check", table=csv(outside)).json()["problems"]


def test_who_may_not_publish_may_check(world, member):
    asking = caller_for(member("contributor"))
    assert asking.upload("/imports/check", table=csv(BAD)).status_code == 200
    problem(asking.upload("/imports", table=csv(BAD)), 403)
