"""Answering a comment under one's own media, looked up where the answer was lost.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-comment/replies, looked up
2026-11-27, for both sign-ins with the permission for comments that they ask for. What answers an answer stands beside it,
under the same comment.
"""

from __future__ import annotations

from kicau.connector.content import Delivery, Published, PublishResult, too_early
from kicau.connector.errors import Uncertain
from kicau.connector.session import Session
from kicau.networks._meta.graph import data_of, moment, text_of
from kicau.networks._meta.text import same
from kicau.networks.instagram import wire

ROWS, PAGES = 50, 20


async def step(session: Session, delivery: Delivery) -> PublishResult:
    if wait := too_early(delivery, session.now()):
        return wait
    graph = wire.graph_of(session)
    answer = await graph.post(f"{delivery.post.reply_to}/replies", {"message": delivery.post.parts[0].text})
    return _out(session, text_of(answer, "id"))


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """By its words, among what the account has answered there since the step began."""
    graph, begun = wire.graph_of(session), delivery.begun_at or delivery.restored_at or session.now()
    comment = await graph.get(str(delivery.post.reply_to), fields="parent_id")
    under = str(comment.get("parent_id") or delivery.post.reply_to)
    asked = {"fields": "id,text,timestamp,username", "limit": str(ROWS)}
    for _ in range(PAGES):
        told, ahead = await graph.look(f"{under}/replies", **asked)
        for one in data_of(told):
            mine, made = str(one.get("username") or session.handle) == session.handle, moment(one.get("timestamp"))
            recent = made is None or made >= begun + ahead - wire.MARGIN
            if mine and recent and same(str(one.get("text") or ""), delivery.post.parts[0].text):
                return _out(session, text_of(one, "id"))
        paging = told.get("paging") or {}
        if not paging.get("next"):
            return None
        asked["after"] = text_of(paging.get("cursors") or {}, "after")
    raise Uncertain("the comment has more answers than can be searched")


def _out(session: Session, comment: str) -> Published:
    return Published(ids=(f"{wire.ANSWER}{comment}",), url="", at=session.now(), raw={"comment": comment})
