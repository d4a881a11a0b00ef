"""The month's forecast: what was spent, what is scheduled, what reading goes on to cost, and what if."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kicau.base import clock
from kicau.notices.models import Notice
from kicau.plans import acts as plans
from kicau.plans.models import Charge
from kicau.publishing import compose, forecasting, schedule

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 16, 5, tzinfo=UTC)  # noon in Jakarta: 14.5 days are left of November there


def charged(workspace, at, micro, purpose):
    Charge.objects.create(at=at, workspace_id=workspace.id, network="stranger", meter="read", units=1, micro=micro, currency="USD", purpose=purpose)  # fmt: skip


def test_the_month_is_what_was_spent_what_is_scheduled_and_what_reading_costs_by_habit(actor, workspace, channel):
    ana = channel("ana")
    with clock.frozen(NOW):
        for day in range(14):  # $0.10 a day of reading, for fourteen days
            charged(workspace, NOW - timedelta(days=day, hours=1), 100_000, "numbers")
        for day in (1, 5, 20):  # one of them next month
            parts = (compose.PartInput(text=f"kopi {day}"), compose.PartInput(text="dan lagi"))
            draft = compose.create_draft(actor, compose.Composition(parts=parts, campaign="Senja"))
            schedule.schedule(actor, compose.one_draft(actor, draft.id), [ana.key], NOW + timedelta(days=day))
        month = forecasting.forecast(actor)
        [total] = month.total
        assert (total.spent, total.calendar) == (1_400_000, 2 * 2 * 15_000)
        assert total.reading == 1_450_000  # 14.5 days x $0.10, always the same
        assert total.low == total.expected == 1_400_000 + 60_000 + 1_450_000
        assert [(f.calendar, f.reading) for f in month.campaigns] == [(60_000, 0)]
        assert month.days[-1][1] == pytest.approx(total.expected, abs=100_000)
        half = forecasting.forecast(actor, forecasting.WhatIf(reading=0.5, prices={"post": 30_000})).total[0]
        assert (half.calendar, half.reading) == (120_000, 725_000)
        small = plans.set_budget(actor, plans.BudgetInput(name="kecil", amount=2_000_000))
        large = plans.set_budget(actor, plans.BudgetInput(name="besar", amount=3_000_000))
        assert [b.name for b, _ in forecasting.beyond([small, large])] == ["kecil"]
        forecasting.alert()
        forecasting.alert()
        assert [n.details["budget"] for n in Notice.objects.filter(event="budget.forecast")] == ["kecil"]  # told once
