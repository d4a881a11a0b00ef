"""Debian's packages that tests want, installed by one process at a time: another worker of the tests may be at it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / ".venv" / "packages-lock"


def install(*packages: str, present: Callable[[], bool]) -> str:
    """As root on Debian the packages are installed where they are not `present`. What prevented it, or nothing."""
    with LOCK.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if present():
            return ""
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            return f"root can install on Debian: apt-get install {' '.join(packages)}"
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        ):
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return f"{' and '.join(packages)} could not be installed: {(done.stdout + done.stderr)[-600:]}"
    return ""
