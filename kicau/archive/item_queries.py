"""One item with its whole story, for whoever reads about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from kicau.archive.models import Item, ItemOrigin
from kicau.archive.policy_decisions import RightsEvaluator, decide_item
from kicau.archive.record_statements import list_statements
from kicau.base.errors import NotFound
from kicau.base.ids import as_uuid
from kicau.connector.content import Problem
from kicau.rights import statements
from kicau.rights.decisions import Decision, RightsVerdict
from kicau.rights.models import USES, Statement
from kicau.workspaces.actors import Actor, Permission

VERDICTS_BY_STRICTNESS = (RightsVerdict.NO, RightsVerdict.UNKNOWN, RightsVerdict.YES)  # the strictest first


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemHistory:
    item: Item  # with standing, campaign and delivery
    origins: list[ItemOrigin]  # in the order in which they came
    decisions: Mapping[str, Decision]  # by use
    statements: list[Statement]  # of this very item, newest first
    before: Item | None  # what it answers, where that is here too
    after: list[Item]  # what answers it


def item_history(actor: Actor, item_id: UUID | str, *, meets: tuple[str, ...] = ()) -> ItemHistory:
    """Raises NotFound."""
    item = get_item(actor, item_id)
    sources = {s.id: s for s in ItemOrigin.objects.filter(workspace=actor.workspace, id__in=item.sources)}
    here = (
        Item.objects.filter(workspace=actor.workspace, network=item.network).defer("search").select_related("standing")
    )
    return ItemHistory(
        item=item,
        origins=[sources[id_] for id_ in item.sources if id_ in sources],
        decisions=decide_item(actor, item.id, meets=meets).decisions,
        statements=list(list_statements(actor, item=item.id)) if item.said else [],
        before=here.filter(remote_id=item.reply_to).first() if item.reply_to else None,
        after=_verdict_filters(item),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRights:
    """What may be done with a published post, over all its parts."""

    items: list[UUID]  # its parts in the archive, in their order
    answers: Mapping[str, RightsVerdict]  # by use; where the parts differ, the strictest


def rights_of_deliveries(actor: Actor, deliveries: Collection[UUID]) -> dict[UUID, DeliveryRights]:
    """By delivery, of those whose posts are in the archive."""
    actor.require(Permission.READ)
    rows: dict[UUID, list[Item]] = defaultdict(list)
    found = Item.objects.filter(workspace=actor.workspace, delivery__in=deliveries).defer("search")
    for item in found.select_related("standing").order_by("id"):
        if item.delivery_id:
            rows[item.delivery_id].append(item)
    if not rows:
        return {}
    judge = RightsEvaluator(actor.workspace)
    own = statements.item_statements(
        actor.workspace.id, [one.id for items in rows.values() for one in items if one.said]
    )
    return {
        delivery: DeliveryRights(
            items=[one.id for one in items],
            answers={
                use: min(
                    (judge.decide(use, one.facts(), own.get(one.id, ())).answer for one in items),
                    key=VERDICTS_BY_STRICTNESS.index,
                )
                for use in USES
            },
        )
        for delivery, items in rows.items()
    }


def get_item(actor: Actor, item_id: UUID | str) -> Item:
    """Raises NotFound."""
    actor.require(Permission.READ)
    found = (
        Item.objects.select_related("standing", "campaign", "delivery", "delivery__draft")
        .defer("search")
        .filter(workspace=actor.workspace, id=as_uuid(item_id))
        .first()
    )
    if found is None:
        raise NotFound("item", item_id)
    return found


def problem_from_json(told: Mapping[str, Any]) -> Problem:
    """A problem as it was stored with an import."""
    return Problem(code=told["code"], message=told["message"], params=told.get("params", {}))


def _verdict_filters(item: Item) -> list[Item]:
    """Of the days after it, so that no index of all answers is needed."""
    rows = Item.objects.filter(
        workspace_id=item.workspace_id,
        posted_at__gte=item.posted_at,
        posted_at__lt=item.posted_at + timedelta(days=2),
        network=item.network,
        reply_to=item.remote_id,
    )
    return list(rows.defer("search").select_related("standing").order_by("posted_at", "id")[:20])
