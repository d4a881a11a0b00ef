"""What a budget or a network's plan held: it goes out when it fits again or the plan has it, in the order in which it
was due."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import starmap

from django.db import connection, transaction
from django.db.models import QuerySet

from kicau.base import clock
from kicau.connector.content import Charge
from kicau.costs import budgets, call_budgets, reservations
from kicau.costs.models import Budget, Purpose
from kicau.costs.pricing import not_on, price_all
from kicau.publishing.budget import budget_checks
from kicau.publishing.models import Attempt, Delivery, DeliveryState, Hold

METER = "problems__0__params__meter"  # that a plan lacked
OVER = "over-budget"  # the problem of what a budget held; what a network's plan held has none
APART = timedelta(milliseconds=200)  # between what is released to one channel, so that it arrives in order
LOOKED_AT = 500  # deliveries at once


def held(*, by_budget: bool) -> QuerySet[Delivery]:
    rows = Delivery.objects.filter(state=DeliveryState.HELD, hold=Hold.BUDGET)
    return rows.filter(problems__0__code=OVER) if by_budget else rows.exclude(problems__0__code=OVER)


def release() -> int:
    """Send on their way those that now fit; how many. What its network's plan held is released when that begins anew."""
    _sweep()
    return _of_plans() + _of_what_plans_lacked() + _of_budgets()


@transaction.atomic
def _of_plans() -> int:
    rows = held(by_budget=False).filter(next_at__lte=clock.now()).order_by("due_at", "id")
    return _send(list(rows.select_for_update(skip_locked=True)[:LOOKED_AT]))


@transaction.atomic
def _of_what_plans_lacked() -> int:
    rows = held(by_budget=False).filter(problems__0__code=budget_checks.NOT_ON_PLAN)
    sent = 0
    for network, plan, meter in rows.values_list("network", "channel__app__plan", METER).order_by().distinct():
        if not not_on(network, plan, [{"meter": meter}])[1]:
            had = rows.filter(network=network, channel__app__plan=plan, **{METER: meter}).order_by("due_at", "id")
            sent += _send(list(had.select_for_update(of=("self",), skip_locked=True)[:LOOKED_AT]))
    return sent


@transaction.atomic
def _of_budgets() -> int:
    rows = held(by_budget=True).filter(channel__state="active").order_by("due_at", "id")
    found = list(
        rows.select_related("channel__app", "draft").select_for_update(of=("self",), skip_locked=True)[:LOOKED_AT]
    )
    if not found:
        return 0
    current = budgets.current()
    set_aside = reservations.held_by(row.id for row in found)
    spent = budget_checks.spent_by([row.id for row in found if row.steps or row.broken_at])
    asks = [
        ask
        for row in found
        for ask in _asks(row, current, set_aside.get(row.id, {}), spent.get(row.id, Counter()))
        if ask.priced
    ]
    refused = reservations.reserve(current, asks)
    return _send([row for row in found if row.id not in refused])


def _asks(
    row: Delivery, current: Sequence[Budget], held: Mapping[str, Mapping[str, int]], spent: Counter[str]
) -> Iterable[reservations.Ask]:
    """For what is still to be published, and for what it was held for in the middle of its way."""
    work = budget_checks.work_of(row)
    done = spent + Counter(held.get(Purpose.PUBLISH, {}))
    ahead = budget_checks.to_come(row.rendered, done, call_budgets.metered(work, current))
    yield reservations.Ask(work=work, priced=price_all(row.network, starmap(Charge, ahead.items()), plan=work.plan))
    lacks = row.problems[0].get("params", {})
    if lacks.get("meter"):
        more = [Charge(str(lacks["meter"]), int(lacks["units"]))]
        yield reservations.Ask(
            work=replace(work, purpose=lacks["purpose"]), priced=price_all(row.network, more, plan=work.plan)
        )


def _send(rows: Sequence[Delivery]) -> int:
    now = clock.now()
    in_channel: dict[object, int] = defaultdict(int)
    for row in rows:
        row.state, row.hold, row.reason, row.problems, row.tries = DeliveryState.SCHEDULED, "", "", [], 0
        row.next_at = now + APART * in_channel[row.channel_id]
        row.changed_at = now
        in_channel[row.channel_id] += 1
    Delivery.objects.bulk_update(rows, ["state", "hold", "reason", "problems", "tries", "next_at", "changed_at"])
    Attempt.objects.bulk_create(
        [
            Attempt(delivery=row, did="release", outcome="released", sentence="There is room in the budget again.")
            for row in rows
        ]
    )
    return len(rows)


def _sweep(now: datetime | None = None) -> None:
    """Reservations of what is over (a person cancelled it, say) are free again. A step that may have been carried out
    keeps its own until it is known."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM costs_reservation WHERE until <= %s", [now or clock.now()])
        cursor.execute(
            "DELETE FROM costs_reservation r USING publishing_delivery d WHERE d.id = r.holder AND d.broken_at IS NULL AND d.begun_at IS NULL "
            "AND d.state NOT IN ('scheduled', 'publishing', 'unknown')"
        )
