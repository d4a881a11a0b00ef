from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest_asyncio

from kicau.connector.contract import USER_AGENT, Lent, lend, sign_in, use
from kicau.connector.sandbox.server import start
from kicau.networks.bluesky.connector import connector
from kicau.networks.bluesky.sandbox import Server
from kicau.networks.bluesky.tests.cast import BY_PASSWORD, FILES
from kicau.networks.bluesky.tests.spec import validate


@pytest_asyncio.fixture
async def box(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(folder=tmp_path / "sandbox", validators=(validate,))
    runner = await start(made)
    yield made
    await runner.cleanup()
    assert made.violations == []


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"User-Agent": USER_AGENT}) as session:
        yield session


def lent(box: Server, http: aiohttp.ClientSession) -> Lent:
    made = lend(connector, box, http)
    made.files = FILES
    return made


@pytest_asyncio.fixture
async def kopi(box: Server, http: aiohttp.ClientSession) -> Lent:
    """Kopi Senja, by an app password."""
    session = lent(box, http)
    return use(session, (await sign_in(connector, session, BY_PASSWORD))[0])


@pytest_asyncio.fixture
async def bound(box: Server, http: aiohttp.ClientSession) -> Lent:
    """Kopi Senja, by OAuth."""
    session = lent(box, http)
    return use(session, (await sign_in(connector, session, {"handle": "@kopisenja.test"}))[0])
