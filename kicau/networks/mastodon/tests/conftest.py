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
from kicau.networks.mastodon.connector import connector
from kicau.networks.mastodon.sandbox import Server
from kicau.networks.mastodon.tests.cast import FILES, KABAR, KOPI, SERVER
from kicau.networks.mastodon.tests.spec import validate


@pytest_asyncio.fixture
async def box(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(folder=tmp_path / "sandbox", validators=(validate,))
    made.processing_seconds = 0.02
    runner = await start_sandbox(made)
    yield made
    await runner.cleanup()
    assert made.violations == []


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"User-Agent": CONTRACT_USER_AGENT}) as session:
        yield session


async def signed_in(box: Server, http: aiohttp.ClientSession, account: str) -> ContractSession:
    lent = open_test_session(connector, box, http)
    lent.files = FILES
    return select_identity(lent, (await sign_in_at_sandbox(connector, lent, SERVER, account))[0])


@pytest_asyncio.fixture
async def kopi(box: Server, http: aiohttp.ClientSession) -> ContractSession:
    return await signed_in(box, http, KOPI)


@pytest_asyncio.fixture
async def kabar(box: Server, http: aiohttp.ClientSession) -> ContractSession:
    return await signed_in(box, http, KABAR)
