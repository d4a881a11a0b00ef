"""Budgets as the ledger sees them: which one covers what, how much of it is used, and when it resets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from django.db import connection

from kicau.base import clock
from kicau.costs.models import SYNC_PURPOSES, Budget, BudgetPeriod, BudgetUse
from kicau.notifications import actions as notices

if TYPE_CHECKING:
    from kicau.costs.ledger import ChargeContext

type BudgetCharge = tuple[ChargeContext, str, int, int, str, datetime]
BUDGET_LOCK_ID = (
    0x6B696361  # advisory: shared while charges are written or reserved, alone while a budget is made or changed
)
NEVER = datetime(9999, 1, 1, tzinfo=clock.UTC)  # when a budget without a period resets


class ChargeSubject(Protocol):
    """Whose money it is: `ChargeContext`, or a row that has the same ids."""

    @property
    def workspace_id(self) -> UUID: ...
    @property
    def app_id(self) -> UUID | None: ...
    @property
    def network(self) -> str: ...
    @property
    def channel_id(self) -> UUID | None: ...
    @property
    def campaign_id(self) -> UUID | None: ...
    @property
    def purpose(self) -> str: ...


BUDGET_COLUMNS = [field.attname for field in Budget._meta.concrete_fields]
# Two statements sent as one: the second sees what was committed while the first waited.
ACTIVE_BUDGETS_SQL = f"""
SELECT pg_advisory_xact_lock_shared({BUDGET_LOCK_ID});
SELECT {", ".join(BUDGET_COLUMNS)} FROM costs_budget WHERE is_active ORDER BY created_at;
"""  # noqa: S608 (names of our own columns)


def active_budgets() -> list[Budget]:
    """All that are in force, the oldest first, and none is changed until the transaction ends. They are values: nobody
    saves them."""
    return active_budgets_and_rows("", [])[0]


def active_budgets_and_rows(
    statements: str, values: Sequence[Any] | Mapping[str, Any]
) -> tuple[list[Budget], list[tuple[Any, ...]]]:
    """The same, and the rows of the last of some statements that follow in the same message, since the way to the
    database costs as much as a small statement."""
    rows: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        cursor.execute(ACTIVE_BUDGETS_SQL + statements, values)
        cursor.nextset()
        found = _budgets_from_rows(tuple(cursor.fetchall()))
        while cursor.nextset():
            rows = cursor.fetchall() if cursor.description else []
    return found, rows


@lru_cache(maxsize=8)
def _budgets_from_rows(found: tuple[tuple[Any, ...], ...]) -> list[Budget]:
    """The same objects as long as nothing changed: a worker asks hundreds of times a second."""
    return [Budget.from_db("default", BUDGET_COLUMNS, row) for row in found]


def lock_budgets() -> None:
    """Until the transaction ends, no charge is written and nothing is reserved."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BUDGET_LOCK_ID])


SCOPE_FIELDS = ("workspace_id", "app_id", "network", "channel_id", "campaign_id", "purpose")  # what tells payers apart


def covers(budget: Budget, payer: ChargeSubject) -> bool:
    return (
        budget.workspace_id in (None, payer.workspace_id)
        and budget.app_id in (None, payer.app_id)
        and budget.network in ("", payer.network)
        and budget.channel_id in (None, payer.channel_id)
        and budget.campaign_id in (None, payer.campaign_id)
        and budget.purpose in ("", payer.purpose)
    )


class BudgetCoverage:
    """Which of some budgets cover a payer; found once for each kind of payer, however many calls it makes, and the very
    same tuple for all of a kind. What no budget names makes no other kind."""

    def __init__(self, rows: Sequence[Budget]) -> None:
        self._rows = rows
        self._known: dict[object, tuple[Budget, ...]] = {}
        named = [name for name in SCOPE_FIELDS if any(getattr(b, name) for b in rows)]
        self._kind: Callable[[ChargeSubject], object] = attrgetter(*named) if named else lambda payer: None

    def of(self, payer: ChargeSubject) -> tuple[Budget, ...]:
        key = self._kind(payer)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = tuple(b for b in self._rows if covers(b, payer))
        return found


def budget_units(budget: Budget, meter: str, units: int, micro: int, currency: str) -> int:
    """How much of the budget such a charge uses."""
    if budget.meter:
        return units if meter in budget.meter.split() else 0
    return micro if budget.currency == currency else 0


def limit_for(budget: Budget, purpose: str) -> int:
    """What may be used up for this purpose: reading stops earlier, so that something is left to publish with."""
    if purpose in SYNC_PURPOSES and budget.purpose not in SYNC_PURPOSES:
        return budget.amount * budget.sync_share_percent // 100
    return budget.amount


def period_start(budget: Budget, at: datetime) -> datetime:
    """The beginning (UTC) of the budget's period in which `at` lies, in the budget's own zone."""
    if budget.period == BudgetPeriod.TOTAL or budget.is_rolling:
        return budget.created_at
    midnight = at.astimezone(clock.find_zone(budget.timezone)).replace(
        hour=0, minute=0, second=0, microsecond=0, fold=0
    )
    first = midnight.replace(day=1) if budget.period == BudgetPeriod.MONTH else midnight
    return first.astimezone(clock.UTC)


def period_end(budget: Budget, at: datetime) -> datetime:
    """When (UTC) the next period begins; NEVER for a budget in total, and for one that rolls."""
    if budget.period == BudgetPeriod.TOTAL or budget.is_rolling:
        return NEVER
    local = period_start(budget, at).astimezone(clock.find_zone(budget.timezone))
    days = 32 if budget.period == BudgetPeriod.MONTH else 1
    later = (
        (local.replace(tzinfo=None) + timedelta(days=days)).replace(day=1)
        if days > 1
        else local.replace(tzinfo=None) + timedelta(days=1)
    )
    return later.replace(tzinfo=local.tzinfo).astimezone(clock.UTC)


def add_use(current: Sequence[Budget], used: Sequence[BudgetCharge]) -> None:
    """Add charges (work, meter, units, micro, currency, at) to the uses of the budgets that cover them."""
    if not current:
        return
    payers = BudgetCoverage(current)
    alike: dict[tuple[object, ...], tuple[BudgetCharge, list[int]]] = {}  # of one second: a wave falls into few
    for one in used:
        work, meter, units, micro, currency, at = one
        key = (id(payers.of(work)), meter, currency, at.replace(microsecond=0))
        if (before := alike.get(key)) is None:
            alike[key] = one, [units, micro]
        else:
            before[1][0], before[1][1] = before[1][0] + units, before[1][1] + micro
    sums: dict[tuple[UUID, datetime], int] = defaultdict(int)
    for (work, meter, _, _, currency, at), (units, micro) in alike.values():
        for budget in payers.of(work):
            if amount := budget_units(budget, meter, units, micro, currency):
                sums[budget.id, period_start(budget, at)] += amount
    if not sums:
        return
    rows = sorted(sums)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO costs_budgetuse AS u (budget_id, begins_at, amount, told) "
            "SELECT b, at, amount, 0 FROM unnest(%s::uuid[], %s::timestamptz[], %s::bigint[]) AS v (b, at, amount) ORDER BY b, at "
            "ON CONFLICT (budget_id, begins_at) DO UPDATE SET amount = u.amount + excluded.amount RETURNING budget_id, begins_at, amount, told",
            [[str(b) for b, _ in rows], [at for _, at in rows], [sums[row] for row in rows]],
        )
        written = cursor.fetchall()
    by_id = {budget.id: budget for budget in current}
    for id_, begins_at, amount, told in written:
        _notify_thresholds(by_id[id_], begins_at, amount, told, used)


def _notify_thresholds(
    budget: Budget, begins_at: datetime, amount: int, told: int, used: Sequence[BudgetCharge]
) -> None:
    """Once when so much of it is used as its owners want to know of, and once when all of it is."""
    percent = amount * 100 // budget.amount if budget.amount else 100
    mark = 100 if percent >= 100 else budget.notify_at_percent if percent >= budget.notify_at_percent else 0
    if mark <= told or budget.is_rolling:  # it never resets: each hold notifies
        return
    BudgetUse.objects.filter(budget=budget, begins_at=begins_at).update(told=mark)
    workspace_id = budget.workspace_id or next(work.workspace_id for work, *_ in used if covers(budget, work))
    until = period_end(budget, begins_at)
    day = "–" if until == NEVER else until.astimezone(clock.find_zone(budget.timezone)).date().isoformat()
    notices.notify(
        "budget.near",
        workspace_id,
        gather=f"{budget.id} {begins_at.isoformat()} {mark}",
        once=True,
        page="/costs/budgets",
        budget=budget.name,
        percent=percent,
        until=day,
    )
