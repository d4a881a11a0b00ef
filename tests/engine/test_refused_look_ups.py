"""A look-up that a network refuses proves nothing: whatever it says, one post is public in the end, on every network."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from asgiref.sync import sync_to_async

import kicau.demo
from kicau.base import clock
from kicau.channels import actions as channels
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import OrderedFault, Sandbox, start_sandbox
from kicau.media import actions as media
from kicau.publishing.content import compositions
from kicau.publishing.delivery import outcomes
from kicau.publishing.models import Attempt, Delivery
from kicau.publishing.scheduling import actions, schedule
from tests.chaos.plan import QUICK
from tests.chaos.weather import Weather

pytestmark = pytest.mark.django_db(transaction=True)

PICTURE = Path(kicau.demo.__file__).parent / "media" / "brew-1.jpg"


@dataclass(frozen=True, kw_only=True)
class Case:
    publishes: str  # the path of the request that makes the post public
    refusal: dict[str, Any]  # what the network says where it refuses to list posts
    status: int = 400
    kind: str = ""  # of the channel
    picture: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


GRAPH = {"error": {"message": "(#100) Unsupported get request", "type": "GraphMethodException", "code": 100}}
GONE = {"error": {**GRAPH["error"], "error_subcode": 33}}
CASES = {
    "x": Case(publishes="^/2/tweets$", refusal={"title": "Invalid Request", "detail": "Invalid start_time"}),
    "facebook": Case(publishes="/feed$", refusal=GRAPH),
    "instagram": Case(publishes="/media_publish$", refusal=GONE, picture=True),
    "threads": Case(publishes="/threads_publish$", refusal=GONE),
    "linkedin": Case(
        publishes="^/rest/posts$",
        refusal={"status": 400, "code": "QUERY_PARAM_NOT_ALLOWED", "message": "Query parameter is not allowed"},
        kind="organisation",
    ),
    "mastodon": Case(publishes="^/api/v1/statuses$", refusal={"error": "This action is not allowed"}, status=403),
    "bluesky": Case(  # with a gate, since a post alone is put again under its key
        publishes="applyWrites$",
        refusal={"error": "InvalidRequest", "message": "Invalid repo"},
        options={"bluesky.replies": "nobody"},
    ),
}


class AfterLoss(OrderedFault):
    """Refuses what is looked up once the answer to the publishing request is lost."""

    lost: OrderedFault

    def hits(self, request: web.Request) -> bool:
        return self.lost.times == 0 and OrderedFault.hits(self, request)


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(outcomes, "LOOKUP_DELAY", timedelta(seconds=0.05))
    monkeypatch.setattr(outcomes, "MIN_LOOKUP_REJECTION_PERIOD", timedelta(0))


@pytest.fixture
async def files(settings):
    """Hands a picture to networks that fetch it, as Kicau's web server does."""

    async def picture(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PICTURE, headers={"Content-Type": "image/jpeg"})

    app = web.Application()
    app.add_routes([web.get("/{any:.*}", picture)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings.KICAU_PUBLIC_URL = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield
    await runner.cleanup()


@pytest.fixture
async def sandbox(slug, tmp_path):
    server: Sandbox = importlib.import_module(registry.network_package(slug) + ".sandbox").Server(folder=tmp_path)
    runner = await start_sandbox(server)
    server.limits_off, server.processing_seconds, server.duplicate_seconds = True, 0.01, 0.0  # type: ignore[attr-defined]
    yield server
    await runner.cleanup()


async def connected(actor, client, slug: str, server: Sandbox, kind: str) -> Channel:
    app = server.default_app
    await sync_to_async(channels.register_app)(
        slug, app.client_id, app.client_secret, endpoints=server.endpoints(), is_sandbox=True
    )
    begun = await channels.begin_sign_in(actor, slug, client=client)
    await channels.finish_sign_in(
        actor, await consent_at_sandbox(client, begun.url, server.accounts()[0].id), client=client
    )
    made = await channels.connect(actor, begun.state, client=client)
    return next(one for one in made if kind in ("", one.kind))


def scheduled(actor, channel: Channel, text: str, case: Case) -> Delivery:
    shown = (
        (compositions.MediumAttachment(medium=media.add_medium(actor, PICTURE, PICTURE.name, alt="Kopi").id),)
        if case.picture
        else ()
    )
    part = compositions.PartContent(text=text, media=shown)
    draft = compositions.create_draft(actor, compositions.Composition(parts=(part,), options=case.options))
    whole = compositions.one_draft(actor, draft.id)
    return schedule.schedule(actor, whole, [channel.key], clock.now(), confirm=True).deliveries[0]


@pytest.mark.parametrize("slug", ["mastodon"])
async def test_nobody_is_asked_about_refusals_of_some_seconds(slug, sandbox, actor, client, shop, monkeypatch):
    monkeypatch.setattr(outcomes, "MIN_LOOKUP_REJECTION_PERIOD", timedelta(hours=1))
    case = CASES[slug]
    channel = await connected(actor, client, slug, sandbox, case.kind)
    lost = OrderedFault(effect="drop-after", method="POST", path=case.publishes)
    refused = AfterLoss(effect="status", status=case.status, text=json.dumps(case.refusal), method="GET", times=-1)
    refused.lost = lost
    sandbox.faults[:] = [lost, refused]
    row = await sync_to_async(scheduled)(actor, channel, "Kopi pagi dari Lembang", case)
    found = Attempt.objects.filter(delivery=row, outcome="look-up-refused")
    await shop.work(lambda: found.count() > outcomes.MAX_REJECTED_LOOKUPS)
    row = await Delivery.objects.aget(id=row.id)
    assert (row.state, row.broken_at is not None) == ("publishing", True)


@pytest.mark.parametrize("slug", CASES)
async def test_one_post_is_public_after_a_lost_answer_a_refused_look_up_and_a_retry(
    slug, sandbox, files, actor, client, shop, state
):
    case = CASES[slug]
    channel = await connected(actor, client, slug, sandbox, case.kind)
    lost = OrderedFault(effect="drop-after", method="POST", path=case.publishes)
    refused = AfterLoss(effect="status", status=case.status, text=json.dumps(case.refusal), method="GET", times=-1)
    refused.lost = lost
    sandbox.faults[:] = [lost, refused]

    row = await sync_to_async(scheduled)(actor, channel, "Kopi pagi dari Lembang", case)
    await shop.work(lambda: state(row) in ("failed", "unknown", "published"))
    assert [post.text for post in sandbox.public_posts()] == ["Kopi pagi dari Lembang"]
    row = await Delivery.objects.aget(id=row.id)
    assert (row.state, row.broken_at is not None) == ("unknown", True), row.reason
    assert "also rejected Kicau's request to check whether the post" in row.reason
    story = [(a.did, a.outcome) async for a in Attempt.objects.filter(delivery=row).order_by("id")]
    weather = Weather(7, slug, 0.0, QUICK, lambda: 0.0, sandbox.store)
    asked = [make_mocked_request(one["method"], one["path"]) for one in list(sandbox.requests)[-3:]]
    assert any(weather.refused().hits(one) for one in asked), "the chaos refuses these, too"
    looked = [one for one in story if one[0] == "find"]
    assert looked == [("find", "look-up-refused")] * (outcomes.MAX_REJECTED_LOOKUPS - 1) + [("find", "unknown")]

    sandbox.faults.clear()
    other = await sync_to_async(scheduled)(actor, channel, "Dan kopi sore", case)
    await shop.work(lambda: state(other) == "published")
    await sync_to_async(actions.retry)(actor, row.id)
    await shop.work(lambda: state(row) == "published")
    assert sorted(post.text for post in sandbox.public_posts()) == ["Dan kopi sore", "Kopi pagi dari Lembang"]
    again = Attempt.objects.filter(delivery=row, did__in=("find", "publish")).order_by("id")
    assert [a.did async for a in again][len(story)] == "find", "a retry looks first"


@pytest.mark.parametrize("effect", ["rate-limit", "revoke-token", "malformed", "status"])
async def test_a_look_up_that_fails_otherwise_leaves_the_doubt_too(effect, post, shop, state, network):
    lost = OrderedFault(effect="drop-after", method="POST", path="^/posts")
    fails = AfterLoss(effect=effect, method="GET", path="^/posts", status=403, text="Forbidden", seconds=1, times=1)
    fails.lost = lost
    network.faults[:] = [lost, fails]
    row = await sync_to_async(post)("satu kali saja")
    await shop.work(lambda: fails.times == 0 and state(row) == "published")
    assert [one.text for one in network.public_posts()] == ["satu kali saja"]
    story = [(a.did, a.outcome) async for a in Attempt.objects.filter(delivery=row).order_by("id")]
    assert [did for did, outcome in story] == ["publish", "find", "find"], story


async def test_a_day_without_an_answer_to_a_look_up_is_not_called_failed(post, actor, client):
    from kicau.connector import errors
    from kicau.publishing.delivery import delivery_worker
    from tests.engine.conftest import claimed

    row = await sync_to_async(post)("entah di mana")
    work = delivery_worker.DeliverySource(client)
    (item,) = await claimed(work, "w")
    item.tries, item.due_at = 101, item.due_at - timedelta(hours=25)
    item.broken_at = item.begun_at
    told = outcomes.network_unavailable(item, "find", "Stranger", errors.Unavailable("no answer"))
    await sync_to_async(work.settle)("w", [told])
    fresh = await Delivery.objects.aget(id=row.id)
    assert (fresh.state, fresh.broken_at) == ("unknown", item.begun_at)
    assert outcomes.network_unavailable(item, "publish", "Stranger", errors.Unavailable("no answer")).state == "failed"
