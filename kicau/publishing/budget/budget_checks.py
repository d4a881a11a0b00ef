"""What deliveries may spend: set aside when they are claimed, accounted for when they report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from itertools import starmap
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Sum

from kicau.base import clock
from kicau.base.ids import new_id
from kicau.base.money import format_money
from kicau.channels.models import Channel
from kicau.connector import errors, registry
from kicau.connector.content import Charge as Used
from kicau.connector.content import Problem
from kicau.costs import budgets, ledger, reservations
from kicau.costs.call_budgets import CallBudget, ReservationMissing, metered_meters
from kicau.costs.models import Budget, BudgetPeriod, Charge, Purpose
from kicau.costs.pricing import PricedCharge, meters_missing_from_plan, price_charges, price_list_for_day
from kicau.costs.reservations import BudgetShortfall, ReservationRequest

if TYPE_CHECKING:
    from kicau.publishing.delivery.outcomes import ClaimedDelivery, StepOutcome
    from kicau.publishing.models import Delivery
    from kicau.workspaces.actors import Actor


MISSING_FROM_PLAN_CODE = "not-on-plan"  # the problem of what the app's plan does not have at all


class MissingFromPlan(errors.PlanExceeded):
    """Nothing was sent: since it was planned, the app's plan has come to lack what it needs."""

    def __init__(self, plan: str, label: str, meter: str) -> None:
        self.problem = Problem(
            code=MISSING_FROM_PLAN_CODE,
            message="Your plan {plan} for {network} does not include the API usage “{meter}”, which this post needs. Kicau publishes the post when you switch to a plan that includes it. You can also cancel the post.",
            params={"plan": plan, "network": label, "meter": meter},
        )
        super().__init__(meter)


def check_plans(items: Sequence[ClaimedDelivery], channels: Mapping[UUID, Channel]) -> None:
    """Note what of claimed deliveries' foretold charges their apps' plans do not have."""
    for item in items:
        plan, missing = meters_missing_from_plan(
            item.group, channels[item.lane].app.plan, item.rendered.get("charges") or ()
        )
        if missing:
            label = registry.get_connector(item.group).label
            item.missing = {meter: MissingFromPlan(plan, label, meter) for meter in missing}


def charge_context(item: ClaimedDelivery, channel: Channel, purpose: str) -> ledger.ChargeContext:
    return ledger.ChargeContext(
        workspace_id=item.workspace_id,
        network=item.group,
        purpose=purpose,
        app_id=channel.app_id,
        plan=channel.app.plan,
        channel_id=channel.id,
        campaign_id=item.campaign_id,
        person_id=item.person_id,
        delivery_id=item.id,
        holder=item.id,
    )


def charge_context_of(row: Delivery) -> ledger.ChargeContext:
    """The same for a row that nobody has claimed, with its channel, app and draft at hand."""
    return ledger.ChargeContext(
        workspace_id=row.workspace_id,
        network=row.network,
        purpose=Purpose.PUBLISH,
        app_id=row.channel.app_id,
        plan=row.channel.app.plan,
        channel_id=row.channel_id,
        campaign_id=row.draft.campaign_id,
        person_id=row.draft.author_id,
        delivery_id=row.id,
        holder=row.id,
    )


def charge_context_for_actor(actor: Actor, row: Delivery, purpose: str) -> ledger.ChargeContext:
    """Somebody's own act for what was published: theirs, whoever wrote the post, and set aside for as such."""
    return replace(charge_context_of(row), purpose=purpose, person_id=actor.person_id, holder=new_id())


def reserve_budgets(
    items: Sequence[ClaimedDelivery], channels: Mapping[UUID, Channel], current: Sequence[Budget]
) -> None:
    """Set aside what claimed deliveries will use up, in the order in which they are due, in the claim's transaction.

    `current` are all budgets in force. Each that a hard budget covers is given its purse, and the budget where it does not fit into it.
    """
    hard = [b for b in current if b.is_hard]
    if not hard or not items:
        return
    covered = _covered_by_hard_budgets(items, channels, hard)
    _charge_lost_lookups([(i, mine) for i, mine in covered if i.died])
    held = reservations.reserved_units(i.id for i, _ in covered)
    spent = spent_units([i.id for i, _ in covered if i.steps or i.broken_at])
    meters: dict[tuple[str, str], frozenset[str]] = {}
    prices: dict[tuple[object, ...], tuple[PricedCharge, ...]] = {}  # most ask for the very same
    asks: dict[UUID, ReservationRequest] = {}
    for item, mine in covered:
        key = (mine.network, mine.plan)
        if key not in meters:
            meters[key] = metered_meters(mine, hard)
        item.purse = CallBudget(metered=meters[key], left=held.get(item.id, {}) if held else {})
        if Purpose.PUBLISH not in item.purse.left:
            ahead = remaining_units(item.rendered, spent.get(item.id) if spent else None, meters[key])
            if ahead:
                alike = (*key, *ahead.items())
                if alike not in prices:
                    prices[alike] = price_charges(mine.network, starmap(Used, ahead.items()), plan=mine.plan)
                asks[item.id] = ReservationRequest(work=mine, priced=prices[alike])
                item.purse.left[Purpose.PUBLISH] = ahead
    refused = reservations.reserve(current, list(asks.values()), first=True) if asks else {}
    if refused:
        for item, _ in covered:
            item.short = refused.get(item.id)


def _covered_by_hard_budgets(
    items: Sequence[ClaimedDelivery], channels: Mapping[UUID, Channel], hard: Sequence[Budget]
) -> list[tuple[ClaimedDelivery, ledger.ChargeContext]]:
    """Also where a budget is for looking up only: that may be what comes next."""
    payers, found = budgets.BudgetCoverage(hard), []
    for item in items:
        mine = item.work = charge_context(item, channels[item.lane], Purpose.PUBLISH)
        if payers.of(mine) or payers.of(replace(mine, purpose=Purpose.FIND)):
            found.append((item, mine))
    return found


def _charge_lost_lookups(died: Sequence[tuple[ClaimedDelivery, ledger.ChargeContext]]) -> None:
    """A worker that died may have spent what was set aside for looking up, and nothing tells: it counts as spent. What a
    network bills once a day needs no such care: the same look-up, taken again, shows it."""
    held = reservations.reserved_units(i.id for i, _ in died) if died else {}
    lost = []
    for item, publishing in died:
        mine = replace(publishing, purpose=Purpose.FIND)
        once_a_day = daily_billed_meters(mine)
        for meter, units in held.get(item.id, {}).get(Purpose.FIND, {}).items():
            if units and meter not in once_a_day:
                lost.append(ledger.LedgerEntry(work=mine, at=item.begun_at, used=Used(meter, units), is_certain=False))
    ledger.write_entries(lost)


def daily_billed_meters(mine: ledger.ChargeContext) -> frozenset[str]:
    """Meters of which what is read is billed once a UTC day, whoever reads it and however often."""
    listed = price_list_for_day(mine.network, clock.now().date(), mine.plan)
    return listed.daily if listed else frozenset()


def _unproven_charges(o: StepOutcome, mine: ledger.ChargeContext) -> list[ledger.LedgerEntry]:
    """A worker died in a step of which a look-up shows nothing (an alt text, say): the dearest such call counts as made."""
    if not (o.item.died and o.did == "find" and o.outcome == "not-found" and o.item.purse is not None):
        return []
    left = o.item.purse.left.get(Purpose.PUBLISH, {})
    meters = {
        one["meter"] for one in o.item.rendered.get("charges") or () if not one.get("proven") and left.get(one["meter"])
    }
    priced = sorted(
        price_charges(mine.network, [Used(meter) for meter in meters], plan=mine.plan), key=lambda p: p.micro
    )
    return [
        ledger.LedgerEntry(
            work=replace(mine, purpose=Purpose.PUBLISH), at=o.item.begun_at, used=Used(p.meter), is_certain=False
        )
        for p in priced[-1:]
    ]


def spent_units(ids: Sequence[UUID]) -> dict[UUID, Counter[str]]:
    found: dict[UUID, Counter[str]] = {}
    if not ids:
        return found
    rows = Charge.objects.filter(delivery_id__in=ids, purpose=Purpose.PUBLISH).values("delivery_id", "meter")
    for id_, meter, total in rows.annotate(total=Sum("units")).values_list("delivery_id", "meter", "total"):
        assert id_ is not None
        found.setdefault(id_, Counter())[meter] = total
    return found


def remaining_units(rendered: Any, spent: Mapping[str, int] | None, metered: Container[str]) -> dict[str, int]:
    """What of a delivery's foretold charges is still to be made: units by meter."""
    foretold: dict[str, int] = {}
    for one in rendered.get("charges") or ():
        if one["meter"] in metered:
            foretold[one["meter"]] = foretold.get(one["meter"], 0) + one.get("units", 1)
    return {meter: left for meter, units in foretold.items() if (left := units - (spent or {}).get(meter, 0)) > 0}


def reserve_shortfalls(
    outcomes: Sequence[StepOutcome],
    channels: Mapping[UUID, Channel],
    hold: Callable[[StepOutcome, BudgetShortfall], None],
) -> None:
    """Set aside what steps found that they lack, in the transaction that settles them; `hold` what does not fit."""
    asks = []
    for o in outcomes:
        if o.lacks is None:
            continue
        mine = charge_context(o.item, channels[o.item.lane], o.lacks.purpose)
        asks.append(ReservationRequest(work=mine, priced=price_charges(mine.network, [o.lacks.used], plan=mine.plan)))
    if asks:
        refused = reservations.reserve(budgets.active_budgets(), asks)
        for o in outcomes:
            if o.item.id in refused:
                hold(o, refused[o.item.id])


def record_charges(outcomes: Sequence[StepOutcome], channels: Mapping[UUID, Channel]) -> None:
    """Write down what steps used up, and free what those that are over had set aside."""
    found: list[ledger.LedgerEntry] = []
    for o in outcomes:
        mine = o.item.work or charge_context(o.item, channels[o.item.lane], Purpose.PUBLISH)
        if o.did == "find":
            mine = replace(mine, purpose=Purpose.FIND)
            found += _unproven_charges(o, mine)
        found += ledger.ledger_entries(mine, o.calls, spent=o.spent, spent_at=o.item.broken_at or o.item.begun_at)
    purses = [o for o in outcomes if o.item.purse is not None or o.item.short is not None]
    over = [o.item.id for o in purses if o.state not in ("publishing", "unknown") and o.broken_at is None]
    ledger.write_entries(found, freed=frozenset(over))
    looked_up = [o.item.id for o in purses if o.did == "find" and o.broken_at is None and o.state == "publishing"]
    if looked_up:
        reservations.release_reservations(looked_up, purpose=Purpose.FIND)


def budget_problem(short: BudgetShortfall, label: str, lacks: ReservationMissing | None = None) -> Problem:
    """Why it is held, and what to do; `lacks` is kept with it where it was held in the middle of its way."""
    budget = short.budget
    if budget.cap:
        return _plan_quota_problem(short, label, lacks)
    if budget.meter:
        left, wanted = f"{short.left} {' + '.join(budget.meter.split())}", f"{short.wanted}"
    else:
        left, wanted = format_money(short.left, budget.currency), format_money(short.wanted, budget.currency)
    zone = clock.find_zone(budget.timezone)
    message = "The budget “{budget}” has {left} left, but publishing this post on {network} needs {wanted}. Kicau publishes the post when you raise the budget. You can also cancel the post."
    params: dict[str, str | int | float] = {"budget": budget.name, "left": left, "wanted": wanted, "network": label}
    params |= _missing_reservation_params(lacks)
    if short.renews_at != budgets.NEVER:
        message = "The budget “{budget}” has {left} left, but publishing this post on {network} needs {wanted}. Kicau publishes the post when the budget resets on {when}, or sooner if you raise the budget. You can also cancel the post."
        params["when"] = f"{short.renews_at.astimezone(zone):%Y-%m-%d at %H:%M} ({budget.timezone})"
    return Problem(code="over-budget", message=message, params=params)


def _plan_quota_problem(short: BudgetShortfall, label: str, lacks: ReservationMissing | None) -> Problem:
    """The same for a cap of a network's plan."""
    budget = short.budget
    if budget.period == BudgetPeriod.MINUTES:
        message = "{network} allows {all} in 5 minutes and {left} are left, but this post needs {wanted}. Kicau publishes the post when enough is available again, probably on {when}. You can also cancel the post."
    elif budget.period == BudgetPeriod.HOUR:
        message = "{network} allows {all} in an hour and {left} are left, but this post needs {wanted}. Kicau publishes the post when enough is available again, probably on {when}. With a larger plan at the network, Kicau can publish it sooner. You can also cancel the post."
    elif budget.period == BudgetPeriod.LAST_DAY:
        message = "{network} allows {all} in 24 hours and {left} are left, but this post needs {wanted}. Kicau publishes the post when enough is available again, probably on {when}. With a larger plan at the network, Kicau can publish it sooner. You can also cancel the post."
    elif budget.period == BudgetPeriod.DAY:
        message = "Your {network} plan allows {all} a day and has {left} left, but this post needs {wanted}. Kicau publishes the post when the daily limit resets on {when}, or sooner if you switch to a larger plan. You can also cancel the post."
    else:
        message = "Your {network} plan allows {all} a month and has {left} left, but this post needs {wanted}. Kicau publishes the post when the monthly limit resets on {when}, or sooner if you switch to a larger plan. You can also cancel the post."
    params: dict[str, str | int | float] = {
        "network": label,
        "all": budget.amount,
        "left": f"{short.left} {' + '.join(budget.meter.split())}",
        "wanted": short.wanted,
        "when": f"{short.renews_at:%Y-%m-%d at %H:%M} UTC",
    }
    return Problem(code="over-budget", message=message, params=params | _missing_reservation_params(lacks))


def _missing_reservation_params(lacks: ReservationMissing | None) -> dict[str, str | int | float]:
    """What it was held for in the middle of its way."""
    if lacks is None:
        return {}
    return {"purpose": lacks.purpose, "meter": lacks.used.meter, "units": lacks.used.units}
