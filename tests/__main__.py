"""Every check and every test, in one go: `./run test`. Ends with 0 only where all of it passed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import dates

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST = [str(BIN / "pytest"), "--dist", "worksteal"]
CONTRACT = "kicau/api/tests/test_contract.py"
CHECKS = {
    "lint": [str(BIN / "ruff"), "check", "."],
    "format": [str(BIN / "ruff"), "format", "--check", "."],
    "imports": [str(BIN / "lint-imports"), "--no-cache"],
}
# Tests mostly wait, for an answer or a moment: two processors carry more of them than two. They run in lots beside each
# other: a browser's driver keeps a loop running in its process, which tests with a loop of their own cannot share; and
# every process that is to run a test of the contract works out all its cases first.
LOTS = {
    "tests": [*PYTEST, "-n", "3", "--ignore=tests/journeys", f"--ignore={CONTRACT}"],
    "journeys": [*PYTEST, "-n", "2", "tests/journeys"],
    "contract": [*PYTEST, CONTRACT],
    "types": [str(BIN / "mypy"), "kicau"],
}


def main(arguments: list[str]) -> int:
    """Runs all there is; `--units` runs what stands on its own, `--dates` what depends on the date on other dates, other
    `arguments` go to pytest alone."""
    os.chdir(ROOT)
    if arguments == ["--units"]:
        return run("units", [*PYTEST, "-n", "2", "-m", "unit", "kicau"])
    if arguments[:1] == ["--dates"]:
        return dates.main([*PYTEST, "-n", "3"], arguments[1:])
    if arguments:
        return run("tests", [str(BIN / "pytest"), *arguments])
    with ThreadPoolExecutor(max_workers=len(LOTS) + 2) as pool:
        missing = pool.submit(prepare)
        compile_all()
        failed = [name for name, command in CHECKS.items() if run(name, command)]
        done = {name: pool.submit(run, name, command, apart=name != "tests") for name, command in LOTS.items()}
        servers_missing = missing.result()
        done["dates"] = pool.submit(on_another_date)
        failed += [name for name, code in done.items() if code.result()]
    if servers_missing:
        print("\nReal servers that are named above as NOT TRIED were left out.", file=sys.stderr)
    if failed:
        print(f"\nNot green: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def run(name: str, command: Sequence[str], *, apart: bool = False, environment: dict[str, str] | None = None) -> int:
    """Its exit code. What runs `apart`, beside something else, is printed when it has ended."""
    began = time.monotonic()
    print(f"── {name}{' (beside the others; told at its end)' if apart else ''}", flush=True)
    # The checks read Django's settings; they get a data folder of their own.
    if name == "types":
        environment = {**os.environ, "KICAU_DATA": str(ROOT / ".venv" / "check-data")}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        into = told if apart else None
        code = subprocess.run(command, check=False, env=environment, stdout=into, stderr=into).returncode
        told.seek(0)
        said = told.read()
    print(
        f"{said}── {name}: {'ok' if code == 0 else f'failed ({code})'} in {time.monotonic() - began:.0f} s", flush=True
    )
    return code


def on_another_date() -> int:
    """The tests that depend most on the date, on one date; `--dates` tries more of them on all dates."""
    try:
        moved = dates.environment(dates.FAST_DATE, dates.FAST_ZONE)
    except dates.NotHere as why:
        print(f"NOT TRIED: {why}", flush=True)
        return 0
    return run("dates", [str(BIN / "pytest"), *dates.FAST], apart=True, environment=moved)


def prepare() -> int:
    """The real servers for tests/servers, and what moves the clock, are installed while the checks run."""
    print("── servers: installing what is missing of the real servers, meanwhile", flush=True)
    missing = subprocess.run([sys.executable, "-m", "tests.servers.install"], check=False).returncode
    with contextlib.suppress(dates.NotHere):
        dates.install()
    return missing


def compile_all() -> None:
    """Once, ahead of the many processes that would each begin with it."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-j", "2", "kicau", "tests"], check=False)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
