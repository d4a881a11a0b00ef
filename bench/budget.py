"""Whether a hard budget is ever exceeded: many seeded runs of several workers, lost answers, deaths, and a budget that is raised.

    python -m bench.budget [--runs 1000] [--first 0] [--workers 4] [--caps]

Each run (tests/engine/squeeze.py) has twelve deliveries and money for a part of them, and looks at the network's own
meter after every wave. The bar: never more billed than the budget, nothing lost, nothing published twice.
With `--caps` it is a plan's cap of posts a month that is squeezed, and a larger plan that releases; amounts are posts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.calibration import calibrated


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=1000)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--workers", type=int, default=4)
    asked.add_argument("--caps", action="store_true", help="a plan's cap of posts in place of a budget of money")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ.update(
            KICAU_DATA=f"{folder}/data",
            DJANGO_SETTINGS_MODULE="kicau.config.settings",
            DJANGO_ALLOW_ASYNC_UNSAFE="1",
            KICAU_LOG_LEVEL="error",
            KICAU_TEST_FAST_DISK="1",
        )
        from kicau.base import postgres

        with calibrated() as machine, postgres.running_server(Path(folder) / "data"):
            result = measure(wanted)
    print(json.dumps({**result, "machine": machine.report()}))
    sys.exit(not result["met"])


def measure(wanted: argparse.Namespace) -> dict[str, Any]:
    import django

    django.setup()
    from importlib.metadata import EntryPoint

    from django.core.management import call_command

    from kicau.base import logs
    from kicau.connector import registry

    logs.set_up_logging("error", "text", process="bench")
    points = {
        **registry._entry_points(),
        "stranger": EntryPoint("stranger", "tests.stranger.connector:connector", registry.ENTRY_POINT_GROUP),
    }
    registry._entry_points = lambda: points
    call_command("migrate", verbosity=0)
    return asyncio.run(squeezed(wanted))


async def connect_two_accounts(actor: Any, client: Any) -> list[Any]:
    from kicau.channels import actions as channels
    from kicau.connector.contract import consent_at_sandbox

    pair: list[Any] = []
    for name in ("ana", "budi"):
        begun = await channels.begin_sign_in(actor, "stranger", client=client)
        await channels.finish_sign_in(actor, await consent_at_sandbox(client, begun.url, account=name), client=client)
        pair += await channels.connect(actor, begun.state, keys={name: name}, client=client)
    return pair


async def squeezed(wanted: argparse.Namespace) -> dict[str, Any]:
    from asgiref.sync import sync_to_async

    from kicau.channels import actions as channels
    from kicau.channels.channel_session import new_client
    from kicau.connector.sandbox.server import start_sandbox
    from kicau.publishing.delivery import outcomes as meanings
    from kicau.workspaces.actions import actor_for, add_person, create_workspace
    from tests.engine import squeeze
    from tests.stranger.sandbox import Server

    meanings.LOOKUP_DELAY = timedelta(0)
    server = Server()
    runner = await start_sandbox(server)
    owner = await sync_to_async(add_person)("bench@example.org", "Bench", operator=True)
    actor = await sync_to_async(lambda: actor_for(owner, create_workspace(owner, "Bench").id, "cli"))()
    began, broken, worst, found = time.monotonic(), [], -(10**12), []
    async with new_client() as client:
        app = server.default_app
        await sync_to_async(channels.register_app)(
            "stranger", app.client_id, app.client_secret, endpoints=server.endpoints(), is_sandbox=True
        )
        pair = await connect_two_accounts(actor, client)
        for seed in range(wanted.first, wanted.first + wanted.runs):
            told = await squeeze.run(
                seed,
                actor,
                pair,
                server,
                client,
                workers=wanted.workers,
                kind=squeeze.Allowance if wanted.caps else squeeze.Money,
            )
            found.append(told)
            worst = max(worst, told.most_billed)
            if len(found) % 50 == 0:
                print(
                    f"{len(found)} runs, {time.monotonic() - began:.0f} s, {len(broken)} broken",
                    file=sys.stderr,
                    flush=True,
                )
            if told.most_billed > 0 or told.published != 12 or told.lost or not told.in_order:
                broken.append({"seed": seed, "told": str(told)})
    await runner.cleanup()
    return {
        "runs": len(found),
        "seconds": round(time.monotonic() - began, 1),
        "passed_by_micro": max(0, worst),
        "nearest_micro": -worst,
        "published": sum(t.published for t in found),
        "billed_micro": sum(t.billed for t in found),
        "ledger_micro": sum(t.ledger for t in found),
        "uncertain_micro": sum(t.uncertain for t in found),
        "broken": broken[:5],
        "met": not broken,
        "bar": "never passed, nothing lost or doubled",
    }


if __name__ == "__main__":
    main()
