"""What Threads tells of an account by webhook: replies at any depth, and mentions.

https://developers.facebook.com/docs/threads/webhooks, looked up 2026-11-26: topics and fields are chosen in the app's
dashboard alone, with advanced access; every account that gave the permissions is told of, so nothing is called here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.content import Note
from kicau.connector.errors import AuthExpired
from kicau.connector.roles.engagement import Answer
from kicau.connector.roles.webhooks import Happening
from kicau.connector.session import Session
from kicau.networks._meta.graph import moment
from kicau.networks._meta.webhooks import documents, each
from kicau.networks.threads.limits import NETWORK

READS = "threads_read_replies"  # the permission
SETUP = Note(
    "In the app's dashboard at Meta, under Access the {network} API, Settings, Webhooks, enter this address and token for the topics moderate (field replies) and interaction (field mentions).",
    network=NETWORK,
)


def happenings(body: bytes) -> Sequence[Happening]:
    return each(_read, ((told, change) for told in documents(body) for change in _changes(told)))


def _changes(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = told.get("values")
    return [
        one
        for one in (found if isinstance(found, list) else [found])
        if isinstance(one, dict) and isinstance(one.get("value"), dict)
    ]


def _read(told: Mapping[str, Any], change: Mapping[str, Any]) -> Happening | None:
    value, sent = change["value"], moment(told.get("time"))
    made = moment(value.get("timestamp")) or sent
    if not value.get("id") or made is None:
        return None
    root, to = value.get("root_post") or {}, value.get("replied_to") or {}
    match change.get("field"):
        case "replies":
            account, answers = str(root.get("owner_id") or ""), str(to.get("id") or root.get("id") or "")
        case "mentions":
            account, answers = str(told.get("target_id") or ""), ""
        case _:
            return None
    handle = str(value.get("username") or "")
    said = Answer(
        id=str(value["id"]),
        at=made,
        author=handle,
        handle=handle,
        url=str(value.get("permalink") or ""),
        text=str(value.get("text") or ""),
        answers=answers,
        raw=dict(value),
    )
    return Happening(account=account, at=sent or made, answer=said)


async def subscribe(session: Session, address: str, token: str) -> None:
    granted = session.credentials.scopes
    if granted and READS not in granted:
        raise AuthExpired("replies were not granted", missing=frozenset({READS}))


async def unsubscribe(session: Session) -> None:
    """What comes all the same is not for a channel that is told of, and is left."""
