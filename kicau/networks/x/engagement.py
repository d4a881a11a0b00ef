"""Answers and numbers: mentions since the last one seen, and public metrics a hundred posts at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.content import Charge
from kicau.connector.errors import Rejected
from kicau.connector.roles.engagement import IncomingPost, IncomingPostPage
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks.x import wire

METRICS_BATCH_SIZE = 100  # posts in one look-up: OpenAPI 2.167, GET /2/tweets, ids
MAX_PAGES = 10  # of mentions in one reading, newest first; the oldest of still more are left out
FIRST_PAGE_SIZE = (
    10  # mentions that the first reading brings, each of which is billed: OpenAPI 2.167, max_results from 5 on
)
POST_FIELDS = "created_at,author_id,in_reply_to_user_id,conversation_id,public_metrics"


async def read_incoming(session: Session, cursor: str) -> IncomingPostPage:
    found: dict[str, IncomingPost] = {}
    token, newest = "", cursor
    for _ in range(MAX_PAGES):
        size = wire.MAX_PAGE_SIZE if cursor else FIRST_PAGE_SIZE
        asked = (
            {"max_results": str(size)}
            | ({"since_id": cursor} if cursor else {})
            | ({"pagination_token": token} if token else {})
        )
        body = (await _fetch_posts(session, f"/2/users/{session.account_id}/mentions", asked, size)).json()
        people = {str(one.get("id")): one for one in (body.get("includes") or {}).get("users") or ()}
        for row in body.get("data") or ():
            found[str(row["id"])] = _incoming_post(row, wire.public_site_url(session.app.endpoints), people)
            newest = max(newest, str(row["id"]), key=lambda one: int(one or 0))
        token = str((body.get("meta") or {}).get("next_token") or "")
        if not token or not cursor:
            break
    return IncomingPostPage(items=tuple(sorted(found.values(), key=lambda one: int(one.id))), cursor=newest)


async def read_metrics(session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    reply = await _fetch_posts(session, "/2/tweets", {"ids": ",".join(ids)}, len(ids))
    rows = reply.json().get("data") or ()
    return {
        str(row["id"]): {name: n for name, n in (row.get("public_metrics") or {}).items() if isinstance(n, int)}
        for row in rows
    }


async def _fetch_posts(session: Session, path: str, asked: Mapping[str, str], most: int) -> HttpResponse:
    """In the new vocabulary, and in the old one where X does not know the new."""
    for words in (wire.NEW_VOCABULARY, wire.OLD_VOCABULARY):
        try:
            return await wire.send_request(
                session,
                "GET",
                path,
                charge=Charge(wire.POST_READ_METER, most),
                counted=wire.posts_read_charge,
                params={**asked, **_field_params(words)},
            )
        except Rejected as refused:
            if words is wire.OLD_VOCABULARY or wire.NEW_VOCABULARY.fields not in refused.detail:
                raise
    raise AssertionError("the last vocabulary either answers or raises")


def _field_params(words: wire.XVocabulary) -> dict[str, str]:
    """The new vocabulary tells whose a post is, and what it answers, only as expansions (OpenAPI 2.167): the account comes
    along, and so does its name. In the old one both are fields; an account would be a resource of its own there, at the
    price of two posts, and is not asked for."""
    if words is wire.NEW_VOCABULARY:
        return {words.fields: "created_at,conversation_id,public_metrics", "expansions": "author_id,referenced_posts"}
    return {words.fields: f"{POST_FIELDS},referenced_tweets"}


def _incoming_post(row: Mapping[str, Any], site: str, people: Mapping[str, Mapping[str, Any]]) -> IncomingPost:
    seen, author = wire.read_listed_post(row), str(row.get("author_id") or "")
    who = people.get(author) or {}
    references = row.get("referenced_posts") or row.get("referenced_tweets") or ()
    answered = next((str(one.get("id")) for one in references if one.get("type") == "replied_to"), "")
    return IncomingPost(
        id=seen.id,
        at=seen.at,
        author=author,
        handle=str(who.get("username") or ""),
        name=str(who.get("name") or ""),
        text=seen.text,
        answers=answered,
        url=f"{site}/i/web/status/{seen.id}",
        raw=dict(row),
    )
