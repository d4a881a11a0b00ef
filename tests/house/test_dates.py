"""The dates and zones of `./run test --dates`, and that a moved clock moves every process."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from tests import dates

DAYS = [date(2026, 12, 2), date(2026, 12, 31), date(2028, 2, 29), date(2028, 3, 1), date(2097, 6, 1)]


@pytest.mark.parametrize("zone", dates.ZONES)
@pytest.mark.parametrize("name", dates.DATES)
@pytest.mark.parametrize("today", DAYS)
def test_each_date_is_ahead_and_is_another_one_in_utc(name, zone, today):
    at = dates.moment(name, zone, today)
    assert at.date() >= today
    assert at.astimezone(UTC).date() != at.date()


def test_the_leap_day_and_the_last_day_of_the_year():
    assert dates.moment("29 February", "Asia/Jakarta", date(2026, 12, 2)).date() == date(2028, 2, 29)
    assert dates.moment("29 February", "Asia/Jakarta", date(2028, 3, 1)).date() == date(2032, 2, 29)
    assert dates.moment("31 December", "Asia/Jakarta", date(2026, 12, 31)).date() == date(2026, 12, 31)


def test_what_is_left_out_is_there():
    for path in [*dates.LEFT_OUT, *dates.FAST]:
        assert (dates.Path(__file__).resolve().parents[2] / path).exists(), path


@pytest.mark.skipif(dates.library() is None, reason="libfaketime is not installed")
def test_a_process_and_its_child_live_on_the_moved_date():
    moved = dates.environment("+400 days", "America/Los_Angeles")
    ask = "import datetime as d, subprocess, sys; print(d.datetime.now(d.UTC).isoformat(), flush=True)"
    child = f"{ask}; subprocess.run([sys.executable, '-c', {ask!r}])"
    told = subprocess.run([sys.executable, "-c", child], env=moved, capture_output=True, text=True, check=True).stdout
    for line in told.split():
        assert datetime.fromisoformat(line) - datetime.now(UTC) > timedelta(days=398)
    assert len(told.split()) == 2
