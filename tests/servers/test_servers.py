"""Kicau, and the usual clients, against real servers; `python -m tests.servers` is the same at full size."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path

import aiohttp
import pytest

from kicau.connector.contract import CONTRACT_USER_AGENT, consent_at_sandbox
from kicau.connector.sandbox.server import Sandbox, start_sandbox
from kicau.networks.bluesky.sandbox import Server as BlueskySandbox
from kicau.networks.bluesky.tests import real_server as bluesky
from kicau.networks.bluesky.tests.cast import PASSWORD as SANDBOX_PASSWORD
from kicau.networks.mastodon.sandbox import SNAC_DIFFERENCES
from kicau.networks.mastodon.sandbox import Server as MastodonSandbox
from kicau.networks.mastodon.tests import real_server as mastodon
from kicau.networks.mastodon.tests.cast import FILES
from tests.servers import NotHere, clients, pds, snac
from tests.servers.lossy import Lossy
from tests.servers.pds import PASSWORD

POSTS = 8
PICTURE = FILES["cup"].path.read_bytes()
HERE = Path(__file__).parent
# How the SDKs call the libraries below them.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_the_lock_names_no_registry():
    lock = (HERE / "bluesky" / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 200


def test_bluesky_posts_come_back_equal_and_lengths_agree(account_server):
    assert asyncio.run(bluesky.main(account_server.url, account_server.directory, POSTS)) == 0


def test_mastodon_posts_come_back_equal(two_servers):
    alice, _ = two_servers
    assert asyncio.run(mastodon.main(alice.url, alice.person, alice.password, POSTS)) == 0


def test_what_another_server_says_is_read_once(two_servers):
    alice, bob = two_servers
    asyncio.run(_read(alice, bob))


async def _read(alice, bob):
    async with aiohttp.ClientSession(headers={"User-Agent": CONTRACT_USER_AGENT}) as client:
        session = await mastodon.Real(client, alice.url).signed_in(alice.person, alice.password)
        begun = (await mastodon.connector.answers(session, "")).cursor
        token, said = bob.token(), [f"reading {n}" for n in range(3)]
        for words in said:
            bob.ask("/api/v1/statuses", token, {"status": f"@{alice.person}@{alice.host} {words}"})
        read, cursor = [], begun
        for _ in range(60):  # what is said federates in its own time
            got = await mastodon.connector.answers(session, cursor)
            read, cursor = [*read, *(one.text.partition(" ")[2] for one in got.items)], got.cursor
            if len(read) >= len(said):
                break
            await asyncio.sleep(0.5)
        assert sorted(read) == said
        assert (await mastodon.connector.answers(session, cursor)).items == ()
        post = alice.ask("/api/v1/statuses", alice.token(), {"status": "counted"})["id"]
        assert await mastodon.connector.numbers(session, [post, "1795729605896821"]) == {
            post: {"replies_count": 0, "reblogs_count": 0, "favourites_count": 0}
        }


class Served:
    """A sandbox in a thread of its own, for clients that block."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.loop = sandbox, asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> Sandbox:
        self.thread.start()
        self.runner = asyncio.run_coroutine_threadsafe(start_sandbox(self.sandbox), self.loop).result(20)
        return self.sandbox

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def test_atproto_finds_the_sandbox_like_the_real_server(account_server):
    account_server.account("kopisenja")
    real = clients.bluesky(account_server.url, "kopisenja", PASSWORD, PICTURE)
    sandbox = BlueskySandbox()
    sandbox.shows_profiles = False
    with Served(sandbox):
        assert clients.bluesky(sandbox.base_url, "kopisenja", SANDBOX_PASSWORD, PICTURE) == real
    assert len(real) >= 15


def test_mastodon_py_finds_the_sandbox_like_the_real_server(two_servers):
    alice, _ = two_servers

    async def at_snac(url: str) -> dict[str, str]:
        async with aiohttp.ClientSession(headers={"User-Agent": CONTRACT_USER_AGENT}) as client:
            return await mastodon.Real(client, alice.url).consent(url, alice.person, alice.password)

    async def at_sandbox(url: str) -> dict[str, str]:
        async with aiohttp.ClientSession() as client:
            return await consent_at_sandbox(client, url)

    real = clients.mastodon_session(alice.url, lambda url: asyncio.run(at_snac(url)), PICTURE)
    sandbox = MastodonSandbox()
    sandbox.lacks, sandbox.version = SNAC_DIFFERENCES, dict(real)["instance"]
    with Served(sandbox):
        assert clients.mastodon_session(sandbox.base_url, lambda url: asyncio.run(at_sandbox(url)), PICTURE) == real
    assert len(real) >= 11


def test_lost_answers_and_killed_workers_lose_and_double_nothing():
    """Small; the full one is `python -m tests.servers`. In a process of its own: it sets up Django for itself."""
    import json
    import subprocess
    import sys

    try:
        pds.install()
        snac.install()
        snac._user()
    except NotHere as exc:
        pytest.skip(f"NOT TRIED: {exc}")
    command = [
        sys.executable,
        "-m",
        "tests.servers",
        "--posts",
        "0",
        "--bluesky",
        "16",
        "--mastodon",
        "10",
        "--kills",
        "2",
        "--seconds",
        "5",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    report = json.loads(re.sub(r"^[^{]*", "", done.stdout))
    assert (report["lost"], report["doubled"], report["kills"]) == (0, 0, 2)


async def test_the_proxy_loses_what_it_is_told_to(tmp_path):
    sandbox = MastodonSandbox(folder=tmp_path)
    runner = await start_sandbox(sandbox)
    line = Lossy(sandbox.base_url, 1.0)
    with line.running():
        async with aiohttp.ClientSession() as client:
            form = {"client_name": "x", "redirect_uris": "http://127.0.0.1/", "scopes": "read"}
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await client.post(f"http://127.0.0.1:{line.port}/api/v1/apps", data=form)
            async with client.get(f"http://127.0.0.1:{line.port}/api/v2/instance") as answer:
                assert answer.status == 200
    await runner.cleanup()
    assert (line.accepted, line.lost) == (1, 1)
