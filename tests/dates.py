"""The suite on other days and in other zones: `./run test --dates`, and a part of it in every `./run test`.

libfaketime (a Debian package) moves the clock of every process that a test starts: PostgreSQL, sandboxes and workers, too.
It leaves the monotonic clock and the times of files alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from zoneinfo import ZoneInfo

from tests import debian

PACKAGE = "libfaketime"
LIBRARY = "faketime/libfaketime.so.1"

#: At these times UTC has another date than the zone: what takes the one for the other is seen. The first run goes on over
#: midnight in UTC, the second over midnight in its zone.
ZONES = {"Asia/Jakarta": time_of_day(6, 55), "America/Los_Angeles": time_of_day(23, 55)}
DATES: dict[str, Callable[[date], date]] = {
    "+29 days": lambda today: today + timedelta(days=29),
    "+89 days": lambda today: today + timedelta(days=89),
    "+400 days": lambda today: today + timedelta(days=400),
    "29 February": lambda today: _next(2, 29, max(today, date(2028, 1, 1))),
    "31 December": lambda today: _next(12, 31, today),
}

#: Left out, since no date could change them or they would take too long for what they could show.
LEFT_OUT = (
    "tests/journeys",  # a browser's clock is not moved with the others; what its pages show is asked in kicau/web
    "tests/servers",  # other people's servers
    "tests/chaos",  # all of its times are relative, and it takes a minute
    "tests/house",  # reads files
    "kicau/dataset_audit",  # has no clock, and takes a minute
    "kicau/vocabularies",  # has no clock
    "kicau/api/tests/test_contract.py",  # generated requests, for minutes; kicau/api has one of each
)
#: PostgreSQL's lock_timeout does not end a wait where libfaketime moves its clock.
DESELECTED = ("kicau/api/tests/test_idempotency.py::test_one_that_takes_too_long_is_not_waited_for_for_ever",)
FULL = [
    "kicau",
    "tests",
    *(f"--ignore={path}" for path in LEFT_OUT),
    *(f"--deselect={test}" for test in DESELECTED),
]

#: In every `./run test`: a leap day that is the first of March in UTC.
FAST_DATE, FAST_ZONE = "29 February", "America/Los_Angeles"
FAST = ["kicau/publishing", "kicau/costs", "kicau/workspaces"]


class NotHere(RuntimeError):
    """The clock cannot be moved on this machine. The message says what is missing and how to get it."""


def _next(month: int, day: int, today: date) -> date:
    for year in range(today.year, today.year + 9):
        try:
            found = date(year, month, day)
        except ValueError:  # no leap year
            continue
        if found >= today:
            return found
    raise AssertionError("leap years are at most eight years apart")


def moment(name: str, zone: str, today: date) -> datetime:
    """The moment to which the clock is moved."""
    day = DATES[name](today)
    return datetime.combine(day, ZONES[zone], ZoneInfo(zone))


def library() -> Path | None:
    """Where libfaketime is, or None."""
    found = [
        path
        for folder in ("/usr/lib", "/usr/local/lib")
        for path in [*Path(folder).glob(f"*/{LIBRARY}"), Path(folder, LIBRARY)]
    ]
    return next((path for path in found if path.exists()), None)


def install() -> Path:
    """As root on Debian the package is installed. Raises NotHere."""
    if missing := debian.install(PACKAGE, present=lambda: library() is not None):
        raise NotHere(f"The suite on other dates cannot run; {missing}")
    if found := library():
        return found
    raise NotHere(f"{PACKAGE} is installed, but {LIBRARY} is not where it should be.")


def environment(name: str, zone: str) -> dict[str, str]:
    """With which a process lives on that date, in that zone. Raises NotHere."""
    seconds = round((moment(name, zone, datetime.now(ZoneInfo(zone)).date()) - datetime.now(UTC)).total_seconds())
    moved = {
        **os.environ,
        "LD_PRELOAD": " ".join(filter(None, [str(install()), os.environ.get("LD_PRELOAD", "")])),
        "FAKETIME": f"{seconds:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",  # nothing is to be shared: the offset is the same everywhere
        "NO_FAKE_STAT": "1",  # else every compiled file would seem to be out of date
        "TZ": zone,
    }
    told = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"], env=moved, capture_output=True, text=True, check=True
    )
    if abs(float(told.stdout) - time.time() - seconds) > 3600:
        raise NotHere(f"{PACKAGE} does not move the clock of {sys.executable}.")
    return moved


def main(pytest: Sequence[str], arguments: Sequence[str]) -> int:
    """All dates in all zones; `arguments` go to pytest instead of what is tried otherwise. 1 where one was not green."""
    failed = []
    for name in DATES:
        for zone in ZONES:
            try:
                moved = environment(name, zone)
            except NotHere as why:
                print(why, file=sys.stderr)
                return 1
            at = moment(name, zone, datetime.now(ZoneInfo(zone)).date())
            print(f"── {name}: {at:%Y-%m-%d %H:%M} in {zone}", flush=True)
            began = time.monotonic()
            code = subprocess.run([*pytest, *(arguments or FULL)], env=moved, check=False).returncode
            print(
                f"── {name}, {zone}: {'ok' if code == 0 else f'failed ({code})'} in {time.monotonic() - began:.0f} s",
                flush=True,
            )
            if code:
                failed.append(f"{name} in {zone}")
    if failed:
        print(f"\nNot green: {'; '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


__all__ = ["FAST", "FAST_DATE", "FAST_ZONE", "NotHere", "environment", "install", "main"]
