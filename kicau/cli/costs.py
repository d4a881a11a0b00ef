"""`kicau costs`: what the networks charge, what they may, and what they will."""

from __future__ import annotations

import sys
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicau.cli.frame import Shell, answer, json_option, pass_shell, show_table

if TYPE_CHECKING:
    from kicau.plans.display import Display
    from kicau.plans.models import Rate
    from kicau.publishing.forecasting import Forecast
    from kicau.workspaces.actors import Actor

MICRO = 1_000_000


@click.group()
def costs() -> None:
    """What the networks charge: the month, its forecast, budgets and prices."""


@costs.command("month")
@click.argument("month", default="")
@click.option("--csv", "as_csv", is_flag=True, help="Every charge, a line each.")
@click.option("--pdf", type=click.Path(dir_okay=False), help="Write the statement to this file.")
@click.option(
    "--in",
    "shown_in",
    default="",
    metavar="CURRENCY",
    help="Show amounts in this currency too, by the operator's rate; else in the workspace's own.",
)
@json_option
@pass_shell
def month(shell: Shell, month: str, as_csv: bool, pdf: str | None, shown_in: str, as_json: bool) -> None:
    """Show what a MONTH (2026-11; else the present one) cost, by network and purpose."""
    actor = shell.actor()
    from kicau.publishing import statements

    if as_csv:
        sys.stdout.writelines(statements.as_csv(actor, month))
        return
    told = statements.statement(actor, month)
    display = _display(actor, shown_in).by(told.ends_at)
    if pdf:
        Path(pdf).write_bytes(statements.as_pdf(told, display, actor.workspace.language))
    groups = {"network": told.networks, "purpose": told.purposes, "campaign": told.campaigns, "channel": told.channels, "person": told.people, "meter": told.meters}  # fmt: skip
    lines = [(by, line) for by, found in groups.items() for line in found]
    values = {
        "begins_at": told.begins_at.isoformat(), "ends_at": told.ends_at.isoformat(),
        "totals": [{"currency": c, "micro": m, **_worth(display, m, c)} for c, m in told.totals],
        "lines": [{"by": by, "label": line.label, "calls": line.calls, "units": line.units, "micro": line.micro, "currency": line.currency} for by, line in lines],
    }  # fmt: skip

    def show() -> None:
        for currency, micro in told.totals:
            click.echo(f"Total: {display.told(micro, currency)}")
        show_table(("by", "", "calls", "cost"), [(by, line.label, line.calls, display.told(line.micro, line.currency)) for by, line in lines if line.currency], empty="Nothing has cost money.")  # fmt: skip
        _rates_told(display)

    answer(as_json, values, show)


@costs.command("clients")
@click.argument("month", default="")
@click.option("--csv", "as_csv", is_flag=True, help="A line for each client and currency.")
@json_option
@pass_shell
def clients(shell: Shell, month: str, as_csv: bool, as_json: bool) -> None:
    """Show what a MONTH (2026-11; else the present one) cost in each workspace of yours, with the month before it."""
    actor = shell.anywhere()
    from kicau.publishing import clients as found_by

    found = found_by.clients(actor, month)
    if as_csv:
        sys.stdout.writelines(found_by.as_csv(found))
        return
    shown = [(client, client.display) for client in found]
    values = [
        {
            "workspace": client.workspace.name, "id": str(client.workspace.id), "month": client.month, "timezone": client.workspace.timezone,
            "costs": [
                {"currency": one.currency, "micro": one.micro, **_worth(display, one.micro, one.currency), "before_micro": one.before, **_ahead(one.forecast)}
                for one in client.lines
            ],
            "budgets": [_budget(s) for s in client.budgets], "passed": [s.budget.name for s in client.passed()],
        }
        for client, display in shown
    ]  # fmt: skip

    def show() -> None:
        rows = []
        for client, display in shown:
            budgets = ", ".join(f"{s.budget.name} {s.percent} %" for s in client.budgets)
            amounts = [(display.told(one.micro, one.currency), display.told(one.before, one.currency), display.told(one.forecast.expected, one.currency) if one.forecast else "") for one in client.lines]  # fmt: skip
            rows += [(client.workspace.name, client.month, *told, budgets) for told in amounts or [("0", "0", "")]]
        show_table(("client", "month", "cost", "month before", "expected", "budgets"), rows, empty="No workspace.")
        for sentence in dict.fromkeys(told for _, display in shown for told in display.sentences()):
            click.echo(sentence)

    answer(as_json, values, show)


@costs.command("forecast")
@click.option("--plan", default="", help="What if the apps were on the price list of this name.")
@click.option("--reading", type=float, default=1.0, help="What if there were so many times as much reading.")
@click.option("--plain", is_flag=True, help="What if no post had what makes it dear (a link).")
@click.option("--price", "prices", multiple=True, metavar="METER=AMOUNT", help="What if a meter cost this from now on: post=0.03. May be given again.")  # fmt: skip
@json_option
@pass_shell
def forecast(shell: Shell, plan: str, reading: float, plain: bool, prices: tuple[str, ...], as_json: bool) -> None:
    """Show what this month will have cost at its end."""
    actor = shell.actor()
    from kicau.publishing import forecasting

    changed = {meter: _amount(amount, "") for meter, _, amount in (one.partition("=") for one in prices)}
    display = _display(actor)
    found = forecasting.forecast(actor, forecasting.WhatIf(plan=plan, reading=reading, plain=plain, prices=changed))
    from kicau.base.money import rounded
    from kicau.publishing.compose import campaigns

    names = {str(one.id): one.name for one in campaigns(actor)}
    groups = (("total", found.total), ("network", found.networks), ("campaign", found.campaigns))
    rows = [(by, names.get(f.key, f.key), f) for by, group in groups for f in group]
    values = [{"by": by, "key": f.key, "name": name, "currency": f.currency, "spent": f.spent, "calendar": f.calendar, "reading": f.reading, "fee": f.fee, "expected": f.expected, "low": f.low, "high": f.high} for by, name, f in rows]  # fmt: skip

    def show() -> None:
        fees = any(f.fee for _, _, f in rows)
        told = [
            (by, name, *(display.told(rounded(n, f.currency), f.currency) for n in (f.spent, f.calendar, f.reading, *([f.fee] if fees else []), f.expected)), f"{display.told(rounded(f.low, f.currency), f.currency)} to {display.told(rounded(f.high, f.currency), f.currency)}")
            for by, name, f in rows if f.currency
        ]  # fmt: skip
        show_table(("by", "", "spent", "scheduled", "reading", *(["fee"] if fees else []), "expected", "band"), told, empty="Nothing costs money this month.")  # fmt: skip
        _rates_told(display)

    answer(as_json, values, show)


@costs.command("plans")
@click.argument("network")
@json_option
@pass_shell
def plans(shell: Shell, network: str, as_json: bool) -> None:
    """Compare a NETWORK's plans for what was used in the last 30 days."""
    actor = shell.actor()
    from kicau.plans import workloads

    display = _display(actor)

    found = workloads.compare(network, workloads.measured(network, workspace_id=actor.workspace.id))
    values = [{"plan": q.plan.name, "since": q.plan.since.isoformat(), "currency": q.plan.currency, "fee": q.fee, "use": q.use, "total": q.total, "fits": q.fits, "breaks": list(q.breaks)} for q in found]  # fmt: skip
    answer(as_json, values, lambda: show_table(("plan", "fee", "use", "together", "too small for"), [(q.plan.name, *(display.told(n, q.plan.currency) for n in (q.fee, q.use, q.total)), ", ".join(q.breaks)) for q in found], empty="No plans."))  # fmt: skip


@costs.command("savings")
@json_option
@pass_shell
def savings(shell: Shell, as_json: bool) -> None:
    """Show what the reading policy saves against reading all again and again."""
    actor = shell.actor()
    from kicau.publishing import savings as saving

    display, found = _display(actor), saving.savings(actor)
    values = [{"network": n, "currency": c, "ours": one.ours_micro, "naive": one.naive_micro, "percent": one.percent} for n, c, one in found]  # fmt: skip
    rows = [(n, display.told(one.ours_micro, c), display.told(one.naive_micro, c), f"{one.percent} %") for n, c, one in found]  # fmt: skip
    answer(as_json, values, lambda: show_table(("network", "a month", "in place of", "less"), rows, empty="No channel here reads for money."))  # fmt: skip


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
        if not network:
            raise click.UsageError("Say whose prices they are: kicau costs prices NETWORK --add FILE.")
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
    """Say what one CURRENCY is worth: kicau costs rate USD IDR 16250. For display only (operators only)."""
    actor = shell.actor()
    from kicau.plans import display

    try:
        value, day = Decimal(rate), date.fromisoformat(since) if since else None
    except (InvalidOperation, ValueError):
        raise click.UsageError("Give a rate such as 16250 and a day such as 2026-11-01.") from None
    made = display.set_rate(actor, currency.upper(), shown_in.upper(), value, day)
    answer(as_json, _rate(made), lambda: click.echo(str(made)))


@costs.command("rates")
@click.option("--remove", default="", metavar="ID", help="Take one away (operators only).")
@json_option
@pass_shell
def rates(shell: Shell, remove: str, as_json: bool) -> None:
    """Show every rate with its day."""
    actor = shell.actor()
    from kicau.plans import display

    if remove:
        display.remove_rate(actor, remove)
    found = [_rate(row) for row in display.rates(actor)]
    rows = [(v["id"], f"1 {v['currency']} = {v['rate']} {v['shown_in']}", v["since"]) for v in found]
    answer(as_json, found, lambda: show_table(("id", "rate", "from"), rows, empty="No rate yet: kicau costs rate USD IDR 16250"))  # fmt: skip


@costs.command("currency")
@click.argument("currency")
@json_option
@pass_shell
def currency(shell: Shell, currency: str, as_json: bool) -> None:
    """Show the workspace's costs in this CURRENCY too (IDR; "none" for the price list's own alone)."""
    actor = shell.actor()
    from kicau.plans.display import unrated
    from kicau.workspaces import acts

    made = acts.change_workspace(actor, currency="" if currency.lower() == "none" else currency.upper())
    missing = unrated(made)

    def show() -> None:
        click.echo(f"Costs are shown in {made.currency or 'the currency of their price list'}.")
        for one in missing:
            click.echo(f"There is no rate from {one} yet, so amounts in {one} stay as they are. An operator enters it: kicau costs rate {one} {made.currency} RATE")  # fmt: skip

    answer(as_json, {"currency": made.currency, "unrated": missing}, show)


def _display(actor: Actor, shown_in: str = "") -> Display:
    from kicau.plans.display import Display

    return Display(shown_in.upper() or actor.workspace.currency)


def _worth(display: Display, micro: int, currency: str) -> dict[str, object]:
    worth = display.of(micro, currency)
    return {"in": display.currency or None, "converted_micro": worth.micro if worth else None, "rate": f"{worth.rate.normalize():f}" if worth else None, "rate_since": worth.since.isoformat() if worth else None}  # fmt: skip


@costs.command("reading")
@click.argument("network", default="")
@click.option("--on/--off", "reads", default=None, help="Read on NETWORK from now on, or no more.")
@click.option(
    "--accept", default="", metavar="AMOUNT", help="What you accept that 30 days will cost: the figure that is shown."
)
@json_option
@pass_shell
def reading(shell: Shell, network: str, reads: bool | None, accept: str, as_json: bool) -> None:
    """Show on which networks answers and numbers are read and what that costs; switch one NETWORK on or off."""
    actor = shell.actor()
    from kicau.reading import choosing

    if reads is not None:
        if not network:
            raise click.UsageError("Name the network that is to be switched.")
        choosing.switch(actor, network, reads, accepts=_amount(accept, "") if accept else None)
    found = [choosing.one(actor, network)] if network else choosing.choosable(actor)
    values = [
        {
            "network": one.network, "channels": one.channels, "reads": one.reads, "chosen": one.is_chosen, "costs": one.costs,
            "posts": one.estimate.posts, "answers": one.estimate.answers, "readings": one.estimate.readings, "micro": one.estimate.micro, "currency": one.estimate.currency,
        }
        for one in found
    ]  # fmt: skip

    def show() -> None:
        display = _display(actor)
        told = [(one.label, "on" if one.reads else "off", one.channels, display.told(one.estimate.micro, one.estimate.currency) if one.estimate.currency else "nothing") for one in found]  # fmt: skip
        show_table(("network", "reading", "channels", "in 30 days"), told, empty="No channel here is on a network that can be read.")  # fmt: skip

    answer(as_json, values, show)


@costs.command("webhooks")
@click.argument("network", default="")
@click.option("--on/--off", "on", default=None, help="Have NETWORK tell from now on, or no more.")
@json_option
@pass_shell
def webhooks(shell: Shell, network: str, on: bool | None, as_json: bool) -> None:
    """Show which networks tell of answers by webhook, so that they are asked seldom; switch one NETWORK on or off."""
    actor = shell.actor()
    from kicau.reading import telling

    if on is not None:
        if not network:
            raise click.UsageError("Name the network that is to be switched.")
        telling.switch(actor, network, on)
    found = [telling.one(actor, network)] if network else telling.offers(actor)
    values = [
        {
            "network": one.network, "on": one.is_on, "obstacle": str(one.obstacle), "setup": str(one.setup), "addresses": [{"address": a, "token": t} for a, t in one.addresses],
            "usual": one.usual, "sparse": one.sparse,
            "channels": [{"channel": s.channel.key, "since": s.made_at.isoformat() if s.made_at else None, "told_at": s.told_at.isoformat() if s.told_at else None, "told": s.told, "reason": s.reason} for s in one.subscriptions],
        }
        for one in found
    ]  # fmt: skip

    def show() -> None:
        told = [(one.label, "on" if one.is_on else "off", f"{sum(1 for s in one.subscriptions if s.made_at)} of {one.channels}", f"{one.sparse} in place of {one.usual}") for one in found]  # fmt: skip
        show_table(("network", "webhooks", "channels", "readings a day"), told, empty="No channel here is on a network that tells by webhook.")  # fmt: skip
        for one in found:
            if one.obstacle:
                click.echo(str(one.obstacle))
            for where, token in one.addresses if one.is_on else ():
                click.echo(f"{one.setup}\n  {where}\n  {token}")
            for row in one.subscriptions:
                if row.reason:
                    click.echo(f"{row.channel.key}: {row.reason}")

    answer(as_json, values, show)


def _ahead(found: Forecast | None) -> dict[str, int | None]:
    names = ("expected", "low", "high")
    return {f"{name}_micro": getattr(found, name) if found else None for name in names}


def _rates_told(display: Display) -> None:
    for sentence in display.sentences():
        click.echo(sentence)


def _rate(row: Rate) -> dict[str, object]:
    return {"id": row.id, "currency": row.currency, "shown_in": row.shown_in, "rate": f"{row.rate.normalize():f}", "since": row.since.isoformat()}  # fmt: skip


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
