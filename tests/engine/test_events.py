"""Every event of the catalogue, emitted by the act that it is about; and webhooks send what the REST API returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import transaction

from kicau.api.core.webhook_schemas import message_schema, object_schemas
from kicau.api.tests.conftest import Caller, caller_for
from kicau.base import clock
from kicau.channels import actions as channels
from kicau.channels import token_refresh
from kicau.channels.channel_session import credentials_of
from kicau.channels.models import AppRefusal, Channel, ChannelState
from kicau.connector import errors
from kicau.connector.content import Problem
from kicau.connector.contract import consent_at_sandbox
from kicau.costs import actions as costs
from kicau.events.catalogue import PUBLIC_EVENTS, DeliveryReleased
from kicau.events.dispatch import emit
from kicau.offboarding import actions as offboarding
from kicau.offboarding import blocked_app_detection, new_targets, restore_network
from kicau.offboarding.restore_network import OverdueAction
from kicau.publishing.budget import held_deliveries
from kicau.publishing.delivery import outages, outcomes
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.edits import post_edits
from kicau.publishing.edits.post_edits import PostEditInput
from kicau.publishing.models import Delivery, Outage
from kicau.publishing.scheduling import actions
from kicau.rights.models import ActivityEntry
from kicau.workspaces import webhooks
from kicau.workspaces.models import WebhookEvent
from tests.engine.conftest import Shop, claimed

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True, kw_only=True)
class World:
    """A workspace whose webhook wants everything."""

    actor: Any
    client: Any
    shop: Shop
    post: Callable[..., Delivery]
    api: Caller

    async def do(self, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
        return await sync_to_async(act)(self.actor, *given, **more)

    async def planned(self, text: str = "kopi", **more: Any) -> Delivery:
        return await sync_to_async(self.post)(text, **{"after": 86_400, **more})

    async def published(self, text: str = "kopi") -> Delivery:
        row = await self.planned(text, after=0)
        await self.shop.work(lambda: Delivery.objects.get(id=row.id).state == "published")
        return await Delivery.objects.aget(id=row.id)

    async def settled(self, outcome: Callable[[Any], Any]) -> None:
        """A delivery whose first step came out like that."""
        await self.planned(after=0)
        work = DeliverySource(self.client)
        item = (await claimed(work, "w"))[0]
        await sync_to_async(work.settle)("w", [outcome(item)])

    async def unknown(self) -> Delivery:
        await self.settled(lambda item: replace(outcomes.ask_a_person(item, "Look."), broken_at=item.begun_at))
        return await Delivery.objects.aget(state="unknown")

    async def budget(self, amount: int, meter: str = "", **more: Any) -> Any:
        wanted = costs.BudgetValues(name="Kedai", amount=amount, meter=meter, period="total")
        return await self.do(costs.set_budget, wanted, **more)

    async def held(self) -> Any:
        made = await self.budget(0)
        row = await self.planned(after=0)
        await self.shop.work(lambda: Delivery.objects.get(id=row.id).state == "held")
        return made

    async def left(self, **more: Any) -> Any:
        return await self.do(offboarding.announce_offboarding, **{"channel": "ana", **more})

    async def renewal(self, state: str) -> None:
        """Ana's permission is renewed, in that state."""
        await Channel.objects.filter(key="ana").aupdate(
            state=state, refresh_at=clock.now() - timedelta(seconds=1), token_expires_at=clock.now()
        )
        await token_refresh.refresh_due(self.client, "stranger")

    async def sign_in(self, account: str) -> None:
        begun = await channels.begin_sign_in(self.actor, "stranger", client=self.client)
        returned = await consent_at_sandbox(self.client, begun.url, account=account)
        await channels.finish_sign_in(self.actor, returned, client=self.client)
        await channels.connect(self.actor, begun.state, client=self.client)


@pytest.fixture
def _static_folder() -> None:
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest_asyncio.fixture
async def world(_static_folder, actor, pair, client, shop, post) -> World:
    await sync_to_async(webhooks.add_webhook)(actor, "https://hooks.example/kicau", ["*"])
    caller = await sync_to_async(caller_for)(actor)
    return World(actor=actor, client=client, shop=shop, post=post, api=caller)


ACTS: dict[str, Callable[[World], Awaitable[Any]]] = {}


def by[F: Callable[[World], Awaitable[Any]]](*names: str) -> Callable[[F], F]:
    """The act by which something happens; the last of its events is looked at."""

    def register(act: F) -> F:
        for name in names:
            ACTS[f"{name} by {act.__name__}"] = act
        return act

    return register


# Deliveries


@by("delivery.scheduled")
async def scheduling(world: World) -> None:
    await world.planned()


@by("delivery.moved")
async def rescheduling(world: World) -> None:
    row = await world.planned()
    await world.do(actions.reschedule, row.id, clock.now() + timedelta(days=3))


@by("delivery.moved")
async def shifting_what_is_overdue(world: World) -> None:
    await overdue(world, OverdueAction.SHIFT, first_at=clock.now() + timedelta(days=1))


@by("delivery.retried")
async def publishing_what_is_overdue(world: World) -> None:
    await overdue(world, OverdueAction.NOW)


@by("delivery.canceled")
async def canceling_what_is_overdue(world: World) -> None:
    await overdue(world, OverdueAction.CANCEL)


async def overdue(world: World, late: OverdueAction, **more: Any) -> None:
    row = await world.planned()
    left = await world.left()
    await Delivery.objects.filter(id=row.id).aupdate(due_at=clock.now() - timedelta(hours=1))
    await world.do(restore_network.resume, left.id)
    await world.do(restore_network.decide_overdue, left.id, late, **more)


@by("delivery.confirmed")
async def confirming(world: World) -> None:
    row = await world.planned()
    await Delivery.objects.filter(id=row.id).aupdate(state="held", hold="confirmation")
    await world.do(actions.confirm, row.id)


@by("delivery.retried")
async def retrying(world: World) -> None:
    row = await world.planned()
    await world.do(actions.cancel, row.id)
    await world.do(actions.retry, row.id)


@by("delivery.canceled")
async def canceling(world: World) -> None:
    row = await world.planned()
    await world.do(actions.cancel, row.id)


@by("delivery.published")
async def publishing(world: World) -> None:
    await world.published()


@by("delivery.published", "delivery.resolved")
async def a_person_who_found_it(world: World) -> None:
    row = await world.unknown()
    await world.do(actions.resolve_unknown_outcome, row.id, published=True, url="https://stranger.example/1")


@by("delivery.resolved")
async def a_person_who_did_not_find_it(world: World) -> None:
    row = await world.unknown()
    await world.do(actions.resolve_unknown_outcome, row.id, published=False)


@by("delivery.failed")
async def rejecting(world: World) -> None:
    problem = Problem(code="too-long", message="Too long.", field="parts.0.text")
    await world.settled(lambda item: outcomes.post_rejected(item, "publish", errors.Rejected(problem)))


@by("delivery.unknown")
async def losing_an_answer(world: World) -> None:
    await world.unknown()


@by("delivery.held")
async def a_budget_without_room(world: World) -> None:
    await world.held()


@by("delivery.released")
async def a_budget_with_room(world: World) -> None:
    made = await world.held()
    await world.budget(1_000_000, budget_id=made.id)
    assert await sync_to_async(held_deliveries.release_held)() == 1


@by("delivery.edited")
async def editing(world: World) -> None:
    row = await world.published()
    await post_edits.apply_edit(world.actor, row.id, PostEditInput(texts={0: "teh"}), client=world.client)


@by("delivery.deleted")
async def deleting(world: World) -> None:
    row = await world.published()
    await actions.delete_from_network(world.actor, row.id, client=world.client)


# Channels


@by("channel.connected")
async def connecting(world: World) -> None:
    await Channel.objects.filter(key="budi").adelete()
    await world.sign_in("budi")


@by("channel.reconnected")
async def connecting_again(world: World) -> None:
    await Channel.objects.filter(key="budi").aupdate(state="expired")
    await world.sign_in("budi")


@by("channel.disconnected")
async def disconnecting(world: World) -> None:
    await world.do(channels.disconnect, "ana")


@by("channel.paused")
async def pausing(world: World) -> None:
    await world.do(channels.pause, "ana", True)


@by("channel.resumed")
async def resuming(world: World) -> None:
    await world.do(channels.pause, "ana", True)
    await world.do(channels.pause, "ana", False)


@by("channel.expired")
async def losing_access(world: World) -> None:
    ana = await Channel.objects.aget(key="ana")
    await sync_to_async(token_refresh.expire_channel)(ana.id, "401")


@by("channel.held")
async def a_budget_without_room_for_renewals(world: World) -> None:
    await world.budget(0, "renewal")
    await world.renewal(ChannelState.ACTIVE)


@by("channel.released")
async def a_renewal_after_a_hold(world: World) -> None:
    await world.renewal(ChannelState.HELD)


@by("channel.reconnected")
async def a_renewal_after_a_loss(world: World) -> None:
    ana = await Channel.objects.select_related("app").aget(key="ana")
    await Channel.objects.filter(key="ana").aupdate(state="expired")  # given up meanwhile
    used = credentials_of(ana)
    await sync_to_async(token_refresh._store_refreshed)(ana.id, used, used.access_token)


# Networks


@by("network.unreachable")
async def an_outage(world: World) -> None:
    row = await world.planned(after=0)
    app = (await Channel.objects.aget(id=row.channel_id)).app_id
    outage = await Outage.objects.acreate(app_id=app, until=clock.now())
    tracker = outages.OutageTracker()
    await sync_to_async(transaction.atomic(tracker._tell))(outage.id, (app, ""))


@by("offboarding.announced")
async def announcing(world: World) -> None:
    await world.left(effective_at=clock.now() + timedelta(days=1))


@by("offboarding.canceled")
async def calling_off(world: World) -> None:
    row = await world.left(effective_at=clock.now() + timedelta(days=1))
    await world.do(offboarding.cancel_offboarding, row.id)


@by("offboarding.stopped")
async def leaving(world: World) -> None:
    await world.left()


@by("offboarding.resumed")
async def coming_back(world: World) -> None:
    await world.do(restore_network.resume, (await world.left()).id)


@by("offboarding.retargeted")
async def moving_to_other_channels(world: World) -> None:
    await world.planned()
    decision = new_targets.RetargetDecision(channels=("budi",))
    await world.do(new_targets.retarget, (await world.left()).id, decision)


@by("offboarding.proposed")
async def being_shut_out(world: World) -> None:
    for channel in [row async for row in Channel.objects.all()]:
        for hours in (3, 2):
            await AppRefusal.objects.acreate(
                network="stranger",
                app_id=channel.app_id,
                channel=channel,
                code="not-enrolled",
                said="No longer served",
                over=timedelta(hours=1),
                at=clock.now() - timedelta(hours=hours),
            )
    assert await sync_to_async(blocked_app_detection.detect_blocked_apps)() == 1


def validate(message: WebhookEvent) -> None:
    body = {
        "id": str(message.id),
        "event": message.event,
        "at": message.created_at.isoformat(),
        "data": message.payload,
        "details": message.details,
    }
    schema = message_schema(PUBLIC_EVENTS[message.event]) | {"components": {"schemas": object_schemas()}}
    jsonschema.Draft202012Validator(schema).validate(body)


PATHS = {"delivery": "deliveries", "channel": "channels", "offboarding": "offboarding"}


@pytest.mark.parametrize("case", sorted(ACTS))
async def test_the_webhook_sends_what_the_api_returns(world, case):
    kind = PUBLIC_EVENTS[case.partition(" ")[0]]
    await ACTS[case](world)
    sent = [one async for one in WebhookEvent.objects.order_by("created_at", "id")]
    for one in sent:
        validate(one)
    told = [one for one in sent if one.event == kind.name][-1]
    if path := PATHS.get(kind.object_type):
        latest = [one for one in sent if one.subject == told.subject][-1]
        shown = await sync_to_async(world.api.get)(f"/{path}/{told.subject}")
        now = shown.json()
        assert latest.payload == {name: now[name] for name in latest.payload}
    if kind.activity is not None and not case.endswith("overdue"):
        assert await ActivityEntry.objects.filter(act=kind.name, subject=str(told.subject)).aexists()


def test_every_event_of_the_catalogue_happens_here():
    assert {case.partition(" ")[0] for case in ACTS} == set(PUBLIC_EVENTS)


def test_an_event_without_its_act_is_refused(actor, channel):
    with pytest.raises(RuntimeError, match="in the act's transaction"):
        emit(DeliveryReleased(workspace_id=actor.workspace.id, object_id=channel("ana").id))
