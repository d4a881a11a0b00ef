"""Money set aside before a call is made, so that no number of workers together passes a hard budget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from kicau.base import clock
from kicau.base.bulk import to_json_text, to_uuid_array
from kicau.costs import budgets
from kicau.costs.models import ROLLING_PERIODS, Budget, BudgetPeriod, Charge
from kicau.costs.pricing import PricedCharge

if TYPE_CHECKING:
    from kicau.costs.ledger import ChargeContext


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationRequest:
    """What one piece of work (`work.holder`) may come to use up."""

    work: ChargeContext
    priced: tuple[PricedCharge, ...]
    until: datetime | None = None  # UTC; None: it holds until the work reports


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetShortfall:
    """The budget that an ask did not fit into."""

    budget: Budget
    left: int  # micro-units or units, before the ask
    wanted: int
    renews_at: datetime


def reserve(
    current: Sequence[Budget], asks: Sequence[ReservationRequest], *, dry: bool = False, first: bool = False
) -> dict[UUID, BudgetShortfall]:
    """Set aside what fits, in the order given, and tell what does not, by holder. `current` are all budgets in force.

    In the caller's transaction: it keeps the budgets' uses locked until it ends, and sees all that others committed.
    `dry` only tells; `first`: none of the holders, each named once and its row locked, has set aside anything for its
    purpose.
    """
    payers = budgets.BudgetCoverage([b for b in current if b.is_hard])
    coverings = [payers.of(ask.work) for ask in asks]
    concerned = {b.id for covering in {id(c): c for c in coverings}.values() for b in covering}
    hard = [b for b in current if b.id in concerned]
    if not hard:
        return {}
    now = clock.now()
    taken = _used_and_reserved(hard, now)
    left = [b.amount - taken[b.id] for b in hard]
    alike: dict[tuple[int, str, int], list[tuple[int, int, int]]] = {}  # many ask for the very same
    refused: dict[UUID, BudgetShortfall] = {}
    granted = []
    for ask, covering in zip(asks, coverings, strict=True):
        if refused and ask.work.holder in refused:
            continue
        kind = (id(covering), ask.work.purpose, id(ask.priced))
        wanted = alike.get(kind)
        if wanted is None:
            wanted = alike[kind] = _requested_amounts(ask, hard, covering)
        short = next((one for one in wanted if left[one[0]] - one[2] < one[1]), None)
        if short is not None:
            assert ask.work.holder is not None
            place, amount, kept = short
            refused[ask.work.holder] = BudgetShortfall(
                budget=hard[place],
                left=max(0, left[place] - kept),
                wanted=amount,
                renews_at=_room_again_at(hard[place], now),
            )
            continue
        for place, amount, _ in wanted:
            left[place] -= amount
        granted.append(ask)
    if granted and not dry:
        store_reservations(granted, first=first)
    return refused


def _requested_amounts(
    ask: ReservationRequest, hard: Sequence[Budget], covering: Sequence[Budget]
) -> list[tuple[int, int, int]]:
    """What an ask takes of the budgets that cover it: the budget's place, the amount, and what must be left over."""
    amounts = [
        (place, sum(budgets.budget_units(b, p.meter, p.units, p.micro, p.currency) for p in ask.priced))
        for place, b in enumerate(hard)
        if b in covering
    ]
    return [
        (place, amount, hard[place].amount - budgets.limit_for(hard[place], ask.work.purpose))
        for place, amount in amounts
        if amount
    ]


def _room_again_at(budget: Budget, now: datetime) -> datetime:
    """When there is more room by itself: where it rolls, as soon as the oldest use is out of its window."""
    if not budget.is_rolling:
        return budgets.period_end(budget, now)
    window = ROLLING_PERIODS[BudgetPeriod(budget.period)]
    used = Charge.objects.filter(app_id=budget.app_id, at__gt=now - window, meter__in=budget.meters)
    used = used.filter(channel_id=budget.channel_id) if budget.channel_id else used
    oldest = used.order_by("at").values_list("at", flat=True).first()
    return (oldest or now) + window


# Sent as one: each statement sees what was committed while the one before it waited.
LOCK_USES_SQL = """
SELECT u.budget_id, u.amount FROM costs_budgetuse u JOIN unnest(%s::uuid[], %s::timestamptz[]) AS v (b, at) ON u.budget_id = v.b AND u.begins_at = v.at
ORDER BY u.budget_id, u.begins_at FOR UPDATE OF u;
"""
RESERVED_SUMS_SQL = "SELECT ARRAY[{}]::bigint[] FROM costs_reservation WHERE until IS NULL OR until > %s"
ROLLING_USE_SQL = """
SELECT b.id, coalesce(sum(c.units), 0) FROM costs_budget b LEFT JOIN costs_charge c ON c.app_id = b.app_id
  AND c.at > %s - CASE b.period WHEN '5m' THEN interval '5 minutes' WHEN 'hour' THEN interval '1 hour' ELSE interval '24 hours' END
  AND c.meter = ANY(string_to_array(b.meter, ' ')) AND (b.channel_id IS NULL OR c.channel_id = b.channel_id)
WHERE b.id = ANY(%s::uuid[]) GROUP BY b.id
"""


def _used_and_reserved(hard: Sequence[Budget], now: datetime) -> dict[UUID, int]:
    """What is used or set aside, with the uses locked. Whoever makes a charge of what was set aside adds it to the uses
    in the same transaction: once they are ours it is either in both or still set aside."""
    rows = sorted((b.id, budgets.period_start(b, now)) for b in hard)
    ids, begun = to_uuid_array(id_ for id_, _ in rows), [at for _, at in rows]
    sums, values = zip(*map(_reserved_sum_sql, hard), strict=True)
    statement = LOCK_USES_SQL + RESERVED_SUMS_SQL.format(", ".join(sums))
    values = [ids, begun, *chain.from_iterable(values), now]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if cursor.rowcount < len(rows):  # a period begins
            cursor.execute(
                "INSERT INTO costs_budgetuse (budget_id, begins_at, amount, told) SELECT b, at, 0, 0 FROM unnest(%s::uuid[], %s::timestamptz[]) AS v (b, at) "
                "ORDER BY b, at ON CONFLICT (budget_id, begins_at) DO NOTHING",
                [ids, begun],
            )
            cursor.execute(statement, values)
        used: dict[UUID, int] = dict(cursor.fetchall())
        cursor.nextset()
        reserved = cursor.fetchone()[0]
        if rolling := [b.id for b in hard if b.is_rolling]:
            cursor.execute(ROLLING_USE_SQL, [now, to_uuid_array(rolling)])
            used |= dict(cursor.fetchall())
    return {b.id: int(used[b.id]) + amount for b, amount in zip(hard, reserved, strict=True)}


def _reserved_sum_sql(budget: Budget) -> tuple[str, list[Any]]:
    """The sum of what is set aside of it, in SQL, with its values: what `budgets.covers` and `budgets.counts` say."""
    named = {name: value for name in budgets.SCOPE_FIELDS if (value := getattr(budget, name))}
    what, how = ("units", "meter = ANY(%s)") if budget.meter else ("micro", "currency = %s")
    conditions = " AND ".join([how, *(f"{name} = %s" for name in named)])
    of = sorted(budget.meters) if budget.meter else budget.currency
    return f"coalesce(sum({what}) FILTER (WHERE {conditions}), 0)", [of, *named.values()]


INSERT_RESERVATIONS_SQL = """
INSERT INTO costs_reservation AS r (holder, workspace_id, channel_id, campaign_id, app_id, network, purpose, meter, units, micro, currency, until)
SELECT holder, workspace_id, channel_id, campaign_id, app_id, network, purpose, meter, units, micro, currency, until FROM json_to_recordset(%s::json) AS v (
    holder uuid, workspace_id uuid, channel_id uuid, campaign_id uuid, app_id uuid, network text, purpose text, meter text, units int, micro bigint, currency text, until timestamptz)
"""
UPSERT_RESERVATIONS_SQL = f"""{INSERT_RESERVATIONS_SQL}
ON CONFLICT (holder, purpose, meter) DO UPDATE SET units = r.units + excluded.units, micro = r.micro + excluded.micro, until = excluded.until
"""


def store_reservations(asks: Iterable[ReservationRequest], *, first: bool = False) -> None:
    """Whether it fits or not; `first` as for `reserve`."""
    sums: dict[tuple[UUID | None, str, str], dict[str, Any]] = {}
    for ask in asks:
        work = ask.work
        for p in ask.priced:
            row = sums.get((work.holder, work.purpose, p.meter))
            if row is not None:
                row["units"], row["micro"] = row["units"] + p.units, row["micro"] + p.micro
                continue
            sums[work.holder, work.purpose, p.meter] = {
                "holder": work.holder,
                "workspace_id": work.workspace_id,
                "channel_id": work.channel_id,
                "campaign_id": work.campaign_id,
                "app_id": work.app_id,
                "network": work.network,
                "purpose": work.purpose,
                "meter": p.meter,
                "units": p.units,
                "micro": p.micro,
                "currency": p.currency,
                "until": ask.until,
            }
    if not sums:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT_RESERVATIONS_SQL if first else UPSERT_RESERVATIONS_SQL, [to_json_text(list(sums.values()))]
        )


def subtract_spent(spent: Iterable[tuple[ChargeContext, str, int, int]]) -> None:
    """What was spent (work, meter, units, micro) is set aside no longer."""
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for work, meter, units, micro in spent:
        if work.holder and units:
            row = sums[str(work.holder), work.purpose, meter]
            row[0], row[1] = row[0] + units, row[1] + micro
    if not sums:
        return
    rows = sorted(sums)
    columns = [[row[n] for row in rows] for n in range(3)] + [[sums[row][n] for row in rows] for n in range(2)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE costs_reservation r SET units = greatest(0, r.units - v.units), micro = CASE WHEN r.units <= v.units THEN 0 ELSE greatest(0, r.micro - v.micro) END "
            "FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::int[], %s::bigint[]) AS v (holder, purpose, meter, units, micro) "
            "WHERE r.holder = v.holder AND r.purpose = v.purpose AND r.meter = v.meter",
            columns,
        )


RELEASE_RESERVATIONS_SQL = (
    "DELETE FROM costs_reservation WHERE holder = ANY(%s::uuid[])"  # all that these had set aside
)


def release_reservations(holders: Iterable[UUID], *, purpose: str = "") -> None:
    """What these had set aside (for one purpose, or all) is free again."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{RELEASE_RESERVATIONS_SQL} AND (%s = '' OR purpose = %s)", [to_uuid_array(holders), purpose, purpose]
        )


def reserved_units(holders: Iterable[UUID]) -> dict[UUID, dict[str, dict[str, int]]]:
    """Units set aside: holder, purpose, meter."""
    found: dict[UUID, dict[str, dict[str, int]]] = {}
    holders = list(holders)
    if not holders:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT holder, purpose, meter, units FROM costs_reservation WHERE holder = ANY(%s::uuid[])",
            [to_uuid_array(holders)],
        )
        for holder, purpose, meter, units in cursor.fetchall():
            found.setdefault(holder, {}).setdefault(purpose, {})[meter] = units
    return found
