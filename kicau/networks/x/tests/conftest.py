"""A sandbox that answers at once, and an account that has signed in."""

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
from kicau.networks.x.connector import connector
from kicau.networks.x.sandbox import Server
from kicau.networks.x.tests import cast, spec

KOPI, KABAR, CENDANA, LENSA = (f"179000000000000000{n}" for n in range(1, 5))


@pytest_asyncio.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(folder=tmp_path, validators=(spec.validate,))
    made.processing_seconds = 0.02
    runner = await start_sandbox(made)
    yield made
    await runner.cleanup()
    assert made.violations == []


@pytest_asyncio.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"User-Agent": CONTRACT_USER_AGENT}) as session:
        yield session


async def signed_in(sandbox: Server, client: aiohttp.ClientSession, account: str) -> ContractSession:
    lent = open_test_session(connector, sandbox, client)
    lent.files = cast.files()
    return select_identity(lent, (await sign_in_at_sandbox(connector, lent, account=account))[0])


@pytest_asyncio.fixture
async def kopi(sandbox: Server, client: aiohttp.ClientSession) -> ContractSession:
    return await signed_in(sandbox, client, KOPI)


@pytest_asyncio.fixture
async def kabar(sandbox: Server, client: aiohttp.ClientSession) -> ContractSession:
    return await signed_in(sandbox, client, KABAR)
