"""The month's forecast: what was spent, what is scheduled, what reading goes on to cost, and what if."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kicau.base import clock
from kicau.base.errors import ValidationFailed
from kicau.cost_reports import forecast, forecast_alerts, forecast_assumptions
from kicau.costs import actions as plans
from kicau.costs.models import Charge
from kicau.notifications.models import Notification
from kicau.publishing.content import compositions
from kicau.publishing.scheduling import schedule

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 16, 5, tzinfo=UTC)  # noon in Jakarta: 14.5 days are left of November there


def charged(workspace, at, micro, purpose):
    Charge.objects.create(
        at=at,
        workspace_id=workspace.id,
        network="stranger",
        meter="read",
        units=1,
        micro=micro,
        currency="USD",
        purpose=purpose,
    )


def test_the_month_is_what_was_spent_what_is_scheduled_and_what_reading_costs_by_habit(actor, workspace, channel):
    ana = channel("ana")
    with clock.freeze_clock(NOW):
        for day in range(14):  # $0.10 a day of reading, for fourteen days
            charged(workspace, NOW - timedelta(days=day, hours=1), 100_000, "numbers")
        for day in (1, 5, 20):  # one of them next month
            parts = (compositions.PartContent(text=f"kopi {day}"), compositions.PartContent(text="dan lagi"))
            draft = compositions.create_draft(actor, compositions.Composition(parts=parts, campaign="Senja"))
            schedule.schedule(actor, compositions.one_draft(actor, draft.id), [ana.key], NOW + timedelta(days=day))
        month = forecast.forecast(actor)
        [total] = month.total
        assert (total.spent, total.scheduled) == (1_400_000, 2 * 2 * 15_000)
        assert total.sync == 1_450_000  # 14.5 days x $0.10, always the same
        assert total.low == total.expected == 1_400_000 + 60_000 + 1_450_000
        assert [(f.scheduled, f.sync) for f in month.campaigns] == [(60_000, 0)]
        assert month.days[-1][1] == pytest.approx(total.expected, abs=100_000)
        half = forecast.forecast(
            actor, forecast_assumptions.ForecastAssumptions(sync=0.5, prices={"post": 30_000})
        ).total[0]
        assert (half.scheduled, half.sync) == (120_000, 725_000)
        small = plans.set_budget(actor, plans.BudgetValues(name="kecil", amount=2_000_000))
        large = plans.set_budget(actor, plans.BudgetValues(name="besar", amount=3_000_000))
        assert [b.name for b, _ in forecast_alerts.budgets_exceeded_by_forecast([small, large])] == ["kecil"]
        forecast_alerts.alert_on_forecast()
        forecast_alerts.alert_on_forecast()
        assert [n.details["budget"] for n in Notification.objects.filter(event="budget.forecast")] == [
            "kecil"
        ]  # told once


CONTRACT = """
[[list]]
name = "contract"
since = 2026-11-16
currency = "USD"
source = "our contract"
monthly = 50_000_000

[list.prices]
post = 1_000
read = 2_000
"""


def test_what_if_reckons_the_habit_and_a_plans_fee_anew(actor, owner, workspace, channel):
    channel("ana")
    with clock.freeze_clock(NOW):
        plans.add_price_list(actor, "stranger", CONTRACT)
        for day in range(14):  # ten readings a day at $0.01, and two posts at $0.015
            Charge.objects.create(
                at=NOW - timedelta(days=day, hours=1),
                workspace_id=workspace.id,
                network="stranger",
                meter="read",
                units=10,
                micro=100_000,
                currency="USD",
                purpose="numbers",
            )
            Charge.objects.create(
                at=NOW - timedelta(days=day, hours=1),
                workspace_id=workspace.id,
                network="stranger",
                meter="post",
                units=2,
                micro=30_000,
                currency="USD",
                purpose="publish",
            )
        as_it_goes = forecast.forecast(actor).total[0]
        assert (as_it_goes.sync, as_it_goes.fee) == (1_450_000, 0)
        assert as_it_goes.high == as_it_goes.expected + 435_000  # posting as it did, on an empty calendar
        dearer = forecast.forecast(
            actor, forecast_assumptions.ForecastAssumptions(prices={"read": 30_000, "post": 45_000})
        ).total[0]
        assert (dearer.spent, dearer.sync) == (as_it_goes.spent, 3 * 1_450_000)
        assert dearer.high == dearer.expected + 3 * 435_000
        contract = forecast.forecast(actor, forecast_assumptions.ForecastAssumptions(plan="contract")).total[0]
        assert (contract.sync, contract.fee) == (290_000, 50_000_000)
        assert contract.expected == contract.spent + 290_000 + 50_000_000
        assert contract.low == contract.expected
        assert contract.high == contract.expected + 29_000
        for wrong, said in (
            (
                forecast_assumptions.ForecastAssumptions(plan="contrat"),
                "Kicau has no price list named contrat that applies now. Available price lists: contract",
            ),
            (forecast_assumptions.ForecastAssumptions(prices={"pots": 1}), "pots. Available units: "),
            (forecast_assumptions.ForecastAssumptions(sync=-1), "0 to 100 times as often"),
            (forecast_assumptions.ForecastAssumptions(sync=float("nan")), "0 to 100 times as often"),
        ):
            with pytest.raises(ValidationFailed, match=said):
                forecast.forecast(actor, wrong)
