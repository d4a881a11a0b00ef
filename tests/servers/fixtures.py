"""The real servers for a worker of the tests: started at first use, or skipped with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import NotHere, pds, snac
from tests.servers.pds import Pds
from tests.servers.snac import Snac


@pytest.fixture(scope="session")
def account_server() -> Iterator[Pds]:
    yield from _started(pds.running())


@pytest.fixture(scope="session")
def two_servers() -> Iterator[tuple[Snac, Snac]]:
    yield from _started(snac.running())


def _started(server: Any) -> Iterator[Any]:
    try:
        found = server.__enter__()
    except NotHere as exc:
        pytest.skip(f"NOT TRIED: {exc}")
    try:
        yield found
    finally:
        server.__exit__(None, None, None)
