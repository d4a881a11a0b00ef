"""All networks' sandboxes in one process: `kicau sandbox`, or alone with `python -m kicau.sandbox.all_networks`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

from kicau.base import privileges
from kicau.connector import registry
from kicau.connector.sandbox.server import RequestValidator, Sandbox, start_sandbox

PORT_BASE = 8101
VALIDATORS_VARIABLE = (
    "KICAU_SANDBOX_VALIDATORS"  # "network=module:function,…": what our requests are held against, in tests
)


def server_class(slug: str) -> type[Sandbox]:
    """A network's sandbox. Raises UnknownNetwork."""
    found: type[Sandbox] = import_module(registry.network_package(slug) + ".sandbox").Server
    return found


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server can listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_ports(wanted: Mapping[str, int], host: str = "127.0.0.1") -> dict[str, int]:
    """The wanted ports where they are free, else the next free ones; no port twice."""
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        while port in chosen.values() or (port and not is_free(port, host)):
            port += 1
            if port > 65535:
                port = 0
        chosen[name] = port
    return chosen


def default_ports(base: int = PORT_BASE) -> dict[str, int]:
    """One a network, from `base` on, in alphabetical order."""
    return {slug: base + n for n, slug in enumerate(registry.installed_slugs())}


def load_validators(names: str) -> dict[str, list[RequestValidator]]:
    """By network, the functions that "network=module:function,…" names.

    Raises UnknownNetwork, ImportError, AttributeError, ValueError.
    """
    found: dict[str, list[RequestValidator]] = {}
    for name in filter(None, (part.strip() for part in names.split(","))):
        slug, _, place = name.partition("=")
        module, _, function = place.partition(":")
        if not (slug and module and function):
            raise ValueError(f"{VALIDATORS_VARIABLE} holds {name!r}; write network=module:function.")
        registry.network_package(slug)
        found.setdefault(slug, []).append(getattr(import_module(module), function))
    return found


async def serve_sandboxes(
    ports: Mapping[str, int],
    folder: Path | None,
    *,
    ready: Callable[[Sequence[Sandbox]], None],
    stop: asyncio.Event,
    held_against: Mapping[str, Iterable[RequestValidator]] | None = None,
    host: str = "127.0.0.1",
) -> None:
    """Run the networks of `ports` until `stop`; what was published there is kept in `folder`. Raises OSError where a
    port is taken."""
    against = held_against or {}
    async with AsyncExitStack() as stack:
        running = []
        for slug, port in ports.items():
            sandbox = server_class(slug)(folder=folder, validators=against.get(slug, ()))
            runner = await start_sandbox(sandbox, host, port)
            stack.push_async_callback(runner.cleanup)
            stack.callback(sandbox.store.close)
            running.append(sandbox)
        ready(running)
        await stop.wait()


def run_until_signal(
    ports: Mapping[str, int],
    folder: Path | None,
    ready: Callable[[Sequence[Sandbox]], None],
    *,
    host: str = "127.0.0.1",
) -> None:
    """The same from a plain process, until SIGTERM or SIGINT."""

    async def until_told() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        await serve_sandboxes(
            ports,
            folder,
            ready=ready,
            stop=stop,
            held_against=load_validators(os.environ.get(VALIDATORS_VARIABLE, "")),
            host=host,
        )

    asyncio.run(until_told())


def client_settings(running: Iterable[Sandbox]) -> dict[str, Any]:
    """Everything that another client needs to be pointed at them."""
    return {"networks": [sandbox.describe() for sandbox in running]}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--port", action="append", default=[], metavar="NETWORK=PORT")
    wanted = asked.parse_args()
    privileges.keep_files_private()
    ports = {slug: int(port) for slug, _, port in (said.partition("=") for said in wanted.port)} or default_ports()

    def tell(running: Sequence[Sandbox]) -> None:
        print(json.dumps(client_settings(running)), flush=True)

    try:
        run_until_signal(ports, wanted.folder, tell)
    except OSError as exc:
        sys.exit(f"The sandboxes could not start: {exc.strerror or exc}.")


if __name__ == "__main__":
    main()
