"""How fast a training set of half a million records is built, twice, and items are withdrawn from it.

    python -m bench.training_sets [--items 500000]

Bars: a build in at most 60 s on 2 cores, both builds equal byte for byte; one item withdrawn within 1 s, 100,000 within
60 s. Builds are calibrated by the processor, withdrawals by SQL. The time in which the search is compiled is printed
apart. Ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.calibration import Bound, calibrated

BUILD_SECONDS, ONE_WITHDRAWAL_SECONDS, WITHDRAWAL_SECONDS = 60, 1, 60  # the bars


def fill(workspace_id: str, standing: int, count: int) -> None:
    """Posts of 8 to 30 words from a vocabulary of 20,000, by SQL."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(
            "CREATE TEMP TABLE vocabulary AS SELECT n, substr(md5(n::text), 1, 3 + (n % 6)) AS word FROM generate_series(0, 19999) n"
        )
        cursor.execute("CREATE UNIQUE INDEX ON vocabulary (n)")
        cursor.execute(
            """
            INSERT INTO archive_item (id, workspace_id, network, remote_id, standing_id, sources, kind, text, language, posted_at, posted_to, reply_to, url, media, extra, said, added_at)
            SELECT gen_random_uuid(), %(w)s, 'x', i::text, %(s)s, '{}', 'post',
                (SELECT string_agg(v.word, ' ') FROM generate_series(1, 8 + (i::bigint * 7919 %% 23)) k JOIN vocabulary v ON v.n = ((i::bigint * 104729 + k * 15485863 + (i %% 97) * k * k * 31) %% 20000)),
                'id', '2020-01-01Z'::timestamptz + make_interval(secs => i * 60), 'second', '', '', '[]', '{}', false, now()
            FROM generate_series(1, %(n)s) i
            """,
            {"w": workspace_id, "s": standing, "n": count},
        )


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--items", type=int, default=500_000)
    count = asked.parse_args().items
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        os.environ.update(KICAU_DATA=f"{name}/data", DJANGO_SETTINGS_MODULE="kicau.config.settings")
        from kicau.base import postgres

        with calibrated() as machine, postgres.running_server(folder / "data") as here:
            os.environ["DATABASE_URL"] = here.url
            builds, are_equal, withdrawals = measure(count)
    slowest = machine.time(max(builds))
    print(f"slowest build, calibrated: {slowest:.1f} s (bar {BUILD_SECONDS}); equal byte for byte: {are_equal}")
    met = slowest <= BUILD_SECONDS and are_equal
    for items, taken in withdrawals.items():
        seconds, bar = machine.time(taken, Bound.SQL), WITHDRAWAL_SECONDS if items > 1 else ONE_WITHDRAWAL_SECONDS
        print(f"{items:,} withdrawn, calibrated: {seconds:.2f} s (bar {bar})")
        met &= seconds <= bar
    print(machine.line())
    sys.exit(not met)


def compile_search() -> None:
    """A new data folder has no compiled search yet; the first withdrawal would wait for it."""
    from kicau.archive.models import Item
    from kicau.training_sets.prohibited_copies import find_copies

    texts = list(Item.objects.values_list("text", flat=True)[:100])
    began = time.perf_counter()
    find_copies(texts, texts[:1])
    print(f"the search was compiled in {time.perf_counter() - began:.1f} s, once for each data folder and version")


def measure(count: int) -> tuple[list[float], bool, dict[int, float]]:
    """Seconds of both builds, whether they are equal, and seconds of withdrawals by the number of items."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from kicau.archive.models import RightsContext
    from kicau.archive.record_statements import add_statements
    from kicau.rights.models import Layer, Party, Subject
    from kicau.rights.statements import NewStatement
    from kicau.workspaces.actions import actor_for, add_person, create_workspace

    owner = add_person("bench@kicau.example", "Bench", "hujan-di-bandung-41", operator=True)
    workspace = create_workspace(owner, "Bench")
    actor = actor_for(owner, workspace.id, "cli")
    standing = RightsContext.objects.create(
        workspace=workspace, network="x", author="x:1", own=True, acquired=["imported"]
    )
    fill(str(workspace.id), standing.id, count)
    add_statements(
        actor,
        [
            NewStatement(
                layer=Layer.AUTHOR,
                party=Party.WORKSPACE,
                subject=Subject.AUTHOR,
                key="own",
                says={"train_gen": "allow"},
            )
        ],
    )
    times, is_equal, records = build_twice(actor)
    print(f"{records:,} records of {count:,} items in {times[0]:.1f} and {times[1]:.1f} s")
    compile_search()
    return times, is_equal, time_withdrawals(actor)


def build_twice(actor: Any) -> tuple[list[float], bool, int]:
    from kicau.training_sets import actions, build, versions

    of = actions.create_set(actor, name="half a million", options={"without_repeats": True})
    at = datetime(2099, 1, 1, tzinfo=UTC)
    made, times = [], []
    for _ in range(2):
        version = actions.order_version(actor, of.id, as_of=at)
        version.number = 1
        began = time.perf_counter()
        version = build.make_version(actions.get_version(actor, of.id) if not made else made[0], None)
        times.append(time.perf_counter() - began)
        made.append(version)
        digests = {
            p.name: hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(versions.version_folder(version).iterdir())
        }
        if len(made) == 1:
            first = digests
    return times, digests == first, version.records


def time_withdrawals(actor: Any) -> dict[int, float]:
    """Seconds by the number of items."""
    from kicau.archive.models import Item
    from kicau.archive.record_statements import add_statements
    from kicau.rights.models import Layer, Party, Subject
    from kicau.rights.statements import NewStatement
    from kicau.training_sets import build

    withdrawals: dict[int, float] = {}
    ids = list(Item.objects.values_list("id", flat=True)[:100_001])
    for some in (ids[:1], ids[1:]):
        began = time.perf_counter()
        add_statements(
            actor,
            [
                NewStatement(
                    layer=Layer.WITHDRAWAL, party=Party.AUTHOR, subject=Subject.ITEM, item=i, says={"train_gen": "deny"}
                )
                for i in some
            ],
        )
        taken = time.perf_counter() - began
        withdrawals[len(some)] = taken
        print(f"{len(some):,} withdrawn in {taken:.2f} s")
        if len(some) == 1:
            build.make_next()
    return withdrawals


if __name__ == "__main__":
    main()
