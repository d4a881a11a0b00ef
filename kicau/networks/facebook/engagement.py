"""Answers and numbers of a Page's posts: what others comment under its newest ones, and how much was made of each.

https://developers.facebook.com/docs/graph-api/reference/page-post and .../object/comments, as quoted, 2026-11-26; with
the permissions that the sign-in asks for already (`pages_read_engagement`, `pages_read_user_content`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.roles.engagement import IncomingPost, IncomingPostPage, TimeCursor
from kicau.connector.session import Session
from kicau.networks._meta.engagement import edge_rows, edge_total, read_objects
from kicau.networks._meta.graph import MAX_BATCH_CALLS as BATCH
from kicau.networks._meta.graph import page_graph, parse_time

__all__ = ["BATCH", "read_incoming", "read_metrics"]

POSTS_PER_PAGE, COMMENTS_PER_POST = (
    25,
    50,
)  # the Page's newest posts and the newest comments of each: what one call gives without strain
FEED_FIELDS = (
    "id,attachments{type,target},"
    f"comments.filter(stream).order(reverse_chronological).limit({COMMENTS_PER_POST}){{id,message,created_time,from,parent}}"
)
POST_METRIC_FIELDS = "shares,comments.filter(stream).limit(0).summary(true),reactions.limit(0).summary(true)"
COMMENT_METRIC_FIELDS = "comment_count,like_count"  # answers of the Page's own
VIDEO_METRIC_FIELDS = "comments.filter(stream).limit(0).summary(true),likes.limit(0).summary(true)"


async def read_incoming(session: Session, cursor: str) -> IncomingPostPage:
    """Comments of others, answers to comments too. Under posts older than the newest 25 nothing is looked for."""
    seen, found = TimeCursor.of(cursor), list[IncomingPost]()
    told = await page_graph(session).get(
        f"{session.account_id}/published_posts", fields=FEED_FIELDS, limit=str(POSTS_PER_PAGE)
    )
    for post in edge_rows(told):
        for comment in edge_rows(post.get("comments")):
            one = _incoming_post(session, post, comment)
            if one and seen.is_new(_comment_key(one.id), one.at):
                found.append(one)
    found.sort(key=lambda one: (one.at, len(_comment_key(one.id)), _comment_key(one.id)))
    return IncomingPostPage(
        items=tuple(found), cursor=seen.cursor((_comment_key(one.id), one.at) for one in found) if found else cursor
    )


async def read_metrics(session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Of posts: shares, comments, reactions; of comments their own answers and likes. A video or reel is kept by the
    video's own id, which tells likes instead."""
    own = f"{session.account_id}_"  # a comment's id begins with the post's, not the Page's

    def fields_of(one: str) -> str:
        return (
            POST_METRIC_FIELDS if one.startswith(own) else COMMENT_METRIC_FIELDS if "_" in one else VIDEO_METRIC_FIELDS
        )

    told = await read_objects(page_graph(session), {one: fields_of(one) for one in ids})
    return {one: _metric_values(one, row, own) for one, row in told.items()}


def _metric_values(one: str, row: Mapping[str, Any], own: str) -> dict[str, int]:
    if "_" in one and not one.startswith(own):
        return {
            name: row[field]
            for name, field in (("comments", "comment_count"), ("likes", "like_count"))
            if isinstance(row.get(field), int)
        }
    said = {name: edge_total(row.get(name)) for name in ("comments", "reactions", "likes")}
    if one.startswith(own):  # Graph leaves shares out where there are none
        said["shares"] = (row.get("shares") or {}).get("count", 0)
    return {name: n for name, n in said.items() if isinstance(n, int)}


def _comment_key(comment: str) -> str:
    return comment.rpartition("_")[2]


def _incoming_post(session: Session, post: Mapping[str, Any], comment: Mapping[str, Any]) -> IncomingPost | None:
    at, who = parse_time(comment.get("created_time")), comment.get("from") or {}
    author = str(who.get("id") or "")  # left out for persons whom the app may not know
    if at is None or author == session.account_id or not comment.get("id"):
        return None
    text = str(comment.get("message") or "")
    return IncomingPost(
        id=str(comment["id"]),
        at=at,
        author=author,
        name=str(who.get("name") or ""),
        text=text,
        answers=_stored_post_id(post),
        url=f"https://www.facebook.com/{comment['id']}",
        raw=dict(comment),
    )


def _stored_post_id(post: Mapping[str, Any]) -> str:
    """The id by which we keep a post: a video's own where it shows one."""
    shown = next(iter(edge_rows(post.get("attachments"))), {})
    target = str((shown.get("target") or {}).get("id") or "")
    return target if target and "video" in str(shown.get("type")) else str(post.get("id") or "")
