"""Answering under one's own posts: a comment under a post, or under a comment that somebody made there.

https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/comments-api (as quoted, 2026-11-24):
`parentComment` names the comment that is answered. What others comment is not taken in (README), so that a person names
the comment; and as any post for LinkedIn, an answer goes out once a named person has confirmed it.
"""

from __future__ import annotations

import re

from kicau.connector.content import JSON, Delivery, Published, PublishResult, too_early
from kicau.connector.errors import Uncertain
from kicau.connector.session import Session
from kicau.networks.linkedin import lookup, wire
from kicau.networks.linkedin.limits import LABEL

POST = r"urn:li:(?:share|ugcPost|activity):\d+"
COMMENT = re.compile(rf"urn:li:comment:\(({POST}),(\d+)\)")


async def step(session: Session, delivery: Delivery) -> PublishResult:
    if wait := too_early(delivery, session.now()):
        return wait
    target, parent = str(delivery.post.reply_to), COMMENT.fullmatch(str(delivery.post.reply_to))
    body: dict[str, JSON] = wire.comment_body(
        session.account_id, parent[1] if parent else target, delivery.post.parts[0].text
    )
    body |= {"parentComment": target} if parent else {}
    reply = await wire.api(session, "POST", f"/rest/socialActions/{wire.key(target)}/comments", need="write", json=body)
    number = reply.headers.get("x-restli-id", "")
    if not number:
        raise Uncertain(f"{LABEL} confirmed the answer without telling its id")
    return _out(session, _urn(target, number))


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """By its words, among what the account has said there since the step began; a person is asked where that may not
    be read."""
    target = str(delivery.post.reply_to)
    begun = delivery.begun_at or delivery.restored_at or session.now()
    found = await lookup.comment(session, target, delivery.post.parts[0].text, since=begun - lookup.MARGIN)
    return _out(session, _urn(target, found)) if found else None


async def withdraw(session: Session, urn: str) -> None:
    named = COMMENT.fullmatch(urn)
    assert named is not None
    path = f"/rest/socialActions/{wire.key(named[1])}/comments/{named[2]}"
    await wire.api(
        session, "DELETE", path, need="write", query=f"actor={wire.key(session.account_id)}", repeatable=True
    )


def _urn(target: str, found: str) -> str:
    if COMMENT.fullmatch(found):
        return found
    parent = COMMENT.fullmatch(target)
    return f"urn:li:comment:({parent[1] if parent else target},{found})"


def _out(session: Session, urn: str) -> Published:
    named = COMMENT.fullmatch(urn)
    url = f"{session.app.endpoints['www']}/feed/update/{named[1] if named else ''}/"
    return Published(ids=(urn,), url=url, at=session.now(), raw={"comment": urn})
