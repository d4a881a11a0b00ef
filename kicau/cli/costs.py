"""`kicau costs`: what the networks charge, what they may, and what they will."""

from __future__ import annotations

import sys
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_result, print_table
from kicau.cli.deliveries import localize_sentence

if TYPE_CHECKING:
    from kicau.cost_reports.forecast import CurrencyMonthForecast
    from kicau.costs.display_currency import CurrencyDisplay
    from kicau.sync.webhook_subscriptions import WebhookOption
    from kicau.workspaces.actors import Actor

MICRO_PER_UNIT = 1_000_000


@click.group()
def costs() -> None:
    """Show what networks charge, and manage forecasts, budgets and price lists."""


@costs.command("month")
@click.argument("month", default="")
@click.option("--csv", "as_csv", is_flag=True, help="Print each charge as a CSV row.")
@click.option("--pdf", type=click.Path(dir_okay=False), help="Write the cost statement to this PDF file.")
@click.option(
    "--in",
    "shown_in",
    default="",
    metavar="CURRENCY",
    help="Also show amounts in this currency, at the operator's exchange rate. Default: the workspace's display currency.",
)
@json_option
@pass_shell
def month(shell: Shell, month: str, as_csv: bool, pdf: str | None, shown_in: str, as_json: bool) -> None:
    """Show the costs of a MONTH (for example 2026-11) by network and purpose. Default: the current month."""
    actor = shell.actor()
    from kicau.cost_reports import cost_statements
    from kicau.cost_reports.statement_pdf import render_statement_pdf

    if as_csv:
        sys.stdout.writelines(cost_statements.statement_csv(actor, month))
        return
    told = cost_statements.cost_statement(actor, month)
    display = _display(actor, shown_in).by(told.ends_at)
    if pdf:
        Path(pdf).write_bytes(render_statement_pdf(told, display, actor.workspace.language))
    groups = {
        "network": told.networks,
        "purpose": told.purposes,
        "campaign": told.campaigns,
        "channel": told.channels,
        "person": told.people,
        "meter": told.meters,
    }
    lines = [(by, line) for by, found in groups.items() for line in found]
    values = {
        "begins_at": told.begins_at.isoformat(),
        "ends_at": told.ends_at.isoformat(),
        "totals": [{"currency": c, "micro": m, **_converted_json(display, m, c)} for c, m in told.totals],
        "lines": [
            {
                "by": by,
                "label": line.label,
                "calls": line.calls,
                "units": line.units,
                "micro": line.micro,
                "currency": line.currency,
            }
            for by, line in lines
        ],
    }

    def show() -> None:
        for currency, micro in told.totals:
            click.echo(f"Total: {display.told(micro, currency)}")
        print_table(
            ("by", "", "calls", "cost"),
            [
                (by, line.label, line.calls, display.told(line.micro, line.currency))
                for by, line in lines
                if line.currency
            ],
            empty="There are no costs.",
        )
        _print_rates(display)

    print_result(as_json, values, show)


@costs.command("clients")
@click.argument("month", default="")
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV row for each workspace and currency.")
@json_option
@pass_shell
def clients(shell: Shell, month: str, as_csv: bool, as_json: bool) -> None:
    """Show the costs of a MONTH (for example 2026-11) and of the month before, for each of your workspaces. Default: the current month."""
    actor = shell.anywhere()
    from kicau.cost_reports import client_costs as found_by

    found = found_by.client_costs(actor, month)
    if as_csv:
        sys.stdout.writelines(found_by.client_costs_csv(found))
        return
    shown = [(client, client.display) for client in found]
    values = [
        {
            "workspace": client.workspace.name,
            "id": str(client.workspace.id),
            "month": client.month,
            "timezone": client.workspace.timezone,
            "costs": [
                {
                    "currency": one.currency,
                    "micro": one.micro,
                    **_converted_json(display, one.micro, one.currency),
                    "before_micro": one.before,
                    **_forecast_json(one.forecast),
                }
                for one in client.lines
            ],
            "budgets": [budget_json(s) for s in client.budgets],
            "passed": [s.budget.name for s in client.passed()],
        }
        for client, display in shown
    ]

    def show() -> None:
        rows = []
        for client, display in shown:
            budgets = ", ".join(f"{s.budget.name} {s.percent} %" for s in client.budgets)
            amounts = [
                (
                    display.told(one.micro, one.currency),
                    display.told(one.before, one.currency),
                    display.told(one.forecast.expected, one.currency) if one.forecast else "",
                )
                for one in client.lines
            ]
            rows += [(client.workspace.name, client.month, *told, budgets) for told in amounts or [("0", "0", "")]]
        print_table(
            ("client", "month", "cost", "month before", "expected", "budgets"), rows, empty="There are no workspaces."
        )
        for sentence in dict.fromkeys(told for _, display in shown for told in display.sentences()):
            click.echo(sentence)

    print_result(as_json, values, show)


@costs.command("forecast")
@click.option("--plan", default="", help="Calculate as if the apps were on this price list.")
@click.option(
    "--sync",
    "sync_factor",
    type=float,
    default=1.0,
    help="Calculate with this multiple of the reading of comments and metrics, for example 0.5.",
)
@click.option("--plain", is_flag=True, help="Calculate as if no post contained a link, which some networks charge for.")
@click.option(
    "--price",
    "prices",
    multiple=True,
    metavar="METER=AMOUNT",
    help="Calculate with another price for a meter, for example post=0.03. Repeat for several.",
)
@json_option
@pass_shell
def forecast(shell: Shell, plan: str, sync_factor: float, plain: bool, prices: tuple[str, ...], as_json: bool) -> None:
    """Show the expected costs at the end of this month."""
    actor = shell.actor()
    from kicau.cost_reports import forecast as cost_reports_forecast
    from kicau.cost_reports import forecast_assumptions

    changed = {meter: parse_amount(amount, "") for meter, _, amount in (one.partition("=") for one in prices)}
    display = _display(actor)
    found = cost_reports_forecast.forecast(
        actor, forecast_assumptions.ForecastAssumptions(plan=plan, sync=sync_factor, plain=plain, prices=changed)
    )
    from kicau.base.money import round_amount
    from kicau.publishing.content.compositions import campaigns

    names = {str(one.id): one.name for one in campaigns(actor)}
    groups = (("total", found.total), ("network", found.networks), ("campaign", found.campaigns))
    rows = [(by, names.get(f.key, f.key), f) for by, group in groups for f in group]
    values = [
        {
            "by": by,
            "key": f.key,
            "name": name,
            "currency": f.currency,
            "spent": f.spent,
            "scheduled": f.scheduled,
            "sync": f.sync,
            "fee": f.fee,
            "expected": f.expected,
            "low": f.low,
            "high": f.high,
        }
        for by, name, f in rows
    ]

    def show() -> None:
        fees = any(f.fee for _, _, f in rows)
        told = [
            (
                by,
                name,
                *(
                    display.told(round_amount(n, f.currency), f.currency)
                    for n in (f.spent, f.scheduled, f.sync, *([f.fee] if fees else []), f.expected)
                ),
                f"{display.told(round_amount(f.low, f.currency), f.currency)} to {display.told(round_amount(f.high, f.currency), f.currency)}",
            )
            for by, name, f in rows
            if f.currency
        ]
        print_table(
            ("by", "", "spent", "scheduled", "sync", *(["fee"] if fees else []), "expected", "band"),
            told,
            empty="There are no costs this month.",
        )
        _print_rates(display)

    print_result(as_json, values, show)


@costs.command("plans")
@click.argument("network")
@json_option
@pass_shell
def plans(shell: Shell, network: str, as_json: bool) -> None:
    """Compare the costs of a NETWORK's plans for your usage in the last 30 days."""
    actor = shell.actor()
    from kicau.costs import workloads

    display = _display(actor)

    found = workloads.compare_plans(network, workloads.measured_workload(network, workspace_id=actor.workspace.id))
    values = [
        {
            "plan": q.plan.name,
            "since": q.plan.since.isoformat(),
            "currency": q.plan.currency,
            "fee": q.fee,
            "use": q.use,
            "total": q.total,
            "fits": q.fits,
            "breaks": list(q.breaks),
        }
        for q in found
    ]
    print_result(
        as_json,
        values,
        lambda: print_table(
            ("plan", "fee", "use", "together", "too small for"),
            [
                (q.plan.name, *(display.told(n, q.plan.currency) for n in (q.fee, q.use, q.total)), ", ".join(q.breaks))
                for q in found
            ],
            empty="There are no plans.",
        ),
    )


@costs.command("savings")
@json_option
@pass_shell
def savings(shell: Shell, as_json: bool) -> None:
    """Show how much money Kicau saves by reading comments and metrics less often when they rarely change."""
    actor = shell.actor()
    from kicau.cost_reports import sync_savings as saving

    display, found = _display(actor), saving.sync_savings(actor)
    values = [
        {"network": n, "currency": c, "ours": one.ours_micro, "naive": one.naive_micro, "percent": one.percent}
        for n, c, one in found
    ]
    rows = [
        (n, display.told(one.ours_micro, c), display.told(one.naive_micro, c), f"{one.percent} %")
        for n, c, one in found
    ]
    print_result(
        as_json,
        values,
        lambda: print_table(
            ("network", "a month", "instead of", "less"),
            rows,
            empty="Reading comments and metrics costs nothing on these channels.",
        ),
    )


def _display(actor: Actor, shown_in: str = "") -> CurrencyDisplay:
    from kicau.costs.display_currency import CurrencyDisplay

    return CurrencyDisplay(shown_in.upper() or actor.workspace.currency)


def _converted_json(display: CurrencyDisplay, micro: int, currency: str) -> dict[str, object]:
    worth = display.of(micro, currency)
    return {
        "in": display.currency or None,
        "converted_micro": worth.micro if worth else None,
        "rate": f"{worth.rate.normalize():f}" if worth else None,
        "rate_since": worth.since.isoformat() if worth else None,
    }


@costs.command("sync")
@click.argument("network", default="")
@click.option("--on/--off", "reads", default=None, help="Turn reading of comments and metrics on NETWORK on or off.")
@click.option(
    "--accept",
    default="",
    metavar="AMOUNT",
    help="The cost of 30 days that you accept. Enter the amount that the command shows.",
)
@json_option
@pass_shell
def sync(shell: Shell, network: str, reads: bool | None, accept: str, as_json: bool) -> None:
    """Show on which networks Kicau reads comments and metrics and what that costs, or turn it on or off for one NETWORK."""
    actor = shell.actor()
    from kicau.sync import sync_settings

    if reads is not None:
        if not network:
            raise click.UsageError("Name the network that you want to turn on or off.")
        sync_settings.switch_sync(actor, network, reads, accepts=parse_amount(accept, "") if accept else None)
    found = [sync_settings.sync_option(actor, network)] if network else sync_settings.sync_options(actor)
    values = [
        {
            "network": one.network,
            "channels": one.channels,
            "reads": one.reads,
            "chosen": one.is_chosen,
            "costs": one.costs,
            "posts": one.estimate.posts,
            "comments": one.estimate.comments,
            "readings": one.estimate.readings,
            "micro": one.estimate.micro,
            "currency": one.estimate.currency,
        }
        for one in found
    ]

    def show() -> None:
        display = _display(actor)
        told = [
            (
                one.label,
                "on" if one.reads else "off",
                one.channels,
                display.told(one.estimate.micro, one.estimate.currency) if one.estimate.currency else "nothing",
            )
            for one in found
        ]
        print_table(
            ("network", "reading", "channels", "in 30 days"),
            told,
            empty="No channel is on a network where Kicau can read comments and metrics.",
        )

    print_result(as_json, values, show)


@costs.command("webhooks")
@click.argument("network", default="")
@click.option("--on/--off", "on", default=None, help="Turn NETWORK's webhooks on or off.")
@json_option
@pass_shell
def webhooks(shell: Shell, network: str, on: bool | None, as_json: bool) -> None:
    """Show which networks report comments by webhook, so that Kicau polls them less often, or turn it on or off for one NETWORK."""
    actor = shell.actor()
    from kicau.sync import webhook_subscriptions

    if on is not None:
        if not network:
            raise click.UsageError("Name the network that you want to turn on or off.")
        webhook_subscriptions.switch_webhooks(actor, network, on)
    found = (
        [webhook_subscriptions.webhook_option(actor, network)]
        if network
        else webhook_subscriptions.webhook_options(actor)
    )
    values = [
        {
            "network": one.network,
            "on": one.is_on,
            "obstacle": str(one.obstacle),
            "setup": str(one.setup),
            "addresses": [{"address": a, "token": t} for a, t in one.addresses],
            "usual": one.usual,
            "sparse": one.sparse,
            "channels": [
                {
                    "channel": s.channel.key,
                    "since": s.made_at.isoformat() if s.made_at else None,
                    "told_at": s.told_at.isoformat() if s.told_at else None,
                    "told": s.told,
                    "reason": s.reason,
                }
                for s in one.subscriptions
            ],
        }
        for one in found
    ]

    print_result(as_json, values, lambda: _print_webhook_options(found, actor.workspace.timezone))


def _print_webhook_options(found: list[WebhookOption], zone: str) -> None:
    told = [
        (
            one.label,
            "on" if one.is_on else "off",
            f"{sum(1 for s in one.subscriptions if s.made_at)} of {one.channels}",
            f"{one.sparse} instead of {one.usual}",
        )
        for one in found
    ]
    print_table(
        ("network", "webhooks", "channels", "reads a day"),
        told,
        empty="No channel is on a network with webhooks.",
    )
    for one in found:
        if one.obstacle:
            click.echo(str(one.obstacle))
        for where, token in one.addresses if one.is_on else ():
            click.echo(f"{one.setup}\n  {where}\n  {token}")
        for row in one.subscriptions:
            if row.reason:
                click.echo(f"{row.channel.key}: {localize_sentence(row.reason, zone)}")


def _forecast_json(found: CurrencyMonthForecast | None) -> dict[str, int | None]:
    names = ("expected", "low", "high")
    return {f"{name}_micro": getattr(found, name) if found else None for name in names}


def _print_rates(display: CurrencyDisplay) -> None:
    for sentence in display.sentences():
        click.echo(sentence)


def parse_amount(written: str, meter: str) -> int:
    """Micro-units of money, or units of a meter. Raises UsageError."""
    try:
        value = Decimal(written) * (1 if meter else MICRO_PER_UNIT)
    except InvalidOperation:
        raise click.UsageError(f"{written!r} is not an amount such as 50 or 12.50.") from None
    if not value.is_finite() or value != value.to_integral_value():
        raise click.UsageError(f"{written!r} is not an amount such as 50 or 12.50.")
    return int(value)


def budget_json(state: object) -> dict[str, object]:
    from kicau.costs.actions import BudgetBalance
    from kicau.costs.budgets import NEVER

    assert isinstance(state, BudgetBalance)
    row = state.budget

    def told(n: int) -> str:
        return str(n) if row.meter else f"{Decimal(n) / MICRO_PER_UNIT:f}"

    renews: datetime | None = None if state.renews_at == NEVER else state.renews_at
    return {
        "id": str(row.id),
        "name": row.name,
        "period": row.period,
        "hard": row.is_hard,
        "amount": told(row.amount),
        "used": told(state.used),
        "reserved": told(state.reserved),
        "currency": row.currency,
        "meter": row.meter,
        "renews_at": renews.isoformat() if renews else None,
    }
