"""A post's page is told of changes by the real server: many readers, few connections, and a quick end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import aiohttp
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection, connections
from django.test import AsyncClient, Client
from django.urls import reverse

from kicau.base import clock
from kicau.publishing.models import Delivery
from kicau.web.tests.test_sessions import set_up_app, signed_in
from kicau.workspaces import actions
from kicau.workspaces.actions import add_person
from kicau.workspaces.models import Role
from kicau.workspaces.tests.test_invitations import code_of

READERS = 14


def cookie_of(person) -> str:
    client = Client()
    client.force_login(person)
    return f"kicau={client.cookies['kicau'].value}"


async def told(answer: aiohttp.ClientResponse) -> bool:
    async for line in answer.content:
        if line == b"event: changed\n":
            return True
    return False


async def read_all(base: str, draft_id, cookie: str, others: str, server: subprocess.Popen) -> dict[str, object]:
    found: dict[str, object] = {}
    address = f"{base}{reverse('post-events', args=[draft_id])}"
    async with aiohttp.ClientSession(headers={"Cookie": cookie}, connector=aiohttp.TCPConnector(limit=0)) as session:
        for _ in range(3000):  # a busy machine takes its time to start it
            try:
                async with session.get(f"{base}/readyz") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
        async with session.get(address, headers={"Cookie": others}) as answer:
            found["stranger"] = answer.status
        lines = await asyncio.gather(*(session.get(address) for _ in range(READERS)))
        found["type"] = lines[0].headers["Content-Type"]
        found["first"] = await asyncio.wait_for(asyncio.gather(*map(told, lines)), 60)
        async with session.get(f"{base}/drafts") as answer:
            found["page"] = answer.status
        await asyncio.sleep(1.2)  # two looks, so that what is there is known
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            found["connections"] = cursor.fetchone()[0]
        Delivery.objects.filter(draft_id=draft_id).update(changed_at=clock.now())
        found["second"] = await asyncio.wait_for(asyncio.gather(*map(told, lines)), 60)
        server.send_signal(signal.SIGTERM)
        found["ended"] = await asyncio.wait_for(asyncio.gather(*map(told, lines)), 60)
    connections.close_all()  # this loop's own, which nobody else would close
    return found


def test_every_reader_is_told_no_connection_is_held_and_stopping_is_quick(transactional_db, owner, workspace, post):
    draft_id = post().deliveries[0].draft_id
    others = cookie_of(add_person("eve@example.org", "Eve", "hujan-di-bandung-41"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{settings.DATABASES['default']['NAME']}").geturl()
    environment = {**os.environ, "DATABASE_URL": database, "KICAU_PORT": str(port), "KICAU_LOG_LEVEL": "warning"}
    server = subprocess.Popen([sys.executable, "-m", "kicau.config.web"], env=environment)
    try:
        found = asyncio.run(read_all(f"http://127.0.0.1:{port}", draft_id, cookie_of(owner), others, server))
        assert server.wait(60) == 0 or server.returncode == -signal.SIGTERM
    finally:
        server.kill()
        server.wait()
    assert (found["stranger"], found["page"], found["type"]) == (404, 200, "text/event-stream")
    assert found["first"] == found["second"] == [True] * READERS
    assert found["ended"] == [False] * READERS
    assert found["connections"] < READERS, "and the pool had one for the page that was asked meanwhile"


def test_a_server_without_a_loop_lets_the_page_look_by_the_clock(page, post):
    draft_id = post().deliveries[0].draft_id
    assert page.get(reverse("post-events", args=[draft_id])).status_code == 204
    assert b'data-every="30"' in page.get(reverse("post", args=[draft_id])).content


def status_of_events(client: Client, draft_id) -> int:
    """Of the address as a server with a loop answers it."""

    async def ask() -> int:
        asking = AsyncClient()
        asking.cookies = client.cookies
        return (await asking.get(reverse("post-events", args=[draft_id]))).status_code

    return async_to_sync(ask)()


def test_events_need_the_second_factor_that_the_workspace_requires(transactional_db, actor, owner, member, post):
    draft_id = post().deliveries[0].draft_id
    person = member(Role.EDITOR).person
    person.set_password("hujan-di-bandung-41")
    person.save()
    editor = signed_in(person)
    assert status_of_events(editor, draft_id) == 200
    set_up_app(owner)
    actions.require_second_factor(actor, True)
    assert status_of_events(editor, draft_id) == 404
    made = set_up_app(person)
    assert status_of_events(editor, draft_id) == 404, "this sign-in was without it"
    strong = signed_in(person)
    assert status_of_events(strong, draft_id) == 404
    strong.post(reverse("sign-in-code"), {"code": code_of(made)})
    assert status_of_events(strong, draft_id) == 200
