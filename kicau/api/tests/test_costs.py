"""Prices, rates and statements over REST: all that the shell has."""

from __future__ import annotations

from datetime import timedelta

from kicau.api.tests.conftest import CONTRACT, Caller, add_channel, caller_for
from kicau.base import clock
from kicau.costs.models import Charge, Purpose
from kicau.workspaces.actions import create_workspace, update_workspace
from kicau.workspaces.api_tokens import create_token


def charge(actor, channel, micro=200_000):
    return Charge.objects.create(
        at=clock.now() - timedelta(seconds=1),
        workspace_id=actor.workspace.id,
        channel_id=channel.id,
        network=channel.network,
        meter="post-with-link",
        units=1,
        micro=micro,
        currency="USD",
        purpose=Purpose.PUBLISH,
    )


def test_prices_and_rates_are_entered_read_and_taken_away(api, stranger):
    assert {"x", "bluesky"} <= {one["network"] for one in api.get("/price-lists").json()["items"]}
    (made,) = api.post("/price-lists", {"network": "x", "toml": CONTRACT}).json()["items"]
    assert (made["name"], made["prices"]) == ("contract", {"calls": 10})
    assert made in api.get("/price-lists?network=x").json()["items"]
    assert "TOML" in api.post("/price-lists", {"network": "x", "toml": "="}).json()["errors"][0]["message"]
    assert caller_for(stranger).delete(f"/price-lists/{made['id']}").status_code == 403
    assert api.delete(f"/price-lists/{made['id']}").status_code == 204
    assert made not in api.get("/price-lists?network=x").json()["items"]
    rate = api.post(
        "/exchange-rates", {"currency": "USD", "shown_in": "IDR", "rate": "16250.5", "since": "2026-01-01"}
    ).json()
    assert api.get("/exchange-rates").json()["items"] == [rate]
    assert rate["rate"] == "16250.5"
    assert api.post("/exchange-rates", {"currency": "USD", "shown_in": "USD", "rate": "1"}).status_code == 422
    assert api.delete(f"/exchange-rates/{rate['id']}").status_code == 204
    assert api.delete(f"/exchange-rates/{rate['id']}").status_code == 404


def test_a_statement_as_json_lines_and_paper_in_the_workspaces_own_currency(api, actor):
    charge(actor, add_channel(actor, "x"))
    total = {"currency": "USD", "micro": 200_000, "shown": None}
    assert api.get("/statement").json()["totals"] == [total]
    assert api.patch("/workspace", {"currency": "IDR"}).json()["currency"] == "IDR"
    assert api.get("/statement").json()["totals"] == [total]  # no rate yet
    for rate, since in (("15000", "2026-01-01"), ("99999", (clock.now() + timedelta(days=2)).date().isoformat())):
        api.post("/exchange-rates", {"currency": "USD", "shown_in": "IDR", "rate": rate, "since": since})
    worth = {"currency": "IDR", "amount": 3_000_000_000, "rate": "15000", "since": "2026-01-01"}
    told = api.get("/statement").json()
    assert told["totals"] == [total | {"shown": worth}]
    assert [(one["key"], one["micro"]) for one in told["networks"]] == [("x", 200_000)]
    assert api.get("/forecast").json()["total"][0]["shown"] is not None
    head, line = b"".join(api.get("/statement/csv").streaming_content).decode().splitlines()
    assert dict(zip(head.split(","), line.split(","), strict=True)) | {
        "shown_micro": "3000000000",
        "rate_since": "2026-01-01",
    } == dict(zip(head.split(","), line.split(","), strict=True))
    assert api.get("/statement/pdf").content.startswith(b"%PDF")
    assert api.get("/statement?month=soon").status_code == 422
    update_workspace(actor, currency="")
    assert api.get("/statement").json()["totals"] == [total]


def test_what_each_client_cost_as_json_and_as_a_table(api, actor, owner, stranger):
    charge(actor, add_channel(actor, "x"))
    charge(stranger, add_channel(stranger, "x", "theirs"))
    create_workspace(owner, "Batik Laut")
    token = create_token(actor, "all", ["read"], personal=True).secret
    everywhere = Caller(token)
    both = everywhere.get("/costs/clients").json()["items"]
    assert [one["name"] for one in both] == ["Batik Laut", actor.workspace.name]
    assert [(c["currency"], c["micro"], c["before"]) for c in both[1]["costs"]] == [("USD", 200_000, 0)]
    assert both[1]["costs"][0]["forecast"]["expected"] >= 200_000
    assert [one["name"] for one in api.get("/costs/clients").json()["items"]] == [actor.workspace.name]  # its token's
    head, *lines = b"".join(everywhere.get("/costs/clients/csv").streaming_content).decode().splitlines()
    assert head.startswith("workspace,workspace_id,month")
    assert [line.split(",")[0] for line in lines] == ["Batik Laut", actor.workspace.name]
    assert api.get("/costs/clients?month=soon").status_code == 422


def test_a_forecast_tells_of_money_alone(api, actor):
    charge(actor, add_channel(actor, "x"))
    there = add_channel(actor, "mastodon", "gratis")
    at = (clock.now() + timedelta(minutes=5)).isoformat()
    made = api.post("/posts", {"parts": [{"text": "Gratis"}], "schedule": {"channels": [there.key], "at": at}})
    assert made.status_code == 201, made.content
    month = api.get("/forecast").json()
    assert [one["currency"] for one in month["total"]] == ["USD"]
    assert [one["key"] for one in month["networks"]] == ["x"]


def test_what_if_a_price_changed(api, actor):
    assert api.get("/forecast?plan=nope").json()["errors"][0]["field"] == "plan"
    assert api.get("/forecast?price=post=30000&price=post-with-link=1").status_code == 200
    assert api.get("/forecast?price=dear").status_code == 422
