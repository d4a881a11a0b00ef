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
from kicau.networks.linkedin.connector import connector
from kicau.networks.linkedin.sandbox.server import Server
from kicau.networks.linkedin.tests.cast import FILES
from kicau.networks.linkedin.tests.spec import validate


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


async def _signed_in(box: Server, http: aiohttp.ClientSession, kind: str) -> ContractSession:
    lent = open_test_session(connector, box, http)
    lent.files = FILES
    accounts = await sign_in_at_sandbox(connector, lent)
    return select_identity(lent, next(account for account in accounts if account.kind == kind))


@pytest_asyncio.fixture
async def firm(box: Server, http: aiohttp.ClientSession) -> ContractSession:
    """Kopi Senja, through its administrator's sign-in."""
    return await _signed_in(box, http, "organisation")


@pytest_asyncio.fixture
async def sari(box: Server, http: aiohttp.ClientSession) -> ContractSession:
    """Sari Wulandari herself."""
    return await _signed_in(box, http, "person")
