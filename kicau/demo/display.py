"""What the demo shows: live progress in a terminal, plain lines elsewhere, a table at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kicau.base import clock
from kicau.demo.cast import OWNER_TIMEZONE
from kicau.demo.environment import DemoWorld

MAX_LATEST = 10  # lines of what just went out
UNFINISHED_STATES = ("scheduled", "publishing")
WIDE_TERMINAL_COLUMNS = 240  # columns where nobody looks


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoDelivery:
    """One delivery as the demo shows it."""

    key: str
    network: str
    ref: str
    text: str
    parts: int
    state: str
    reason: str
    due_at: datetime
    published_at: datetime | None
    late_ms: int | None
    url: str
    remote_ids: tuple[str, ...]

    @property
    def is_under_way(self) -> bool:
        return self.state in UNFINISHED_STATES

    @property
    def late(self) -> str:
        return "" if self.late_ms is None else f"{self.late_ms / 1000:.2f} s"

    @property
    def due(self) -> str:
        return f"{self.due_at.astimezone(clock.find_zone(OWNER_TIMEZONE)):%H:%M:%S}"

    def said(self, width: int = 40) -> str:
        line = "".join(c if c.isprintable() or c in "\u200d\ufe0f" else " " for c in self.text).strip() or "(picture)"
        return line if len(line) <= width else line[: width - 1] + "…"


class TerminalScreen:
    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self.console = Console(
            file=sys.stdout, highlight=False, width=None if self.is_terminal else WIDE_TERMINAL_COLUMNS
        )

    def say(self, sentence: str) -> None:
        self.console.print(Text(sentence))
        sys.stdout.flush()

    @contextmanager
    def live(self, rows: Sequence[DemoDelivery]) -> Iterator[DemoProgress]:
        progress = DemoProgress(self, rows)
        if not self.is_terminal:
            yield progress
            return
        with Live(progress.picture(), console=self.console, auto_refresh=False) as live:
            progress.screen_live = live
            yield progress

    def table(self, rows: Sequence[DemoDelivery]) -> None:
        """What, where, when, how late, at what address."""
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name, how in (
            ("due", {}),
            ("channel", {}),
            ("post", {}),
            ("state", {}),
            ("late", {"justify": "right"}),
            ("address", {"overflow": "fold"}),
        ):
            table.add_column(name, **how)  # type: ignore[arg-type]
        for row in sorted(rows, key=lambda r: (r.due_at, r.ref, r.key)):
            table.add_row(
                *(Text(cell) for cell in (row.due, row.key, row.said(), row.state, row.late, row.url or row.reason))
            )
        with self.console.capture() as captured:
            self.console.print(table)
        sys.stdout.write("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")

    def verdict(self, rows: Sequence[DemoDelivery], faults: Sequence[str]) -> None:
        late = sorted(row.late_ms for row in rows if row.late_ms is not None)
        posts = sum(len(row.remote_ids) for row in rows)
        self.say("")
        if late:
            self.say(
                f"Lateness: half within {_at(late, 50):.2f} s, 99 of 100 within {_at(late, 99):.2f} s, the latest {late[-1] / 1000:.2f} s."
            )
        for fault in faults:
            self.say(f"✗ {fault}")
        if not faults:
            channels = len({row.key for row in rows})
            self.say(
                f"✓ {len(rows)} deliveries on {channels} channels: {posts} posts are public, each exactly once (checked on the networks)."
            )

    def where(self, world: DemoWorld, email: str) -> None:
        self.say("")
        self.say(f"Kicau:     {world.web}/  (sign in as {email}, password {world.password})")
        self.say(f"API:       {world.web}/api/v1/docs")
        for told in world.networks.values():
            self.say(f"{told['network'] + ':':<10} {told['base_url']}/  (what readers see)")
        self.say(f"Shell:     KICAU_DATA={world.folder} kicau calendar --all")
        self.say("The demo keeps running until you press Ctrl-C.")


class DemoProgress:
    """What is out so far; told as it happens."""

    def __init__(self, screen: TerminalScreen, rows: Sequence[DemoDelivery]) -> None:
        self.screen, self.rows, self.began = screen, list(rows), clock.now()
        self.screen_live: Live | None = None
        self._told = {self._name(row) for row in rows if not row.is_under_way}

    def update(self, rows: Sequence[DemoDelivery]) -> None:
        self.rows = list(rows)
        if self.screen_live is not None:
            self.screen_live.update(self.picture(), refresh=True)
            return
        for row in rows:
            if not row.is_under_way and self._name(row) not in self._told:
                self._told.add(self._name(row))
                self.screen.say(
                    f"{row.due}  {row.key:<12}  {row.state:<9}  {row.late:>8}  {row.said()}  {row.url or row.reason}"
                )

    @staticmethod
    def _name(row: DemoDelivery) -> tuple[str, str]:
        return row.ref, row.key

    def picture(self) -> Any:
        done = [row for row in self.rows if not row.is_under_way]
        latest = sorted((r for r in done if r.published_at), key=lambda r: r.published_at or r.due_at)[-MAX_LATEST:]
        head = Table.grid(padding=(0, 1))
        bad = sum(row.state != "published" for row in done)
        head.add_row(
            ProgressBar(total=max(len(self.rows), 1), completed=len(done), width=40),
            Text(f"{len(done)} of {len(self.rows)} out{f', {bad} not published' if bad else ''}"),
        )
        lines = Table.grid(padding=(0, 2))
        for row in latest:
            lines.add_row(
                *(
                    Text(cell, overflow="ellipsis", no_wrap=True)
                    for cell in (row.due, row.key, row.late, row.said(), row.url)
                )
            )
        return Group(head, lines)


def _at(values: Sequence[int], nth: int) -> float:
    return values[min(len(values) - 1, round(len(values) * nth / 100))] / 1000
