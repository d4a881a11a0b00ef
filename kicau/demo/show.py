"""What the demo shows: progress while it runs, and at the end what went where, when, how late and at what address."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from kicau.base import clock
from kicau.base.processes import House
from kicau.publishing import acts
from kicau.publishing.models import WAITING, Delivery, DeliveryState
from kicau.workspaces.actors import Actor

PATIENCE = 180.0  # seconds after the last due time; longer than a first comment's pause and a video's processing


def progress(actor: Actor, house: House, console: Console) -> None:
    """Until nothing is on its way any more, or patience is over."""
    last = acts.deliveries(actor).last()
    until = time.monotonic() + (max(0.0, (last.due_at - clock.now()).total_seconds()) if last else 0) + PATIENCE
    if console.is_terminal:
        with Live(_board(actor), console=console, refresh_per_second=4, transient=True) as live:
            while _go_on(actor, house, until):
                live.update(_board(actor))
        return
    told = time.monotonic()
    while _go_on(actor, house, until):
        if time.monotonic() - told > 10:
            told = time.monotonic()
            states = Counter(acts.deliveries(actor).values_list("state", flat=True))
            console.print("  " + ", ".join(f"{n} {state}" for state, n in sorted(states.items())))


def _go_on(actor: Actor, house: House, until: float) -> bool:
    if house.stopping.wait(0.25) or time.monotonic() > until:
        return False
    house.look()
    return acts.deliveries(actor).filter(state__in=WAITING).exists()


def _board(actor: Actor) -> Table:
    """One row a channel: how many are out, and what comes next."""
    board = Table(box=None, pad_edge=False)
    for column in ("channel", "published", "to come", "other", "next"):
        board.add_column(column)
    rows: dict[str, list[Delivery]] = {}
    for row in acts.deliveries(actor).defer("rendered", "raw"):
        rows.setdefault(row.channel.key, []).append(row)
    now = clock.now()
    for key, found in sorted(rows.items()):
        out = sum(r.state == DeliveryState.PUBLISHED for r in found)
        waiting = [r for r in found if r.state in WAITING]
        ahead = min((r.due_at for r in waiting), default=None)
        bar = "█" * round(20 * out / len(found)) + "·" * (20 - round(20 * out / len(found)))
        soon = "" if ahead is None else f"in {max(0, round((ahead - now).total_seconds()))} s"
        board.add_row(key, f"[green]{bar}[/green] {out}/{len(found)}", str(len(waiting)), str(len(found) - out - len(waiting) or ""), soon)
    return board


def result(actor: Actor, sandboxes: Mapping[str, str], console: Console) -> int:
    """The table, and the networks' own word for it. 0 where each post is public exactly once."""
    rows = list(acts.deliveries(actor))
    zone = clock.zone(actor.workspace.timezone)
    table = Table(title="What went where, when, how late and at what address", title_justify="left", box=None, pad_edge=False)
    table.add_column("due", no_wrap=True)
    table.add_column("channel", no_wrap=True)
    table.add_column("late", no_wrap=True, justify="right")
    table.add_column("post", no_wrap=True, overflow="ellipsis", max_width=34)
    table.add_column("address, or what is wrong", overflow="fold")
    for row in rows:
        late = f"{row.late_ms / 1000:.2f} s" if row.late_ms is not None else ""
        where = escape(row.url) if row.state == DeliveryState.PUBLISHED else f"[red]{row.state}[/red] {escape(row.reason)}"
        table.add_row(f"{row.due_at.astimezone(zone):%H:%M:%S}", row.channel.key, late, escape(_title(row)), where)
    console.print(table)
    published = [row for row in rows if row.state == DeliveryState.PUBLISHED]
    late_ms = sorted(row.late_ms or 0 for row in published)
    if late_ms:
        console.print(f"{len(published)} of {len(rows)} published; late at the median {late_ms[len(late_ms) // 2]} ms, at most {late_ms[-1]} ms.")
    wrong = compare(rows, {slug: _posts(address) for slug, address in sandboxes.items()})
    for line in wrong:
        console.print(f"[red]{escape(line)}[/red]")
    if wrong or len(published) != len(rows):
        console.print(f"[red bold]Not everything is as it should be: {len(rows) - len(published)} not published, {len(wrong)} differences.[/red bold]")
        return 1
    console.print("[green]Each network's own list agrees: every post and every part of a thread is public exactly once.[/green]")
    return 0


def compare(rows: list[Delivery], public: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Sentences for whatever differs between our record and what readers see."""
    expected: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        if row.state == DeliveryState.PUBLISHED:
            expected.update((row.network, row.channel.account_id, part["text"]) for part in row.rendered["parts"])
    found = Counter((slug, post["account"], post["text"]) for slug, posts in public.items() for post in posts)
    lines = []
    for key in sorted(expected.keys() | found.keys()):
        if expected[key] != found[key]:
            network, account, text = key
            lines.append(f"{network}, {account}: {text[:60]!r} is public {found[key]} times, {expected[key]} expected.")
    return lines


def _posts(address: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{address}/_sandbox/posts", timeout=20) as answer:  # noqa: S310 (our own address)
        posts: list[dict[str, Any]] = json.load(answer)
        return posts


def _title(row: Delivery) -> str:
    parts = row.rendered["parts"]
    text = " ".join(str(parts[0]["text"]).split()) or (parts[0]["media"] and "(no text)") or ""
    return f"{text} (+{len(parts) - 1})" if len(parts) > 1 else text
