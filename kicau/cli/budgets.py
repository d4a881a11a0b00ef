"""`kicau costs` again: what may be spent, and at which prices and rates it is counted and shown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_result, print_table
from kicau.cli.costs import budget_json, parse_amount
from kicau.cli.costs import costs as costs  # the group, with what is added here

if TYPE_CHECKING:
    from kicau.costs.models import ExchangeRate


@costs.command("budgets")
@json_option
@pass_shell
def list_budgets(shell: Shell, as_json: bool) -> None:
    """List all budgets and how much of each is used."""
    actor = shell.actor()
    from kicau.costs import actions

    found = actions.budget_balances(list(actions.budgets(actor)))
    values = [budget_json(s) for s in found]
    rows = [
        (
            v["id"],
            v["name"],
            v["period"],
            "holds" if v["hard"] else "tells",
            v["amount"],
            v["used"],
            v["reserved"],
            v["currency"] or v["meter"],
        )
        for v in values
    ]
    print_result(
        as_json,
        values,
        lambda: print_table(
            ("id", "name", "period", "", "amount", "used", "set aside", "of"),
            rows,
            empty="There are no budgets yet. Create one with: kicau costs budget NAME AMOUNT",
        ),
    )


@costs.command("budget")
@click.argument("name")
@click.argument("amount")
@click.option("--id", "budget_id", default="", help="Change the budget with this ID instead of creating one.")
@click.option("--currency", default="USD", show_default=True, help="Currency code (ISO 4217), for example USD.")
@click.option("--meter", default="", help="Limit units of one of a network's meters (such as posts) instead of money.")
@click.option(
    "--period",
    type=click.Choice(["day", "month", "total"]),
    default="month",
    show_default=True,
    help="How often the budget resets, in the workspace's time zone.",
)
@click.option("--soft", is_flag=True, help="Only notify people when the budget is exceeded. Kicau holds no posts.")
@click.option("--channel", default="", help="Limit the budget to this channel.")
@click.option("--campaign", default="", help="Limit the budget to the campaign with this name.")
@click.option("--network", default="", help="Limit the budget to this network.")
@click.option(
    "--purpose", default="", help="Limit the budget to one purpose: publish, find, answers, numbers, read and others."
)
@click.option(
    "--app",
    "app_name",
    default="",
    help="Apply the budget to a whole app of --network, across workspaces (operators only).",
)
@click.option(
    "--sync-share",
    type=int,
    default=70,
    show_default=True,
    help="Maximum share of the budget, in percent, for reading comments and metrics.",
)
@json_option
@pass_shell
def budget(
    shell: Shell,
    name: str,
    amount: str,
    budget_id: str,
    currency: str,
    meter: str,
    period: str,
    soft: bool,
    channel: str,
    campaign: str,
    network: str,
    purpose: str,
    app_name: str,
    sync_share: int,
    as_json: bool,
) -> None:
    """Create a budget of AMOUNT (for example 12.50). A hard budget is never exceeded: Kicau holds posts that do not fit until someone raises it."""
    actor = shell.actor()
    from kicau.base.errors import NotFound
    from kicau.channels.actions import app_for, one_channel
    from kicau.costs import actions
    from kicau.publishing.content.compositions import campaigns

    found = campaigns(actor).filter(name=campaign).first() if campaign else None
    if campaign and found is None:
        raise NotFound("campaign", campaign)
    wanted = actions.BudgetValues(
        name=name,
        amount=parse_amount(amount, meter),
        currency=currency.upper(),
        meter=meter,
        period=period,
        is_hard=not soft,
        network=network,
        purpose=purpose,
        channel_id=one_channel(actor, channel).id if channel else None,
        campaign_id=found.id if found else None,
        sync_share_percent=sync_share,
        app_id=app_for(network, app_name).id if app_name else None,
    )
    made = actions.set_budget(actor, wanted, budget_id=budget_id or None)
    value = budget_json(actions.budget_balances([made])[0])
    print_result(
        as_json,
        value,
        lambda: click.echo(
            f"{made.name}: {value['used']} of {value['amount']} {value['currency'] or value['meter']} used. Its id: {made.id}"
        ),
    )


@costs.command("remove-budget")
@click.argument("budget_id", metavar="ID")
@json_option
@pass_shell
def remove_budget(shell: Shell, budget_id: str, as_json: bool) -> None:
    """Delete a budget. Kicau publishes the posts that the budget held."""
    actor = shell.actor()
    from kicau.costs import actions

    gone = actions.remove_budget(actor, budget_id)
    print_result(
        as_json,
        {"id": str(gone.id), "name": gone.name},
        lambda: click.echo(f"{gone.name} is deleted and no longer holds posts."),
    )


@costs.command("prices")
@click.argument("network", default="")
@click.option(
    "--add",
    "file",
    type=click.Path(exists=True, dir_okay=False),
    help="Add price lists for NETWORK from a TOML file (operators only).",
)
@click.option("--remove", default="", metavar="ID", help="Delete one of your own price lists (operators only).")
@json_option
@pass_shell
def price_lists(shell: Shell, network: str, file: str | None, remove: str, as_json: bool) -> None:
    """List all price lists with start date and source, or add your own."""
    actor = shell.actor()
    from kicau.costs import actions

    if file:
        if not network:
            raise click.UsageError("Name the network: kicau costs prices NETWORK --add FILE.")
        actions.add_price_list(actor, network, Path(file).read_text("utf-8"))
    if remove:
        actions.remove_price_list(actor, remove)
    found = [one for one in actions.price_lists(actor) if network in ("", one.network)]
    values = [
        {
            "network": one.network,
            "name": one.value.name,
            "since": one.value.since.isoformat(),
            "until": one.value.until.isoformat() if one.value.until else None,
            "currency": one.value.currency,
            "monthly": one.value.monthly,
            "prices": dict(one.value.prices),
            "own": str(one.own.id) if one.own else None,
            "source": one.value.source,
        }
        for one in found
    ]
    rows = [
        (v["network"], v["name"], v["since"], len(one.value.prices), v["own"] or "", v["source"])
        for v, one in zip(values, found, strict=True)
    ]
    print_result(
        as_json,
        values,
        lambda: print_table(("network", "plan", "from", "prices", "own", "source"), rows, empty="No price lists."),
    )


@costs.command("rate")
@click.argument("currency")
@click.argument("shown_in")
@click.argument("rate")
@click.option("--since", default="", metavar="DAY", help="First day of the rate (2026-11-01). Default: today.")
@json_option
@pass_shell
def rate(shell: Shell, currency: str, shown_in: str, rate: str, since: str, as_json: bool) -> None:
    """Set an exchange rate for display: kicau costs rate USD IDR 16250 (operators only)."""
    actor = shell.actor()
    from kicau.costs import display_currency

    try:
        value, day = Decimal(rate), date.fromisoformat(since) if since else None
    except (InvalidOperation, ValueError):
        raise click.UsageError("Enter a rate such as 16250 and a day such as 2026-11-01.") from None
    made = display_currency.set_rate(actor, currency.upper(), shown_in.upper(), value, day)
    print_result(as_json, _rate_json(made), lambda: click.echo(str(made)))


@costs.command("rates")
@click.option("--remove", default="", metavar="ID", help="Delete the rate with this ID (operators only).")
@json_option
@pass_shell
def rates(shell: Shell, remove: str, as_json: bool) -> None:
    """List all exchange rates with their first day."""
    actor = shell.actor()
    from kicau.costs import display_currency

    if remove:
        display_currency.remove_rate(actor, remove)
    found = [_rate_json(row) for row in display_currency.exchange_rates(actor)]
    rows = [(v["id"], f"1 {v['currency']} = {v['rate']} {v['shown_in']}", v["since"]) for v in found]
    print_result(
        as_json,
        found,
        lambda: print_table(
            ("id", "rate", "from"), rows, empty="There are no rates yet. Add one with: kicau costs rate USD IDR 16250"
        ),
    )


@costs.command("currency")
@click.argument("currency")
@json_option
@pass_shell
def currency(shell: Shell, currency: str, as_json: bool) -> None:
    """Also show the workspace's costs in CURRENCY (for example IDR). "none" shows only the price list's own currency."""
    actor = shell.actor()
    from kicau.costs.display_currency import currencies_without_rate
    from kicau.workspaces import actions as workspaces_actions

    made = workspaces_actions.update_workspace(actor, currency="" if currency.lower() == "none" else currency.upper())
    missing = currencies_without_rate(made)

    def show() -> None:
        click.echo(f"Costs are shown in {made.currency or 'the currency of their price list'}.")
        for one in missing:
            click.echo(
                f"There is no rate from {one} yet, so amounts in {one} are not converted. An operator can add one: kicau costs rate {one} {made.currency} RATE"
            )

    print_result(as_json, {"currency": made.currency, "unrated": missing}, show)


def _rate_json(row: ExchangeRate) -> dict[str, object]:
    return {
        "id": row.id,
        "currency": row.currency,
        "shown_in": row.shown_in,
        "rate": f"{row.rate.normalize():f}",
        "since": row.since.isoformat(),
    }
