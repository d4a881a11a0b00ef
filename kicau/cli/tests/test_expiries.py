"""The doctor tells what ends on a known day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from kicau.base import clock
from kicau.cli.server.doctor import check_expiries
from kicau.connector import registry

pytestmark = pytest.mark.django_db
ENDS = datetime(2040, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("days", "state"), [(61, "ok"), (60, "note"), (1, "note"), (0, "wrong"), (-5, "wrong")])
def test_the_doctor_tells_60_days_before_that_an_api_version_ends(channel, monkeypatch, days, state):
    fact = SimpleNamespace(value="v7.0", source="its changelog", checked=date(2026, 12, 2), ends=ENDS.date())
    monkeypatch.setattr(registry.get_connector("stranger"), "facts", {"api.version": fact}, raising=False)
    channel("ana")
    with clock.freeze_clock(ENDS - timedelta(days=days)):
        [finding] = [f for f in check_expiries() if "v7.0" in f.says]
    assert finding.state == state
    assert "2040-03-01" in finding.says
    assert state == "ok" or "Update Kicau" in finding.do
