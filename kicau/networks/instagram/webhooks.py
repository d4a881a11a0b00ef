"""What Instagram tells of an account by webhook: comments, and those under comments.

https://developers.facebook.com/documentation/instagram-platform/webhooks/setup and .../fields, looked up 2026-11-26. With
Instagram's own sign-in the app's address is entered in its dashboard; with Facebook's it is set by a call, and it is the
Page beside the account that is subscribed. Mentions elsewhere come without their words, and are not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.content import Note
from kicau.connector.reading import Answer
from kicau.connector.session import Session
from kicau.connector.webhooks import Happening
from kicau.networks._meta.graph import moment
from kicau.networks._meta.webhooks import changes, each, subscribe_account, subscribe_app, unsubscribe_account
from kicau.networks.instagram import wire
from kicau.networks.instagram.limits import NETWORK

OBJECT, FIELDS = "instagram", "comments"
PAGE_FIELDS = "feed"  # of the Page beside it: any field lets the app be told of the account
SETUP = Note(
    "In the app's dashboard at Meta, under {network}, Webhooks, enter this address and token, and subscribe to comments (not needed where accounts sign in with Facebook).",
    network=NETWORK,
)


def happenings(body: bytes) -> Sequence[Happening]:
    return each(
        _comment, ((account, sent, value) for account, sent, field, value in changes(body, OBJECT) if field == FIELDS)
    )


def _comment(account: str, sent: Any, value: Mapping[str, Any]) -> Happening | None:
    key, at = str(value.get("id") or ""), moment(sent)
    if not key or at is None:
        return None
    who, media = value.get("from") or {}, value.get("media") or {}
    author = str(who.get("id") or who.get("username") or "")
    said = Answer(id=key, at=at, author=author, handle=str(who.get("username") or ""), text=str(value.get("text") or ""), answers=str(media.get("id") or ""), raw=dict(value))  # fmt: skip
    return Happening(account=account, at=at, answer=said)


async def subscribe(session: Session, address: str, token: str) -> None:
    if wire.by_facebook(session):
        await subscribe_app(session.http, session.app, session.app.endpoints["facebook"], OBJECT, FIELDS, address, token)  # fmt: skip
    await subscribe_account(wire.graph_of(session), _subscribed(session), _fields(session))


async def unsubscribe(session: Session) -> None:
    await unsubscribe_account(wire.graph_of(session), _subscribed(session))


def _subscribed(session: Session) -> str:
    return str(session.credentials.extra["page"]) if wire.by_facebook(session) else session.account_id


def _fields(session: Session) -> str:
    return PAGE_FIELDS if wire.by_facebook(session) else FIELDS
