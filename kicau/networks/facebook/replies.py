"""Answering from a Page: a comment under a comment, or under a post of the Page, looked up where its answer was lost.

https://developers.facebook.com/docs/pages-api/comments-mentions and .../reference/object/comments, looked up 2026-11-27:
with `pages_manage_engagement`, which the sign-in asks for; words alone are sent.
"""

from __future__ import annotations

import re

from kicau.connector.content import Delivery, Published, PublishResult, too_early
from kicau.connector.session import Session
from kicau.networks._meta.graph import data_of, moment, page_graph, text_of
from kicau.networks._meta.text import same
from kicau.networks.facebook.limits import MARGIN

ID = re.compile(r"\d{1,30}(?:_\d{1,30})?")  # of a post or a comment
LISTED = 100  # of the newest comments under it: the most that an edge gives at once


async def step(session: Session, delivery: Delivery) -> PublishResult:
    if wait := too_early(delivery, session.now()):
        return wait
    answer = await page_graph(session).post(
        f"{delivery.post.reply_to}/comments", {"message": delivery.post.parts[0].text}
    )
    return _out(session, text_of(answer, "id"))


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """By its words, among what the Page has commented there since the step began."""
    begun = delivery.begun_at or delivery.restored_at or session.now()
    told, ahead = await page_graph(session).look(
        f"{delivery.post.reply_to}/comments",
        fields="id,message,created_time,from",
        filter="stream",
        order="reverse_chronological",
        limit=str(LISTED),
    )
    for one in data_of(told):
        author, made = str((one.get("from") or {}).get("id", session.account_id)), moment(one.get("created_time"))
        recent = made is None or made >= begun + ahead - MARGIN
        if author == session.account_id and recent and same(str(one.get("message") or ""), delivery.post.parts[0].text):
            return _out(session, text_of(one, "id"))
    return None


def _out(session: Session, comment: str) -> Published:
    url = f"{session.app.endpoints['dialog']}/{comment}"
    return Published(ids=(comment,), url=url, at=session.now(), raw={"comment": comment})
