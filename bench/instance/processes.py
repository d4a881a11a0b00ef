"""`kicau up` as benchmarks and tests run it: started on a folder, watched, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def up(folder: Path, *arguments: str, port: int = 0) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """The process and the seconds until its first healthy answer (/readyz)."""
    port = port or free_port()
    environment = {**os.environ, "KICAU_DATA": str(folder), "KICAU_PORT": str(port), "KICAU_LOG_LEVEL": "warning"}
    environment.pop("DATABASE_URL", None)
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "kicau.cli", "up", "--owner", "bench@example.org", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process, until_ready(process, port) - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


def until_ready(process: subprocess.Popen[bytes], port: int) -> float:
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return time.monotonic()
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"kicau up ended with {process.returncode}") from None
            time.sleep(0.02)


def tree(pid: int, folder: Path) -> dict[int, str]:
    """{pid: name} of a process, all below it, and the PostgreSQL server of its data folder."""
    parents, names = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except OSError:
            continue
        parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
        names[int(entry.name)] = command or stat.partition("(")[2].rpartition(")")[0]
    roots = {
        pid,
        *(p for p, name in names.items() if name.startswith(("/", "postgres")) and str(folder / "postgres") in name),
    }
    found = set(roots)
    while more := {p for p, parent in parents.items() if parent in found} - found:
        found |= more
    return {p: names[p] for p in sorted(found)}
