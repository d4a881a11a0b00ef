"""What a budget or a network's plan held: it goes out when it fits again or the plan has it, in the order in which it
was due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import starmap

from django.db import connection, transaction
from django.db.models import QuerySet

from kicau.base import clock
from kicau.connector.content import Charge
from kicau.costs import budgets, call_budgets, reservations
from kicau.costs.models import Budget, Purpose
from kicau.costs.pricing import meters_missing_from_plan, price_charges
from kicau.publishing.budget import budget_checks
from kicau.publishing.bulk_transitions import release
from kicau.publishing.models import Delivery, DeliveryState, HoldReason

METER_LOOKUP = "problems__0__params__meter"  # that a plan lacked
OVER_BUDGET_CODE = "over-budget"  # the problem of what a budget held; what a network's plan held has none
RELEASE_BATCH_SIZE = 500  # deliveries at once


def held_deliveries(*, by_budget: bool) -> QuerySet[Delivery]:
    rows = Delivery.objects.filter(state=DeliveryState.HELD, hold=HoldReason.BUDGET)
    return (
        rows.filter(problems__0__code=OVER_BUDGET_CODE)
        if by_budget
        else rows.exclude(problems__0__code=OVER_BUDGET_CODE)
    )


def release_held() -> int:
    """Send on their way those that now fit; how many. What its network's plan held is released when that resets."""
    _free_stale_reservations()
    return _release_by_plan_quota() + _release_by_new_plan() + _release_by_budget()


@transaction.atomic
def _release_by_plan_quota() -> int:
    rows = held_deliveries(by_budget=False).filter(next_at__lte=clock.now()).order_by("due_at", "id")
    return release(list(rows.select_for_update(skip_locked=True)[:RELEASE_BATCH_SIZE]), clock.now())


@transaction.atomic
def _release_by_new_plan() -> int:
    rows = held_deliveries(by_budget=False).filter(problems__0__code=budget_checks.MISSING_FROM_PLAN_CODE)
    sent = 0
    for network, plan, meter in rows.values_list("network", "channel__app__plan", METER_LOOKUP).order_by().distinct():
        if not meters_missing_from_plan(network, plan, [{"meter": meter}])[1]:
            had = rows.filter(network=network, channel__app__plan=plan, **{METER_LOOKUP: meter}).order_by(
                "due_at", "id"
            )
            sent += release(
                list(had.select_for_update(of=("self",), skip_locked=True)[:RELEASE_BATCH_SIZE]), clock.now()
            )
    return sent


@transaction.atomic
def _release_by_budget() -> int:
    rows = held_deliveries(by_budget=True).filter(channel__state="active").order_by("due_at", "id")
    found = list(
        rows.select_related("channel__app", "draft").select_for_update(of=("self",), skip_locked=True)[
            :RELEASE_BATCH_SIZE
        ]
    )
    if not found:
        return 0
    current = budgets.active_budgets()
    set_aside = reservations.reserved_units(row.id for row in found)
    spent = budget_checks.spent_units([row.id for row in found if row.steps or row.broken_at])
    asks = [
        ask
        for row in found
        for ask in _reservation_requests(row, current, set_aside.get(row.id, {}), spent.get(row.id, Counter()))
        if ask.priced
    ]
    refused = reservations.reserve(current, asks)
    return release([row for row in found if row.id not in refused], clock.now())


def _reservation_requests(
    row: Delivery, current: Sequence[Budget], held: Mapping[str, Mapping[str, int]], spent: Counter[str]
) -> Iterable[reservations.ReservationRequest]:
    """For what is still to be published, and for what it was held for in the middle of its way."""
    work = budget_checks.charge_context_of(row)
    done = spent + Counter(held.get(Purpose.PUBLISH, {}))
    ahead = budget_checks.remaining_units(row.rendered, done, call_budgets.metered_meters(work, current))
    yield reservations.ReservationRequest(
        work=work, priced=price_charges(row.network, starmap(Charge, ahead.items()), plan=work.plan)
    )
    lacks = row.problems[0].get("params", {})
    if lacks.get("meter"):
        more = [Charge(str(lacks["meter"]), int(lacks["units"]))]
        yield reservations.ReservationRequest(
            work=replace(work, purpose=lacks["purpose"]), priced=price_charges(row.network, more, plan=work.plan)
        )


def _free_stale_reservations(now: datetime | None = None) -> None:
    """Reservations of what is over (a person cancelled it, say) are free again. A step that may have been carried out
    keeps its own until it is known."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM costs_reservation WHERE until <= %s", [now or clock.now()])
        cursor.execute(
            "DELETE FROM costs_reservation r USING publishing_delivery d WHERE d.id = r.holder AND d.broken_at IS NULL AND d.begun_at IS NULL "
            "AND d.state NOT IN ('scheduled', 'publishing', 'unknown')"
        )
