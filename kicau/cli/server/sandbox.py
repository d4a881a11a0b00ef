"""`kicau sandbox`: every network on loopback, for any client."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kicau.cli.core.command import print_json

if TYPE_CHECKING:
    from kicau.connector.sandbox.server import Sandbox


@click.command()
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object with all addresses and keys that a client needs, then keep running.",
)
@click.option(
    "--port-base",
    type=click.IntRange(1024, 65000),
    default=8101,
    show_default=True,
    help="Port of the first network. The others follow. Ports in use are skipped.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the published content. Default: …-sandbox next to the data folder.",
)
@click.option("--fresh", is_flag=True, help="Delete everything that was published before.")
def sandbox(as_json: bool, port_base: int, folder: Path | None, fresh: bool) -> None:
    """Run a simulated server (sandbox) for every network on this machine, until Ctrl-C.

    Each sandbox has its network's API, a sign-in page and a public page. To simulate errors, use /_sandbox/faults.
    """
    from kicau.base import setting_definitions
    from kicau.sandbox import all_networks

    here = folder or setting_definitions.data_folder().with_name(setting_definitions.data_folder().name + "-sandbox")
    if fresh:
        for old in here.glob("*.sqlite3*"):
            old.unlink()
    ports = all_networks.choose_ports(all_networks.default_ports(port_base))

    def tell(running: Sequence[Sandbox]) -> None:
        if as_json:
            print_json(all_networks.client_settings(running))
        else:
            for one in running:
                _print_sandbox(one)
            click.echo(f"Published content is stored in {here}. Stop with Ctrl-C.")

    all_networks.run_until_signal(ports, here, tell)


def _print_sandbox(one: Sandbox) -> None:
    told = one.describe()
    click.echo(f"{one.label}: {told['base_url']}/")
    click.echo(f"  client id {told['client_id']}, secret {told['client_secret']}")
    for name, url in told["endpoints"].items():
        click.echo(f"  endpoint {name}: {url}")
    for account in told["accounts"]:
        click.echo(f"  {account['kind']} {account['name']} (@{account['handle']}), id {account['id']}")
    click.echo(f"  to use it: kicau apps add {one.slug} --sandbox {told['base_url']}")
