"""Budgets that are nearly or wholly used up in their present period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kicau.base import clock
from kicau.connector import registry
from kicau.costs import budgets
from kicau.costs.models import ROLLING_PERIODS, Budget, BudgetUse
from kicau.notifications.trouble_watch import DetectedIncident


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUsage:
    """A budget and how much of it is used: both in micro-units of its currency, or units of its meter."""

    budget: Budget
    used: int

    @property
    def percent(self) -> int:
        return self.used * 100 // self.budget.amount if self.budget.amount > 0 else 100


def budget_usages() -> list[BudgetUsage]:
    """Every budget in force, in its present period; of all workspaces, for those who host the instance."""
    now = clock.now()
    current = list(
        Budget.objects.filter(is_active=True).exclude(period__in=ROLLING_PERIODS).select_related("workspace")
    )
    begins = {row.id: budgets.period_start(row, now) for row in current}
    uses = BudgetUse.objects.filter(budget__in=current, begins_at__in=set(begins.values()))
    used = {(use.budget_id, use.begins_at): use.amount for use in uses}
    return [BudgetUsage(budget=row, used=used.get((row.id, begins[row.id]), 0)) for row in current]


def detect_incidents() -> Iterator[DetectedIncident]:
    """Budgets that have come to where people are told, for `kicau.notifications.trouble_watch`."""
    for one in budget_usages():
        if one.percent >= one.budget.notify_at_percent:
            yield DetectedIncident(
                key=f"budget:{one.budget.id}",
                kind="budget",
                details={"budget": one.budget.name, "where": _budget_owner(one.budget), "percent": one.percent},
            )


def _budget_owner(budget: Budget) -> str:
    """Whose it is, for whoever hosts many workspaces: its workspace, or the network of its app."""
    if budget.workspace is not None:
        return budget.workspace.name
    return (
        registry.get_connector(budget.network).label if budget.network in registry.installed_slugs() else budget.network
    )
