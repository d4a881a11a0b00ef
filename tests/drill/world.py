"""The workspace of the drill, four networks' sandboxes, and a worker with its chores."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.db import connection, connections
from django.db.models import Q
from PIL import Image

from kicau.base.clock import now
from kicau.channels import actions as channel_acts
from kicau.channels.channel_session import new_client
from kicau.channels.models import Channel
from kicau.config.worker import periodic_tasks
from kicau.connector import registry
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import Sandbox, start_sandbox
from kicau.engine.dispatcher import Dispatcher
from kicau.engine.periodic_tasks import run_tasks
from kicau.media.actions import add_medium
from kicau.publishing.content import compositions
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.models import Attempt, Delivery, DeliveryState, Draft
from kicau.publishing.scheduling import schedule
from kicau.sync import sync_settings
from kicau.sync.models import Comment, MetricsChange, PostMetrics, SyncProgress
from kicau.workspaces.actors import Actor
from tests.drill.time import Time

LEFT, OTHERS = "x", ("bluesky", "facebook", "mastodon")
BUILT = datetime(2023, 4, 19, 8, tzinfo=UTC)
NOTICE = datetime(2023, 4, 19, 9, tzinfo=UTC)
EFFECTIVE = datetime(2023, 4, 25, tzinfo=UTC)
BEFORE = datetime(2023, 4, 20, 9, tzinfo=UTC)  # a wave on all four
AFTER = datetime(2023, 4, 27, 9, tzinfo=UTC)  # a wave on the other three
FIRST_STOPPED = datetime(2023, 4, 26, 9, tzinfo=UTC)  # a few of those that are stopped; the others much later
LATER = datetime(2023, 5, 2, 9, tzinfo=UTC)
BACK = datetime(2023, 4, 28, tzinfo=UTC)
MINUTES = 20  # between the later ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    drafts: int
    scheduled: int
    published: int
    wave: int  # posts that are due together, before, during and after


SMALL = Size(drafts=6, scheduled=24, published=5, wave=3)
FULL = Size(drafts=500, scheduled=1000, published=300, wave=20)


class Town:
    """Four sandboxes and, once it is opened, a worker, in a thread with a loop of its own."""

    def __init__(self) -> None:
        self.servers: dict[str, Sandbox] = {}
        self._runners: list[Any] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        for slug in (LEFT, *OTHERS):
            server: Sandbox = import_module(f"{registry.network_package(slug)}.sandbox").Server()
            self._runners.append(asyncio.run_coroutine_threadsafe(start_sandbox(server), self._loop).result(20))
            self.servers[slug] = server
        self._pump: Dispatcher | None = None
        self._working: Any = None

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def open(self) -> None:
        """The worker begins: the pump, and every chore that a real one has."""
        ready = threading.Event()

        async def work() -> None:
            async with new_client() as client:
                self._pump = Dispatcher(DeliverySource(client))
                often = [replace(c, every=min(c.every, 0.5)) for c in periodic_tasks(client) if c.every < 600]
                chores = asyncio.create_task(run_tasks(often))  # days go by in a second, so they come round sooner
                ready.set()
                await self._pump.run()
                chores.cancel()
                await asyncio.gather(chores, return_exceptions=True)

        self._working = asyncio.run_coroutine_threadsafe(work(), self._loop)
        ready.wait(10)

    def close(self) -> None:
        if self._pump:
            self._loop.call_soon_threadsafe(self._pump.stop)
            self._working.result(30)
            self._pump = None

    def end(self) -> None:
        self.close()
        asyncio.run_coroutine_threadsafe(self._let_go(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _let_go(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        await sync_to_async(connections.close_all)()
        await asyncio.get_running_loop().shutdown_default_executor()

    def texts(self, slug: str) -> list[str]:
        return [post.text for post in self.servers[slug].public_posts()]


@contextmanager
def town() -> Iterator[Town]:
    made = Town()
    try:
        yield made
    finally:
        made.end()


def connect(actor: Actor, town: Town) -> dict[str, Channel]:
    """One channel on each network, by its own sign-in."""

    async def all_of_them() -> None:
        async with new_client() as client:
            for slug, server in town.servers.items():
                app = server.default_app
                await sync_to_async(channel_acts.register_app)(
                    slug, app.client_id, app.client_secret, endpoints=server.endpoints(), is_sandbox=True
                )
                begun = await channel_acts.begin_sign_in(actor, slug, _answers(slug, server), client=client)
                returned = await consent_at_sandbox(client, begun.url, server.accounts()[0].id)
                found = await channel_acts.finish_sign_in(actor, returned, client=client)
                await channel_acts.connect(
                    actor, begun.state, [found.accounts[0].id], keys={found.accounts[0].id: slug}, client=client
                )

    town.do(all_of_them())
    return {c.network: c for c in Channel.objects.filter(workspace=actor.workspace).select_related("app")}


def _answers(slug: str, server: Sandbox) -> dict[str, str]:
    """Where a network is many servers, the person names theirs."""
    name = getattr(server, "server_name", None)
    return {"server": str(name)} if name else {}


@dataclass(slots=True)
class Stock:
    """What was put into the workspace."""

    stopped: list[Delivery]  # on the network that is left, due after it
    waves: dict[str, list[Delivery]]  # before, during, after
    posts: int


def fill(actor: Actor, channels: dict[str, Channel], size: Size, folder: Path) -> Stock:
    """Drafts, scheduled and published posts with media; every post of the left network one with a few that fit nowhere else."""
    pictures = _pictures(actor, folder, max(3, size.drafts // 20))
    _drafts(actor, size.drafts, "Draf", pictures)
    _publish(actor, channels, _drafts(actor, size.published, "Terbit", pictures))
    stopped = _drafts(actor, size.scheduled, "Nanti", pictures, hard=True)
    times = [
        FIRST_STOPPED + timedelta(milliseconds=100 * n) if n < size.wave else LATER + timedelta(minutes=MINUTES * n)
        for n in range(size.scheduled)
    ]
    rows = _schedule(actor, [(d, [channels[LEFT]], at) for d, at in zip(stopped, times, strict=True)])
    everywhere, others = list(channels.values()), [channels[slug] for slug in OTHERS]
    waves = {}
    for name, to, around in (
        ("before", everywhere, BEFORE),
        ("during", everywhere, EFFECTIVE),
        ("after", others, AFTER),
    ):
        drafts = _drafts(actor, size.wave, f"Gelombang {name}", pictures)
        due = [around + timedelta(milliseconds=400 * (n - size.wave // 2)) for n in range(size.wave)]
        waves[name] = _schedule(actor, [(d, to, at) for d, at in zip(drafts, due, strict=True)])
    return Stock(stopped=rows, waves=waves, posts=Draft.objects.filter(workspace=actor.workspace).count())


def _pictures(actor: Actor, folder: Path, count: int) -> list[Any]:
    made = []
    for n in range(count):
        path = folder / f"{n}.jpg"
        Image.effect_noise((320 + n, 240), 60).convert("RGB").save(path, quality=70)
        made.append(add_medium(actor, path, f"foto-{n}.jpg", alt=f"Foto {n}"))
    return made


def _drafts(actor: Actor, count: int, word: str, pictures: Sequence[Any], *, hard: bool = False) -> list[Draft]:
    """Every eighth is longer than the next network takes, with a shorter version for the first; every eighth asks a question."""
    given = []
    for n in range(count):
        text, more = f"{word} {n}: kopi dari kebun di Lembang, dipetik pagi ini.", {}
        if hard and n % 8 == 5:
            more["variants"] = (
                compositions.VariantContent(network=LEFT, parts=(compositions.PartContent(text=f"{text} Singkat."),)),
            )
            text += " Cerita panjang." * 18
        poll = compositions.content.Poll(options=("Gayo", "Toraja"), minutes=1440) if hard and n % 8 == 7 else None
        media = () if poll or n % 3 == 2 else (compositions.MediumAttachment(medium=pictures[n % len(pictures)].id),)
        given.append(
            compositions.Composition(
                parts=(compositions.PartContent(text=text, media=media),), poll=poll, campaign="Lembang", **more
            )
        )
    ids = [d.id for d in compositions.save_drafts(actor, given)]
    found = {d.id: d for d in compositions.with_content(compositions.drafts(actor).filter(id__in=ids))}
    return [found[id_] for id_ in ids]


def _schedule(actor: Actor, wanted: Sequence[tuple[Draft, Sequence[Channel], datetime]]) -> list[Delivery]:
    rows = [schedule.ScheduleRequest(draft=draft, channels=to, due_at=at) for draft, to, at in wanted]
    return list(schedule.schedule_many(actor, rows, confirm=True, twins=False).deliveries)


def _publish(actor: Actor, channels: dict[str, Channel], drafts: Sequence[Draft]) -> None:
    """As if they had gone out in the weeks before, on all four."""
    rows, at = [], BUILT - timedelta(days=60)
    for n, draft in enumerate(drafts):
        for slug, channel in channels.items():
            due = at + timedelta(hours=4 * n)
            row = Delivery(
                workspace=actor.workspace,
                draft=draft,
                channel=channel,
                network=slug,
                due_at=due,
                next_at=due,
                state=DeliveryState.PUBLISHED,
                steps=1,
                remote_ids=[f"{slug}-{n}"],
                url=f"https://{slug}.example/{n}",
                raw={"id": f"{slug}-{n}"},
                published_at=due + timedelta(milliseconds=180),
            )
            row.show(schedule.render(draft, channel))
            rows.append(row)
    Delivery.objects.bulk_create(rows)
    Attempt.objects.bulk_create(
        [Attempt(delivery=r, did="publish", outcome="published", sentence="Published.", at=r.due_at) for r in rows]
    )
    Draft.objects.filter(id__in=[d.id for d in drafts]).update(state="scheduled")
    _came_back([row for row in rows if row.network == LEFT])


def _came_back(rows: Sequence[Delivery]) -> None:
    """Each was read twice, and somebody answered."""
    posts = PostMetrics.objects.bulk_create(
        [
            PostMetrics(
                channel=r.channel,
                delivery=r,
                remote_id=r.remote_ids[0],
                published_at=r.due_at,
                values={"like_count": n},
                read_at=BUILT,
            )
            for n, r in enumerate(rows)
        ]
    )
    MetricsChange.objects.bulk_create(
        [MetricsChange(post=p, at=BUILT, values={"like_count": n}) for p in posts for n in (0, 1)]
    )
    Comment.objects.bulk_create(
        [
            Comment(
                channel=r.channel,
                delivery=r,
                remote_id=f"a{n}",
                author="9",
                text=f"Jawaban {n}",
                at=BUILT,
                fetched_at=BUILT,
            )
            for n, r in enumerate(rows)
        ]
    )


def content(actor: Actor) -> dict[tuple[str, Any], dict[str, Any]]:
    """Every row of the workspace's content, but for when it was last touched."""
    mine = set(Channel.objects.filter(workspace=actor.workspace).values_list("id", flat=True))
    left = set(Channel.objects.filter(workspace=actor.workspace, network=LEFT).values_list("id", flat=True))
    found = {}
    for room in ("channels", "publishing", "media", "sync"):
        for model in apps.get_app_config(room).get_models():
            if model.__name__ in ("Attempt", "Refusal", "Standing"):
                continue
            for row in model._default_manager.values():
                if room == "sync" and row.get("channel_id") not in left:
                    continue  # the other networks are read meanwhile
                if row.get("workspace_id", actor.workspace.id) == actor.workspace.id and row.get("channel_id") in {
                    None,
                    *mine,
                }:
                    for name in (
                        "changed_at",
                        "version",
                        "leaves_at",
                        "capabilities",
                        "capabilities_at",
                        "capabilities_delayed_until",
                        "answered_at",
                        "refresh_at",
                        "credentials",
                        "token_expires_at",
                    ):
                        row.pop(name, None)
                    found[model.__name__, row[model._meta.pk.attname]] = row
    return found


def travel(clock: Time, at: datetime) -> None:
    """To just before `at`, by way of an hour before it, in which permissions are renewed as they are in real days.

    Nothing is under way when the clock moves: whoever renews a permission holds it for seconds, which a jump would end,
    and a second one would renew it with the same token, as no real day makes it happen.
    """
    until(_is_quiet)
    clock.go(at - timedelta(hours=1))
    until(_is_quiet)
    clock.go(at)


def _is_quiet() -> bool:
    return not _renews() and not _reads() and not _sends()


def _renews() -> bool:
    soon = timedelta(seconds=60)  # one that is being renewed is put off by 30 s, counted from before the clock moved
    return Channel.objects.filter(state="active", refresh_at__lte=now() + soon).exists()


def _reads() -> bool:
    """A reading may renew a permission, too; an hour that passes meanwhile would make another do it once more, and a
    network takes a token that comes twice for stolen."""
    mine = Q(channel__in=[c.id for c in sync_settings.open_channels()]) & (
        Q(lease__isnull=False) | Q(next_at__lte=now())
    )
    return SyncProgress.objects.filter(mine).exists() or PostMetrics.objects.filter(mine).exists()


def _sends() -> bool:
    """So may a step that goes out."""
    return Delivery.objects.filter(begun_at__isnull=False).exists()


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    """Look again until it is so."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT network, state, hold, reason, count(*) FROM publishing_delivery GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC"
                )
                raise TimeoutError(f"not within {seconds} s: {cursor.fetchall()[:12]}")
        time.sleep(0.05)
