"""Answering under one's own posts: a comment under a post, or under a comment that somebody made there.

https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/comments-api (as quoted, 2026-11-24):
`parentComment` names the comment that is answered. What others comment is not taken in (README), so that a person names
the comment; and as any post for LinkedIn, an answer goes out once a named person has confirmed it.
"""

from __future__ import annotations

import re

from kicau.connector.content import JSON, AttemptNote, Delivery, PublishedPost, PublishResult, wait_until_due
from kicau.connector.errors import Uncertain
from kicau.connector.session import Session
from kicau.networks.linkedin import lookup, wire
from kicau.networks.linkedin.limits import NETWORK_LABEL

POST_URN_PATTERN = r"urn:li:(?:share|ugcPost|activity):\d+"
COMMENT_URN_PATTERN = re.compile(rf"urn:li:comment:\(({POST_URN_PATTERN}),(\d+)\)")


async def publish_reply(session: Session, delivery: Delivery) -> PublishResult:
    if wait := wait_until_due(delivery, session.now()):
        return wait
    target, parent = str(delivery.post.reply_to), COMMENT_URN_PATTERN.fullmatch(str(delivery.post.reply_to))
    body: dict[str, JSON] = wire.comment_body(
        session.account_id, parent[1] if parent else target, delivery.post.parts[0].text
    )
    body |= {"parentComment": target} if parent else {}
    reply = await wire.call_api(
        session, "POST", f"/rest/socialActions/{wire.escape_urn(target)}/comments", need="write", json=body
    )
    number = reply.headers.get("x-restli-id", "")
    if not number:
        raise Uncertain(
            AttemptNote(
                "{network} accepted the reply but did not tell Kicau the reply's ID, so Kicau cannot confirm that the reply is published.",
                network=NETWORK_LABEL,
            )
        )
    return _published_reply(session, _comment_urn(target, number))


async def look_up_reply(session: Session, delivery: Delivery) -> PublishResult | None:
    """By its words, among what the account has said there since the step began; a person is asked where that may not
    be read."""
    target = str(delivery.post.reply_to)
    begun = delivery.begun_at or delivery.restored_at or session.now()
    found = await lookup.find_comment(session, target, delivery.post.parts[0].text, since=begun - lookup.CLOCK_MARGIN)
    return _published_reply(session, _comment_urn(target, found)) if found else None


async def delete_reply(session: Session, urn: str) -> None:
    named = COMMENT_URN_PATTERN.fullmatch(urn)
    assert named is not None
    path = f"/rest/socialActions/{wire.escape_urn(named[1])}/comments/{named[2]}"
    await wire.call_api(
        session, "DELETE", path, need="write", query=f"actor={wire.escape_urn(session.account_id)}", repeatable=True
    )


def _comment_urn(target: str, found: str) -> str:
    if COMMENT_URN_PATTERN.fullmatch(found):
        return found
    parent = COMMENT_URN_PATTERN.fullmatch(target)
    return f"urn:li:comment:({parent[1] if parent else target},{found})"


def _published_reply(session: Session, urn: str) -> PublishedPost:
    named = COMMENT_URN_PATTERN.fullmatch(urn)
    url = f"{session.app.endpoints['www']}/feed/update/{named[1] if named else ''}/"
    return PublishedPost(ids=(urn,), url=url, at=session.now(), raw={"comment": urn})
