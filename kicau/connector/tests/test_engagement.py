"""A cursor by time: each item once, late ones too, and never longer than it must be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kicau.connector.roles.engagement import CURSOR_OVERLAP, MAX_CURSOR_KEYS, TimeCursor

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_each_is_new_once_and_late_ones_of_the_last_hour_are_new_too():
    first = TimeCursor.of("")
    assert first.is_new("a", NOON)
    assert not first.is_past(NOON)
    after = TimeCursor.of(first.cursor([("a", NOON), ("old", NOON - timedelta(days=1))]))
    assert not after.is_new("a", NOON)
    assert not after.is_new("old", NOON - timedelta(days=1))
    assert after.is_new("late", NOON - CURSOR_OVERLAP / 2)
    assert after.is_new("b", NOON + timedelta(seconds=1))
    assert after.is_past(NOON - CURSOR_OVERLAP)


def test_it_stays_short_and_repeats_nothing_however_much_comes():
    seen, times = TimeCursor.of(""), {f"key-{n}": NOON + timedelta(seconds=n // 3) for n in range(500)}
    for n in range(0, 500, 50):
        part = list(times.items())[n : n + 50]
        assert all(seen.is_new(key, at) for key, at in part)
        seen = TimeCursor.of(text := seen.cursor(part))
        assert not any(seen.is_new(key, at) for key, at in list(times.items())[: n + 50])
    assert len(seen.keys) <= MAX_CURSOR_KEYS
    assert len(text) < 2000


@pytest.mark.parametrize("cursor", ["", "1790000000000000005", "[]", "{", '{"seen": 3}'])
def test_a_cursor_of_another_make_is_as_if_nothing_was_read(cursor):
    assert TimeCursor.of(cursor) == TimeCursor()
    assert TimeCursor().cursor([]) == ""
