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
    """A budget. Without filters, it covers everything."""

    model_config = example_config({"name": "Kopi Senja", "amount": 50_000_000, "currency": "USD", "period": "month"})

    name: str = Field(min_length=1, max_length=120, description="Name of the budget.")
    amount: int = Field(ge=0, le=10**15, description="In millionths of the currency, or in units of the meter.")
    currency: str = Field("USD", max_length=3, description="Currency code (ISO 4217). Ignored if `meter` is set.")
    meter: str = Field(
        "",
        max_length=200,
        description="Meters of a network to limit instead of money. Separate several with spaces; they count together.",
    )
    period: Literal["day", "month", "total"] = Field("month", description="When the budget resets.")
    timezone: str = Field("", max_length=64, description="Time zone of days and months. Empty: the workspace's.")
    hard: StrictBool = Field(
        True, description="true: Kicau holds posts that exceed the budget. false: it only notifies people."
    )
    notify_at_percent: int = Field(80, ge=1, le=100, description="Percentage at which Kicau notifies people.")
    sync_share_percent: int = Field(
        70,
        ge=0,
        le=100,
        description="Maximum share in percent for reading comments and metrics. The rest is reserved for publishing.",
    )
    network: str = Field("", max_length=40, description="Only this network.")
    app: str = Field(
        "", max_length=60, description="Name of an app of `network`: covers all its workspaces. Only for operators."
    )
    channel: str = Field("", max_length=80, description="Only this channel (key or ID).")
    campaign: str = Field("", max_length=120, description="Only the campaign with this name.")
    purpose: str = Field(
        "",
        max_length=12,
        description="Only one purpose: publish, find, answers, numbers, read, connect, refresh, delete or edit.",
    )


class ConvertedAmount(Schema):
    """An amount, converted to the workspace's display currency."""

    currency: str = Field(description="Currency code (ISO 4217): the workspace's `currency`.")
    amount: int = Field(description=f"Rounded for display. {MICRO_DESCRIPTION}")
    rate: str = Field(description="Exchange rate, as a decimal.")
    since: date = Field(description="First day of the exchange rate.")


SHOWN_DESCRIPTION = (
    "In the workspace's own currency. Null if it has none, if it is the same currency, or if there is no exchange rate."
)


class BudgetState(Schema):
    """A budget with its current usage."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="Name of the budget.")
    amount: int = Field(description="In millionths of the currency, or in units of the meter.")
    currency: str = Field(description="Currency code (ISO 4217). Empty if the budget counts a meter.")
    meter: str = Field(description="The meter, if the budget does not count money.")
    period: str = Field(description="day, month or total. Caps with 5m, hour or 24h use a rolling window.")
    timezone: str = Field(description="Time zone of days and months.")
    hard: bool = Field(description="Whether Kicau holds posts that exceed the budget.")
    notify_at_percent: int = Field(description="Percentage at which Kicau notifies people.")
    sync_share_percent: int = Field(description="Maximum share in percent for reading comments and metrics.")
    cap: bool = Field(
        description="Whether this is a limit of the network's plan, which cannot be changed here. Listed only while it is nearly reached."
    )
    whole_app: bool = Field(description="Whether the budget belongs to the server, for an app of the operator.")
    network: str = Field(description="Empty: all.")
    channel: str | None = Field(description="ID. Null: all.")
    campaign: str | None = Field(description="ID. Null: all.")
    purpose: str = Field(description="Empty: all.")
    used: int = Field(description="Used part of `amount` in the current period.")
    shown: ConvertedAmount | None = Field(description=f"`amount`, converted. {SHOWN_DESCRIPTION}")
    reserved: int = Field(description="Part of `amount` that is reserved for posts in progress.")
    begins_at: datetime = Field(description=f"Start of the current period. {UTC_DESCRIPTION}")
    renews_at: datetime | None = Field(description=f"When the budget resets. Null: never. {UTC_DESCRIPTION}")


class BudgetStates(Schema):
    """All active budgets."""

    items: list[BudgetState] = Field(description="Oldest first.")


class CurrencyForecast(Schema):
    """Forecast for a month, in one currency."""

    key: str = Field(description="A network or the ID of a campaign. Empty for the total.")
    currency: str = Field(description="Currency code (ISO 4217).")
    spent: int = Field(description=f"Charged so far. {MICRO_DESCRIPTION}")
    scheduled: int = Field(description=f"Scheduled until the end of the month. {MICRO_DESCRIPTION}")
    sync: int = Field(description=f"Expected reading of comments and metrics. {MICRO_DESCRIPTION}")
    fee: int = Field(description=f"Monthly fee of the simulated plan. {MICRO_DESCRIPTION}")
    expected: int = Field(description=f"Sum of these amounts. {MICRO_DESCRIPTION}")
    low: int = Field(description=f"Lower end of the range, in which four of five months end. {MICRO_DESCRIPTION}")
    high: int = Field(description=f"Upper end of the range. {MICRO_DESCRIPTION}")
    shown: ConvertedAmount | None = Field(description=f"`expected`, converted. {SHOWN_DESCRIPTION}")


class MonthForecast(Schema):
    """The current month in the time zone of the workspace."""

    begins_at: datetime = Field(description=UTC_DESCRIPTION)
    ends_at: datetime = Field(description=f"End, exclusive. {UTC_DESCRIPTION}")
    total: list[CurrencyForecast] = Field(description="By currency.")
    networks: list[CurrencyForecast] = Field(description="By network.")
    campaigns: list[CurrencyForecast] = Field(description="By campaign. Posts without a campaign are not included.")


class ForecastQuery(Schema):
    """Conditions to simulate. All are optional."""

    plan: str = Field("", max_length=40, description="Simulate that the apps are on this price list.")
    sync: float = Field(1.0, ge=0, le=100, description="Simulate this multiple of the current reading.")
    plain: StrictBool = Field(False, description="Simulate that no post contains a link, if links cost extra.")
    price: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="Simulate another price, as METER=AMOUNT in millionths of the currency. Repeat for several.",
    )


class PlansQuery(Schema):
    """Network whose plans to compare."""

    network: str = Field("", max_length=40, description="Name of a network. Empty: all.")


class PlanQuote(Schema):
    """Cost of a plan for the usage of the last 30 days."""

    network: str = Field(description="Network of the plan.")
    plan: str = Field(description="Name of the price list.")
    since: date = Field(description="First day of validity.")
    currency: str = Field(description="Currency code (ISO 4217).")
    fee: int = Field(description=f"Monthly fee. {MICRO_DESCRIPTION}")
    use: int = Field(description=f"Cost of the usage. {MICRO_DESCRIPTION}")
    total: int = Field(description=f"Sum of both. {MICRO_DESCRIPTION}")
    shown: ConvertedAmount | None = Field(description=f"`total`, converted. {SHOWN_DESCRIPTION}")
    fits: bool = Field(description="Whether the usage fits the caps of the plan.")
    exceeded_meters: list[str] = Field(
        description="Meters that the plan does not include or for which it is too small."
    )


class PlanQuotes(Schema):
    """All current plans. Plans that fit come first, cheapest first."""

    items: list[PlanQuote] = Field(description="One entry for each plan.")


class PollingSaving(Schema):
    """Savings in a month with ten posts and five comments a day on each channel."""

    network: str = Field(description="Network that charges for reading.")
    currency: str = Field(description="Currency code (ISO 4217).")
    cost: int = Field(description=f"Cost with the reading policy. {MICRO_DESCRIPTION}")
    cost_without_policy: int = Field(
        description=f"Cost of polling each channel every minute and re-reading posts of 90 days every two hours. {MICRO_DESCRIPTION}"
    )
    percent: int = Field(description="Savings in percent.")


class PollingSavings(Schema):
    """All networks with channels of this workspace that charge for reading."""

    items: list[PollingSaving] = Field(description="By network.")


class PlanQuota(Schema):
    """A cap of a plan on certain meters."""

    meters: list[str] = Field(description="Meters that count together.")
    units: int = Field(description="Maximum number of units.")
    period: str = Field(
        description="Period. 5 minutes, hour and 24 hours are rolling windows. Day and month are in UTC."
    )
    per: str = Field(description="app or channel.")


class DatedPrices(Schema):
    """A price list: what an app on a plan pays from a certain day."""

    id: str | None = Field(description="ID, for the operator's own lists. Null for lists that are part of Kicau.")
    network: str = Field(description="Network of the list.")
    name: str = Field(description="Name of the plan.")
    since: date = Field(description="First day (UTC).")
    until: date | None = Field(
        description="First day on which the list no longer applies. Null: until a later list of the same name."
    )
    currency: str = Field(description="Currency code (ISO 4217). Empty if nothing costs money.")
    monthly: int = Field(description=f"Monthly fee. {MICRO_DESCRIPTION}")
    prices: dict[str, int] = Field(description=f"Price of one unit of each meter. {MICRO_DESCRIPTION}")
    cheaper_meters: dict[str, str] = Field(
        description="Expensive meters (such as posts with a link), with the cheaper meter of the same post without the expensive part."
    )
    daily: list[str] = Field(description="Meters whose resources are billed only once per UTC day.")
    caps: list[PlanQuota] = Field(description="Caps of the plan.")
    excluded_meters: list[str] = Field(description="Meters that the plan does not include.")
    note: str = Field(description="Notes.")
    source: str = Field(description="Source of the prices.")


class PriceLists(Schema):
    """Price lists of the networks and the operator."""

    items: list[DatedPrices] = Field(description="By network and day, oldest first.")


class PriceListInput(Schema):
    """Price lists in TOML (see docs/how-to/set-prices.md). A list with the same name and day replaces the built-in one."""

    model_config = example_config(
        {
            "network": EXAMPLE_NETWORK,
            "toml": '[[list]]\nname = "contract"\nsince = 2027-01-01\ncurrency = "USD"\nsource = "our contract"\n[list.prices]\ncalls = 10\n',
        }
    )

    network: str = Field(max_length=40, description="Network of the prices.")
    toml: str = Field(max_length=100_000, description="One or more [[list]] entries.")


class RateInput(Schema):
    """An exchange rate, for display only."""

    model_config = example_config({"currency": "USD", "shown_in": "IDR", "rate": "16250", "since": "2026-11-01"})

    currency: str = Field(min_length=3, max_length=3, description="Currency of the charges (ISO 4217).")
    shown_in: str = Field(min_length=3, max_length=3, description="Currency for display (ISO 4217).")
    rate: str = Field(max_length=24, pattern=r"^\d{1,11}(\.\d{1,8})?$", description="A decimal above 0.")
    since: StrictDate | None = Field(None, description="First day (UTC) of the rate. Default: today.")


class CurrencyRate(Schema):
    """An exchange rate with its first day."""

    id: int = Field(description="Unique ID.")
    currency: str = Field(description="Currency of the charges.")
    shown_in: str = Field(description="Currency for display.")
    rate: str = Field(description="Exchange rate, as a decimal.")
    since: date = Field(description="First day of the rate.")


class CurrencyRates(Schema):
    """All exchange rates."""

    items: list[CurrencyRate] = Field(description="By currency, newest first.")


class MonthQuery(Schema):
    """Month of the statement."""

    month: str = Field(
        "",
        max_length=7,
        description="Month, for example 2026-11. Empty: the current month in the workspace's time zone.",
    )


class MonthTotal(Schema):
    """Costs of a month in one currency."""

    currency: str = Field(description="Currency code (ISO 4217).")
    micro: int = Field(description=MICRO_DESCRIPTION)
    shown: ConvertedAmount | None = Field(
        description=f"{SHOWN_DESCRIPTION} Converted at the rate of the last day of the month, or today's."
    )


class ClientCost(Schema):
    """Costs of a client's month in one currency."""

    currency: str = Field(description="Currency code (ISO 4217).")
    micro: int = Field(description=MICRO_DESCRIPTION)
    shown: ConvertedAmount | None = Field(
        description="In the client's own currency, converted at the rate of the last day of the month, or today's."
    )
    before: int = Field(description=f"The previous month. {MICRO_DESCRIPTION}")
    forecast: CurrencyForecast | None = Field(description="Forecast for the current month. Null for other months.")


class ClientCosts(Schema):
    """A month of one workspace, in its own time zone."""

    id: str = Field(description="ID of the workspace.")
    name: str = Field(description="Name.")
    month: str = Field(description="Month, for example 2026-11.")
    timezone: str = Field(description="Time zone of the months.")
    begins_at: datetime = Field(description=UTC_DESCRIPTION)
    ends_at: datetime = Field(description=f"End, exclusive. {UTC_DESCRIPTION}")
    costs: list[ClientCost] = Field(description="By currency, most expensive first. Empty if nothing costs money.")
    budgets: list[BudgetState] = Field(
        description="Current budgets of the workspace. Empty for other months than the current one."
    )
    exceeded: list[str] = Field(description="IDs of monthly budgets that the forecast exceeds.")


class ClientCostsList(Schema):
    """All workspaces of the token whose costs it may read."""

    items: list[ClientCosts] = Field(description="By name.")


class ClientsQuery(Schema):
    """Month of the statement."""

    month: str = Field(
        "",
        max_length=7,
        description="Month, for example 2026-11. Empty: the current month in each workspace's time zone.",
    )


class MonthStatementLine(Schema):
    """A group of charges."""

    key: str = Field(
        description="A network, purpose or meter, or the ID of a channel, campaign or person. Empty for charges without one."
    )
    label: str = Field(description="Name.")
    currency: str = Field(description="Currency code (ISO 4217). Empty if it costs no money.")
    calls: int = Field(description="Number of charges.")
    units: int = Field(description="Number of units. 0 if the group contains different meters.")
    micro: int = Field(description=MICRO_DESCRIPTION)


class MonthStatement(Schema):
    """Cost statement of a month."""

    workspace: str = Field(description="Name of the workspace.")
    timezone: str = Field(description="Time zone of the month.")
    begins_at: datetime = Field(description=UTC_DESCRIPTION)
    ends_at: datetime = Field(description=f"End, exclusive. {UTC_DESCRIPTION}")
    totals: list[MonthTotal] = Field(description="By currency.")
    uncertain: int = Field(
        description=f"Part of it for requests whose response was lost, or for which the network may apply another price. {MICRO_DESCRIPTION}"
    )
    networks: list[MonthStatementLine] = Field(description="Costs by network.")
    purposes: list[MonthStatementLine] = Field(description="Costs by purpose.")
    meters: list[MonthStatementLine] = Field(description="Costs by meter, including meters without costs.")
    channels: list[MonthStatementLine] = Field(description="Costs by channel.")
    campaigns: list[MonthStatementLine] = Field(description="Costs by campaign.")
    people: list[MonthStatementLine] = Field(description="Costs by author of the post.")
