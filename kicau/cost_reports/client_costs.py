"""What each client cost, for an agency that has a workspace for each: its months, forecast and budgets side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from kicau.base import clock
from kicau.base.money import format_money
from kicau.cost_reports import cost_statements
from kicau.cost_reports import forecast as cost_reports_forecast
from kicau.cost_reports.cost_statements import CurrencyTotals
from kicau.cost_reports.forecast import CurrencyMonthForecast
from kicau.costs import actions as plans
from kicau.costs.actions import BudgetBalance
from kicau.costs.display_currency import CurrencyDisplay, currency_displays
from kicau.costs.models import BudgetPeriod
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.api_tokens import usable_memberships
from kicau.workspaces.models import Workspace

CLIENT_CSV_COLUMNS = (
    "workspace",
    "workspace_id",
    "month",
    "timezone",
    "currency",
    "micro",
    "shown_micro",
    "shown_in",
    "rate",
    "rate_since",
    "before_micro",
    "expected_micro",
    "low_micro",
    "high_micro",
    "budgets",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMonth:
    """One workspace's month, in its own zone. Amounts are micro-units of the currency that is charged."""

    workspace: Workspace
    begins_at: datetime  # UTC, as is the next
    ends_at: datetime
    totals: CurrencyTotals
    before: CurrencyTotals  # of the month before it
    forecast: tuple[CurrencyMonthForecast, ...]  # by currency; empty where the month is not the present one
    budgets: tuple[
        BudgetBalance, ...
    ]  # the workspace's own, as they are now; empty where the month is not the present one
    display: CurrencyDisplay  # into the currency that its costs are shown in, by the rates of the month's last day, or today's

    @property
    def month(self) -> str:
        return f"{self.begins_at.astimezone(clock.find_zone(self.workspace.timezone)):%Y-%m}"

    @property
    def lines(self) -> tuple[ClientCostLine, ...]:
        """A line for each currency, the dearest first."""
        spent, before, ahead = dict(self.totals), dict(self.before), {f.currency: f for f in self.forecast}
        names = dict.fromkeys(c for c in (*spent, *ahead, *before) if c)
        return tuple(
            ClientCostLine(currency=c, micro=spent.get(c, 0), before=before.get(c, 0), forecast=ahead.get(c))
            for c in names
        )

    def passed(self) -> list[BudgetBalance]:
        """The budgets for all that it does in a month which its forecast passes."""
        expected = {f.currency: f.expected for f in self.forecast}
        return [
            s for s in self.budgets if _covers_workspace(s) and expected.get(s.budget.currency, 0) > s.budget.amount
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCostLine:
    """A client's month in one currency, in micro-units."""

    currency: str
    micro: int
    before: int
    forecast: CurrencyMonthForecast | None


def client_costs(actor: Actor, written: str = "") -> list[ClientMonth]:
    """The month "2026-11" (the present one for "") of every workspace that the actor may act in and whose costs they may
    see, by name; never any other. A token of one workspace tells of that one. The statements that it takes are as many as
    there are time zones among them, not workspaces. Raises NotAllowed, ValidationFailed."""
    actor.require(Permission.READ)
    theirs = [replace(actor, workspace=m.workspace, role=m.role) for m in usable_memberships(actor)]
    theirs = [one for one in theirs if one.may(Permission.READ)]
    months = {one.workspace.id: cost_statements.parse_month(written, one.workspace.timezone) for one in theirs}
    present = [one for one in theirs if months[one.workspace.id][0] <= clock.now() < months[one.workspace.id][1]]
    spent, ahead = cost_statements.spent_by_workspace(theirs, written), cost_reports_forecast.forecast_totals(present)
    budgets: dict[UUID | None, list[BudgetBalance]] = defaultdict(list)
    for state in plans.budget_balances(list(plans.workspace_budgets(present))):
        budgets[state.budget.workspace_id].append(state)
    shown_in = currency_displays(one.workspace.currency for one in theirs)
    rows = []
    for workspace in (one.workspace for one in theirs):
        begins, ends = months[workspace.id]
        totals, before = spent[workspace.id]
        rows.append(
            ClientMonth(
                workspace=workspace,
                begins_at=begins,
                ends_at=ends,
                totals=totals,
                before=before,
                forecast=tuple(f for f in ahead.get(workspace.id, ()) if f.currency),
                budgets=tuple(budgets[workspace.id]),
                display=shown_in[workspace.currency].by(ends),
            )
        )
    return sorted(rows, key=lambda row: (row.workspace.name.casefold(), str(row.workspace.id)))


def _covers_workspace(state: BudgetBalance) -> bool:
    b = state.budget
    return b.period == BudgetPeriod.MONTH and not (b.channel_id or b.campaign_id or b.network or b.purpose or b.meter)


def total_costs(rows: Iterable[ClientMonth]) -> CurrencyTotals:
    """All of them together, by the currency that is charged."""
    found: dict[str, int] = {}
    for row in rows:
        for currency, micro in row.totals:
            found[currency] = found.get(currency, 0) + micro
    return tuple(sorted(found.items(), key=lambda one: -one[1]))


def client_costs_csv(rows: Sequence[ClientMonth]) -> Iterator[str]:
    """A line for each client and currency; one without costs has a line too. Names that a spreadsheet would run are
    quoted."""
    yield cost_statements.csv_line(CLIENT_CSV_COLUMNS)
    for row in rows:
        display, budgets = row.display, "; ".join(_format_budget(s) for s in row.budgets)
        for line in row.lines or (ClientCostLine(currency="", micro=0, before=0, forecast=None),):
            worth, ahead = display.of(line.micro, line.currency), line.forecast
            yield cost_statements.csv_line(
                (
                    row.workspace.name,
                    row.workspace.id,
                    row.month,
                    row.workspace.timezone,
                    line.currency,
                    line.micro,
                    *(
                        (worth.micro, worth.currency, f"{worth.rate.normalize():f}", worth.since.isoformat())
                        if worth
                        else ("", "", "", "")
                    ),
                    line.before,
                    *((ahead.expected, ahead.low, ahead.high) if ahead else ("", "", "")),
                    budgets,
                )
            )


def _format_budget(state: BudgetBalance) -> str:
    b = state.budget
    used, amount = (
        (str(state.used), f"{b.amount} {b.meter}")
        if b.meter
        else (format_money(state.used, b.currency), format_money(b.amount, b.currency))
    )
    return f"{b.name}: {used} of {amount}"
