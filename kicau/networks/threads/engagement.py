"""Answers and numbers of an account's posts: replies of others under its newest ones, mentions, and each post's insights.

https://developers.facebook.com/docs/threads/retrieve-and-manage-replies/replies-and-conversations, .../threads-mentions and
.../insights, as quoted, by Meta's collection of 2026-01-02; looked up 2026-11-26. A reply names its author by the handle
alone, and replies of private accounts are told to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.errors import AuthExpired, Rejected
from kicau.connector.roles.engagement import IncomingPost, IncomingPostPage, TimeCursor
from kicau.connector.session import Session
from kicau.networks._meta.engagement import edge_rows
from kicau.networks._meta.errors import is_missing_object
from kicau.networks._meta.graph import parse_time
from kicau.networks.threads import wire

# Ours, not Threads': insights are asked for post by post, and each costs a call.
METRICS_BATCH_SIZE = 25
NEWEST_POSTS_COUNT, MAX_REPLY_PAGES, MENTIONS_PER_PAGE = (
    25,
    4,
    50,
)  # the newest posts that are looked under, pages of replies of each, mentions
INSIGHTS_SCOPE, MENTIONS_SCOPE = "threads_manage_insights", "threads_manage_mentions"  # permissions
METRIC_FIELDS = "views,likes,replies,reposts,quotes,shares"
MENTION_FIELDS = "id,text,timestamp,username,permalink"
REPLY_FIELDS = f"{MENTION_FIELDS},is_reply_owned_by_me,root_post,replied_to"

type Row = Mapping[str, Any]


async def read_incoming(session: Session, cursor: str) -> IncomingPostPage:
    """Replies of others at any depth, under posts that have replies; mentions where the sign-in gave that permission.
    Under posts older than the newest 25 nothing is looked for."""
    seen, found = TimeCursor.of(cursor), dict[str, IncomingPost]()
    posts = await wire.graph_client(session).get(
        f"{session.account_id}/threads", fields="id,has_replies", limit=str(NEWEST_POSTS_COUNT)
    )
    for post in edge_rows(posts):
        if post.get("has_replies"):
            found |= {one.id: one for one in await _replies_under(session, str(post["id"]), seen)}
    if MENTIONS_SCOPE in session.credentials.scopes:
        told = await wire.graph_client(session).get(
            f"{session.account_id}/mentions", fields=MENTION_FIELDS, limit=str(MENTIONS_PER_PAGE)
        )
        found = {one.id: one for row in edge_rows(told) if (one := _incoming_post(session, row, ""))} | found
    new = [one for one in found.values() if seen.is_new(one.id, one.at)]
    new.sort(key=lambda one: (one.at, len(one.id), one.id))
    return IncomingPostPage(items=tuple(new), cursor=seen.cursor((one.id, one.at) for one in new) if new else cursor)


async def _replies_under(session: Session, post: str, seen: TimeCursor) -> list[IncomingPost]:
    """The newest replies first; further pages only while all is new that they tell."""
    asked, told = {"fields": REPLY_FIELDS, "reverse": "true"}, list[Row]()
    for _ in range(MAX_REPLY_PAGES):
        try:
            page = await wire.graph_client(session).get(f"{post}/conversation", **asked)
        except Rejected as refused:
            if not is_missing_object(refused):
                raise
            break
        told += edge_rows(page)
        paging = page.get("paging") or {}
        if seen.since is None or not paging.get("next") or not all(_is_new(one, seen) for one in edge_rows(page)):
            break
        asked["after"] = str((paging.get("cursors") or {}).get("after", ""))
    own = {post} | {str(one.get("id")) for one in told if one.get("is_reply_owned_by_me")}
    found = []
    for row in told:
        to = str((row.get("replied_to") or row.get("root_post") or {}).get("id") or post)
        # What answers another part of the thread, or what was said from the account itself, belongs to the post.
        if not row.get("is_reply_owned_by_me") and (one := _incoming_post(session, row, post if to in own else to)):
            found.append(one)
    return found


def _is_new(row: Row, seen: TimeCursor) -> bool:
    at = parse_time(row.get("timestamp"))
    return at is not None and seen.is_new(str(row.get("id")), at)


def _incoming_post(session: Session, row: Row, answers: str) -> IncomingPost | None:
    at, author = parse_time(row.get("timestamp")), str(row.get("username") or "")
    if at is None or not row.get("id") or author == session.handle:
        return None
    return IncomingPost(
        id=str(row["id"]),
        at=at,
        author=author,
        handle=author,
        text=str(row.get("text") or ""),
        answers=answers,
        url=str(row.get("permalink") or ""),
        raw=dict(row),
    )


async def read_metrics(session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """By Threads' names of them. Raises AuthExpired before any call where the sign-in did not give the permission."""
    granted = session.credentials.scopes
    if granted and INSIGHTS_SCOPE not in granted:
        raise AuthExpired("insights were not granted", missing=frozenset({INSIGHTS_SCOPE}))
    found = dict[str, dict[str, int]]()
    for one in ids:
        try:
            told = await wire.graph_client(session).get(f"{one}/insights", metric=METRIC_FIELDS)
        except Rejected as refused:
            if not is_missing_object(refused):
                raise
            continue
        found[one] = {
            str(row.get("name")): value for row in edge_rows(told) if isinstance(value := _metric_value(row), int)
        }
    return found


def _metric_value(row: Row) -> object:
    """A metric's number, in either of the forms that Meta gives them."""
    values = row.get("values")
    latest = values[-1] if isinstance(values, list) and values else row.get("total_value")
    return latest.get("value") if isinstance(latest, dict) else None
