"""One chaos from beginning to end: build, write, break, calm down, compare."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos import judge, plan
from tests.chaos.plan import Event, Pace, Plan, Size
from tests.chaos.weather import BLOCK
from tests.chaos.world import Database, Networks, Processes, names, prepared

LEFT = "SELECT count(*) FROM publishing_delivery WHERE state IN ('scheduled', 'publishing')"
# Who was asked to wait for minutes or until midnight is taken to have waited: time passes faster here.
TIME_PASSES = (
    "UPDATE channels_channel SET paused_until = clock_timestamp() WHERE paused_until > clock_timestamp() + make_interval(secs => %s)",
    "UPDATE channels_networkapp SET paused_until = clock_timestamp() WHERE paused_until > clock_timestamp() + make_interval(secs => %s)",
    "UPDATE publishing_delivery SET next_at = clock_timestamp() WHERE state = 'publishing' AND lease_until IS NULL "
    "AND due_at <= clock_timestamp() AND next_at > clock_timestamp() + make_interval(secs => %s)",
)
LEASES = (
    "SELECT worker, extract(epoch FROM max(lease_until)) FROM publishing_delivery WHERE worker <> '' GROUP BY worker"
)


@dataclass
class Chaos:
    plan: Plan
    pace: Pace
    networks: Networks
    database: Database
    processes: Processes
    done: Counter[str] = field(default_factory=Counter)  # events that happened
    overstayed: list[str] = field(default_factory=list)  # leases that outlived their holder
    ready: float = 0.0  # when everything was written, the storm ended, and all was done (epoch seconds)
    calm: float = 0.0
    over: float = 0.0
    _waits: list[threading.Thread] = field(default_factory=list)

    # Breaking

    def break_things(self, begin: float) -> None:
        """All events of the plan, from `begin` (epoch seconds) on."""
        for event in self.plan.events:
            while (wait := begin + event.at - time.time()) > 0:
                self.processes.look()
                time.sleep(min(wait, 0.2))
            self.happen(event)

    def happen(self, event: Event) -> None:
        self.done[event.what] += 1
        workers, line = (
            names(self.processes),
            list(self.networks.lines.values())[event.which % len(self.networks.lines)],
        )
        match event.what:
            case "kill-worker":
                self.processes.kill(workers[event.which % len(workers)])
            case "kill-web":
                self.processes.kill("web")
            case "freeze":
                self._meanwhile(self.processes.freeze, workers[event.which % len(workers)], event.seconds)
            case "crash" | "restart":
                self._meanwhile(self._restart, event)
            case "cut":
                self.networks.do(line.cut)
            case "refuse":
                self.networks.begin(line.refuse(event.seconds))
            case "slow":
                self.networks.begin(line.slow(event.seconds))
            case "stall":
                self.networks.begin(line.stall(event.seconds))

    def _meanwhile(self, work: Any, *args: Any) -> None:
        thread = threading.Thread(target=work, args=args)
        thread.start()
        self._waits.append(thread)

    def _restart(self, event: Event) -> None:
        self.database.crash() if event.what == "crash" else self.database.stop()
        time.sleep(event.seconds)
        self.database.start()

    # Looking after it

    def keep_looking(self, people: Any, stop: threading.Event) -> None:
        """Reconnects, lets time pass, and looks at the leases of the dead, until told to stop."""
        while not stop.wait(0.5):
            people.look()
            with contextlib.suppress(psycopg.Error, OSError), self._connection() as connection:
                for statement in TIME_PASSES:
                    connection.execute(statement, [self.pace.asked_to_wait])
                for worker, until in connection.execute(LEASES):
                    self._check_lease(worker, float(until))

    def _check_lease(self, worker: str, until: float) -> None:
        pid = int(worker.split(":")[1])
        killed = self.processes.died.get(pid)
        if killed is not None and until > killed + self.pace.lease + 1:
            self.overstayed.append(f"the lease of {worker} ends {until - killed:.1f} s after its death")

    def _connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database.cluster.url, connect_timeout=5)

    def wait_for_faults(self, begin: datetime) -> None:
        """The storm's time is over. On a slow machine it goes on until enough requests went wrong, or nothing is left to
        send: that is no question of time."""
        end = begin.timestamp() + self.plan.size.seconds
        while time.time() < end or (self.networks.faulted() < enough_faults(self.plan.size) and self._left() != 0):
            self.processes.look()
            time.sleep(0.3)

    def wait_until_done(self) -> int:
        """How many are still under way when patience is over."""
        for thread in self._waits:
            thread.join(60)
        until, left = time.time() + self.plan.size.patience, -1
        while time.time() < until and left != 0:
            self.processes.look()
            time.sleep(0.3)
            left = self._left()
        return left

    def _left(self) -> int:
        """How many are under way; -1 where the database does not say."""
        with contextlib.suppress(psycopg.Error), self._connection() as connection:
            return int(connection.execute(LEFT).fetchone()[0])  # type: ignore[index]
        return -1


def run(seed: int, size: Size, pace: Pace, folder: Path) -> dict[str, Any]:
    """The report; its "failures" are empty where everything is as it should be."""
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # sandboxes whose clients are cut off
    made = plan.make(seed, size, pace)
    began = time.time()
    networks = Networks(seed=seed, pace=pace, share=size.faulted, more=size.deliveries // 500)
    with prepared(folder) as database, networks.running():
        from tests.chaos.people import People

        people = People(networks)
        processes = Processes(folder, size, pace)
        chaos = Chaos(made, pace, networks, database, processes)
        processes.start()
        stop = threading.Event()
        watch = threading.Thread(target=chaos.keep_looking, args=(people, stop))
        try:
            people.connect_all()
            processes.wait_for_web()
            networks.storm(True)  # a slow machine is still writing when the first are due
            ids, begin = people.write_all(made)
            chaos.ready = time.time()
            with _storm(networks, watch):
                chaos.break_things(begin.timestamp())
                chaos.wait_for_faults(begin)
            chaos.calm = time.time()
            chaos.wait_until_done()
            chaos.over = time.time()
        finally:
            stop.set()
            if watch.ident:
                watch.join()
            processes.stop()
        return _report(chaos, ids, people, began)


@contextlib.contextmanager
def _storm(networks: Networks, watch: threading.Thread) -> Iterator[None]:
    watch.start()
    yield
    networks.storm(False)


def enough_faults(size: Size) -> int:
    """How many requests of the storm go wrong at least. Each delivery needs one request, and of each network's last ten
    the share may not have been met yet; so there are as many even where all were sent before the storm was over."""
    return round(size.faulted * (size.deliveries - BLOCK * len(plan.NETWORKS)))


def _report(chaos: Chaos, ids: dict[int, str], people: Any, began: float) -> dict[str, Any]:
    networks, url = chaos.networks, chaos.database.cluster.url
    public = {slug: judge.posts_of(port) for slug, port in networks.ports.items()}
    rows = judge.rows_of(url)
    verdict = judge.judge(chaos.plan.deliveries, ids, rows, public, frozenset({"linkedin/person"}))
    requests = networks.requests()
    faults = sum((w.faults for w in networks.weather.values()), Counter[str]())
    late = sorted(verdict.late)
    failures = (
        [f"delivery {n}: {what}" if n >= 0 else what for n, what in verdict.wrong]
        + chaos.overstayed
        + chaos.processes.ended
    )
    failures += [f"the specification was broken: {v}" for s in networks.sandboxes.values() for v in s.violations]
    stories = []
    for number in dict.fromkeys([*(n for n, _ in verdict.wrong if n >= 0), *verdict.reasons, *verdict.slowest]):
        one = chaos.plan.deliveries[number]
        if row := rows.get(ids[number]):
            stories.append(f"delivery {number}:\n" + judge.story(url, row, one, public[one.network]))
    asked = sum(verdict.asked.values())
    return {
        "seed": chaos.plan.seed,
        "deliveries": len(chaos.plan.deliveries),
        "states": dict(verdict.states),
        "lost": verdict.found("lost"),
        "doubled": verdict.found("doubled"),
        "unstated": verdict.found("unstated"),
        "asks_a_person": dict(verdict.asked),
        "asked_after": dict(judge.broken_by(url)),
        "reasons": verdict.reasons,
        "asks_a_person_percent": round(100 * asked / len(chaos.plan.deliveries), 2),
        "events": dict(chaos.done),
        "kills": chaos.done["kill-worker"] + chaos.done["kill-web"],
        "restarts": chaos.done["crash"] + chaos.done["restart"],
        "requests": requests,
        "faulted": sum(faults.values()),
        "faulted_percent": round(100 * sum(faults.values()) / max(1, networks.in_storm()), 1),  # of the storm's
        "faults": dict(faults),
        "reconnected": people.reconnected,
        "late_s": {f"p{p}": round(late[min(len(late) - 1, len(late) * p // 100)], 1) for p in (50, 95, 99)}
        if late
        else {},
        "set_up_s": round(chaos.ready - began, 1),
        "calm_to_done_s": round(chaos.over - chaos.calm, 1),
        "took_s": round(time.time() - began, 1),
        "failures": failures,
        "stories": stories,
        "logs": _errors(chaos.processes.folder),
    }


def _errors(folder: Path) -> dict[str, int]:
    """How often each kind of line was logged as an error."""
    found: Counter[str] = Counter()
    for path in folder.glob("*.log"):
        for line in path.read_text("utf-8", "replace").splitlines():
            if event := re.search(r'"event": "([^"]+)"', line):
                found[event[1]] += 1
    return dict(found)
