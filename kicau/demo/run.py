"""`kicau demo`: brings everything up, has every post of `posts.csv` published, and proves that each is out exactly once."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kicau.base import privileges
from kicau.demo.cast import OWNER_EMAIL
from kicau.demo.environment import DemoError, DemoWorld, demo_folder, running_demo, wait_until_ready

if TYPE_CHECKING:
    from kicau.demo.display import DemoDelivery, TerminalScreen
    from kicau.workspaces.actors import Actor

WATCH_TIMEOUT = timedelta(seconds=120)  # after the last due time; a network may be processing a video


def run_demo(*, seconds: int, stay: bool = True, posts: Path | None = None) -> int:
    """The whole demo; returns the exit code: 0 where everything is public exactly once."""
    with _interruptible():
        try:
            return _run_in_order(seconds, stay, posts)
        except DemoError as exc:
            print(exc, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Stopped. To continue, run the command again.", file=sys.stderr)
            return 130


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: in order."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run_in_order(seconds: int, stay: bool, posts: Path | None) -> int:
    from kicau.demo.display import TerminalScreen

    screen = TerminalScreen()
    folder = demo_folder()
    screen.say(f"The demo's data is in {folder}. Nothing leaves this machine.")
    with ExitStack() as stack, running_demo(folder) as world:
        for sentence in world.moved:
            screen.say(f"Another port: {sentence}.")
        wait_until_ready(world)
        stack.enter_context(privileges.files_owned_by(privileges.folder_owner(folder)))
        _set_up_django()
        from kicau.demo import setup

        actor = setup.ensure_owner(world)
        setup.connect_channels(actor, world, screen.say)
        setup.import_posts(actor, seconds, screen.say, posts)
        rows = _watch_deliveries(actor, world, screen)
        faults = verify(world, rows)
        screen.table(rows)
        screen.verdict(rows, faults)
        code = 1 if faults else 0
        if stay:
            screen.where(world, OWNER_EMAIL)
            _serve_until_interrupt(world)
        return code


def _set_up_django() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "kicau.config.settings"
    import django

    from kicau.base import logs

    logs.set_up_logging("error", "text", process="demo")
    django.setup()


def _watch_deliveries(actor: Actor, world: DemoWorld, screen: TerminalScreen) -> list[DemoDelivery]:
    """Live, until nothing is under way or patience is over."""
    from kicau.base import clock

    rows = _rows(actor)
    with screen.live(rows) as live:
        last = max((row.due_at for row in rows), default=clock.now())
        while any(row.is_under_way for row in rows) and clock.now() < max(last, _began_at(live)) + WATCH_TIMEOUT:
            world.check()
            time.sleep(0.25)
            rows = _rows(actor)
            live.update(rows)
    return rows


def _began_at(live: Any) -> datetime:
    began: datetime = live.began
    return began


def _rows(actor: Actor) -> list[DemoDelivery]:
    from kicau.demo.display import DemoDelivery
    from kicau.publishing.scheduling.actions import deliveries

    return [
        DemoDelivery(
            key=row.channel.key,
            network=row.network,
            ref=row.draft.ref,
            text=row.rendered["parts"][0].get("text", ""),
            parts=len(row.rendered["parts"]),
            state=row.state,
            reason=row.reason,
            due_at=row.due_at,
            published_at=row.published_at,
            late_ms=row.late_ms,
            url=row.url,
            remote_ids=tuple(row.remote_ids),
        )
        for row in deliveries(actor)
    ]


def verify(world: DemoWorld, rows: Sequence[DemoDelivery]) -> list[str]:
    """What is not public exactly once, in sentences; the networks themselves are asked."""
    faults = [
        f"{row.ref} on {row.key} is {row.state}, not published. {row.reason}".strip()
        for row in rows
        if row.state not in ("published", "canceled", "deleted")
    ]
    for slug in world.networks:
        posts = world.published(slug)
        public = Counter(post["id"] for post in posts)
        by_address = {post["url"].rstrip("/"): post["id"] for post in posts}
        known: set[str] = set()
        for row in (r for r in rows if r.network == slug):
            # A video has an id of its own beside its post's; their address is the same.
            ids = [one if one in public else by_address.get(row.url.rstrip("/"), one) for one in row.remote_ids]
            known.update(ids)
            if row.state == "published":
                faults += _not_once(row, ids, public)
        faults += [f"{slug} shows {one}, which no delivery stands for." for one in public if one not in known]
    return faults


def _not_once(row: DemoDelivery, ids: Sequence[str], public: Counter[str]) -> Iterator[str]:
    if len(set(ids)) != row.parts:
        yield f"{row.ref} on {row.key} has {row.parts} parts, but {len(set(ids))} ids."
    for one in ids:
        if public[one] != 1:
            yield f"{row.ref} on {row.key}: {one} is public {public[one]} times."


def _serve_until_interrupt(world: DemoWorld) -> None:
    """Until Ctrl-C."""
    try:
        while True:
            time.sleep(1)
            world.check()
    except KeyboardInterrupt:
        print("\nStopping …", file=sys.stderr)
