from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest_asyncio

from kicau.connector.contract import (
    CONTRACT_USER_AGENT,
    ContractSession,
    open_test_session,
    select_identity,
    sign_in_at_sandbox,
)
from kicau.connector.sandbox.server import start_sandbox
from kicau.networks.bluesky.connector import connector
from kicau.networks.bluesky.sandbox import Server
from kicau.networks.bluesky.tests.cast import BY_PASSWORD, FILES
from kicau.networks.bluesky.tests.spec import validate


@pytest_asyncio.fixture
async def box(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(folder=tmp_path / "sandbox", validators=(validate,))
    runner = await start_sandbox(made)
    yield made
    await runner.cleanup()
    assert made.violations == []


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"User-Agent": CONTRACT_USER_AGENT}) as session:
        yield session


def lent(box: Server, http: aiohttp.ClientSession) -> ContractSession:
    made = open_test_session(connector, box, http)
    made.files = FILES
    return made


@pytest_asyncio.fixture
async def kopi(box: Server, http: aiohttp.ClientSession) -> ContractSession:
    """Kopi Senja, by an app password."""
    session = lent(box, http)
    return select_identity(session, (await sign_in_at_sandbox(connector, session, BY_PASSWORD))[0])


@pytest_asyncio.fixture
async def bound(box: Server, http: aiohttp.ClientSession) -> ContractSession:
    """Kopi Senja, by OAuth."""
    session = lent(box, http)
    return select_identity(session, (await sign_in_at_sandbox(connector, session, {"handle": "@kopisenja.test"}))[0])
