"""A Page as the author of what is on it."""

from __future__ import annotations

from kicau.connector.sandbox.server import Sandbox
from kicau.networks._meta.sandbox.calls import Doc


def page_author(sandbox: Sandbox, page_id: str) -> Doc:
    return {"id": page_id, "name": (sandbox.store.get("page", page_id) or {}).get("name", "")}
