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
from kicau.base.money import shown
from kicau.base.sentences import Sentence
from kicau.connector import errors
from kicau.connector.content import Charge as Used
from kicau.connector.transport.http import Call
from kicau.costs import budgets, ledger, reservations
from kicau.costs.models import Budget
from kicau.costs.pricing import list_on, price_all
from kicau.costs.reservations import Ask, Short

ACT = timedelta(minutes=2)  # after which what somebody's act set aside is free again, whatever became of it


@dataclass(slots=True, kw_only=True)
class Purse:
    """What one step may use up, in units: purpose, meter. Meters that cost nothing and have no budget are not asked for."""

    metered: frozenset[str]
    left: dict[str, dict[str, int]] = field(default_factory=dict)

    def take(self, purpose: str, used: Used) -> None:
        """Raises NotReserved, before anything is sent."""
        if used.meter not in self.metered or not used.units:
            return
        pool = self.left.setdefault(purpose, {})
        if pool.get(used.meter, 0) < used.units:
            raise NotReserved(purpose, used)
        pool[used.meter] -= used.units

    def put(self, purpose: str, used: Used) -> None:
        """It was set aside."""
        pool = self.left.setdefault(purpose, {})
        pool[used.meter] = pool.get(used.meter, 0) + used.units


class NotReserved(errors.Unavailable):
    """Nothing was sent: it would cost more than was set aside for it, so more is asked for first."""

    def __init__(self, purpose: str, used: Used) -> None:
        self.purpose, self.used = purpose, used
        super().__init__(f"{used.units} {used.meter} had not been set aside")


class NoRoom(Conflict):
    """A hard budget has no room for what somebody's act, or one of ours, would use up; that call was not made."""

    def __init__(self, short: Short, label: str) -> None:
        self.short, self.figures = short, _figures(short, label)
        self.sentence = _no_room(short, self.figures)
        super().__init__(self.sentence)

    @property
    def again_at(self) -> datetime:
        """When (UTC) there is room again by itself; `budgets.NEVER` where only a person can help."""
        return self.short.renews_at


def metered(mine: ledger.Work, hard: Iterable[Budget]) -> frozenset[str]:
    """The meters that cost money on the work's plan, or have a budget."""
    listed = list_on(mine.network, clock.now().date(), mine.plan)
    priced = {meter for meter, micro in listed.prices.items() if micro} if listed else set()
    return frozenset(priced | {meter for b in hard for meter in b.meters})


@transaction.atomic
def purse_for(mine: ledger.Work) -> Purse:
    """Empty: what costs money or has a hard budget is asked for when it is needed."""
    return Purse(metered=metered(mine, [b for b in budgets.current() if b.is_hard]))


@transaction.atomic
def ask(asks: Sequence[Ask]) -> dict[UUID, Short]:
    """Set aside what hard budgets have room for, and what none holds: a budget that is made in this moment sees what is
    under way. What does not fit, by holder."""
    current = budgets.current()
    hard = budgets.Coverage([b for b in current if b.is_hard])
    covered = [one for one in asks if hard.of(one.work)]
    refused = reservations.reserve(current, covered) if covered else {}
    reservations.set_aside([one for one in asks if not hard.of(one.work)])
    return refused


def set_aside(mine: ledger.Work, purse: Purse, wanted: Iterable[Used], label: str) -> None:
    """For an act that is over in two minutes; all of it or nothing. Raises NoRoom, before anything is sent."""
    some = [one for one in wanted if one.meter in purse.metered and one.units]
    if not some:
        return
    priced = price_all(mine.network, some, plan=mine.plan)
    if short := next(iter(ask([Ask(work=mine, priced=priced, until=clock.now() + ACT)]).values()), None):
        raise NoRoom(short, label)
    for one in some:
        purse.put(mine.purpose, one)


def payer(
    mine: ledger.Work, purse: Purse, label: str, *, times: Callable[[], int] = lambda: 1
) -> Callable[[Used], Awaitable[None]]:
    """For `Http.pay`: what a call lacks is set aside just before it is made, so that nothing is asked twice; so many
    `times` as the same call is still to come, all or nothing."""

    async def pay(used: Used) -> None:
        try:
            purse.take(mine.purpose, used)
        except NotReserved as lacks:
            wanted = replace(lacks.used, units=lacks.used.units * times())
            await sync_to_async(set_aside)(mine, purse, [wanted], label)
            purse.take(mine.purpose, used)

    return pay


@transaction.atomic
def account(mine: ledger.Work, calls: Sequence[Call]) -> None:
    """Write down what an act used up, and free what it had set aside."""
    assert mine.holder is not None
    ledger.write(ledger.entries(mine, calls), freed=frozenset({mine.holder}))


def _figures(short: Short, label: str) -> dict[str, str]:
    """For sentences: the `budget`, its `limit`, what is `left` and `wanted` of it, and the `network`."""
    budget = short.budget
    if budget.meter:
        meters = " + ".join(budget.meter.split())
        limit, left, wanted = f"{budget.amount} {meters}", f"{short.left} {meters}", str(short.wanted)
    else:
        limit, left, wanted = (shown(n, budget.currency) for n in (budget.amount, short.left, short.wanted))
    return {"budget": budget.name, "limit": limit, "left": left, "wanted": wanted, "network": label}


def _no_room(short: Short, params: dict[str, str]) -> Sentence:
    if short.budget.cap:
        return Sentence(
            "The plan for {network} allows {limit} and has no room for this, so nothing was sent: {left} are left, and this needs {wanted}. There is room again at {at}, or on a larger plan.",
            **params,
            at=short.renews_at,
        )
    if short.renews_at == budgets.NEVER:
        return Sentence(
            "The budget “{budget}” of {limit} has no room for this on {network}, so nothing was sent: {left} are left, and this needs {wanted}. Raise the budget, then try again.",
            **params,
        )
    return Sentence(
        "The budget “{budget}” of {limit} has no room for this on {network}, so nothing was sent: {left} are left, and this needs {wanted}. Raise the budget, or try again when it begins anew at {at}.",
        **params,
        at=short.renews_at,
    )
