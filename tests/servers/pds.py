"""A real Bluesky account server (@atproto/pds) with a real directory, as Node runs them."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.instance.processes import free_port
from tests.servers import NotHere
from tests.servers.node import Program, node

HERE = Path(__file__).parent / "bluesky"
PASSWORD = "hujan-di-bandung-41"  # of every account made here
START_WITHIN = 60  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Pds:
    url: str  # as its identities name it
    directory: str
    real: str  # where it listens; the same where no proxy stands before it

    @property
    def endpoints(self) -> dict[str, str]:
        """What an operator enters to have this server in place of the usual ones."""
        return {"pds": self.url, "resolver": self.url, "plc": self.directory}

    def account(self, name: str) -> str:
        """The DID of a new account, name.test."""
        body = {"handle": f"{name}.test", "email": f"{name}@example.com", "password": PASSWORD}
        return str(self.ask("com.atproto.server.createAccount", body)["did"])

    def ask(self, method: str, body: dict[str, Any] | None = None, **query: str) -> dict[str, Any]:
        """One call without a session, past any proxy. Raises OSError."""
        query_text = "&".join(f"{name}={value}" for name, value in query.items())
        request = urllib.request.Request(
            f"{self.real}/xrpc/{method}?{query_text}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def posts(self, did: str) -> list[dict[str, Any]]:
        """Every post of an account, as the server keeps them, newest first."""
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            told = self.ask(
                "com.atproto.repo.listRecords", repo=did, collection="app.bsky.feed.post", limit="100", **more
            )
            found += told["records"]
            if not told.get("cursor"):
                return found
            more = {"cursor": told["cursor"]}


PROGRAM = Program(name="bluesky", title="The real Bluesky server", source=HERE, script="start.mjs")


def install() -> Path:
    """The folder that it runs from. Raises NotHere."""
    return PROGRAM.install()


@contextmanager
def running(port: int = 0, listen: int = 0) -> Iterator[Pds]:
    """Started on free ports, stopped after. `port` is what its identities say; `listen` where it really is."""
    program = install()
    port = port or free_port()
    listen, directory = listen or port, free_port()
    folder = Path(tempfile.mkdtemp(prefix="kicau-pds-"))
    command = [node(), program / "start.mjs", folder, *map(str, (port, listen, directory))]
    environment = {**os.environ, "LOG_ENABLED": "false", "NODE_NO_WARNINGS": "1"}
    log = (folder / "log").open("wb")
    process = subprocess.Popen(command, cwd=program, env=environment, stdout=subprocess.PIPE, stderr=log)
    try:
        _wait(process, folder / "log")
        yield Pds(
            url=f"http://localhost:{port}", directory=f"http://localhost:{directory}", real=f"http://localhost:{listen}"
        )
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    assert process.stdout
    until, said = time.monotonic() + START_WITHIN, b""
    while b"ready" not in said:
        if process.poll() is not None or time.monotonic() > until:
            raise NotHere(f"The real Bluesky server did not start: {log.read_text('utf-8', 'replace')[-600:]}")
        if select.select([process.stdout], [], [], 0.2)[0]:
            said += os.read(process.stdout.fileno(), 4096)
