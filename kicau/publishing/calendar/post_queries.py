"""What post pages and lists of drafts show, in few statements however much there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db.models.functions import Left

from kicau.base.ids import as_uuid
from kicau.channels.models import Channel
from kicau.costs.models import Charge
from kicau.publishing.models import ATTENTION_STATES, Attempt, Campaign, Delivery, Draft, DraftState, Part
from kicau.publishing.scheduling import actions
from kicau.workspaces.actors import Actor, Permission


def campaign_ids(actor: Actor) -> dict[str, UUID]:
    """By name, the newest hundred, newest first."""
    actor.require(Permission.READ)
    rows = Campaign.objects.filter(workspace=actor.workspace).order_by("-created_at")
    return dict(rows.values_list("name", "id")[:100])


def campaigns(actor: Actor) -> list[str]:
    return list(campaign_ids(actor))


def latest_problems(actor: Actor, channel: Channel | None = None) -> dict[UUID, Delivery]:
    """The latest delivery of each channel (or of one) that did not go out as it was meant to, by channel; of the newest
    two hundred in trouble."""
    rows = actions.deliveries(actor).select_related(None).filter(state__in=ATTENTION_STATES)
    if channel is not None:
        rows = rows.filter(channel=channel)
    shown = rows.only("id", "draft_id", "channel_id", "state", "hold", "reason", "said", "due_at")
    found: dict[UUID, Delivery] = {}
    for row in shown.order_by("-due_at", "-id")[:200]:
        found.setdefault(row.channel_id, row)
    return found


def last_chosen_channels(actor: Actor) -> list[str]:
    """Keys of the channels that the newest post that the actor scheduled in this workspace goes to."""
    actor.require(Permission.READ)
    drafts = Draft.objects.filter(workspace=actor.workspace, author_id=actor.person_id, state=DraftState.SCHEDULED)
    newest = drafts.order_by("-id").values("id")[:1]
    rows = Delivery.objects.filter(workspace=actor.workspace, draft__in=newest).order_by("id")
    return list(dict.fromkeys(rows.values_list("channel__key", flat=True)))


def deliveries_of(actor: Actor, draft: Draft) -> list[Delivery]:
    return list(actions.deliveries(actor).filter(draft=draft))


def attempt_logs(actor: Actor, rows: Sequence[Delivery]) -> dict[UUID, list[Attempt]]:
    """Attempt logs by delivery, oldest first."""
    actor.require(Permission.READ)
    found: dict[UUID, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(delivery__workspace=actor.workspace, delivery__in=rows).order_by("id")[:2000]:
        found[attempt.delivery_id].append(attempt)
    return found


def charges_by_delivery(actor: Actor, rows: Sequence[Delivery]) -> dict[UUID, list[Charge]]:
    """What each delivery's calls cost so far."""
    actor.require(Permission.READ)
    found: dict[UUID, list[Charge]] = defaultdict(list)
    for charge in Charge.objects.filter(workspace_id=actor.workspace.id, delivery_id__in=[r.id for r in rows]).order_by(
        "id"
    )[:2000]:
        if charge.delivery_id:
            found[charge.delivery_id].append(charge)
    return found


def unscheduled_drafts(actor: Actor, *, state: str = "", before: str = "", limit: int = 40) -> tuple[list[Draft], str]:
    """Drafts that are still being written or reviewed (or, with `state`, those), newest first, with their first
    words as `text`; and the cursor of the next page."""
    actor.require(Permission.READ)
    states = [state] if state in DraftState.values else [DraftState.DRAFT, DraftState.SUBMITTED, DraftState.APPROVED]
    rows = (
        Draft.objects.filter(workspace=actor.workspace, state__in=states)
        .select_related("author", "campaign")
        .order_by("-id")
    )
    if before:
        rows = rows.filter(id__lt=as_uuid(before))
    found = list(rows[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    texts = dict(
        Part.objects.filter(draft__in=found, variant=None, position=0)
        .annotate(head=Left("text", 240))
        .values_list("draft_id", "head")
    )
    for draft in found:
        draft.text = texts.get(draft.id, "")  # type: ignore[attr-defined]
    return found, str(found[-1].id) if more and found else ""
