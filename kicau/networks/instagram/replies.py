"""Answering a comment under one's own media, looked up where the answer was lost.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-comment/replies, looked up
2026-11-27, for both sign-ins with the permission for comments that they ask for. What answers an answer stands beside it,
under the same comment.
"""

from __future__ import annotations

from kicau.connector.content import AttemptNote, Delivery, PublishedPost, PublishResult, wait_until_due
from kicau.connector.errors import Uncertain
from kicau.connector.session import Session
from kicau.networks._meta.graph import parse_time, required_rows, required_text
from kicau.networks._meta.text import is_same_text
from kicau.networks.instagram import wire

ROWS_PER_PAGE, MAX_PAGES = 50, 20


async def publish_reply(session: Session, delivery: Delivery) -> PublishResult:
    if wait := wait_until_due(delivery, session.now()):
        return wait
    graph = wire.graph_client(session)
    answer = await graph.post(f"{delivery.post.reply_to}/replies", {"message": delivery.post.parts[0].text})
    return _published_reply(session, required_text(answer, "id"))


async def look_up_reply(session: Session, delivery: Delivery) -> PublishResult | None:
    """By its words, among what the account has answered there since the step began."""
    graph, begun = wire.graph_client(session), delivery.begun_at or delivery.restored_at or session.now()
    comment = await graph.get(str(delivery.post.reply_to), fields="parent_id")
    under = str(comment.get("parent_id") or delivery.post.reply_to)
    asked = {"fields": "id,text,timestamp,username", "limit": str(ROWS_PER_PAGE)}
    for _ in range(MAX_PAGES):
        told, ahead = await graph.look(f"{under}/replies", **asked)
        for one in required_rows(told):
            mine, made = str(one.get("username") or session.handle) == session.handle, parse_time(one.get("timestamp"))
            recent = made is None or made >= begun + ahead - wire.CLOCK_MARGIN
            if mine and recent and is_same_text(str(one.get("text") or ""), delivery.post.parts[0].text):
                return _published_reply(session, required_text(one, "id"))
        paging = told.get("paging") or {}
        if not paging.get("next"):
            return None
        asked["after"] = required_text(paging.get("cursors") or {}, "after")
    raise Uncertain(
        AttemptNote("The comment has too many replies, so Kicau could not check whether this reply is among them.")
    )


def _published_reply(session: Session, comment: str) -> PublishedPost:
    return PublishedPost(ids=(f"{wire.REPLY_PREFIX}{comment}",), url="", at=session.now(), raw={"comment": comment})
