"""Numbers of many objects in one call of the Graph API, and what an edge tells that was asked for as a field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.errors import Rejected
from kicau.networks._meta.errors import is_gone
from kicau.networks._meta.graph import Graph

# Objects in one `?ids=`: Graph's own refusal names 50, as developers quote it; its pages name no number (2026-11-26).
BATCH = 50


async def many(graph: Graph, ids: Sequence[str], fields: str) -> dict[str, Mapping[str, Any]]:
    """What is there of them, by id.

    Graph refuses all of them where one is gone (803), and names that one; where it names none, each is asked for.
    """
    if not ids:
        return {}
    try:
        found = await graph.several(ids, fields)
    except Rejected as refused:
        if not is_gone(refused):
            raise
        gone = set(re.findall(r"[\d_]+", refused.detail)) & set(ids)
        if gone:
            return await many(graph, [one for one in ids if one not in gone], fields)
        return {one: row for one in ids if (row := await _one(graph, one, fields)) is not None}
    return {one: row for one in ids if isinstance(row := found.get(one), dict)}


async def _one(graph: Graph, one: str, fields: str) -> Mapping[str, Any] | None:
    try:
        return await graph.get(one, fields=fields)
    except Rejected as refused:
        if not is_gone(refused):
            raise
        return None


def rows(edge: Any) -> list[Mapping[str, Any]]:
    """The rows of an edge; none where Graph left it out."""
    found = edge.get("data") if isinstance(edge, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def total(edge: Any) -> int | None:
    """How many an edge has, by its summary; None where it does not say."""
    said = (edge.get("summary") or {}).get("total_count") if isinstance(edge, dict) else None
    return said if isinstance(said, int) else None
