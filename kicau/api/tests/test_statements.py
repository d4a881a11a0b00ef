"""Statements over HTTP: they end, name the copies they are about, and cannot contradict themselves."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from kicau.archive.models import Item, RightsContext
from kicau.base import clock
from kicau.rights.models import Statement
from kicau.workspaces.actions import update_workspace

ZONE = "Asia/Jakarta"
REFUSAL = {"layer": "author", "party": "author", "says": {"train_gen": "deny"}}


@pytest.fixture
def item(actor):
    standing = RightsContext.objects.create(
        workspace=actor.workspace, network="x", author="x:1", own=True, acquired=["fetched", "imported"]
    )
    return Item.objects.create(workspace=actor.workspace, network="x", remote_id="1", standing=standing, sources=[1])


@pytest.mark.parametrize("path", ["/rights/statements", "/archive/items/{item}/statements"])
def test_a_statement_can_end_and_name_its_copies(api, actor, item, path):
    update_workspace(actor, timezone=ZONE)
    path = path.format(item=item.id)
    about = {} if "items" in path else {"subject": "everything"}
    today = clock.now().astimezone(ZoneInfo(ZONE)).date()
    kept = api.post(path, {**REFUSAL, **about, "until": f"{today}", "acquired": "fetched"}).json()
    midnight = datetime.combine(today + timedelta(days=1), time(), ZoneInfo(ZONE))
    assert datetime.fromisoformat(kept["valid_until"]) == midnight
    assert kept["acquired"] == "fetched"
    moment = clock.now().replace(microsecond=0) + timedelta(hours=3)
    kept = api.post(path, {**REFUSAL, **about, "valid_until": moment.isoformat()}).json()
    assert datetime.fromisoformat(kept["valid_until"]) == moment
    before = Statement.objects.count()
    for wrong in (
        {"until": f"{today - timedelta(days=1)}"},
        {"valid_until": (clock.now() - timedelta(minutes=1)).isoformat()},
        {"until": f"{today}", "valid_until": moment.isoformat()},
        {"layer": "withdrawal", "says": {"train_gen": "unknown"}},
        {"layer": "withdrawal", "says": {"train_gen": "allow"}},
    ):
        assert api.post(path, {**REFUSAL, **about, **wrong}).status_code == 422, wrong
    assert Statement.objects.count() == before


def test_unknown_holds_an_item_back(api, actor, item):
    update_workspace(actor, ai_use={"search": "allow"})

    def search():
        return next(d for d in api.get(f"/archive/items/{item.id}").json()["decisions"] if d["use"] == "search")

    assert search()["answer"] == "yes"
    api.post(f"/archive/items/{item.id}/statements", {**REFUSAL, "layer": "grant", "says": {"search": "unknown"}})
    assert (search()["answer"], search()["code"]) == ("unknown", "left-open")
