"""What the benchmarks of the engine share: an instance with its database, a workspace with many channels of a network, and
deliveries by the ten thousand."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.instance.network import SELF, Network
from bench.instance.processes import free_port

# The first that is found is enough: counting them time and again was a tenth of what the database did meanwhile.
WAITING = "SELECT EXISTS (SELECT FROM publishing_delivery WHERE state IN ('scheduled', 'publishing') AND due_at = %s)"


@contextmanager
def instance(**settings: str) -> Iterator[Path]:
    """An instance with its embedded database running and migrated, in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as folder:
        Path(folder).chmod(0o711)  # the database's own user passes through
        os.environ.update(
            KICAU_DATA=f"{folder}/data",
            KICAU_PORT=str(free_port()),
            KICAU_LOG_LEVEL="warning",
            DJANGO_SETTINGS_MODULE="kicau.config.settings",
            DJANGO_ALLOW_ASYNC_UNSAFE="1",
            **settings,
        )
        from kicau.base import postgres

        with postgres.running_server(Path(folder) / "data"):
            import django

            django.setup()
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            yield Path(folder) / "data"


class ConnectedWorkspace:
    """A workspace with every account of the networks connected."""

    def __init__(self, *networks: Network) -> None:
        from kicau.workspaces.actions import actor_for, add_person, create_workspace

        owner = add_person("bench@example.org", "Bench", operator=True)
        self.actor = actor_for(owner, create_workspace(owner, "Bench").id, "cli")
        self.channels: dict[str, list[Any]] = {}
        for network in networks:
            self.channels[network.slug] = asyncio.run(self._connect(network))
        self.draft = self._one_draft()

    def deliveries(self, texts: Sequence[str], due: datetime, slug: str = "", key: object = None) -> list[Any]:
        """Rows as scheduling writes them, `texts` dealt out to the channels in turn; all due at the same time."""
        from kicau.publishing.models import Delivery

        channels = self.channels[slug or next(iter(self.channels))]
        rows = []
        for n, text in enumerate(texts):
            row = Delivery(
                workspace=self.actor.workspace,
                draft=self.draft,
                channel=channels[n % len(channels)],
                network=channels[0].network,
                due_at=due,
                next_at=due,
            )
            row.show(rendered(channels[0].network, text))
            rows.append(row)
        return Delivery.objects.bulk_create(rows, batch_size=1000)

    async def _connect(self, network: Network) -> list[Any]:
        from kicau.channels import actions
        from kicau.channels.channel_session import new_client
        from kicau.connector.contract import consent_at_sandbox

        actions.register_app(
            network.slug,
            network.said["client_id"],
            network.said["client_secret"],
            endpoints=network.said["endpoints"],
            is_sandbox=True,
        )
        made: list[Any] = []
        async with new_client() as client:
            for account in network.said["accounts"]:
                begun = await actions.begin_sign_in(self.actor, network.slug, client=client)
                returned = await consent_at_sandbox(client, begun.url, account["id"])
                await actions.finish_sign_in(self.actor, returned, client=client)
                made += await actions.connect(self.actor, begun.state, client=client)
        return made

    def _one_draft(self) -> Any:
        from kicau.publishing.content import compositions

        parts = (compositions.PartContent(text="What the benchmark says"),)
        return compositions.create_draft(self.actor, compositions.Composition(parts=parts))


def rendered(slug: str, text: str) -> Any:
    """What `text` alone is on a network."""
    from kicau.connector import registry
    from kicau.connector.content import Draft, Part

    connector = registry.get_connector(slug)
    return connector.render(Draft(parts=(Part(text=text),)), connector.baseline)


@contextmanager
def worker(module: str = "kicau.config.worker", arguments: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=SELF)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


class Workers:
    """Several, restarted one at a time as an upgrade does: stopped, waited for, and started again."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Workers:
        self.running = [self._start() for _ in range(self.count)]
        return self

    def __exit__(self, *exc: object) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(60)

    def restart(self, number: int) -> None:
        self.running[number].terminate()
        self.running[number].wait(60)
        self.running[number] = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "kicau.config.worker"], cwd=SELF)


def ask(statement: str, *values: object) -> Any:
    """The first row's first value, or the row where it has several."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return row[0] if row and len(row) == 1 else row


def run(statement: str, values: object = None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def wait_until_out(due: datetime, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not ask(WAITING, due):
            return
        time.sleep(0.2)


def spent(*roots: int) -> float:
    """Processor seconds used so far by processes and their children, those that have ended aside."""
    times, parents = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = stat.read_text().rpartition(")")[2].split()
            pid = int(stat.parent.name)
            parents[pid], times[pid] = int(words[1]), int(words[11]) + int(words[12])
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sum(times.get(pid, 0) for pid in found) / os.sysconf("SC_CLK_TCK")


def database_pid() -> int:
    from kicau.base import postgres

    return int((postgres.cluster(Path(os.environ["KICAU_DATA"])).data / "postmaster.pid").read_text().split()[0])


def percentile(values: Sequence[float], nth: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * nth / 100))] if ordered else 0.0
