"""Runs a chaos and prints its report as JSON; ends with 1 where anything is lost, doubled or unstated.

python -m tests.chaos --seed 7                                                        the small one
python -m tests.chaos --deliveries 10000 --kills 200 --restarts 5 --seed 7            the full one, real times
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos import run
from tests.chaos.plan import QUICK, Pace, Size

SMALL = Size(deliveries=150, kills=8, restarts=1, seconds=16, faulted=0.3, patience=300)
MOST_ASKED = 0.5  # per cent of deliveries about which a person may be asked, where there are enough to tell


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    asked.add_argument("--deliveries", type=int, default=SMALL.deliveries)
    asked.add_argument("--kills", type=int, default=SMALL.kills)
    asked.add_argument("--restarts", type=int, default=SMALL.restarts)
    asked.add_argument("--seconds", type=float, help="over which it happens; default: 8 for each kill, or 16")
    asked.add_argument(
        "--faulted", type=float, help="share of requests that go wrong in the storm; default: 0.1, or 0.3"
    )
    asked.add_argument("--workers", type=int, default=SMALL.workers)
    asked.add_argument("--patience", type=float, help="seconds that the rest may take; default: 300")
    asked.add_argument(
        "--quick",
        action=argparse.BooleanOptionalAction,
        help="short time-outs and leases; default: where there are under 1,000 deliveries",
    )
    asked.add_argument("--keep", action="store_true", help="leave the folder with data and logs")
    wanted = asked.parse_args()
    quick = wanted.deliveries < 1000 if wanted.quick is None else wanted.quick
    size = Size(
        deliveries=wanted.deliveries,
        kills=wanted.kills,
        restarts=wanted.restarts,
        workers=wanted.workers,
        faulted=wanted.faulted or (SMALL.faulted if wanted.deliveries < 1000 else 0.1),
        seconds=wanted.seconds or (SMALL.seconds if wanted.deliveries < 1000 else wanted.kills * 8),
        patience=wanted.patience or (SMALL.patience if wanted.deliveries < 1000 else 300),
    )
    folder = Path(tempfile.mkdtemp(prefix="kicau-chaos-"))
    folder.chmod(0o711)  # the database's own user passes through
    try:
        report = run.run(wanted.seed, size, QUICK if quick else Pace(), folder)
    finally:
        if not wanted.keep:
            shutil.rmtree(folder, ignore_errors=True)
    if size.deliveries >= 1000 and report["asks_a_person_percent"] > MOST_ASKED:
        report["failures"].append(f"a person is asked about {report['asks_a_person_percent']} % of the deliveries")
    stories = report.pop("stories")
    print(json.dumps(report, indent=1, ensure_ascii=False))
    print("\n\n".join(stories))
    if report["failures"]:
        print(
            f"\nseed {wanted.seed}: {len(report['failures'])} failures; data in {folder}"
            if wanted.keep
            else f"\nseed {wanted.seed}: {len(report['failures'])} failures"
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
