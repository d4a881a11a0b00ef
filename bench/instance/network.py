"""One network's sandbox in a process of its own, as the real one is on a machine of its own.

    python -m bench.instance.network SLUG [--accounts 400] [--latency 0.2]

Prints what its clients need as one JSON line, then serves until it is ended. Its daily limits are off.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kicau.config.worker import freeze_garbage_collector
from kicau.connector import registry
from kicau.connector.sandbox.server import Sandbox, start_sandbox

SELF = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Network:
    """One that runs."""

    slug: str
    said: Mapping[str, Any]  # Sandbox.describe()
    process: subprocess.Popen[str]

    def set(self, **settings: float) -> None:
        """latency, clock_offset: seconds."""
        self.ask("/_sandbox/settings", settings)

    def ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.said["base_url"] + path, data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)


@contextmanager
def running(slug: str, *, accounts: int = 0, latency: float = 0.0) -> Iterator[Network]:
    command = [
        sys.executable,
        "-m",
        "bench.instance.network",
        slug,
        "--accounts",
        str(accounts),
        "--latency",
        str(latency),
    ]
    process = subprocess.Popen(command, cwd=SELF, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield Network(slug, json.loads(process.stdout.readline()), process)
    finally:
        process.terminate()
        process.wait(20)


async def serve(wanted: argparse.Namespace) -> None:
    server: Sandbox = importlib.import_module(registry.network_package(wanted.slug) + ".sandbox").Server()
    server.limits_off, server.duplicate_seconds = True, 0.0  # type: ignore[attr-defined]
    for n in range(len(server.accounts()), wanted.accounts):
        like = next(server.store.all("account"))
        server.store.put("account", str(1800 + n), {**like, "id": str(1800 + n), "username": f"bench{n}"})
    await start_sandbox(server)
    server.latency = wanted.latency
    freeze_garbage_collector()  # a network stops for nobody's posts
    print(json.dumps(server.describe()), flush=True)
    await asyncio.Event().wait()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("slug")
    asked.add_argument("--accounts", type=int, default=0)
    asked.add_argument("--latency", type=float, default=0.0)
    asyncio.run(serve(asked.parse_args()))


if __name__ == "__main__":
    main()
