"""Shapes of budgets, forecasts and price lists."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from kicau.api.schemas.base import (
    EXAMPLE_NETWORK,
    UTC_DESCRIPTION,
    Schema,
    StrictBool,
    StrictDate,
    example_config,
)

MICRO_DESCRIPTION = "In millionths of the currency."


class BudgetInput(Schema):
    """What may be spent; what is left out is not looked at."""

    model_config = example_config({"name": "Kopi Senja", "amount": 50_000_000, "currency": "USD", "period": "month"})

    name: str = Field(min_length=1, max_length=120, description="What people call it.")
    amount: int = Field(ge=0, le=10**15, description="Millionths of the currency, or units of the meter.")
    currency: str = Field("USD", max_length=3, description="ISO 4217; not used where `meter` is given.")
    meter: str = Field(
        "",
        max_length=200,
        description="A network's own word for what it counts, in place of a currency; or several with spaces between, counted together.",
    )
    period: Literal["day", "month", "total"] = Field("month", description="When the budget resets.")
    timezone: str = Field("", max_length=64, description="Zone in which days and months begin; empty: the workspace's.")
    hard: StrictBool = Field(True, description="Whether what does not fit is held; else people are only told.")
    tell_at: int = Field(80, ge=1, le=100, description="Percent used at which people are told.")
    reading_share: int = Field(
        70, ge=0, le=100, description="Percent of it that reading may use up, so that publishing keeps the rest."
    )
    network: str = Field("", max_length=40, description="For one network only.")
    app: str = Field(
        "", max_length=60, description="Name of an app of `network`: for all its workspaces, set by operators only."
    )
    channel: str = Field("", max_length=80, description="Key or id: for one channel only.")
    campaign: str = Field("", max_length=120, description="Name: for one campaign only.")
    purpose: str = Field(
        "",
        max_length=12,
        description="For one purpose only: publish, find, answers, numbers, read, connect, refresh, withdraw or edit.",
    )


class ConvertedAmount(Schema):
    """An amount in the currency that the workspace's costs are shown in."""

    currency: str = Field(description="ISO 4217: the workspace's `currency`.")
    amount: int = Field(description=f"Rounded as people write it. {MICRO_DESCRIPTION}")
    rate: str = Field(description="What one of the charged currency is worth, as a decimal.")
    since: date = Field(description="The day from which that rate holds.")


SHOWN_DESCRIPTION = "In the workspace's own currency; null where it has none, it is the same, or no rate was entered."


class BudgetState(Schema):
    """A budget with what is used of it now."""

    id: str = Field(description="Its id.")
    name: str = Field(description="What people call it.")
    amount: int = Field(description="Millionths of the currency, or units of the meter.")
    currency: str = Field(description="ISO 4217; empty where it counts a meter.")
    meter: str = Field(description="What it counts, where it is no money.")
    period: str = Field(description="day, month or total; 5m, hour and 24h of caps are counted back from each moment.")
    timezone: str = Field(description="Zone in which days and months begin.")
    hard: bool = Field(description="Whether what does not fit is held.")
    tell_at: int = Field(description="Percent used at which people are told.")
    reading_share: int = Field(description="Percent of it that reading may use up.")
    cap: bool = Field(
        description="Whether it is what the network's plan allows, which nobody here changes; shown while it is near."
    )
    whole_app: bool = Field(description="Whether it is the instance's, for an app of the operator's.")
    network: str = Field(description="Empty: all.")
    channel: str | None = Field(description="Id; null: all.")
    campaign: str | None = Field(description="Id; null: all.")
    purpose: str = Field(description="Empty: all.")
    used: int = Field(description="Of `amount`, in the present period.")
    shown: ConvertedAmount | None = Field(description=f"`amount`. {SHOWN_DESCRIPTION}")
    reserved: int = Field(description="Of `amount`, set aside for what is on its way.")
    begins_at: datetime = Field(description=f"Beginning of the present period. {UTC_DESCRIPTION}")
    renews_at: datetime | None = Field(description=f"When the budget resets; null: never. {UTC_DESCRIPTION}")


class BudgetStates(Schema):
    """All that are in force."""

    items: list[BudgetState] = Field(description="By age.")


class CurrencyForecast(Schema):
    """What a month comes to, in one currency."""

    key: str = Field(description="A network or the id of a campaign; empty for the total.")
    currency: str = Field(description="ISO 4217.")
    spent: int = Field(description=f"Charged so far. {MICRO_DESCRIPTION}")
    calendar: int = Field(description=f"Scheduled until its end. {MICRO_DESCRIPTION}")
    reading: int = Field(description=f"What reading goes on to cost by its habit. {MICRO_DESCRIPTION}")
    fee: int = Field(description=f"What the plan that is tried asks for each month, used or not. {MICRO_DESCRIPTION}")
    expected: int = Field(description=f"The sum of these. {MICRO_DESCRIPTION}")
    low: int = Field(description=f"Four months of five end between this … {MICRO_DESCRIPTION}")
    high: int = Field(description=f"… and this. {MICRO_DESCRIPTION}")
    shown: ConvertedAmount | None = Field(description=f"`expected`. {SHOWN_DESCRIPTION}")


class MonthForecast(Schema):
    """The present month of the workspace, in its zone."""

    begins_at: datetime = Field(description=UTC_DESCRIPTION)
    ends_at: datetime = Field(description=f"Before here. {UTC_DESCRIPTION}")
    total: list[CurrencyForecast] = Field(description="By currency.")
    networks: list[CurrencyForecast] = Field(description="By network.")
    campaigns: list[CurrencyForecast] = Field(description="By campaign; what has none is in none.")


class ForecastQuery(Schema):
    """What if something were otherwise; left out, nothing is."""

    plan: str = Field("", max_length=40, description="The apps were on the price list of this name.")
    reading: float = Field(1.0, ge=0, le=100, description="So many times as much reading.")
    plain: StrictBool = Field(False, description="No post had what makes it dear (a link, where a price list says so).")
    price: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="METER=AMOUNT, in millionths of its currency: it cost this from now on. May be given again.",
    )


class PlansQuery(Schema):
    """Whose plans."""

    network: str = Field("", max_length=40, description="A network; empty: all of them.")


class PlanQuote(Schema):
    """What a plan asks for the measured use of 30 days."""

    network: str = Field(description="Whose plan.")
    plan: str = Field(description="Name of the price list.")
    since: date = Field(description="From when it holds.")
    currency: str = Field(description="ISO 4217.")
    fee: int = Field(description=f"Each month. {MICRO_DESCRIPTION}")
    use: int = Field(description=f"For what is used. {MICRO_DESCRIPTION}")
    total: int = Field(description=f"Both. {MICRO_DESCRIPTION}")
    shown: ConvertedAmount | None = Field(description=f"`total`. {SHOWN_DESCRIPTION}")
    fits: bool = Field(description="Whether its caps allow that much.")
    breaks: list[str] = Field(description="Meters for which it is too small, or which it does not have.")


class PlanQuotes(Schema):
    """All plans in force, those that fit first, the cheapest first."""

    items: list[PlanQuote] = Field(description="One for each plan.")


class PollingSaving(Schema):
    """What reading sparingly saves in a month of ten posts and five answers a day in each channel."""

    network: str = Field(description="Whose readings cost money.")
    currency: str = Field(description="ISO 4217.")
    ours: int = Field(description=f"By the reading policy. {MICRO_DESCRIPTION}")
    naive: int = Field(
        description=f"For polling each channel each minute and re-reading 90 days of posts every two hours. {MICRO_DESCRIPTION}"
    )
    percent: int = Field(description="How much less that is.")


class PollingSavings(Schema):
    """Each network that has channels here and bills its readings."""

    items: list[PollingSaving] = Field(description="By network.")


class PlanQuota(Schema):
    """How much of these meters a plan allows in a period."""

    meters: list[str] = Field(description="Counted together.")
    units: int = Field(description="At most so many.")
    period: str = Field(description="5 minutes, hour and 24 hours roll; day and month are UTC's.")
    per: str = Field(description="app or channel.")


class DatedPrices(Schema):
    """What an app on a plan pays from a day on."""

    id: str | None = Field(description="Of the operator's own lists; null for those that Kicau brings along.")
    network: str = Field(description="Whose.")
    name: str = Field(description="The plan.")
    since: date = Field(description="The first day (UTC).")
    until: date | None = Field(
        description="The first day on which it holds no more; null: until a later list of its name."
    )
    currency: str = Field(description="ISO 4217; empty where nothing costs money.")
    monthly: int = Field(description=f"Each month, used or not. {MICRO_DESCRIPTION}")
    prices: dict[str, int] = Field(description=f"For one unit of each meter. {MICRO_DESCRIPTION}")
    instead: dict[str, str] = Field(
        description="A dear meter and the plain one of the same post without what makes it dear."
    )
    daily: list[str] = Field(description="Meters of which each resource is billed once a UTC day.")
    caps: list[PlanQuota] = Field(description="What it allows.")
    refuses: list[str] = Field(description="Meters that it does not have.")
    note: str = Field(description="What else is to be known.")
    source: str = Field(description="Where it is written.")


class PriceLists(Schema):
    """The networks' and the operator's own."""

    items: list[DatedPrices] = Field(description="By network and day, oldest first.")


class PriceListInput(Schema):
    """Lists in TOML, as docs/how-to/set-prices.md has them; one of the same name and day replaces ours."""

    model_config = example_config(
        {
            "network": EXAMPLE_NETWORK,
            "toml": '[[list]]\nname = "contract"\nsince = 2027-01-01\ncurrency = "USD"\nsource = "our contract"\n[list.prices]\ncalls = 10\n',
        }
    )

    network: str = Field(max_length=40, description="Whose prices they are.")
    toml: str = Field(max_length=100_000, description="One or more [[list]].")


class RateInput(Schema):
    """What one unit of a currency is worth in another, for display only."""

    model_config = example_config({"currency": "USD", "shown_in": "IDR", "rate": "16250", "since": "2026-11-01"})

    currency: str = Field(min_length=3, max_length=3, description="ISO 4217: what is charged.")
    shown_in: str = Field(min_length=3, max_length=3, description="ISO 4217: what it is shown in.")
    rate: str = Field(max_length=24, pattern=r"^\d{1,11}(\.\d{1,8})?$", description="A decimal above 0.")
    since: StrictDate | None = Field(None, description="The first day (UTC) on which it holds; left out: today.")


class CurrencyRate(Schema):
    """A dated rate."""

    id: int = Field(description="Its id.")
    currency: str = Field(description="What is charged.")
    shown_in: str = Field(description="What it is shown in.")
    rate: str = Field(description="What one of the former is worth in the latter, as a decimal.")
    since: date = Field(description="The first day on which it holds.")


class CurrencyRates(Schema):
    """All that were entered."""

    items: list[CurrencyRate] = Field(description="By currency, the newest first.")


class MonthQuery(Schema):
    """Which month."""

    month: str = Field("", max_length=7, description="2026-11; empty: the present one, in the workspace's zone.")


class MonthTotal(Schema):
    """What a month came to in one currency."""

    currency: str = Field(description="ISO 4217.")
    micro: int = Field(description=MICRO_DESCRIPTION)
    shown: ConvertedAmount | None = Field(
        description=f"{SHOWN_DESCRIPTION} By the rate of the month's last day, or today's."
    )


class ClientCost(Schema):
    """What a client's month came to in one currency."""

    currency: str = Field(description="ISO 4217.")
    micro: int = Field(description=MICRO_DESCRIPTION)
    shown: ConvertedAmount | None = Field(
        description="In the client's own currency, by the rate of the month's last day, or today's."
    )
    before: int = Field(description=f"The month before it. {MICRO_DESCRIPTION}")
    forecast: CurrencyForecast | None = Field(description="Of the present month; null for another.")


class ClientCosts(Schema):
    """One workspace's month, in its own zone."""

    id: str = Field(description="Of the workspace.")
    name: str = Field(description="Its name.")
    month: str = Field(description="2026-11.")
    timezone: str = Field(description="The zone in which its months begin.")
    begins_at: datetime = Field(description=UTC_DESCRIPTION)
    ends_at: datetime = Field(description=f"Before here. {UTC_DESCRIPTION}")
    costs: list[ClientCost] = Field(description="By currency, the dearest first; empty where nothing costs money.")
    budgets: list[BudgetState] = Field(
        description="The workspace's own, as they are now; empty for another month than the present."
    )
    passed: list[str] = Field(description="Ids of the budgets for all of a month that the forecast passes.")


class ClientCostsList(Schema):
    """Every workspace that the token opens and whose costs it may read."""

    items: list[ClientCosts] = Field(description="By name.")


class ClientsQuery(Schema):
    """Which month."""

    month: str = Field("", max_length=7, description="2026-11; empty: the present one, in each workspace's zone.")


class MonthStatementLine(Schema):
    """One group of charges."""

    key: str = Field(
        description="A network, a purpose, a meter, or the id of a channel, campaign or person; empty for what has none."
    )
    label: str = Field(description="Its name.")
    currency: str = Field(description="ISO 4217; empty where it costs no money.")
    calls: int = Field(description="How many charges.")
    units: int = Field(description="How many units; 0 where different meters come together.")
    micro: int = Field(description=MICRO_DESCRIPTION)


class MonthStatement(Schema):
    """What a month cost, to bill from."""

    workspace: str = Field(description="Whose it is.")
    timezone: str = Field(description="Zone in which the month begins and ends.")
    begins_at: datetime = Field(description=UTC_DESCRIPTION)
    ends_at: datetime = Field(description=f"Before here. {UTC_DESCRIPTION}")
    totals: list[MonthTotal] = Field(description="By currency.")
    uncertain: int = Field(
        description=f"Of it for calls whose answers were lost, or for which the network may apply another price. {MICRO_DESCRIPTION}"
    )
    networks: list[MonthStatementLine] = Field(description="By network.")
    purposes: list[MonthStatementLine] = Field(description="By purpose.")
    meters: list[MonthStatementLine] = Field(description="By what was used, money or not.")
    channels: list[MonthStatementLine] = Field(description="By channel.")
    campaigns: list[MonthStatementLine] = Field(description="By campaign.")
    people: list[MonthStatementLine] = Field(description="By the author of the post.")
