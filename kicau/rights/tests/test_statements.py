"""Statements on disk read the same whichever way they came there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from kicau.base.ids import new_id
from kicau.rights import statements
from kicau.rights.models import Statement
from kicau.rights.statements import MANY, NewStatement

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
    valid_until=datetime(2027, 1, 3, tzinfo=UTC),
    note="a\tb",
)


def test_many_at_once_are_kept_like_few(workspace):
    """By COPY and by INSERT: each column, and what decisions are handed of it."""
    ids = [new_id() for _ in range(MANY + 10)]
    given = [replace(FULL, item=id_) for id_ in ids]
    few, many = statements.keep(workspace.id, given[:5]), statements.keep(workspace.id, given[5:])
    skipped = {"id", "item", "recorded_at"}
    rows = [
        {k: bytes(v) if k == "raw" else v for k, v in row.items() if k not in skipped}
        for row in Statement.objects.filter(workspace_id=workspace.id).values()
    ]
    assert len(rows) == len(ids)
    assert all(row == rows[0] for row in rows)
    assert (rows[0]["raw"], rows[0]["party_name"], rows[0]["says"]) == (FULL.raw, FULL.party_name, FULL.says)
    told = statements.of_items(workspace.id, ids)
    assert told == {row.item: [statements.as_said(row)] for row in [*few, *many]}
