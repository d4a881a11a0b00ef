"""A worker's start."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from kicau.base import clock_drift
from kicau.config import worker


@pytest.mark.django_db(transaction=True)  # it looks at the connection that its thread may have
async def test_a_database_that_is_away_at_the_start_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [OperationalError("the server closed the connection"), OperationalError("connection refused"), None]

    def keep_time() -> int:
        if error := answers.pop(0):
            raise error
        return 0

    monkeypatch.setattr(clock_drift, "synchronize_clock", keep_time)
    monkeypatch.setattr(worker, "DATABASE_RETRY_SECONDS", 0)
    await worker.compare_clocks()
    assert answers == []
