"""How long `kicau up` takes on an existing data folder until its first healthy answer.

    python -m bench.startup [--times 5] [--bar 8]

Prints one JSON line with the seconds of each start; ends with 1 where the slowest, calibrated by the processor, is above
the bar.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.calibration import calibrated
from bench.instance.processes import up


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=5)
    asked.add_argument("--bar", type=float, default=8.0, help="seconds")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as folder:
        Path(folder).chmod(0o711)
        with calibrated() as machine:
            with up(Path(folder) / "data") as (_, first):
                pass
            took = []
            for _ in range(wanted.times):
                with up(Path(folder) / "data") as (_, seconds):
                    took.append(round(seconds, 2))
    slowest = round(machine.time(max(took)), 2)
    print(
        json.dumps(
            {
                "first_start_s": round(first, 2),
                "starts_s": took,
                "slowest_s": max(took),
                "slowest_calibrated_s": slowest,
                "bar_s": wanted.bar,
                "machine": machine.report(),
            }
        )
    )
    sys.exit(slowest > wanted.bar)


if __name__ == "__main__":
    main()
