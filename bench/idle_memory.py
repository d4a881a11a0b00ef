"""What all processes of `kicau up` take when idle: proportional set size, PostgreSQL included.

    python -m bench.idle_memory [--after 15] [--bar 400]

Prints one JSON line, in megabytes, by process and together; ends with 1 where it is above the bar.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.calibration import calibrated
from bench.instance.processes import tree, up


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--after", type=float, default=15.0, help="seconds after the first healthy answer")
    asked.add_argument("--bar", type=float, default=400.0, help="megabytes")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as name:
        Path(name).chmod(0o711)
        folder = Path(name) / "data"
        with calibrated() as machine, up(folder) as (process, _):
            time.sleep(wanted.after)
            parts: dict[str, float] = {}
            for pid, command in tree(process.pid, folder).items():
                kind = next(
                    (k for k in ("kicau.cli", "kicau.config.web", "kicau.config.worker") if k in command), "postgres"
                )
                parts[kind] = parts.get(kind, 0) + pss(pid)
    together = sum(parts.values())
    print(
        json.dumps(
            {
                "pss_mb": {k: round(v, 1) for k, v in parts.items()},
                "together_mb": round(together, 1),
                "bar_mb": wanted.bar,
                "machine": machine.report(),
            }
        )
    )
    sys.exit(together > wanted.bar)


def pss(pid: int) -> float:
    """Megabytes (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


if __name__ == "__main__":
    main()
