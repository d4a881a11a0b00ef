"""How much time prices and budgets take: ten thousand posts due in one second, with charges and hard budgets, and without any of it.

    python -m bench.cost_overhead [--deliveries 10000] [--channels 400] [--latency 0.2] [--rounds 3]

A round is the spike (`bench/spike.py`) by a worker that neither reserves nor writes charges, and the same by a real one
while three hard budgets cover every post: the workspace's month, the app's day, and publishing in total. Wall time on a
busy machine says little, so processor time of the worker and the database stands beside it. Prints one JSON line. The
bar: at most 5% more time with pricing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

from bench import spike
from bench.calibration import calibrated
from bench.instance import engine_instance, network

MOST = 1.05
AMOUNT = 10**12


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--deliveries", type=int, default=10_000)
    asked.add_argument("--channels", type=int, default=400)
    asked.add_argument("--latency", type=float, default=0.2)
    asked.add_argument("--rounds", type=int, default=3)
    wanted = asked.parse_args()
    found: dict[str, list[dict[str, Any]]] = {"without": [], "with": []}
    with calibrated() as machine, network.running("x", accounts=wanted.channels) as far, engine_instance.instance():
        connected = engine_instance.ConnectedWorkspace(far)
        far.set(latency=wanted.latency)
        for _ in range(wanted.rounds):
            for name in found:
                found[name].append(one(connected, far, name, wanted.deliveries))
    result = {**report(found), "machine": machine.report()}
    print(json.dumps(result))
    sys.exit(not result["met"])


def one(connected: engine_instance.ConnectedWorkspace, far: network.Network, name: str, count: int) -> dict[str, Any]:
    module = "kicau.config.worker" if name == "with" else "bench.instance.worker_without_costs"
    made = budgets(connected) if name == "with" else []
    with engine_instance.worker(module) as process:
        parts = {"worker": [process.pid], "database": [engine_instance.database_pid()]}
        spike.wave(connected, ["warm up"] * 50, parts)
        told = spike.wave(connected, spike.texts(count), parts)
    for row in made:
        row.is_active = False
        row.save()
    return told


def budgets(connected: engine_instance.ConnectedWorkspace) -> list[Any]:
    from kicau.costs import actions

    app = next(iter(connected.channels.values()))[0].app_id
    return [
        actions.set_budget(connected.actor, actions.BudgetValues(name="month", amount=AMOUNT)),
        actions.set_budget(connected.actor, actions.BudgetValues(name="app", amount=AMOUNT, app_id=app, period="day")),
        actions.set_budget(
            connected.actor, actions.BudgetValues(name="publishing", amount=AMOUNT, purpose="publish", period="total")
        ),
    ]


def report(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    def median(name: str, of: Any) -> float:
        return statistics.median(of(told) for told in found[name])

    seconds = {name: median(name, lambda told: told["seconds"]) for name in found}
    cpu = {name: median(name, lambda told: told["cpu_s"]["worker"] + told["cpu_s"]["database"]) for name in found}
    ratio = round(seconds["with"] / seconds["without"], 3)
    return {
        "ratio": ratio,
        "cpu_ratio": round(cpu["with"] / cpu["without"], 3),
        "seconds": seconds,
        "cpu_s": cpu,
        "rounds": found,
        "bar": f"ratio <= {MOST}",
        "met": ratio <= MOST,
    }


if __name__ == "__main__":
    main()
