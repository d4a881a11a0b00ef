"""Writing charges down: every call that a connector made, with its price at that moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from kicau.connector.http import Call
from kicau.plans.models import Charge, Purpose
from kicau.plans.pricing import price
from kicau.workspaces.actors import Actor, Permission


def rows(workspace_id: UUID, network: str, calls: Iterable[Call], purpose: str, *, channel_id: UUID | None = None, delivery_id: UUID | None = None, app_id: UUID | None = None, plan: str = "") -> list[Charge]:  # fmt: skip
    """Unsaved rows, so that a caller may write them in bulk in its own transaction."""
    made = []
    for call in calls:
        priced = price(network, call.charge, day=call.at.date(), plan=plan)
        made.append(
            Charge(
                at=call.at, workspace_id=workspace_id, channel_id=channel_id, delivery_id=delivery_id, app_id=app_id, network=network,
                meter=priced.meter, units=priced.units, micro=priced.micro, currency=priced.currency, purpose=purpose,
            )
        )  # fmt: skip
    return made


def write_calls(workspace_id: UUID, network: str, calls: Iterable[Call], purpose: Purpose, *, channel_id: UUID | None = None, app_id: UUID | None = None, plan: str = "") -> None:  # fmt: skip
    """The same, written at once."""
    Charge.objects.bulk_create(
        rows(workspace_id, network, calls, purpose, channel_id=channel_id, app_id=app_id, plan=plan)
    )


def charges(actor: Actor) -> QuerySet[Charge]:
    """What the workspace's calls used up, newest first."""
    actor.require(Permission.READ)
    return Charge.objects.filter(workspace_id=actor.workspace.id).order_by("-id")


def sums(actor: Actor, since: datetime | None = None, until: datetime | None = None) -> list[dict[str, Any]]:
    """Totals from `since` to before `until`: one dict for each network, meter, purpose and currency, with `calls`,
    `total_units` and `total_micro` (micro-units of the currency)."""
    found = charges(actor).order_by()
    if since:
        found = found.filter(at__gte=since)
    if until:
        found = found.filter(at__lt=until)
    by = ("network", "meter", "purpose", "currency")
    return list(
        found.values(*by).annotate(calls=Count("id"), total_units=Sum("units"), total_micro=Sum("micro")).order_by(*by)
    )
