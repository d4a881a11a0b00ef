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
from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.channels.channel_session import ChannelSession, new_client
from kicau.channels.models import ChannelState
from kicau.connector import registry
from kicau.connector.addresses import web_address
from kicau.connector.content import Rendered
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.serialization import from_json
from kicau.costs import call_budgets, ledger
from kicau.costs.models import Purpose
from kicau.publishing.budget import budget_checks, plan_quotas
from kicau.publishing.content import compositions
from kicau.publishing.delivery.outcome_writer import REPLY_PUBLISHED_HOOKS
from kicau.publishing.models import (
    FINAL_STATES,
    PENDING_STATES,
    Attempt,
    Delivery,
    DeliveryState,
    Draft,
    DraftState,
    HoldReason,
)
from kicau.publishing.scheduling import schedule
from kicau.workspaces import webhooks
from kicau.workspaces.actors import Actor, Permission

RETRYABLE_STATES = (
    DeliveryState.FAILED,
    DeliveryState.HELD,
    DeliveryState.PARKED,
    DeliveryState.CANCELED,
    DeliveryState.UNKNOWN,
)
LOOKUP_WAIT_SECONDS = 5.0  # seconds that a deletion waits for a look-up of its channel to end


def deliveries(actor: Actor) -> QuerySet[Delivery]:
    """The workspace's deliveries by due time, with channel and draft."""
    actor.require(Permission.READ)
    rows = Delivery.objects.filter(workspace=actor.workspace)
    return rows.select_related("channel", "channel__app", "draft", "draft__campaign", "confirmed_by").order_by(
        "due_at", "id"
    )


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
    actor.require(Permission.PUBLISH)
    row = _get_delivery(actor, delivery_id)
    if row.state == DeliveryState.CANCELED:
        return row
    if row.state in FINAL_STATES:
        raise Conflict(
            Sentence(
                "This post is {state}, so you cannot cancel it. To remove it, delete it from the network.",
                state=row.get_state_display(),
            )
        )
    if row.begun_at is not None:
        raise Conflict("Kicau is publishing this post right now. Try again in a few seconds.")
    partly = not _is_unpublished(row) and bool(row.progress)
    row.state, row.hold, row.reason = DeliveryState.CANCELED, "", Sentence("{who} canceled the post.", who=actor.name)
    _save(
        actor,
        row,
        "canceled",
        row.reason
        + (
            Sentence(
                "Parts of this post may already be published on the network. Look at the network, and delete them there if necessary."
            )
            if partly
            else ""
        ),
    )
    actor.record("delivery.canceled", row.id)
    webhooks.emit(
        "delivery.canceled",
        [(row.workspace_id, {"delivery": str(row.id), "post": str(row.draft_id), "state": row.state})],
    )
    return row


@transaction.atomic
def retry(actor: Actor, delivery_id: UUID | str) -> Delivery:
    """Send it again, now or at its time; goes on where it stopped, and looks up first what may have happened. One whose
    outcome is unknown is looked up again, and sent only if the network is certain that it is not out."""
    actor.require(Permission.PUBLISH)
    row = _get_delivery(actor, delivery_id)
    if row.state not in RETRYABLE_STATES:
        raise Conflict(_conflict_reason(row, "retried"))
    if row.state == DeliveryState.UNKNOWN and row.broken_at is None:
        row.broken_at = row.changed_at
    if row.hold == HoldReason.CONFIRMATION:
        raise Conflict("A person has to confirm this post before Kicau publishes it. Read the post, then confirm it.")
    if row.channel.state != ChannelState.ACTIVE:
        raise Conflict(
            Sentence(
                "Reconnect the channel {channel}, because it is not connected: {reason}",
                channel=row.channel.key,
                reason=row.channel.reason,
            )
        )
    if row.steps == 0 and row.broken_at is None:
        rendered = schedule.render(compositions.one_draft(actor, row.draft_id), row.channel)
        if rendered.problems:
            raise ValidationFailed(rendered.problems)
        row.show(rendered)
    row.state, row.hold, row.reason, row.problems, row.tries = DeliveryState.SCHEDULED, "", "", [], 0
    row.next_at = _next_step_at(row)
    _save(actor, row, "retried", Sentence("{who} asked Kicau to try again to publish the post.", who=actor.name))
    plan_quotas.update_soon([row])
    actor.record("delivery.retried", row.id)
    return row


@transaction.atomic
def reschedule(actor: Actor, delivery_id: UUID | str, due_at: datetime, timezone: str = "") -> Delivery:
    """Another time for what has not begun. Raises ValidationFailed for a time in the past, Conflict where it began."""
    actor.require(Permission.PUBLISH)
    row = _get_delivery(actor, delivery_id)
    if row.state not in (DeliveryState.SCHEDULED, DeliveryState.HELD, DeliveryState.PUBLISHING) or not _is_unpublished(
        row
    ):
        raise Conflict(_conflict_reason(row, "moved"))
    if problems := [*schedule._time_problems(due_at, clock.now()), *schedule.offboarding_problems(row.channel, due_at)]:
        raise ValidationFailed(problems)
    if (
        row.hold == HoldReason.WITHDRAWN and row.channel.state == ChannelState.ACTIVE
    ):  # its time had passed, and this is the answer
        row.state, row.hold, row.reason = DeliveryState.SCHEDULED, "", ""
    before = row.due_at
    row.due_at = due_at
    row.next_at = _next_step_at(row)
    row.timezone = timezone or row.timezone
    _save(
        actor,
        row,
        "moved",
        Sentence("{who} rescheduled the post to {when}.", who=actor.name, when=due_at),
    )
    plan_quotas.update_soon([row])
    actor.record("delivery.moved", row.id, before=before.isoformat(), after=due_at.isoformat())
    return row


@transaction.atomic
def confirm(actor: Actor, delivery_id: UUID | str) -> Delivery:
    """A named person has read this post and wants it published; what some networks' terms ask for each post."""
    actor.require(Permission.PUBLISH)
    if actor.person is None:
        raise Conflict(
            "Only a person who is signed in to Kicau can confirm a post, not an API token. Sign in to Kicau to confirm this post."
        )
    row = _get_delivery(actor, delivery_id)
    if row.hold != HoldReason.CONFIRMATION:
        raise Conflict(_conflict_reason(row, "confirmed"))
    row.confirmed_by, row.confirmed_at = actor.person, clock.now()
    row.state, row.hold, row.reason = DeliveryState.SCHEDULED, "", ""
    row.next_at = _next_step_at(row)
    _save(actor, row, "confirmed", Sentence("{who} confirmed that Kicau may publish the post.", who=actor.name))
    plan_quotas.update_soon([row])
    actor.record("delivery.confirmed", row.id)
    return row


@transaction.atomic
def resolve_unknown_outcome(
    actor: Actor, delivery_id: UUID | str, *, published: bool, url: str = "", remote_id: str = ""
) -> Delivery:
    """A person looked at the network after an unknown outcome: it is there (with its address), or it is not."""
    actor.require(Permission.PUBLISH)
    row = _get_delivery(actor, delivery_id)
    if row.state != DeliveryState.UNKNOWN:
        raise Conflict(_conflict_reason(row, "resolved"))
    if url and not web_address(url):
        raise validation_failed("url", "The web address of the published post must begin with https:// or http://.")
    row.broken_at = None
    if published:
        row.state, row.reason, row.url = DeliveryState.PUBLISHED, "", web_address(url)
        row.remote_ids = [remote_id] if remote_id else row.remote_ids
        row.published_at = clock.now()
        _save(actor, row, "found", Sentence("{who} checked the post and marked it as published.", who=actor.name) + url)
        if answered := row.rendered.get("reply_to"):
            for note in REPLY_PUBLISHED_HOOKS:
                note([(row.channel_id, answered, row.id, row.published_at)])
    else:
        row.state, row.reason, row.next_at, row.tries = DeliveryState.SCHEDULED, "", clock.now(), 0
        _save(
            actor,
            row,
            "not-found",
            Sentence("{who} did not find the post on the network, so Kicau tries again to publish it.", who=actor.name),
        )
    plan_quotas.update_soon([row])
    actor.record("delivery.resolved", row.id, published=published)
    return row


async def delete_from_network(
    actor: Actor, delivery_id: UUID | str, *, client: aiohttp.ClientSession | None = None
) -> Delivery:
    """Delete a published post from its network, all parts, last first. What we know of it is kept.

    Raises ValidationFailed with the network's reason, or Conflict where it could not be reached or a budget has no room.
    """
    actor.require(Permission.PUBLISH)
    row = await sync_to_async(one_delivery)(actor, delivery_id)
    if row.state != DeliveryState.PUBLISHED or not row.remote_ids:
        raise Conflict(_conflict_reason(row, "deleted from the network"))
    session, left = client or new_client(), list(row.remote_ids)
    work = budget_checks.charge_context_for_actor(actor, row, Purpose.WITHDRAW)
    purse = await sync_to_async(call_budgets.new_call_budget)(work)
    label = registry.get_connector(row.network).label
    await _wait_for_lookups(row, work, label)
    pay = call_budgets.call_payer(
        work, purse, label, times=lambda: len(left)
    )  # for all parts at once, so that none is left behind
    live = ChannelSession(row.channel, session, pay)
    try:
        while left:
            await live.connector.withdraw(live, left[-1])
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
    await sync_to_async(_mark_deleted)(actor, row)
    return row


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
            "Kicau cannot delete this post yet, because it is still checking on {network} whether another post of this channel was published. Try again in about a minute.",
            network=label,
        )
    )


@transaction.atomic
def _mark_deleted(actor: Actor, row: Delivery) -> None:
    row.state, row.reason = DeliveryState.DELETED, Sentence("{who} deleted the post from the network.", who=actor.name)
    _save(actor, row, "deleted", row.reason)
    actor.record("delivery.deleted", row.id)


def duplicate(actor: Actor, draft_id: UUID | str) -> Draft:
    """A new draft with the same content."""
    draft = compositions.one_draft(actor, draft_id)
    return compositions.create_draft(actor, compositions.composition_of(draft))


def _is_unpublished(row: Delivery) -> bool:
    """Nothing of it is with readers and no step is under way: it is still ours to change."""
    if row.begun_at is not None or row.broken_at is not None:
        return False
    return row.steps == 0 or (row.state == DeliveryState.PUBLISHING and row.due_at > clock.now())


def _next_step_at(row: Delivery) -> datetime:
    return schedule.first_step_at(row.due_at, from_json(Rendered, row.rendered), clock.now())


def _lock(actor: Actor, **where: object) -> QuerySet[Delivery]:
    rows = Delivery.objects.select_for_update(of=("self",)).select_related("channel", "channel__app")
    return rows.filter(workspace=actor.workspace, **where)


def _get_delivery(actor: Actor, delivery_id: UUID | str) -> Delivery:
    found = _lock(actor, id=as_uuid(delivery_id)).first()
    if found is None:
        raise NotFound("delivery", delivery_id)
    return found


def _save(actor: Actor, row: Delivery, outcome: str, sentence: str) -> None:
    row.changed_at = clock.now()
    row.said = to_stored_pieces(row.reason)
    row.save()
    Attempt.objects.create(
        delivery=row, did="person", outcome=outcome, sentence=sentence, detail={"said": to_stored_pieces(sentence)}
    )


def _conflict_reason(row: Delivery, wanted: str) -> str:
    return f"A delivery that is {row.standing.label} cannot be {wanted}." + (f" {row.reason}" if row.reason else "")
