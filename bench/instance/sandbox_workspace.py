"""For benchmarks: the sandbox of every installed network, and one workspace with channels on all of them."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from PIL import Image

from kicau.base import clock
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.connector import registry
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import Sandbox, start_sandbox
from kicau.media import actions as media
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import schedule
from kicau.workspaces.actions import actor_for, add_person, create_workspace


class SandboxWorkspace:
    def __init__(self, *, latency: float = 0.0) -> None:
        self.sandboxes: dict[str, Sandbox] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._latency = latency

    def __enter__(self) -> SandboxWorkspace:
        self._thread.start()
        for slug in registry.installed_slugs():
            server: Sandbox = importlib.import_module(registry.network_package(slug) + ".sandbox").Server()
            server.latency = self._latency
            asyncio.run_coroutine_threadsafe(start_sandbox(server), self._loop).result(10)
            self.sandboxes[slug] = server
        port = os.environ["KICAU_PORT"]
        self._web = subprocess.Popen([sys.executable, "-m", "kicau.config.web"])
        owner = add_person("bench@example.org", "Bench", operator=True)
        self.actor = actor_for(owner, create_workspace(owner, "Bench").id, "cli")
        try:
            async_to_sync(self._connect)()
            self._wait_for_web(port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._web.terminate()
        self._web.wait(20)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def set_latency(self, seconds: float) -> None:
        for server in self.sandboxes.values():
            server.latency = seconds

    def schedule(self, count: int, seconds: float, *, after: timedelta) -> Sequence[Delivery]:
        """Single posts, due evenly at random over `seconds`, beginning `after` from now."""
        random.seed(7)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "p.jpg"
            Image.effect_noise((1080, 1080), 40).convert("RGB").save(path, quality=60)
            picture = media.add_medium(self.actor, path, "noise.jpg", alt="Noise").id
        rows: list[compositions.Composition] = []
        keys = [c.key for c in self.channels]
        needs = {c.key: registry.get_connector(c.network).baseline.needs_media for c in self.channels}
        for n in range(count):
            key = keys[n % len(keys)]
            use = (compositions.MediumAttachment(medium=picture),) if needs[key] or random.random() < 0.2 else ()
            rows.append(
                compositions.Composition(
                    parts=(compositions.PartContent(text=f"Post number {n}, {random.random()}", media=use),)
                )
            )
        ids = [d.id for d in compositions.save_drafts(self.actor, rows)]
        drafts = {d.id: d for d in compositions.with_content(compositions.drafts(self.actor).filter(id__in=ids))}
        begin = clock.now() + after
        by_key = {c.key: c for c in self.channels}
        wanted = [
            schedule.ScheduleRequest(
                draft=drafts[id_],
                channels=[by_key[keys[n % len(keys)]]],
                due_at=begin + timedelta(seconds=random.random() * seconds),
            )
            for n, id_ in enumerate(ids)
        ]
        return schedule.schedule_many(self.actor, wanted, confirm=True).deliveries

    def wait(self, rows: Sequence[Delivery], seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            left = Delivery.objects.filter(state__in=["scheduled", "publishing"]).count()
            if not left:
                return
            time.sleep(1)

    async def _connect(self) -> None:
        self.channels: list[Any] = []
        async with new_client() as client:
            for slug, server in self.sandboxes.items():
                app = server.default_app
                await asyncio.to_thread(
                    channels.register_app,
                    slug,
                    app.client_id,
                    app.client_secret,
                    endpoints=server.endpoints(),
                    is_sandbox=True,
                )
                for account in server.accounts():
                    begun = await channels.begin_sign_in(self.actor, slug, client=client)
                    returned = await consent_at_sandbox(client, begun.url, account.id)
                    await channels.finish_sign_in(self.actor, returned, client=client)
                    self.channels += await channels.connect(self.actor, begun.state, client=client)

    def _wait_for_web(self, port: str) -> None:
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
                    json.load(answer)
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the web server did not start")
