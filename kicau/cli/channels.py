"""`kicau channels`: connected identities, and connecting more."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import time as clock_time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import click

from kicau.cli.core.command import (
    EXIT_FAILED,
    EXIT_USAGE,
    CommandError,
    Shell,
    json_option,
    pass_shell,
    print_result,
    print_table,
)
from kicau.cli.deliveries import localize_sentence

if TYPE_CHECKING:
    from kicau.channels.actions import SignInStep
    from kicau.channels.models import Channel
    from kicau.workspaces.actors import Actor

SIGN_IN_TIMEOUT_SECONDS = 600.0  # seconds for a person to come back from the network
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@click.group()
def channels() -> None:
    """Connect, pause and disconnect channels, and set their weekly time slots."""


@channels.command("list")
@json_option
@pass_shell
def list_channels(shell: Shell, as_json: bool) -> None:
    """List the workspace's channels."""
    actor = shell.actor()
    from kicau.channels import actions
    from kicau.cli.core import serializers

    rows, zone = [serializers.channel_json(row) for row in actions.channels(actor)], actor.workspace.timezone
    table = [
        (
            r["key"],
            r["network"],
            r["name"],
            r["kind"],
            "paused" if r["paused"] else r["state"],
            localize_sentence(r["reason"], zone),
        )
        for r in rows
    ]
    print_result(
        as_json,
        rows,
        lambda: print_table(
            ("key", "network", "name", "kind", "state", ""),
            table,
            empty="No channel yet. Connect one with: kicau channels connect NETWORK",
        ),
    )


@channels.command("connect")
@click.argument("network")
@click.option(
    "--app", "app_name", default="", help="The operator's app to connect with. Default: the network's first app."
)
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value that the network needs before the sign-in, for example the name of a server.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="ID",
    help="ID of an account to connect. Repeat for several. Without this option, Kicau asks.",
)
@click.option("--all", "take_all", is_flag=True, help="Connect all accounts that the sign-in gives access to.")
@click.option("--key", default="", help="Key of the new channel, if you connect only one.")
@click.option(
    "--paste",
    is_flag=True,
    help="Ask for the address where the browser ended after the sign-in, instead of waiting for the redirect.",
)
@json_option
@pass_shell
def connect(
    shell: Shell,
    network: str,
    app_name: str,
    answers: tuple[str, ...],
    accounts: tuple[str, ...],
    take_all: bool,
    key: str,
    paste: bool,
    as_json: bool,
) -> None:
    """Connect a channel. Prints an address where you sign in, then waits until the network redirects you back."""
    actor = shell.actor()
    from kicau.channels import actions
    from kicau.cli.core import serializers

    if wrong := [a for a in answers if "=" not in a]:
        raise click.UsageError(f"--answer {wrong[0]!r}: write NAME=VALUE.")
    begun = shell.wait_for(
        actions.begin_sign_in(actor, network, dict(a.partition("=")[::2] for a in answers), app_name=app_name)
    )
    if begun.url:
        click.echo(f"Open this address, sign in and allow the access:\n\n  {begun.url}\n", err=as_json)
        begun = _wait_for_return(shell, actor, begun, paste, err=as_json)
    chosen = _choose_identities(begun, accounts, take_all)
    keys = {chosen[0]: key} if key and len(chosen) == 1 else {}
    rows = shell.wait_for(actions.connect(actor, begun.state, chosen, keys=keys))
    print_result(
        as_json,
        [serializers.channel_json(row) for row in rows],
        lambda: print_table(("key", "network", "name"), [(r.key, r.network, r.name) for r in rows]),
    )


def _wait_for_return(shell: Shell, actor: Actor, begun: SignInStep, paste: bool, *, err: bool) -> SignInStep:
    """The identities that the sign-in gave, by whichever way the browser's return reaches us."""
    from kicau.base import setting_definitions
    from kicau.channels import actions
    from kicau.channels.channel_session import CALLBACK_PATH
    from kicau.cli.server.up import is_web_ready as web_answers
    from kicau.sandbox.all_networks import is_free

    callback = urlsplit(setting_definitions.public_url() + CALLBACK_PATH)
    if not paste and web_answers():
        click.echo("Waiting until you have signed in …", err=err)
        return _wait_for_web_sign_in(actor, begun)
    if (
        not paste
        and callback.scheme == "http"
        and callback.hostname in ("127.0.0.1", "localhost")
        and is_free(callback.port or 80)
    ):
        click.echo("Waiting until you have signed in …", err=err)
        return shell.wait_for(actions.finish_sign_in(actor, _listen_for_callback(callback.port or 80)))
    said = click.prompt(
        f"Then paste the whole address where the browser ended (it begins with {callback.geturl()})", err=err
    )
    returned = dict(parse_qsl(urlsplit(said.strip()).query))
    if not returned:
        raise CommandError(
            "This address contains no sign-in result (the part after a question mark). Copy the whole address from the browser."
        )
    return shell.wait_for(actions.finish_sign_in(actor, returned))


def _wait_for_web_sign_in(actor: Actor, begun: SignInStep) -> SignInStep:
    """The page at the callback finishes the sign-in; its result is read where it is kept."""
    from kicau.channels.actions import SignInStep as Done
    from kicau.channels.models import PendingSignIn
    from kicau.connector.protocol import SignInIdentity
    from kicau.connector.serialization import from_json

    until = time.monotonic() + SIGN_IN_TIMEOUT_SECONDS
    while time.monotonic() < until:
        row = PendingSignIn.objects.filter(state=begun.state, workspace=actor.workspace).first()
        if row is None:
            raise CommandError(
                "The sign-in was completed or rejected in the browser. To see the connected channels, run: kicau channels list"
            )
        if row.found is not None:
            return Done(state=begun.state, accounts=tuple(from_json(SignInIdentity, a) for a in row.found))
        time.sleep(0.5)
    raise CommandError("Nobody completed the sign-in within ten minutes. Run the command again.")


def _listen_for_callback(port: int) -> dict[str, str]:
    """The query of the browser's return, where no web server of ours runs."""
    found: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.update(parse_qsl(urlsplit(self.path).query))
            body = b"Kicau has what it needs: go back to the terminal."
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """The query holds a code; nothing of it is logged."""

    server = HTTPServer(("127.0.0.1", port), Handler)
    server.timeout = 1
    until = time.monotonic() + SIGN_IN_TIMEOUT_SECONDS
    with server:
        while "state" not in found and time.monotonic() < until:
            server.handle_request()
    if "state" not in found:
        raise CommandError("Nobody completed the sign-in within ten minutes. Run the command again.")
    return found


def _choose_identities(begun: SignInStep, accounts: Sequence[str], take_all: bool) -> list[str]:
    there = {a.id: a for a in begun.accounts}
    listed = ", ".join(f"{a.name} ({a.kind}, --account {a.id})" for a in there.values()) or "nothing"
    if accounts:
        if unknown := [a for a in accounts if a not in there]:
            raise CommandError(f"The sign-in gave no access to {unknown[0]!r}. It gave access to: {listed}.")
        return list(accounts)
    if take_all or len(there) == 1:
        return list(there)
    if not there:
        raise CommandError("The sign-in gave no access to an account where Kicau can publish.")
    if not sys.stdin.isatty():
        raise CommandError(f"Choose accounts with --account or --all: {listed}.", EXIT_USAGE)
    for n, account in enumerate(there.values(), 1):
        click.echo(f"  {n}  {account.name} ({account.kind})")
    said = click.prompt("Which accounts (numbers separated by spaces, or all)", default="all")
    if said.strip() == "all":
        return list(there)
    try:
        return [list(there)[int(n) - 1] for n in said.replace(",", " ").split()]
    except (ValueError, IndexError):
        raise CommandError(f"{said!r} is not a number from 1 to {len(there)}.") from None


@channels.command("disconnect")
@click.argument("key")
@json_option
@pass_shell
def disconnect(shell: Shell, key: str, as_json: bool) -> None:
    """Delete a channel's credentials. Its posts and queue stay, and continue after you reconnect it."""
    actor = shell.actor()
    from kicau.channels import actions

    _print_channel(actions.disconnect(actor, key), as_json, "is disconnected, and its queue stays")


@channels.command("pause")
@click.argument("key")
@json_option
@pass_shell
def pause(shell: Shell, key: str, as_json: bool) -> None:
    """Pause a channel's queue."""
    actor = shell.actor()
    from kicau.channels import actions

    _print_channel(actions.pause(actor, key, True), as_json, "is paused, and its queue stays")


@channels.command("resume")
@click.argument("key")
@json_option
@pass_shell
def resume(shell: Shell, key: str, as_json: bool) -> None:
    """Resume a paused channel's queue."""
    actor = shell.actor()
    from kicau.channels import actions

    _print_channel(actions.pause(actor, key, False), as_json, "is publishing again")


def _print_channel(row: Channel, as_json: bool, sentence: str) -> None:
    from kicau.cli.core import serializers

    print_result(as_json, serializers.channel_json(row), lambda: click.echo(f"{row.key} {sentence}."))


@channels.command("slots")
@click.argument("key")
@click.option(
    "--set",
    "wanted",
    metavar="TIMES",
    help='Replace all time slots, for example "mon 09:00, wed 17.30, sabtu 08:00". "weekdays" and "daily" also work.',
)
@click.option("--clear", is_flag=True, help="Remove all time slots.")
@click.option("--zone", default="", help="Time zone of the time slots. Default: the workspace's.")
@json_option
@pass_shell
def slots(shell: Shell, key: str, wanted: str | None, clear: bool, zone: str, as_json: bool) -> None:
    """Show or set a channel's weekly time slots, which posts at the "next free slot" use."""
    actor = shell.actor()
    from kicau.channels import actions

    channel = actions.one_channel(actor, key)
    if wanted or clear:
        actions.set_slots(actor, key, [] if clear else parse_slots(wanted or ""), zone or actor.workspace.timezone)
    there = list(channel.slots.all())
    rows = [{"weekday": s.weekday, "time": f"{s.time:%H:%M}", "timezone": s.timezone} for s in there]
    table = [(DAY_NAMES[s.weekday], f"{s.time:%H:%M}", s.timezone) for s in there]
    print_result(
        as_json,
        rows,
        lambda: print_table(("day", "time", "zone"), table, empty=f"{key} has no time slots. Set some with --set."),
    )


def parse_slots(said: str) -> list[tuple[int, clock_time]]:
    """ "mon 09:00, wed 17.30" as weekdays (Monday 0) and times. Raises CommandError."""
    from kicau.publishing.scheduling.time_parser import WEEKDAY_NUMBERS

    groups = {"daily": range(7), "setiap hari": range(7), "weekdays": range(5), "hari kerja": range(5)}
    found = []
    for one in filter(None, (part.strip().casefold() for part in said.split(","))):
        day, _, hour = one.rpartition(" ")
        days = groups.get(day) or ([WEEKDAY_NUMBERS[day]] if day in WEEKDAY_NUMBERS else None)
        try:
            at = clock_time.fromisoformat(hour.replace(".", ":").zfill(5))
        except ValueError:
            at = None
        if days is None or at is None:
            raise CommandError(
                f'{one!r} is not a weekly time. Write for example "mon 09:00, wed 17:30" or "daily 08:00".', EXIT_FAILED
            )
        found += [(d, at) for d in days]
    return found


@channels.command("ai")
@click.argument("key")
@click.option(
    "--of",
    "account",
    default="",
    help="Show the preferences of another account of that network (handle or ID). You cannot change them.",
)
@click.option("--allow", multiple=True, metavar="USE", help="Allow a use: training, inference, synthetic or embedding.")
@click.option("--deny", multiple=True, metavar="USE", help="Deny a use: training, inference, synthetic or embedding.")
@click.option(
    "--clear",
    "cleared",
    multiple=True,
    metavar="USE",
    help="Remove the preference for a use, so that it is neither allowed nor denied.",
)
@json_option
@pass_shell
def preferences_of_channel(
    shell: Shell,
    key: str,
    account: str,
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    cleared: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show or change the AI preferences that an account publishes on its network about its posts."""
    actor = shell.actor()
    from asgiref.sync import async_to_sync

    from kicau.channels import preferences
    from kicau.connector.roles.preferences import PREFERENCE_USES

    says = {**dict.fromkeys(allow, True), **dict.fromkeys(deny, False), **dict.fromkeys(cleared)}
    if account and says:
        raise CommandError(
            "You cannot change the preferences of another account. Leave out --of, or the changes.", EXIT_USAGE
        )
    if says:
        found = async_to_sync(preferences.set_preferences)(actor, key, says)
    else:
        found = async_to_sync(preferences.read_preferences)(actor, key, account)
    words = {True: "allowed", False: "not allowed", None: "no preference"}
    rows = [(use, words[found.says.get(use)]) for use in PREFERENCE_USES]
    told = {
        "account": found.account,
        "says": dict(found.says),
        "at": found.at.isoformat() if found.at else None,
        "source": found.source,
    }
    print_result(as_json, told, lambda: print_table(("use", found.account), rows))
