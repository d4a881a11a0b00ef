"""`kicau apps`: the operator's keys for each network."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import click

from kicau.cli.core.command import CommandError, Shell, json_option, pass_shell, print_result, print_table


@click.group()
def apps() -> None:
    """Manage the app keys that Kicau uses at the networks."""


@apps.command("list")
@json_option
@pass_shell
def list_apps(shell: Shell, as_json: bool) -> None:
    """List all apps, without their secrets."""
    shell.kicau()
    from kicau.channels import actions
    from kicau.cli.core import serializers

    rows = [serializers.app_json(row) for row in actions.apps()]
    empty = "There are no apps yet. Register one at the network (see its page in the documentation), then run: kicau apps add NETWORK"
    print_result(
        as_json,
        rows,
        lambda: print_table(
            ("network", "name", "client id", "plan", "sandbox"),
            [
                (r["network"], r["name"], r["client_id"], r["plan"] or r["tier"], "yes" if r["sandbox"] else "")
                for r in rows
            ],
            empty=empty,
        ),
    )


@apps.command("add")
@click.argument("network")
@click.option(
    "--name",
    default="default",
    show_default=True,
    help="Name of the app, if a network has several. An existing name replaces that app's keys.",
)
@click.option("--client-id", help="The app's client ID at the network. Kicau asks for it if the network needs one.")
@click.option(
    "--client-secret", help="The app's client secret. Kicau asks for it, without showing it, if the network needs one."
)
@click.option(
    "--endpoint",
    "endpoints",
    multiple=True,
    metavar="NAME=URL",
    help="A different base URL instead of the network's own.",
)
@click.option("--tier", default="", help="The app's access tier, if the network has tiers.")
@click.option("--plan", default="", help="The price list (plan) of the app. Default: the newest.")
@click.option(
    "--sandbox", metavar="URL", help="Use the sandbox at this address instead of the real network (see kicau sandbox)."
)
@json_option
@pass_shell
def add_app(
    shell: Shell,
    network: str,
    name: str,
    client_id: str | None,
    client_secret: str | None,
    endpoints: tuple[str, ...],
    tier: str,
    plan: str,
    sandbox: str | None,
    as_json: bool,
) -> None:
    """Store an app's keys and print the callback address to register at the network."""
    from kicau.connector import registry

    connector = registry.get_connector(network)
    label, needs_keys = connector.label, connector.auth.needs_keys
    bases = _parse_pairs(endpoints)
    if sandbox:
        told = _describe_sandbox(sandbox, network)
        client_id, client_secret, bases = told["client_id"], told["client_secret"], {**told["endpoints"], **bases}
    shell.kicau()
    if needs_keys:
        client_id = client_id or click.prompt(f"{label} client id")
        client_secret = client_secret or click.prompt(f"{label} client secret", hide_input=True)
    from django.conf import settings

    from kicau.channels import actions
    from kicau.channels.channel_session import CALLBACK_PATH
    from kicau.cli.core import serializers

    row = actions.register_app(
        network,
        client_id or "",
        client_secret or "",
        name=name,
        endpoints=bases,
        tier=tier,
        plan=plan,
        is_sandbox=bool(sandbox),
    )
    callback = settings.KICAU_PUBLIC_URL + CALLBACK_PATH
    done = (
        f"Kicau saved the keys for {label}. Register this callback address there: {callback}"
        if needs_keys
        else f"{label} is ready."
    )
    print_result(
        as_json,
        {**serializers.app_json(row), "callback": callback},
        lambda: click.echo(f"{done}\nThen connect a channel: kicau channels connect {network}"),
    )


@apps.command("remove")
@click.argument("network")
@click.option("--name", default="default", show_default=True, help="Name of the app, if the network has several.")
@json_option
@pass_shell
def remove_app(shell: Shell, network: str, name: str, as_json: bool) -> None:
    """Delete an app that no channel was connected with."""
    shell.kicau()
    from kicau.channels import actions
    from kicau.cli.core import serializers

    row = actions.remove_app(network, name)
    print_result(as_json, serializers.app_json(row), lambda: click.echo(f"The app {row} is deleted."))


def _parse_pairs(given: tuple[str, ...]) -> dict[str, str]:
    found = dict(one.partition("=")[::2] for one in given)
    if wrong := [name for name, url in found.items() if not name or not url.startswith(("http://", "https://"))]:
        raise click.UsageError(f"--endpoint {wrong[0]!r}: write NAME=URL.")
    return {name: url.rstrip("/") for name, url in found.items()}


def _describe_sandbox(url: str, network: str) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("--sandbox must be an address such as http://127.0.0.1:8101.")
    try:
        with urllib.request.urlopen(url.rstrip("/") + "/_sandbox/info", timeout=10) as told:  # noqa: S310 (http, checked above)
            found: dict[str, Any] = json.load(told)
    except (urllib.error.URLError, ValueError, OSError) as exc:
        raise CommandError(
            f"No sandbox is running at {url} ({getattr(exc, 'reason', exc)}). Start them with: kicau sandbox"
        ) from None
    if found.get("network") != network:
        raise CommandError(f"The sandbox at {url} belongs to {found.get('network')}, not of {network}.")
    return found
