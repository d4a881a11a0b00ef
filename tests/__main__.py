"""Every check and every test, in one go: `./run test`. Ends with 0 only where all of it passed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main(arguments: list[str]) -> int:
    """Runs the steps in turn; `--units` runs what stands on its own, other `arguments` go to pytest alone."""
    os.chdir(ROOT)
    pytest = [str(BIN / "pytest"), "-n", "2", "--dist", "worksteal"]
    if arguments == ["--units"]:
        return run("units", [*pytest, "-m", "unit", "kicau"])
    install_browser()
    if arguments:
        return run("tests", [str(BIN / "pytest"), *arguments])
    servers = prepare_servers()
    steps = {
        "lint": [str(BIN / "ruff"), "check", "."],
        "format": [str(BIN / "ruff"), "format", "--check", "."],
        "types": [str(BIN / "mypy"), "kicau"],
        "imports": [str(BIN / "lint-imports"), "--no-cache"],
        "tests": [*pytest, "--ignore=tests/journeys"],
        # A browser's driver keeps a loop running in its process, which tests with a loop of their own cannot share.
        "journeys": [*pytest, "tests/journeys"],
    }
    failed = []
    for name, command in steps.items():
        if name == "tests":
            servers.wait()
        if run(name, command) != 0:
            failed.append(name)
    if servers.returncode:
        print("\nReal servers that are named above as NOT TRIED were left out.", file=sys.stderr)
    if failed:
        print(f"\nNot green: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def run(name: str, command: Sequence[str]) -> int:
    began = time.monotonic()
    print(f"── {name}", flush=True)
    # The checks read Django's settings; they get a data folder of their own.
    environment = {**os.environ, "KICAU_DATA": str(ROOT / ".venv" / "check-data")} if name == "types" else None
    code = subprocess.run(command, check=False, env=environment).returncode
    print(f"── {name}: {'ok' if code == 0 else f'failed ({code})'} in {time.monotonic() - began:.0f} s", flush=True)
    return code


def prepare_servers() -> subprocess.Popen[bytes]:
    """Real servers for tests/servers are installed while the first steps run."""
    print("── servers: installing what is missing of the real servers, meanwhile", flush=True)
    return subprocess.Popen([sys.executable, "-m", "tests.servers.install"])


def install_browser() -> None:
    """The journeys need a real browser. As root on Debian it is installed; elsewhere the tests say what is missing."""
    if any(shutil.which(name) for name in BROWSERS) or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print("── browser: installing Chromium for the journeys", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
    ):
        done = subprocess.run(
            command, check=False, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            print(done.stdout[-2000:], file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
