"""Deliveries as the engine's work: how they are claimed, stepped, and what each outcome means.

The one rule: "a step began" is stored before the connector is called. A step that began and did not report, by a dead
worker or a lost answer, is looked up by `find` first, and no sooner than the request itself would have given up.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import structlog
from asgiref.sync import sync_to_async
from django.db import Error, connection, transaction

from kicau.base import clock
from kicau.base.bulk import to_uuid_array
from kicau.base.database_reconnect import CONNECTION_ERRORS, drop_broken_connection
from kicau.base.sentences import Sentence
from kicau.channels import rate_limit_backoff, token_refresh
from kicau.channels.channel_session import ChannelSession, connector_app
from kicau.channels.models import Channel
from kicau.connector import errors, registry
from kicau.connector.content import Charge, Delivery, PublishResult, Rendered
from kicau.connector.serialization import from_json
from kicau.connector.session import App
from kicau.costs import budgets, call_budgets
from kicau.costs.models import Purpose
from kicau.engine.dispatcher import CLAIM_LEASE, Capacity
from kicau.publishing.budget import budget_checks
from kicau.publishing.delivery import outcome_writer, outcomes
from kicau.publishing.delivery.claims import CLAIM_SQL, RENEW_LEASES_SQL
from kicau.publishing.delivery.due_queue import DueQueue
from kicau.publishing.delivery.outages import OutageTracker
from kicau.publishing.delivery.outcomes import (
    RESTORED_KEY,
    ClaimedDelivery,
    StepOutcome,
    continue_lookup,
    restore_times,
)
from kicau.publishing.delivery.send_intents import SendIntentLog
from kicau.publishing.models import DeliveryState, HoldReason

log = structlog.get_logger("kicau.publishing")


class LeaseTooShort(errors.Unavailable):
    """Nothing was sent: the lease may end before the request does, and another worker would not know of it."""


class DeliverySource:
    """The engine's Work, for deliveries."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self.client = client
        self._channels: dict[UUID, Channel] = {}
        self._apps: dict[tuple[UUID, int], App] = {}
        self._ahead, self._outages, self._leaving = DueQueue(), OutageTracker(), SendIntentLog()
        self._held: dict[UUID, tuple[datetime, float]] = {}  # what is ours: the claim's mark, and when it was sure

    def groups(self) -> Sequence[str]:
        return registry.installed_slugs()

    def claim(self, worker: str, room: Capacity) -> list[ClaimedDelivery]:
        chosen = self._ahead.choose(room)
        try:
            return self._claim(worker, chosen) if chosen else []
        finally:
            self._ahead.written()

    def _claim(self, worker: str, chosen: Mapping[UUID, UUID | None]) -> list[ClaimedDelivery]:
        before = time.monotonic()
        with transaction.atomic():
            values = {
                "ids": to_uuid_array(chosen),
                "worker": worker,
                "lease": CLAIM_LEASE.total_seconds(),
                "mute": _networks_without_lookup(),
                "now": clock.now(),
            }
            current, rows = budgets.active_budgets_and_rows(CLAIM_SQL, values)
            items = sorted(map(_claimed_from_row, rows), key=lambda item: item.due_at)
            self._outages.probe({outage for item in items if (outage := chosen[item.id])})
            self._load({item.lane: item.version for item in items})  # a claim stands only with all that its steps need
            budget_checks.check_plans(items, self._channels)
            budget_checks.reserve_budgets(items, self._channels, current)
        self._held |= {item.id: (item.begun_at, before) for item in items}
        return items

    def _load(self, wanted: Mapping[UUID, int]) -> None:
        """Channels that changed since they were last used, many in one statement."""
        stale = [
            key
            for key, version in wanted.items()
            if key not in self._channels or self._channels[key].version != version
        ]
        for some in batched(stale, 100):
            for channel in Channel.objects.select_related("app").filter(id__in=some):
                self._channels[channel.id] = channel

    def _app(self, channel: Channel) -> App:
        key = (channel.id, channel.version)
        if key not in self._apps:
            if len(self._apps) > 10_000:
                self._apps.clear()
            self._apps[key] = connector_app(channel.app)
        return self._apps[key]

    def look(self) -> float:
        pause = self._ahead.look()
        self._load(self._ahead.lanes)  # so that hardly any claim has to
        return pause

    def wait(self) -> float:
        return self._ahead.wait()

    async def close(self) -> None:
        await self._leaving.close()

    def renew(self, worker: str, ids: Sequence[UUID]) -> None:
        before = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(RENEW_LEASES_SQL, [CLAIM_LEASE.total_seconds(), to_uuid_array(ids), worker])
            self._held |= {id_: (begun_at, before) for id_, begun_at in cursor.fetchall()}

    def _sure(self, item: ClaimedDelivery) -> None:
        """Asked before every request: one that began now has landed or given up before anybody else may look it up."""
        mark, at = self._held.get(item.id, (None, 0.0))
        if mark != item.begun_at or time.monotonic() - at > (CLAIM_LEASE - outcomes.LOOKUP_DELAY).total_seconds():
            raise LeaseTooShort("this worker stood still, or the database did")

    async def _leave(self, item: ClaimedDelivery) -> None:
        self._sure(item)  # the server may have taken its time to say that it takes the request
        if not await self._leaving.may((item.id, item.begun_at)):
            raise LeaseTooShort("this worker stood still, or the database did")

    async def _pay(self, item: ClaimedDelivery, did: str, used: Charge) -> None:
        self._sure(item)
        if did == "publish" and used.meter in item.missing:
            raise item.missing[used.meter]
        if item.purse is not None:
            item.purse.take(Purpose.FIND if did == "find" else Purpose.PUBLISH, used)

    def spoilt(self, outcome: StepOutcome, exc: Exception) -> StepOutcome:
        return outcomes.park(outcome.item, outcome.did, exc)

    async def step(self, item: ClaimedDelivery) -> StepOutcome:
        channel = self._channels[item.lane]
        live: ChannelSession | None = None
        did = "find" if item.broken_at or restore_times(item) else "publish"
        try:
            if item.broken_at and (early := item.broken_at + outcomes.LOOKUP_DELAY - clock.now()) > timedelta(0):
                return self._put_off(item, channel, early)
            if item.short is not None:
                return outcomes.hold_for_budget(item, did, registry.get_connector(item.group).label, item.short)
            if item.missing and did == "publish" and not item.steps:
                raise next(iter(item.missing.values()))
            live = ChannelSession(channel, self.client, partial(self._pay, item, did), app=self._app(channel))
            if not live.connector.can_verify_posts:
                live.http.before_it_counts = lambda: self._leave(item)
            outcome = await self._take(item, live, did)
        except errors.ConnectorError as exc:
            outcome = await self._told(item, channel, live, exc, did)
        except CONNECTION_ERRORS as exc:
            outcome = await self._without_database(item, live, exc, did)
        except Exception as exc:
            log.exception("a step failed by a fault of ours", delivery=str(item.id), network=item.group)
            outcome = outcomes.park(item, did, exc)
        outcome.app_id, outcome.host = channel.app_id, channel.host
        if live is not None:
            outcome.calls = live.http.calls
            outcome.refusals = token_refresh.rejection_rows(channel, live.http.shut)
            if live.http.allowed:
                outcomes.slow_down(
                    outcome, rate_limit_backoff.rate_limit_pauses(live.http.allowed, clock.now()), live.connector.label
                )
        return outcome

    async def _take(self, item: ClaimedDelivery, live: ChannelSession, did: str) -> StepOutcome:
        post, doubt = from_json(Rendered, item.rendered), restore_times(item)
        progress = {name: value for name, value in item.progress.items() if name != RESTORED_KEY}
        begun_at = min(filter(None, (item.broken_at, doubt[0] if doubt else None)), default=item.begun_at)
        delivery = Delivery(
            key=item.key,
            post=post,
            progress=progress,
            begun_at=begun_at,
            due_at=item.due_at,
            steps=item.steps,
            restored_at=doubt[1] if doubt else None,
        )
        if live.connector.baseline.needs_confirmation and not item.confirmed:
            return outcomes.hold_delivery(
                item,
                did,
                HoldReason.CONFIRMATION,
                Sentence(
                    "{network} requires a person to confirm each post. Read this post, then confirm it.",
                    network=live.connector.label,
                ),
            )
        result: PublishResult | None
        if did == "find":
            result = await live.connector.find(live, delivery)
        else:
            result = await live.connector.publish(live, delivery)
        outcome = outcomes.step_succeeded(item, did, result, live.connector.label)
        return continue_lookup(item, outcome, progress) if doubt and did == "find" else outcome

    def _put_off(self, item: ClaimedDelivery, channel: Channel, early: timedelta) -> StepOutcome:
        return StepOutcome(
            item=item,
            did="find",
            outcome="waiting",
            state=DeliveryState.PUBLISHING,
            next_at=clock.now() + early,
            steps=item.steps,
            tries=item.tries,
            broken_at=item.broken_at,
            reason=Sentence(
                "The network did not reply when Kicau tried to publish this post. Kicau waits until the request can no longer succeed, then checks whether the post was published."
            ),
            sentence=Sentence(
                "Publishing this post was interrupted. Kicau waits until the interrupted request to the network can no longer succeed, then checks whether the post was published."
            ),
        )

    async def _told(
        self, item: ClaimedDelivery, channel: Channel, live: ChannelSession | None, exc: errors.ConnectorError, did: str
    ) -> StepOutcome:
        """What the error means; where the database is away while that is seen to, nothing is lost by another try."""
        try:
            return await self._failed(item, channel, live, exc, did)
        except Error as trouble:
            return await self._without_database(item, None, trouble, did)

    async def _without_database(
        self, item: ClaimedDelivery, live: ChannelSession | None, trouble: Error, did: str
    ) -> StepOutcome:
        """It was away while a step looked something up, which is before it sends: the step is taken again. Where it had
        sent something after all, that is looked up first."""
        log.error(
            "the database did not answer; the step is taken again", delivery=str(item.id), error=str(trouble)[:200]
        )
        await drop_broken_connection()
        if sent := [call for call in live.http.calls if not call.repeatable] if live else []:
            network, lost = registry.get_connector(item.group), errors.Uncertain("what came after could not be written")
            return outcomes.outcome_uncertain(item, did, network.label, lost, network.can_verify_posts, sent[-1].at)
        return outcomes.try_again(item, did, "waiting", "", timedelta(seconds=2), item.tries)

    async def _failed(
        self, item: ClaimedDelivery, channel: Channel, live: ChannelSession | None, exc: errors.ConnectorError, did: str
    ) -> StepOutcome:
        label = registry.get_connector(item.group).label
        match exc:
            case errors.RateLimited():
                return outcomes.rate_limited(item, did, label, exc)
            case errors.AuthExpired():
                return await self._expired(item, channel, live, exc, did, label)
            case errors.Uncertain():
                sent_at = live.http.calls[-1].at if live and live.http.calls else item.begun_at
                return outcomes.outcome_uncertain(
                    item, did, label, exc, registry.get_connector(item.group).can_verify_posts, sent_at
                )
            case LeaseTooShort():
                return outcomes.try_again(
                    item,
                    did,
                    "waiting",
                    Sentence(
                        "Kicau sent nothing to {network}: {why}. Kicau will try again automatically.",
                        network=label,
                        why=exc.detail,
                    ),
                    timedelta(seconds=1),
                    item.tries,
                )
            case call_budgets.ReservationMissing():
                outcome = outcomes.try_again(item, did, "waiting", "", timedelta(0), item.tries)
                outcome.lacks = exc
                return outcome
            case errors.Rejected() if did == "find":
                return outcomes.lookup_rejected(item, label, exc)
            case errors.Rejected():
                return outcomes.post_rejected(item, did, exc)
            case budget_checks.MissingFromPlan():
                return outcomes.hold_for_plan(item, did, exc)
            case errors.PlanExceeded():
                return outcomes.hold_for_plan_quota(item, did, label, exc)
            case _:
                return outcomes.network_unavailable(item, did, label, exc)

    async def _expired(
        self,
        item: ClaimedDelivery,
        channel: Channel,
        live: ChannelSession | None,
        exc: errors.AuthExpired,
        did: str,
        label: str,
    ) -> StepOutcome:
        """A refused token is renewed once, if it can be; else the channel waits for a person, its queue kept."""
        used = live.credentials.access_token if live else ""
        can_renew = bool(live and live.credentials.refresh_token) and not exc.missing
        try:
            renewed = can_renew and await token_refresh.refresh_channel(channel.id, self.client, used=used)
        except call_budgets.BudgetExceeded as held:  # the channel is held, and what is due on it waits with it
            why = Sentence(
                "{network} did not let Kicau access this channel.", network=label
            ) + token_refresh.refresh_held_sentence(held, channel.name)
            return outcomes.try_again(item, did, "waiting", why, timedelta(seconds=5), item.tries)
        if renewed:
            sentence = Sentence(
                "{network} did not let Kicau access this channel. Kicau has renewed its access and is trying the last publishing step again.",
                network=label,
            )
            return outcomes.try_again(item, did, "renewed", sentence, timedelta(seconds=1), item.tries + 1)
        if not can_renew:
            await sync_to_async(token_refresh.expire_channel)(channel.id, str(exc), used)
        return outcomes.try_again(
            item,
            did,
            "expired",
            Sentence(
                "{network} no longer lets Kicau access this channel: {why} Reconnect the channel so that Kicau can publish the post.",
                network=label,
                why=exc.detail[:200],
            ),
            timedelta(seconds=5),
            item.tries,
        )

    def settle(self, worker: str, reported: Sequence[StepOutcome]) -> None:
        outcome_writer.write_outcomes(worker, reported, self._channels, self._outages)
        for o in reported:
            if self._held.get(o.item.id, (None, 0.0))[0] == o.item.begun_at:
                del self._held[o.item.id]


def _claimed_from_row(row: Sequence[Any]) -> ClaimedDelivery:
    (
        id_,
        network,
        channel_id,
        workspace_id,
        draft_id,
        key,
        due_at,
        begun_at,
        broken_at,
        steps,
        tries,
        progress,
        rendered,
        confirmed,
        version,
        campaign_id,
        person_id,
        died,
    ) = row
    return ClaimedDelivery(
        id=id_,
        group=network,
        lane=channel_id,
        workspace_id=workspace_id,
        draft_id=draft_id,
        key=key,
        due_at=due_at,
        begun_at=begun_at,
        broken_at=broken_at,
        steps=steps,
        tries=tries,
        progress=_json(progress),
        rendered=_json(rendered),
        confirmed=confirmed,
        version=version,
        campaign_id=campaign_id,
        person_id=person_id,
        died=died,
    )


def _json(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str | bytes) else value


def _networks_without_lookup() -> list[str]:
    """Networks that cannot always tell what became of a request."""
    return [slug for slug in registry.installed_slugs() if not registry.get_connector(slug).can_verify_posts]
