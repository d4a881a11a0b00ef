"""Shapes of budgets, forecasts and price lists."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from kicau.api.shapes.base import STAMP, Flag, Shape, examples

MICRO = "In millionths of the currency."


class BudgetInput(Shape):
    """What may be spent; what is left out is not looked at."""

    model_config = examples({"name": "Kopi Senja", "amount": 50_000_000, "currency": "USD", "period": "month"})

    name: str = Field(min_length=1, max_length=120, description="What people call it.")
    amount: int = Field(ge=0, le=10**15, description="Millionths of the currency, or units of the meter.")
    currency: str = Field("USD", max_length=3, description="ISO 4217; not used where `meter` is given.")
    meter: str = Field(
        "", max_length=60, description="A network's own word for what it counts, in place of a currency."
    )
    period: Literal["day", "month", "total"] = Field("month", description="When it begins anew.")
    timezone: str = Field("", max_length=64, description="Zone in which days and months begin; empty: the workspace's.")
    hard: Flag = Field(True, description="Whether what does not fit is held; else people are only told.")
    tell_at: int = Field(80, ge=1, le=100, description="Percent used at which people are told.")
    reading_share: int = Field(70, ge=0, le=100, description="Percent of it that reading may use up, so that publishing keeps the rest.")  # fmt: skip
    network: str = Field("", max_length=40, description="For one network only.")
    channel: str = Field("", max_length=80, description="Key or id: for one channel only.")
    campaign: str = Field("", max_length=120, description="Name: for one campaign only.")
    purpose: str = Field("", max_length=12, description="For one purpose only: publish, find, answers, numbers, read, connect, refresh or withdraw.")  # fmt: skip


class Budget(Shape):
    """A budget with what is used of it now."""

    id: str = Field(description="Its id.")
    name: str = Field(description="What people call it.")
    amount: int = Field(description="Millionths of the currency, or units of the meter.")
    currency: str = Field(description="ISO 4217; empty where it counts a meter.")
    meter: str = Field(description="What it counts, where it is no money.")
    period: str = Field(description="day, month or total.")
    timezone: str = Field(description="Zone in which days and months begin.")
    hard: bool = Field(description="Whether what does not fit is held.")
    tell_at: int = Field(description="Percent used at which people are told.")
    reading_share: int = Field(description="Percent of it that reading may use up.")
    whole_app: bool = Field(description="Whether it is the instance's, for an app of the operator's.")
    network: str = Field(description="Empty: all.")
    channel: str | None = Field(description="Id; null: all.")
    campaign: str | None = Field(description="Id; null: all.")
    purpose: str = Field(description="Empty: all.")
    used: int = Field(description="Of `amount`, in the present period.")
    reserved: int = Field(description="Of `amount`, set aside for what is on its way.")
    begins_at: datetime = Field(description=f"Beginning of the present period. {STAMP}")
    renews_at: datetime | None = Field(description=f"When it begins anew; null: never. {STAMP}")


class Budgets(Shape):
    """All that are in force."""

    items: list[Budget] = Field(description="By age.")


class Forecast(Shape):
    """What a month comes to, in one currency."""

    key: str = Field(description="A network or the id of a campaign; empty for the total.")
    currency: str = Field(description="ISO 4217.")
    spent: int = Field(description=f"Charged so far. {MICRO}")
    calendar: int = Field(description=f"Scheduled until its end. {MICRO}")
    reading: int = Field(description=f"What reading goes on to cost by its habit. {MICRO}")
    expected: int = Field(description=f"The sum of these. {MICRO}")
    low: int = Field(description=f"Four months of five end between this … {MICRO}")
    high: int = Field(description=f"… and this. {MICRO}")


class Month(Shape):
    """The present month of the workspace, in its zone."""

    begins_at: datetime = Field(description=STAMP)
    ends_at: datetime = Field(description=f"Before here. {STAMP}")
    total: list[Forecast] = Field(description="By currency.")
    networks: list[Forecast] = Field(description="By network.")
    campaigns: list[Forecast] = Field(description="By campaign; what has none is in none.")


class ForecastQuery(Shape):
    """What if something were otherwise; left out, nothing is."""

    plan: str = Field("", max_length=40, description="The apps were on the price list of this name.")
    reading: float = Field(1.0, ge=0, le=100, description="So many times as much reading.")
    plain: Flag = Field(False, description="No post had what makes it dear (a link, where a price list says so).")


class PlansQuery(Shape):
    """Whose plans."""

    network: str = Field("", max_length=40, description="A network; empty: all of them.")


class Quote(Shape):
    """What a plan asks for the measured use of 30 days."""

    network: str = Field(description="Whose plan.")
    plan: str = Field(description="Name of the price list.")
    since: date = Field(description="From when it holds.")
    currency: str = Field(description="ISO 4217.")
    fee: int = Field(description=f"Each month. {MICRO}")
    use: int = Field(description=f"For what is used. {MICRO}")
    total: int = Field(description=f"Both. {MICRO}")
    fits: bool = Field(description="Whether its caps allow that much.")
    breaks: list[str] = Field(description="Meters for which it is too small, or which it does not have.")


class Quotes(Shape):
    """All plans in force, those that fit first, the cheapest first."""

    items: list[Quote] = Field(description="One for each plan.")
