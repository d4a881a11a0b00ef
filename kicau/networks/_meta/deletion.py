"""Deleting an object of the Graph API."""

from __future__ import annotations

from kicau.connector.errors import Rejected
from kicau.networks._meta.errors import is_missing_object
from kicau.networks._meta.graph import GraphClient


async def delete_object(graph: GraphClient, path: str) -> None:
    """Delete it; nothing happens where it is gone already.

    Graph says "gone" also of what the token may not touch, so the object is read then: if it is still there, the refusal
    is raised.
    """
    try:
        await graph.delete(path)
    except Rejected as refused:
        if not is_missing_object(refused) or await _exists(graph, path):
            raise


async def _exists(graph: GraphClient, path: str) -> bool:
    try:
        await graph.get(path, fields="id")
    except Rejected as refused:
        if is_missing_object(refused):
            return False
        raise
    return True
