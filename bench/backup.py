"""Backup while posts are being written, restore, and verify: 100,000 posts, each to one channel, and 5,000 media.

    python -m bench.backup [--posts 100000] [--media 5000] [--kilobytes 200]

Prints one JSON line with sizes, seconds (measured, and calibrated by the processor) and megabytes a second, plain and
sealed. The bar: every table has the rows of
the moment of the backup, and every medium read back from the disk has its checksum. Needs about four times the media's
size on the disk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.calibration import calibrated


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--posts", type=int, default=100_000)
    asked.add_argument("--media", type=int, default=5_000)
    asked.add_argument("--kilobytes", type=int, default=200, help="mean size of a medium")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        os.environ.update(
            KICAU_DATA=f"{name}/data",
            DJANGO_SETTINGS_MODULE="kicau.config.settings",
            DJANGO_ALLOW_ASYNC_UNSAFE="1",
            KICAU_LOG_LEVEL="warning",
        )
        from kicau.base import postgres

        with calibrated() as machine:
            with postgres.running_server(folder / "data") as here:
                fill(wanted)
                machine.sample(2)
                plain = back_up(folder, here.url, "")
                sealed = back_up(folder, here.url, "a passphrase for the bench")
            result = {"posts": wanted.posts, "media": wanted.media, "plain": plain, "sealed": sealed}
            ok = all(restore(folder, result[kind], kind) for kind in ("plain", "sealed"))
    for told in (plain, sealed):
        told["calibrated"] = {k: round(machine.time(v), 1) for k, v in told.items() if k.endswith("_seconds")}
    print(json.dumps({**result, "machine": machine.report(), "bar": "counts and checksums equal", "met": ok}))
    sys.exit(not ok)


def fill(wanted: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from kicau.channels.actions import register_app
    from kicau.channels.channel_session import to_stored
    from kicau.channels.models import Channel
    from kicau.connector import registry
    from kicau.connector.session import Credentials
    from kicau.workspaces.actions import create_first_owner

    chance = random.Random(7)
    actor = create_first_owner("sari@kopisenja.example", "Sari", "hujan-di-bandung-41", "Kopi Senja")
    slug = registry.installed_slugs()[0]
    app = register_app(slug, "app", "secret", is_sandbox=True)
    channel = Channel.objects.create(
        workspace=actor.workspace,
        network=slug,
        app=app,
        key="kopi",
        account_id="1",
        handle="kopi",
        name="Kopi Senja",
        credentials=to_stored(Credentials(access_token="t")),
    )
    fill_posts(wanted, actor, channel, fill_media(wanted, actor, chance), chance)


def fill_media(wanted: argparse.Namespace, actor: Any, chance: random.Random) -> list[Any]:
    from kicau.media.library import original_path
    from kicau.media.models import Medium

    media = []
    for n in range(wanted.media):
        data = chance.randbytes(int(wanted.kilobytes * 1000 * chance.uniform(0.25, 1.75)))
        digest = hashlib.sha256(data).hexdigest()
        made = Medium(
            workspace=actor.workspace, sha256=digest, name=f"{n}.jpg", kind="image", mime="image/jpeg", size=len(data)
        )
        path = original_path(made.ref)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        media.append(made)
    Medium.objects.bulk_create(media, batch_size=2000)
    return media


def fill_posts(wanted: argparse.Namespace, actor: Any, channel: Any, media: list[Any], chance: random.Random) -> None:
    from kicau.base import clock
    from kicau.base.ids import new_id
    from kicau.publishing.models import Attempt, Delivery, Draft, Part, PartMedium

    now = clock.now()
    for start in range(0, wanted.posts, 5000):
        numbers = range(start, min(start + 5000, wanted.posts))
        drafts = [
            Draft(id=new_id(), workspace=actor.workspace, author=actor.person, state="scheduled") for _ in numbers
        ]
        texts = [" ".join(chance.choice(WORDS) for _ in range(chance.randint(5, 40))) for _ in numbers]
        parts = [Part(draft=d, position=0, text=t) for d, t in zip(drafts, texts, strict=True)]
        deliveries = [
            Delivery(
                workspace=actor.workspace,
                draft=d,
                channel=channel,
                network=channel.network,
                state="published" if n % 5 else "scheduled",
                due_at=now + timedelta(minutes=n),
                next_at=now + timedelta(minutes=n),
                rendered={"parts": [{"text": t}]},
            )
            for n, d, t in zip(numbers, drafts, texts, strict=True)
        ]
        Draft.objects.bulk_create(drafts)
        Part.objects.bulk_create(parts)
        Delivery.objects.bulk_create(deliveries)
        Attempt.objects.bulk_create(
            [Attempt(delivery=d, did="publish", outcome="published", sentence="Published.") for d in deliveries]
        )
        PartMedium.objects.bulk_create(
            [PartMedium(part=p, medium=chance.choice(media), position=0) for p in parts[::10]]
        )


WORDS = [
    "kopi",
    "senja",
    "hujan",
    "pagi",
    "kedai",
    "biji",
    "sangrai",
    "Bandung",
    "Puntang",
    "seduh",
    "cangkir",
    "gelas",
    "manis",
    "asam",
    "harum",
    "petani",
    "panen",
    "kebun",
    "jalan",
    "kota",
]


class Writing(threading.Thread):
    """Somebody who writes posts all the while."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over, self.written = threading.Event(), 0

    def run(self) -> None:
        from kicau.publishing.models import Draft, Part
        from kicau.workspaces.models import Workspace

        workspace = Workspace.objects.get()
        while not self.over.wait(0.002):
            draft = Draft.objects.create(workspace=workspace)
            Part.objects.create(draft=draft, position=0, text="written meanwhile")
            self.written += 1


def back_up(folder: Path, url: str, passphrase: str) -> dict[str, Any]:
    from kicau.backup import actions

    target = folder / ("sealed.backup" if passphrase else "plain.backup")
    writing = Writing()
    writing.start()
    began = time.monotonic()
    made = actions.back_up(target, folder / "data", url, passphrase=passphrase)
    seconds = time.monotonic() - began
    writing.over.set()
    writing.join()
    size = target.stat().st_size
    return {
        "megabytes": round(size / 1e6, 1),
        "dump_megabytes": round(made.dump_size / 1e6, 1),
        "database_megabytes": round(made.database_size / 1e6, 1),
        "rows": sum(made.rows.values()),
        "posts_saved": made.rows["publishing_draft"],
        "media_saved": made.media,
        "backup_seconds": round(seconds, 1),
        "backup_mb_s": round(size / 1e6 / seconds, 1),
        "written_meanwhile": writing.written,
    }


def restore(folder: Path, told: dict[str, Any], kind: str) -> bool:
    """Into an empty folder, as the shell does it; the row counts are compared on the way, each medium is read back."""
    from kicau.backup import actions

    source, home = folder / f"{kind}.backup", folder / f"again-{kind}"
    passphrase = "a passphrase for the bench" if kind == "sealed" else ""
    os.environ["KICAU_DATA"] = str(home)
    began = time.monotonic()
    checked = actions.check_backup(source, home, passphrase)
    told["check_seconds"] = round(time.monotonic() - began, 1)
    began = time.monotonic()
    done = actions.restore_backup(source, home, checked, passphrase=passphrase, verify=True)
    told["restore_and_verify_seconds"] = round(time.monotonic() - began, 1)
    again = sum(
        1
        for path in (home / "media").rglob("*")
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    )
    told |= {
        "rows_restored": sum(done.manifest.rows.values()),
        "media_verified": done.verified,
        "media_equal": again,
        "in_doubt": done.in_doubt,
    }
    shutil.rmtree(home)
    return told["rows_restored"] == told["rows"] and again == done.verified == told["media_saved"]


if __name__ == "__main__":
    main()
