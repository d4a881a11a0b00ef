"""How long the import of a table of 10,000 posts takes: reading, checking every post against its network, and scheduling all of them.

    python -m bench.bulk_import [--rows 10000] [--bar 30]

Prints one JSON line with the seconds of each part; ends with 1 where they are together above the bar, calibrated by the
processor.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.calibration import calibrated


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=10_000)
    asked.add_argument("--bar", type=float, default=30.0, help="seconds")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ.update(KICAU_DATA=f"{folder}/data", DJANGO_SETTINGS_MODULE="kicau.config.settings")
        from kicau.base import postgres

        with calibrated() as machine, postgres.running_server(Path(folder) / "data"):
            parts = measure(wanted.rows, Path(folder))
    together = sum(parts.values())
    reference_s = machine.time(together)
    print(
        json.dumps(
            {
                "rows": wanted.rows,
                "seconds": parts,
                "together_s": round(together, 1),
                "together_calibrated_s": round(reference_s, 1),
                "bar_s": wanted.bar,
                "machine": machine.report(),
            }
        )
    )
    sys.exit(reference_s > wanted.bar)


def measure(count: int, folder: Path) -> dict[str, float]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from kicau.channels.actions import register_app
    from kicau.channels.channel_session import to_stored
    from kicau.channels.models import Channel
    from kicau.connector import registry
    from kicau.connector.session import Credentials
    from kicau.publishing.imports.bulk_import import check_posts, create_posts, read_posts
    from kicau.workspaces.actions import actor_for, add_person, create_workspace

    person = add_person("bench@example.org", "Bench", operator=True)
    actor = actor_for(person, create_workspace(person, "Bench").id, "cli")
    keys = [slug for slug in registry.installed_slugs() if not registry.get_connector(slug).baseline.needs_media]
    for slug in keys:
        app = register_app(slug, "app", "secret", is_sandbox=True)
        Channel.objects.create(
            workspace=actor.workspace,
            network=slug,
            app=app,
            key=slug,
            account_id=slug,
            handle=slug,
            name=slug,
            credentials=to_stored(Credentials(access_token="t")),
        )
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(["ref", "channels", "at", "text"])
    for n in range(count):
        rows.writerow(
            [
                f"r{n}",
                keys[n % len(keys)],
                f"+{n // 60 + 5}:{n % 60:02}",
                f"Kabar nomor {n}: #kopi https://kopi-senja.example.com/{n}",
            ]
        )
    took = {}
    began = time.perf_counter()
    table = read_posts(out.getvalue().encode())
    took["read"] = round(time.perf_counter() - began, 2)
    began = time.perf_counter()
    report = check_posts(actor, table, folder)
    took["check"] = round(time.perf_counter() - began, 2)
    if report.problems:
        sys.exit(report.problems[0].sentence)
    began = time.perf_counter()
    create_posts(actor, report, folder, confirm=True)
    took["create"] = round(time.perf_counter() - began, 2)
    return took


if __name__ == "__main__":
    main()
