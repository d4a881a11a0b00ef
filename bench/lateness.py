"""How late deliveries are: 300 due over 60 seconds, a network that answers in 200 ms, one worker, everything on this machine.

    python -m bench.lateness [--deliveries 300] [--seconds 60] [--latency 0.2]

Prints one JSON line with the percentiles of lateness in milliseconds, over all networks and for each. The bar is for the
99th percentile, calibrated by the processor, without the network's latency. A fifth of the
posts carry a picture where the network takes one; Instagram's all do.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.calibration import calibrated

SELF = Path(__file__).resolve().parent.parent


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--deliveries", type=int, default=300)
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--latency", type=float, default=0.2)
    asked.add_argument("--bar", type=float, default=1000, help="milliseconds that p99 may be at most")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ.update(
            KICAU_DATA=f"{folder}/data",
            DJANGO_SETTINGS_MODULE="kicau.config.settings",
            DJANGO_ALLOW_ASYNC_UNSAFE="1",
            KICAU_LOG_LEVEL="warning",
        )
        os.environ["KICAU_PORT"] = "18999"
        from kicau.base import postgres

        with calibrated() as machine, postgres.running_server(Path(folder) / "data"):
            result = measure(wanted)
    p99 = round(machine.time(result["p99_ms"], waiting=wanted.latency * 1000))
    print(json.dumps({"p99_calibrated_ms": p99, **result, "machine": machine.report()}))
    sys.exit(p99 > wanted.bar or result["published"] != wanted.deliveries)


def measure(wanted: argparse.Namespace) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from bench.instance.sandbox_workspace import SandboxWorkspace

    with SandboxWorkspace(latency=0) as world:
        rows = world.schedule(wanted.deliveries, wanted.seconds, after=timedelta(seconds=6))
        world.set_latency(wanted.latency)
        worker = subprocess.Popen([sys.executable, "-m", "kicau.config.worker"], cwd=SELF)
        try:
            world.wait(rows, wanted.seconds + 60)
        finally:
            worker.terminate()
            worker.wait(40)
        return report(rows)


def report(rows: list[object]) -> dict[str, Any]:
    from kicau.publishing.models import Delivery

    done = list(Delivery.objects.filter(id__in=[r.id for r in rows], state="published"))  # type: ignore[attr-defined]
    by_network: dict[str, list[int]] = {}
    for row in done:
        by_network.setdefault(row.network, []).append(row.late_ms or 0)
    late = sorted(ms for values in by_network.values() for ms in values)
    return {
        "published": len(done),
        "p50_ms": percentile(late, 50),
        "p95_ms": percentile(late, 95),
        "p99_ms": percentile(late, 99),
        "max_ms": max(late, default=0),
        "mean_ms": round(statistics.fmean(late)) if late else 0,
        "networks": {
            name: {"n": len(v), "p50_ms": percentile(sorted(v), 50), "p99_ms": percentile(sorted(v), 99)}
            for name, v in sorted(by_network.items())
        },
    }


def percentile(values: list[int], nth: int) -> int:
    return values[min(len(values) - 1, round(len(values) * nth / 100))] if values else 0


if __name__ == "__main__":
    main()
