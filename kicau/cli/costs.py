"""`kicau costs`: what the networks charge, what they may, and what they will."""

from __future__ import annotations

import sys
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from kicau.cli.frame import Shell, answer, json_option, pass_shell, show_table

MICRO = 1_000_000


@click.group()
def costs() -> None:
    """What the networks charge: the month, its forecast, budgets and prices."""


@costs.command("month")
@click.argument("month", default="")
@click.option("--csv", "as_csv", is_flag=True, help="Every charge, a line each.")
@click.option("--pdf", type=click.Path(dir_okay=False), help="Write the statement to this file.")
@click.option(
    "--in", "shown_in", default="", metavar="CURRENCY", help="Show totals in another currency, by your own rate."
)
@json_option
@pass_shell
def month(shell: Shell, month: str, as_csv: bool, pdf: str | None, shown_in: str, as_json: bool) -> None:
    """Show what a MONTH (2026-11; else the present one) cost, by network and purpose."""
    actor = shell.actor()
    from kicau.base.money import shown
    from kicau.plans import acts
    from kicau.publishing import statements

    if as_csv:
        sys.stdout.writelines(statements.as_csv(actor, month))
        return
    told = statements.statement(actor, month)
    if pdf:
        Path(pdf).write_bytes(statements.as_pdf(told))
    day = told.begins_at.date()
    totals = [(currency, micro, acts.converted(micro, currency, shown_in.upper(), day) if shown_in else None) for currency, micro in told.totals]  # fmt: skip
    lines = [("network", line) for line in told.networks] + [("purpose", line) for line in told.purposes] + [("campaign", line) for line in told.campaigns]  # fmt: skip
    values = {
        "begins_at": told.begins_at.isoformat(), "ends_at": told.ends_at.isoformat(),
        "totals": [{"currency": c, "micro": m, "in": shown_in.upper() or None, "converted_micro": x} for c, m, x in totals],
        "lines": [{"by": by, "label": line.label, "calls": line.calls, "micro": line.micro, "currency": line.currency} for by, line in lines],
    }  # fmt: skip

    def show() -> None:
        for currency, micro, other in totals:
            also = "" if not shown_in else f" = {shown(other, shown_in.upper())}" if other is not None else f" (no rate to {shown_in.upper()}: kicau costs rate)"  # fmt: skip
            click.echo(f"Total: {shown(micro, currency)}{also}")
        show_table(("by", "", "calls", "cost"), [(by, line.label, line.calls, shown(line.micro, line.currency)) for by, line in lines], empty="Nothing has cost money.")  # fmt: skip

    answer(as_json, values, show)


@costs.command("forecast")
@click.option("--plan", default="", help="What if the apps were on the price list of this name.")
@click.option("--reading", type=float, default=1.0, help="What if there were so many times as much reading.")
@click.option("--plain", is_flag=True, help="What if no post had what makes it dear (a link).")
@json_option
@pass_shell
def forecast(shell: Shell, plan: str, reading: float, plain: bool, as_json: bool) -> None:
    """Show what this month will have cost at its end."""
    actor = shell.actor()
    from kicau.base.money import shown
    from kicau.publishing import forecasting

    found = forecasting.forecast(actor, forecasting.WhatIf(plan=plan, reading=reading, plain=plain))
    rows = [("total", f) for f in found.total] + [("network", f) for f in found.networks]
    values = [{"by": by, "key": f.key, "currency": f.currency, "spent": f.spent, "calendar": f.calendar, "reading": f.reading, "expected": f.expected, "low": f.low, "high": f.high} for by, f in rows]  # fmt: skip
    answer(
        as_json, values,
        lambda: show_table(
            ("by", "", "spent", "scheduled", "reading", "expected", "band"),
            [(by, f.key, *(shown(n, f.currency) for n in (f.spent, f.calendar, f.reading, f.expected)), f"{shown(f.low, f.currency)} to {shown(f.high, f.currency)}") for by, f in rows if f.currency],
            empty="Nothing costs money this month.",
        ),
    )  # fmt: skip


@costs.command("plans")
@click.argument("network")
@json_option
@pass_shell
def plans(shell: Shell, network: str, as_json: bool) -> None:
    """Compare a NETWORK's plans for what was used in the last 30 days."""
    actor = shell.actor()
    from kicau.base.money import shown
    from kicau.plans import workloads

    found = workloads.compare(network, workloads.measured(network, workspace_id=actor.workspace.id))
    values = [{"plan": q.plan.name, "since": q.plan.since.isoformat(), "currency": q.plan.currency, "fee": q.fee, "use": q.use, "total": q.total, "fits": q.fits, "breaks": list(q.breaks)} for q in found]  # fmt: skip
    answer(as_json, values, lambda: show_table(("plan", "fee", "use", "together", "too small for"), [(q.plan.name, shown(q.fee, q.plan.currency), shown(q.use, q.plan.currency), shown(q.total, q.plan.currency), ", ".join(q.breaks)) for q in found], empty="No plans."))  # fmt: skip


@costs.command("budgets")
@json_option
@pass_shell
def list_budgets(shell: Shell, as_json: bool) -> None:
    """Show all budgets and what is used of them."""
    actor = shell.actor()
    from kicau.plans import acts

    found = acts.states(list(acts.budgets(actor)))
    values = [_budget(s) for s in found]
    rows = [(v["id"], v["name"], v["period"], "holds" if v["hard"] else "tells", v["amount"], v["used"], v["reserved"], v["currency"] or v["meter"]) for v in values]  # fmt: skip
    answer(as_json, values, lambda: show_table(("id", "name", "period", "", "amount", "used", "set aside", "of"), rows, empty="No budget yet: kicau costs budget NAME AMOUNT"))  # fmt: skip


@costs.command("budget")
@click.argument("name")
@click.argument("amount")
@click.option("--id", "budget_id", default="", help="Change this budget in place of making one.")
@click.option("--currency", default="USD", show_default=True, help="ISO 4217.")
@click.option("--meter", default="", help="Count units of a network's meter in place of money.")
@click.option("--period", type=click.Choice(["day", "month", "total"]), default="month", show_default=True, help="When it begins anew, in the workspace's zone.")  # fmt: skip
@click.option("--soft", is_flag=True, help="Only tell people; nothing is held.")
@click.option("--channel", default="", help="For one channel.")
@click.option("--campaign", default="", help="For one campaign, by its name.")
@click.option("--network", default="", help="For one network.")
@click.option("--purpose", default="", help="For one purpose: publish, find, answers, numbers, read …")
@click.option("--app", "app_name", default="", help="For a whole app of --network, across workspaces (operators only).")
@click.option("--reading-share", type=int, default=70, show_default=True, help="Percent of it that reading may use up.")
@json_option
@pass_shell
def budget(shell: Shell, name: str, amount: str, budget_id: str, currency: str, meter: str, period: str, soft: bool, channel: str, campaign: str, network: str, purpose: str, app_name: str, reading_share: int, as_json: bool) -> None:  # fmt: skip
    """Make a budget of AMOUNT (12.50). A hard one is never passed: what does not fit is held until it is raised."""
    actor = shell.actor()
    from kicau.base.errors import NotFound
    from kicau.channels.acts import app_for, one_channel
    from kicau.plans import acts
    from kicau.publishing.compose import campaigns

    found = campaigns(actor).filter(name=campaign).first() if campaign else None
    if campaign and found is None:
        raise NotFound("campaign", campaign)
    wanted = acts.BudgetInput(
        name=name, amount=_amount(amount, meter), currency=currency.upper(), meter=meter, period=period, is_hard=not soft, network=network, purpose=purpose,
        channel_id=one_channel(actor, channel).id if channel else None, campaign_id=found.id if found else None, reading_share=reading_share,
        app_id=app_for(network, app_name).id if app_name else None,
    )  # fmt: skip
    made = acts.set_budget(actor, wanted, budget_id=budget_id or None)
    value = _budget(acts.states([made])[0])
    answer(as_json, value, lambda: click.echo(f"{made.name}: {value['used']} of {value['amount']} {value['currency'] or value['meter']} used. Its id: {made.id}"))  # fmt: skip


@costs.command("remove-budget")
@click.argument("budget_id", metavar="ID")
@json_option
@pass_shell
def remove_budget(shell: Shell, budget_id: str, as_json: bool) -> None:
    """Take a budget away; what it held goes out."""
    actor = shell.actor()
    from kicau.plans import acts

    gone = acts.remove_budget(actor, budget_id)
    answer(as_json, {"id": str(gone.id), "name": gone.name}, lambda: click.echo(f"{gone.name} holds nothing any more."))


@costs.command("prices")
@click.argument("network", default="")
@click.option("--add", "file", type=click.Path(exists=True, dir_okay=False), help="Enter price lists from a TOML file for NETWORK (operators only).")  # fmt: skip
@click.option("--remove", default="", metavar="ID", help="Take away lists of your own (operators only).")
@json_option
@pass_shell
def price_lists(shell: Shell, network: str, file: str | None, remove: str, as_json: bool) -> None:
    """Show every price list with its day and source, or enter your own."""
    actor = shell.actor()
    from kicau.plans import acts

    if file:
        acts.add_price_list(actor, network, Path(file).read_text("utf-8"))
    if remove:
        acts.remove_price_list(actor, remove)
    found = [one for one in acts.price_lists(actor) if network in ("", one.network)]
    values = [{"network": one.network, "name": one.value.name, "since": one.value.since.isoformat(), "until": one.value.until.isoformat() if one.value.until else None, "currency": one.value.currency, "monthly": one.value.monthly, "prices": dict(one.value.prices), "own": str(one.own.id) if one.own else None, "source": one.value.source} for one in found]  # fmt: skip
    rows = [(v["network"], v["name"], v["since"], len(one.value.prices), v["own"] or "", v["source"]) for v, one in zip(values, found, strict=True)]  # fmt: skip
    answer(as_json, values, lambda: show_table(("network", "plan", "from", "prices", "own", "source"), rows, empty="No price lists."))  # fmt: skip


@costs.command("rate")
@click.argument("currency")
@click.argument("shown_in")
@click.argument("rate")
@click.option("--since", default="", metavar="DAY", help="From this day on (2026-11-01); else today.")
@json_option
@pass_shell
def rate(shell: Shell, currency: str, shown_in: str, rate: str, since: str, as_json: bool) -> None:
    """Say what one CURRENCY is worth: kicau costs rate USD IDR 16250. For display only."""
    actor = shell.actor()
    from kicau.plans import acts

    try:
        value, day = Decimal(rate), date.fromisoformat(since) if since else None
    except (InvalidOperation, ValueError):
        raise click.UsageError("Give a rate such as 16250 and a day such as 2026-11-01.") from None
    made = acts.set_rate(actor, currency.upper(), shown_in.upper(), value, day)
    answer(as_json, {"currency": made.currency, "shown_in": made.shown_in, "rate": str(made.rate), "since": made.since.isoformat()}, lambda: click.echo(str(made)))  # fmt: skip


def _amount(written: str, meter: str) -> int:
    try:
        value = Decimal(written) * (1 if meter else MICRO)
    except InvalidOperation:
        raise click.UsageError(f"{written!r} is no amount such as 50 or 12.50.") from None
    if not value.is_finite() or value != value.to_integral_value():
        raise click.UsageError(f"{written!r} is no amount such as 50 or 12.50.")
    return int(value)


def _budget(state: object) -> dict[str, object]:
    from kicau.plans.acts import BudgetState
    from kicau.plans.budgets import NEVER

    assert isinstance(state, BudgetState)
    row = state.budget

    def told(n: int) -> str:
        return str(n) if row.meter else f"{Decimal(n) / MICRO:f}"

    renews: datetime | None = None if state.renews_at == NEVER else state.renews_at
    return {
        "id": str(row.id), "name": row.name, "period": row.period, "hard": row.is_hard, "amount": told(row.amount), "used": told(state.used),
        "reserved": told(state.reserved), "currency": row.currency, "meter": row.meter, "renews_at": renews.isoformat() if renews else None,
    }  # fmt: skip
