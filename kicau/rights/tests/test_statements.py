"""Statements on disk read the same whichever way they came there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from kicau.base import clock
from kicau.base.errors import ValidationFailed
from kicau.base.ids import new_id
from kicau.rights import statements
from kicau.rights.models import Statement
from kicau.rights.statements import COPY_THRESHOLD, NewStatement

FULL = NewStatement(
    layer="grant",
    party="author",
    party_name='Sari, "S"\t\\N\n',
    subject="item",
    says={"train_gen": "conditional", "search": "deny"},
    network="x",
    acquired="imported",
    conditions={"attribution": "as “Sari” 🌇\\"},
    source="https://kopisenja.example/izin",
    raw=b"\x00\\x\xff",
    parser="p",
    observed_at=datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
    valid_from=datetime(2026, 1, 3, tzinfo=UTC),
    note="a\tb",
)


def test_many_at_once_are_kept_like_few(workspace):
    """By COPY and by INSERT: each column, and what decisions are handed of it."""
    ids = [new_id() for _ in range(COPY_THRESHOLD + 10)]
    end = clock.now() + timedelta(days=31)
    given = [replace(FULL, item=id_, valid_until=end) for id_ in ids]
    few, many = (
        statements.record_statements(workspace.id, given[:5]),
        statements.record_statements(workspace.id, given[5:]),
    )
    skipped = {"id", "item", "recorded_at"}
    rows = [
        {k: bytes(v) if k == "raw" else v for k, v in row.items() if k not in skipped}
        for row in Statement.objects.filter(workspace_id=workspace.id).values()
    ]
    assert len(rows) == len(ids)
    assert all(row == rows[0] for row in rows)
    assert (rows[0]["raw"], rows[0]["party_name"], rows[0]["says"]) == (FULL.raw, FULL.party_name, FULL.says)
    told = statements.item_statements(workspace.id, ids)
    assert told == {row.item: [statements.statement_facts(row)] for row in [*few, *many]}


@pytest.mark.parametrize("value", ["allow", "conditional", "unknown"])
def test_a_withdrawal_can_only_deny(workspace, value):
    with pytest.raises(ValidationFailed, match="A withdrawal of permission can only forbid uses of"):
        statements.record_statements(workspace.id, [withdrawal({"search": "deny", "train_gen": value})])
    assert not Statement.objects.filter(workspace_id=workspace.id).exists()
    assert statements.record_statements(workspace.id, [withdrawal({"train_gen": "deny"})])


def test_an_end_in_the_past_is_refused(workspace):
    for passed in (clock.now(), clock.now() - timedelta(seconds=1), clock.now() - timedelta(days=400)):
        begin = passed - timedelta(days=900)
        ended = withdrawal({"train_gen": "deny"}, valid_from=begin, valid_until=passed)
        with pytest.raises(ValidationFailed, match="has already passed"):
            statements.preview_statement(workspace.id, ended, clock.now())


@pytest.mark.parametrize(
    ("zone", "day", "ends"),
    [
        ("UTC", date(2026, 5, 9), datetime(2026, 5, 10, tzinfo=UTC)),
        ("Asia/Jakarta", date(2026, 5, 9), datetime(2026, 5, 9, 17, tzinfo=UTC)),
        (
            "America/New_York",
            date(2026, 3, 7),
            datetime(2026, 3, 8, 5, tzinfo=UTC),
        ),  # the night before the clock change
        ("America/New_York", date(2026, 3, 8), datetime(2026, 3, 9, 4, tzinfo=UTC)),
    ],
)
def test_the_last_day_is_included(zone, day, ends):
    assert statements.end_of_day(day, zone) == ends


def withdrawal(says, **more):
    return NewStatement(layer="withdrawal", party="author", subject="everything", says=says, **more)
