"""What one piece of work may use up: set aside before each call that costs or is held, and accounted for when it is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction

from kicau.base import clock
from kicau.base.errors import Conflict
from kicau.base.money import format_money
from kicau.base.sentences import Sentence
from kicau.connector import errors
from kicau.connector.content import Charge as Used
from kicau.connector.transport.http import CallRecord
from kicau.costs import budgets, ledger, reservations
from kicau.costs.models import Budget
from kicau.costs.pricing import price_charges, price_list_for_day
from kicau.costs.reservations import BudgetShortfall, ReservationRequest

ACTION_RESERVATION_LIFETIME = timedelta(
    minutes=2
)  # after which what somebody's act set aside is free again, whatever became of it


@dataclass(slots=True, kw_only=True)
class CallBudget:
    """What one step may use up, in units: purpose, meter. Meters that cost nothing and have no budget are not asked for."""

    metered: frozenset[str]
    left: dict[str, dict[str, int]] = field(default_factory=dict)

    def take(self, purpose: str, used: Used) -> None:
        """Raises ReservationMissing, before anything is sent."""
        if used.meter not in self.metered or not used.units:
            return
        pool = self.left.setdefault(purpose, {})
        if pool.get(used.meter, 0) < used.units:
            raise ReservationMissing(purpose, used)
        pool[used.meter] -= used.units

    def put(self, purpose: str, used: Used) -> None:
        """It was set aside."""
        pool = self.left.setdefault(purpose, {})
        pool[used.meter] = pool.get(used.meter, 0) + used.units


class ReservationMissing(errors.Unavailable):
    """Nothing was sent: it would cost more than was set aside for it, so more is asked for first."""

    def __init__(self, purpose: str, used: Used) -> None:
        self.purpose, self.used = purpose, used
        super().__init__(f"{used.units} {used.meter} had not been set aside")


class BudgetExceeded(Conflict):
    """A hard budget has no room for what somebody's act, or one of ours, would use up; that call was not made."""

    def __init__(self, short: BudgetShortfall, label: str) -> None:
        self.short, self.figures = short, _budget_params(short, label)
        self.sentence = _budget_exceeded_sentence(short, self.figures)
        super().__init__(self.sentence)

    @property
    def again_at(self) -> datetime:
        """When (UTC) there is room again by itself; `budgets.NEVER` where only a person can help."""
        return self.short.renews_at


def metered_meters(mine: ledger.ChargeContext, hard: Iterable[Budget]) -> frozenset[str]:
    """The meters that cost money on the work's plan, or have a budget."""
    listed = price_list_for_day(mine.network, clock.now().date(), mine.plan)
    priced = {meter for meter, micro in listed.prices.items() if micro} if listed else set()
    return frozenset(priced | {meter for b in hard for meter in b.meters})


@transaction.atomic
def new_call_budget(mine: ledger.ChargeContext) -> CallBudget:
    """Empty: what costs money or has a hard budget is asked for when it is needed."""
    return CallBudget(metered=metered_meters(mine, [b for b in budgets.active_budgets() if b.is_hard]))


@transaction.atomic
def request_reservations(asks: Sequence[ReservationRequest]) -> dict[UUID, BudgetShortfall]:
    """Set aside what hard budgets have room for, and what none holds: a budget that is made in this moment sees what is
    under way. What does not fit, by holder."""
    current = budgets.active_budgets()
    hard = budgets.BudgetCoverage([b for b in current if b.is_hard])
    covered = [one for one in asks if hard.of(one.work)]
    refused = reservations.reserve(current, covered) if covered else {}
    reservations.store_reservations([one for one in asks if not hard.of(one.work)])
    return refused


def reserve_for_action(mine: ledger.ChargeContext, purse: CallBudget, wanted: Iterable[Used], label: str) -> None:
    """For an act that is over in two minutes; all of it or nothing. Raises BudgetExceeded, before anything is sent."""
    some = [one for one in wanted if one.meter in purse.metered and one.units]
    if not some:
        return
    priced = price_charges(mine.network, some, plan=mine.plan)
    if short := next(
        iter(
            request_reservations(
                [ReservationRequest(work=mine, priced=priced, until=clock.now() + ACTION_RESERVATION_LIFETIME)]
            ).values()
        ),
        None,
    ):
        raise BudgetExceeded(short, label)
    for one in some:
        purse.put(mine.purpose, one)


def call_payer(
    mine: ledger.ChargeContext, purse: CallBudget, label: str, *, times: Callable[[], int] = lambda: 1
) -> Callable[[Used], Awaitable[None]]:
    """For `Http.pay`: what a call lacks is set aside just before it is made, so that nothing is asked twice; so many
    `times` as the same call is still to come, all or nothing."""

    async def pay(used: Used) -> None:
        try:
            purse.take(mine.purpose, used)
        except ReservationMissing as lacks:
            wanted = replace(lacks.used, units=lacks.used.units * times())
            await sync_to_async(reserve_for_action)(mine, purse, [wanted], label)
            purse.take(mine.purpose, used)

    return pay


@transaction.atomic
def record_calls(mine: ledger.ChargeContext, calls: Sequence[CallRecord]) -> None:
    """Write down what an act used up, and free what it had set aside."""
    assert mine.holder is not None
    ledger.write_entries(ledger.ledger_entries(mine, calls), freed=frozenset({mine.holder}))


def _budget_params(short: BudgetShortfall, label: str) -> dict[str, str]:
    """For sentences: the `budget`, its `limit`, what is `left` and `wanted` of it, and the `network`."""
    budget = short.budget
    if budget.meter:
        meters = " + ".join(budget.meter.split())
        limit, left, wanted = f"{budget.amount} {meters}", f"{short.left} {meters}", str(short.wanted)
    else:
        limit, left, wanted = (format_money(n, budget.currency) for n in (budget.amount, short.left, short.wanted))
    return {"budget": budget.name, "limit": limit, "left": left, "wanted": wanted, "network": label}


def _budget_exceeded_sentence(short: BudgetShortfall, params: dict[str, str]) -> Sentence:
    if short.budget.cap:
        return Sentence(
            "Kicau sent no request: your {network} plan allows {limit} and has {left} left, but the request needs {wanted}. Try again at {at}, or switch to a larger plan at the network.",
            **params,
            at=short.renews_at,
        )
    if short.renews_at == budgets.NEVER:
        return Sentence(
            "Kicau sent no request to {network}: the budget “{budget}” has {left} of {limit} left, but the request needs {wanted}. Raise the budget, then try again.",
            **params,
        )
    return Sentence(
        "Kicau sent no request to {network}: the budget “{budget}” has {left} of {limit} left, but the request needs {wanted}. Raise the budget, or try again after it resets at {at}.",
        **params,
        at=short.renews_at,
    )
