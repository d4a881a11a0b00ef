"""What people do with posts and deliveries after writing: each act once."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, ValidationFailed, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.channels.channel_session import ChannelSession, new_client
from kicau.connector import registry
from kicau.connector.addresses import web_address
from kicau.connector.errors import ConnectorError, Rejected
from kicau.costs import call_budgets, ledger
from kicau.costs.models import Purpose
from kicau.events.dispatch import emit
from kicau.publishing import transitions
from kicau.publishing.budget import budget_checks, plan_quotas
from kicau.publishing.content import compositions
from kicau.publishing.delivery_fields import with_related
from kicau.publishing.models import (
    FINAL_STATES,
    PENDING_STATES,
    Attempt,
    Delivery,
    DeliveryState,
    Draft,
    DraftState,
)
from kicau.publishing.scheduling import schedule
from kicau.publishing.transitions import Verb, published_event
from kicau.workspaces.actors import Actor, Permission

LOOKUP_WAIT_SECONDS = 5.0  # seconds that a deletion waits for a look-up of its channel to end


def deliveries(actor: Actor) -> QuerySet[Delivery]:
    """The workspace's deliveries by due time, with channel and draft."""
    actor.require(Permission.READ)
    return with_related(Delivery.objects.filter(workspace=actor.workspace)).order_by("due_at", "id")


def one_delivery(actor: Actor, delivery_id: UUID | str) -> Delivery:
    """Raises NotFound."""
    found = deliveries(actor).filter(id=as_uuid(delivery_id)).first()
    if found is None:
        raise NotFound("delivery", delivery_id)
    return found


def attempt_log(actor: Actor, delivery: Delivery) -> list[Attempt]:
    """The attempt log, oldest first."""
    actor.require(Permission.READ)
    return list(delivery.attempts.order_by("id")[:500])


@transaction.atomic
def archive_draft(actor: Actor, draft_id: UUID | str) -> Draft:
    """Put a post away. Nothing is deleted; one that has deliveries still to come must be canceled first."""
    actor.require(Permission.WRITE)
    draft = compositions.one_draft(actor, draft_id)
    if Delivery.objects.filter(draft=draft).exclude(state__in=FINAL_STATES).exists():
        raise Conflict("This post is still scheduled on some channels. Cancel the post on those channels first.")
    draft.state = DraftState.ARCHIVED
    draft.save(update_fields=["state"])
    actor.record("draft.archived", draft.id)
    return draft


@transaction.atomic
def cancel(actor: Actor, delivery_id: UUID | str) -> Delivery:
    """Never send it. Conflict where it is on its way this moment or out already."""
    row = _locked_delivery(actor, delivery_id)
    partly = row.state == DeliveryState.UNKNOWN or (not transitions.is_unpublished(row) and bool(row.progress))
    note = Sentence(
        "Parts of this post may already be published on the network. Look at the network, and delete them there if necessary."
    )
    transitions.apply(row, Verb.CANCEL, actor, note=note if partly else "")
    return row


@transaction.atomic
def retry(actor: Actor, delivery_id: UUID | str) -> Delivery:
    """Send it again, now or at its time; goes on where it stopped, and looks up first what may have happened. One whose
    outcome is unknown is looked up again, and sent only if the network is certain that it is not out."""
    row = _locked_delivery(actor, delivery_id)
    transitions.require(row, Verb.RETRY)
    if row.steps == 0 and row.broken_at is None and row.state != DeliveryState.UNKNOWN:
        rendered = schedule.render(compositions.one_draft(actor, row.draft_id), row.channel)
        if rendered.problems:
            raise ValidationFailed(rendered.problems)
        row.show(rendered)
    transitions.apply(row, Verb.RETRY, actor)
    plan_quotas.update_soon([row])
    return row


@transaction.atomic
def reschedule(actor: Actor, delivery_id: UUID | str, due_at: datetime | None, timezone: str = "") -> Delivery:
    """Another time for what has not begun; None: its channel's next free slot. Raises ValidationFailed for a time in the
    past, Conflict where it began."""
    row = _locked_delivery(actor, delivery_id)
    transitions.require(row, Verb.RESCHEDULE)
    due_at = due_at or schedule.take_next_slot(actor, row.channel)
    if problems := [*schedule.time_problems(due_at, clock.now()), *schedule.offboarding_problems(row.channel, due_at)]:
        raise ValidationFailed(problems)
    values = {"due_at": due_at, "timezone": timezone or row.timezone}
    transitions.apply(row, Verb.RESCHEDULE, actor, values=values, before=row.due_at, after=due_at)
    plan_quotas.update_soon([row])
    return row


@transaction.atomic
def confirm(actor: Actor, delivery_id: UUID | str) -> Delivery:
    """A named person has read this post and wants it published; what some networks' terms ask for each post."""
    actor.require(Permission.PUBLISH)
    if actor.person is None:
        raise Conflict(
            "Only a person who is signed in to Kicau can confirm a post, not an API token. Sign in to Kicau to confirm this post."
        )
    row = _locked_delivery(actor, delivery_id)
    values = {"confirmed_by": actor.person, "confirmed_at": clock.now()}
    transitions.apply(row, Verb.CONFIRM, actor, values=values)
    plan_quotas.update_soon([row])
    return row


@transaction.atomic
def resolve_unknown_outcome(
    actor: Actor, delivery_id: UUID | str, *, published: bool, url: str = "", remote_id: str = ""
) -> Delivery:
    """A person looked at the network after an unknown outcome: it is there (with its address), or it is not."""
    row = _locked_delivery(actor, delivery_id)
    transitions.require(row, Verb.MARK_PUBLISHED)
    if url and not web_address(url):
        raise validation_failed("url", "The web address of the published post must begin with https:// or http://.")
    if published:
        values = {"url": web_address(url), "remote_ids": [remote_id] if remote_id else row.remote_ids}
        transitions.apply(row, Verb.MARK_PUBLISHED, actor, values=values, note=url, published=True)
        assert row.published_at is not None
        emit(published_event(row.workspace_id, row.id, row.channel_id, row.rendered, row.published_at))
    else:
        transitions.apply(row, Verb.MARK_UNPUBLISHED, actor, published=False)
    plan_quotas.update_soon([row])
    return row


async def delete_from_network(
    actor: Actor, delivery_id: UUID | str, *, client: aiohttp.ClientSession | None = None
) -> Delivery:
    """Delete a published post from its network, all parts, last first. What we know of it is kept.

    Raises ValidationFailed with the network's reason, or Conflict where it could not be reached or a budget has no room.
    """
    actor.require(Permission.PUBLISH)
    row = await sync_to_async(one_delivery)(actor, delivery_id)
    transitions.require(row, Verb.DELETE)
    session, left = client or new_client(), list(row.remote_ids)
    work = budget_checks.charge_context_for_actor(actor, row, Purpose.DELETE)
    purse = await sync_to_async(call_budgets.new_call_budget)(work)
    label = registry.get_connector(row.network).label
    await _wait_for_lookups(row, work, label)
    pay = call_budgets.call_payer(
        work, purse, label, times=lambda: len(left)
    )  # for all parts at once, so that none is left behind
    live = ChannelSession(row.channel, session, pay)
    try:
        while left:
            await live.connector.delete(live, left[-1])
            left.pop()
    except Rejected as exc:
        raise ValidationFailed(exc.problems) from exc
    except ConnectorError as exc:
        raise Conflict(
            Sentence(
                "{network} did not delete the post: {why}. The post also stays unchanged in Kicau: try again later.",
                network=label,
                why=str(exc),
            )
        ) from exc
    finally:
        await sync_to_async(call_budgets.record_calls)(work, live.http.calls)
        if client is None:
            await session.close()
    return await sync_to_async(_mark_deleted)(actor, row.id)


async def _wait_for_lookups(row: Delivery, work: ledger.ChargeContext, label: str) -> None:
    """Where a network bills what it lists, a look-up that broke off is counted by its repetition: what it may have read
    must be there until then. Raises Conflict where that takes longer than PATIENCE."""
    if not await sync_to_async(budget_checks.daily_billed_meters)(work):
        return
    doubtful = Delivery.objects.filter(channel_id=row.channel_id, state__in=PENDING_STATES, broken_at__isnull=False)
    for _ in range(int(LOOKUP_WAIT_SECONDS / 0.25)):
        if not await doubtful.aexists():
            return
        await asyncio.sleep(0.25)
    raise Conflict(
        Sentence(
            "Kicau cannot delete this post yet. It is checking on {network} whether another post of this channel was published, and needs this post to count the cost. Try again in about a minute.",
            network=label,
        )
    )


@transaction.atomic
def _mark_deleted(actor: Actor, delivery_id: UUID) -> Delivery:
    row = _locked_delivery(actor, delivery_id)
    if row.state == DeliveryState.PUBLISHED:
        transitions.apply(row, Verb.DELETE, actor, is_done=True)
    return row


def duplicate(actor: Actor, draft_id: UUID | str) -> Draft:
    """A new draft with the same content."""
    draft = compositions.one_draft(actor, draft_id)
    return compositions.create_draft(actor, compositions.composition_of(draft))


def locked_deliveries(actor: Actor, **where: object) -> QuerySet[Delivery]:
    """Deliveries of the workspace, locked for a change."""
    rows = Delivery.objects.select_for_update(of=("self",)).select_related("channel", "channel__app")
    return rows.filter(workspace=actor.workspace, **where)


def _locked_delivery(actor: Actor, delivery_id: UUID | str) -> Delivery:
    actor.require(Permission.PUBLISH)
    found = locked_deliveries(actor, id=as_uuid(delivery_id)).first()
    if found is None:
        raise NotFound("delivery", delivery_id)
    return found
