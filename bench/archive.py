"""How fast an archive of a million posts is taken in until it is searchable, in how much memory, and how fast it is found.

    python -m bench.archive [--posts 1000000] [--archive made.zip] [--data folder]

Prints one JSON line with posts a second, the peak memory of the importing process (Python) and of the database's
processes, the processor time of both, the 95th percentile of 100 mixed queries and of their facets, and whether the
bars (20,000 posts a second, 600 MB, 50 ms) are met; ends with 1 where not. Both speeds are calibrated, by the processor. With --data that is there already, only the
searching is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.calibration import calibrated


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--posts", type=int, default=1_000_000)
    asked.add_argument("--archive", default="", help="kept here, and used again")
    asked.add_argument("--data", default="", help="kept here, and only searched if there is one already")
    asked.add_argument("--slow", action="store_true", help="tell each query's time")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as folder:
        Path(folder).chmod(0o711)
        data = Path(wanted.data or f"{folder}/data")
        again = (data / "postgres").exists()
        os.environ.update(KICAU_DATA=str(data), DJANGO_SETTINGS_MODULE="kicau.config.settings")
        archive = Path(wanted.archive or f"{folder}/archive.zip")
        if not archive.exists():
            from bench.texts.archive_maker import make

            make(archive, wanted.posts)
        from kicau.base import postgres

        with calibrated() as machine, postgres.running_server(data):
            told = measure(archive, again=again, slow=wanted.slow)
    told["calibrated"] = {
        "posts_a_second": round(machine.rate(told.get("posts_a_second", 0))),
        "p95_ms": round(machine.time(told["p95_ms"]), 1),
        "facets_p95_ms": round(machine.time(told["facets_p95_ms"]), 1),
    }
    told["machine"] = machine.report()
    told["bars"] = {
        "calibrated posts_a_second >= 20000": told["calibrated"]["posts_a_second"] >= 20_000,
        "memory_mb < 600": told.get("memory_mb", 0) < 600,
        "calibrated p95_ms <= 50": told["calibrated"]["p95_ms"] <= 50,
    }
    print(json.dumps(told))
    sys.exit(not all(told["bars"].values()))


def measure(archive: Path, *, again: bool, slow: bool) -> dict:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from kicau.archive.imports import actions, import_job
    from kicau.archive.models import Item
    from kicau.workspaces.actions import actor_for, add_person, create_workspace
    from kicau.workspaces.models import Workspace

    told: dict = {}
    if again:
        space = Workspace.objects.get()
        actor = actor_for(space.memberships.get().person, space.id, "cli")
    else:
        person = add_person("bench@example.org", "Bench", operator=True)
        space = create_workspace(person, "Bench")
        space.ai_use = {"train_gen": "allow", "search": "allow"}
        space.save()
        actor = actor_for(person, space.id, "cli")
        row = actions.begin_import(actor, archive, acquired="imported")
        peak = Peak()
        spent, spent_there = time.process_time(), database_seconds()
        begin = time.monotonic()
        done = import_job.run_import(row.id)
        seconds = time.monotonic() - begin
        peak.stop()
        python_s, database_s = time.process_time() - spent, database_seconds() - spent_there
        assert done.state == "done", done.problem
        told |= {
            "posts": done.new,
            "skipped": done.skipped,
            "seconds": round(seconds, 1),
            "posts_a_second": round(done.new / seconds),
            "python_cpu_s": round(python_s, 1),
            "database_cpu_s": round(database_s, 1),
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "database_mb": peak.megabytes,
        }
        assert Item.objects.count() == done.new
    return told | searching(actor, slow)


def database_processes() -> list[int]:
    data = os.environ["KICAU_DATA"]
    head = int(next(Path(data).glob("postgres/*/postmaster.pid")).read_text().split()[0])
    return [head, *(int(p) for p in Path(f"/proc/{head}/task/{head}/children").read_text().split())]


def database_seconds() -> float:
    """Processor time of the database's processes so far; tells the same on a machine that others use too."""
    ticks = 0
    for pid in database_processes():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


class Peak:
    """The database's own memory at its highest (shared memory counted once)."""

    def __init__(self) -> None:
        self.megabytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(1):
            try:
                pss = sum(_pss(pid) for pid in database_processes())
                self.megabytes = max(self.megabytes, pss // 1024)
            except (OSError, StopIteration, ValueError):
                continue


def _pss(pid: int) -> int:
    try:
        return next(
            int(line.split()[1]) for line in Path(f"/proc/{pid}/smaps_rollup").open() if line.startswith("Pss:")
        )
    except (OSError, StopIteration):
        return 0


def searching(actor, slow: bool) -> dict:
    """100 mixed queries, each once, as a page asks for them; then each with its facets."""
    from kicau.archive.search import ArchiveQuery, count_facets, find_items

    queries = mixed(ArchiveQuery)
    find_items(actor, ArchiveQuery())
    took: list[tuple[float, str]] = []
    hits = 0
    for query in queries:
        begin = time.monotonic()
        found = find_items(actor, query)
        took.append(((time.monotonic() - begin) * 1000, str(query)))
        hits += bool(found.items)
    counting: list[tuple[float, str]] = []
    for query in queries:
        begin = time.monotonic()
        count_facets(actor, query)
        counting.append(((time.monotonic() - begin) * 1000, str(query)))
    if slow:
        for name, times in (("find", took), ("facets", counting)):
            for ms, query in sorted(times, reverse=True)[:12]:
                print(f"{name} {ms:7.1f} ms  {query}", file=sys.stderr)
    return {
        "queries": len(queries),
        "with_hits": hits,
        "median_ms": round(statistics.median(t for t, _ in took), 1),
        "p95_ms": round(p95(took), 1),
        "worst_ms": round(max(took)[0], 1),
        "facets_p95_ms": round(p95(counting), 1),
    }


def p95(times: list[tuple[float, str]]) -> float:
    return sorted(t for t, _ in times)[int(len(times) * 0.95) - 1]


def mixed(Query) -> list:
    """Common, rare and missing words, several, phrases, exclusions, both languages, with and without filters."""
    from bench.texts.archive_maker import LESS_COMMON, WORDS

    chance = random.Random(5)
    rare = [f"{w}{n}" for n in (9, 14, 17) for w in chance.sample(LESS_COMMON, 8)]
    made = [Query(words=w) for w in chance.sample(WORDS, 20)]
    made += [Query(words=w) for w in rare[:12]]
    made += [
        Query(words=f"{a} {b}") for a, b in zip(chance.sample(WORDS, 12), chance.sample(LESS_COMMON, 12), strict=True)
    ]
    made += [Query(words=f'"{a} {b}"') for a, b in zip(chance.sample(WORDS, 10), chance.sample(WORDS, 10), strict=True)]
    made += [Query(words=f"{a} -{b}") for a, b in zip(chance.sample(WORDS, 8), chance.sample(WORDS, 8), strict=True)]
    made += [Query(words=f"{a} OR {b}") for a, b in zip(rare[12:18], chance.sample(LESS_COMMON, 6), strict=True)]
    made += [Query(words=" ".join(chance.sample(LESS_COMMON, 3))) for _ in range(6)]
    for year in (2013, 2016, 2019, 2022):
        until = datetime(year + 1, 1, 1, tzinfo=UTC)
        made.append(Query(words=chance.choice(WORDS), since=datetime(year, 1, 1, tzinfo=UTC), until=until))
        made.append(Query(words=chance.choice(LESS_COMMON), until=until))
    made += [Query(words=w, kinds=["reply"]) for w in chance.sample(WORDS + LESS_COMMON, 6)]
    made += [Query(words=w, use="train_gen") for w in chance.sample(WORDS + LESS_COMMON, 5)]
    made += [
        Query(words="makanan pedas"),
        Query(words="enjoyed running"),
        Query(words="tidakadakataini"),
        Query(authors=["@kopisenja"]),
        Query(networks=["x"], language="id"),
        Query(use="train_gen", answers=["no"]),
        Query(oldest_first=True),
    ]
    return made


if __name__ == "__main__":
    main()
