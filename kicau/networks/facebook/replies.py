"""Answering from a Page: a comment under a comment, or under a post of the Page, looked up where its answer was lost.

https://developers.facebook.com/docs/pages-api/comments-mentions and .../reference/object/comments, looked up 2026-11-27:
with `pages_manage_engagement`, which the sign-in asks for; words alone are sent.
"""

from __future__ import annotations

import re

from kicau.connector.content import Delivery, PublishedPost, PublishResult, wait_until_due
from kicau.connector.session import Session
from kicau.networks._meta.graph import page_graph, parse_time, required_rows, required_text
from kicau.networks._meta.text import is_same_text
from kicau.networks.facebook.limits import CLOCK_MARGIN

ID_PATTERN = re.compile(r"\d{1,30}(?:_\d{1,30})?")  # of a post or a comment
COMMENTS_PER_PAGE = 100  # of the newest comments under it: the most that an edge gives at once


async def publish_reply(session: Session, delivery: Delivery) -> PublishResult:
    if wait := wait_until_due(delivery, session.now()):
        return wait
    answer = await page_graph(session).post(
        f"{delivery.post.reply_to}/comments", {"message": delivery.post.parts[0].text}
    )
    return _published_reply(session, required_text(answer, "id"))


async def look_up_reply(session: Session, delivery: Delivery) -> PublishResult | None:
    """By its words, among what the Page has commented there since the step began."""
    begun = delivery.begun_at or delivery.restored_at or session.now()
    told, ahead = await page_graph(session).look(
        f"{delivery.post.reply_to}/comments",
        fields="id,message,created_time,from",
        filter="stream",
        order="reverse_chronological",
        limit=str(COMMENTS_PER_PAGE),
    )
    for one in required_rows(told):
        author, made = str((one.get("from") or {}).get("id", session.account_id)), parse_time(one.get("created_time"))
        recent = made is None or made >= begun + ahead - CLOCK_MARGIN
        if (
            author == session.account_id
            and recent
            and is_same_text(str(one.get("message") or ""), delivery.post.parts[0].text)
        ):
            return _published_reply(session, required_text(one, "id"))
    return None


def _published_reply(session: Session, comment: str) -> PublishedPost:
    url = f"{session.app.endpoints['dialog']}/{comment}"
    return PublishedPost(ids=(comment,), url=url, at=session.now(), raw={"comment": comment})
