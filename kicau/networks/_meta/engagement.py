"""Numbers of many objects in one call of the Graph API, and what an edge tells that was asked for as a field."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import batched
from typing import Any

from kicau.connector.errors import Rejected, Unavailable
from kicau.networks._meta.errors import is_missing_object
from kicau.networks._meta.graph import MAX_BATCH_CALLS, GraphClient

MAX_BATCH_ROUNDS = 3  # how often what a batch left unanswered is asked again, the first time included


async def read_objects(graph: GraphClient, fields: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Objects by id, each with the fields that `fields` names for it.

    What is gone is left out. So is what Graph refuses to show, unless it refuses everything: then this raises Rejected.
    Any other error of one object (a limit, a lost permission) is an error of all of them.
    """
    found, refused = dict[str, Mapping[str, Any]](), list[Rejected]()
    for ids in batched(fields, MAX_BATCH_CALLS):
        waiting = list(ids)
        for _ in range(MAX_BATCH_ROUNDS):
            waiting = await _read_batch(graph, fields, waiting, found, refused)
            if not waiting:
                break
        else:
            raise Unavailable(f"{len(waiting)} calls of a batch were left unanswered {MAX_BATCH_ROUNDS} times")
    if refused and not found:
        raise refused[0]
    return found


async def _read_batch(
    graph: GraphClient,
    fields: Mapping[str, str],
    ids: list[str],
    found: dict[str, Mapping[str, Any]],
    refused: list[Rejected],
) -> list[str]:
    """One batch: puts what is answered into `found` and `refused`, and returns the ids that are to be asked again."""
    again = list[str]()
    answers = await graph.batch([(one, {"fields": fields[one]}) for one in ids])
    for one, reply in zip(ids, answers, strict=True):
        try:
            if reply is None:
                again.append(one)
            else:
                found[one] = graph.answer(reply)
        except Unavailable:
            again.append(one)
        except Rejected as exc:
            if not is_missing_object(exc):
                refused.append(exc)
    return again


def edge_rows(edge: Any) -> list[Mapping[str, Any]]:
    """The rows of an edge; none where Graph left it out."""
    found = edge.get("data") if isinstance(edge, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def edge_total(edge: Any) -> int | None:
    """How many an edge has, by its summary; None where it does not say."""
    said = (edge.get("summary") or {}).get("total_count") if isinstance(edge, dict) else None
    return said if isinstance(said, int) else None
