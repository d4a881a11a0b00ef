"""Answers and numbers: who mentioned the account, by its notifications, and counts of twenty posts in one call.

A message to mentioned people only (`direct`) is a letter and no answer before others: it is left out. Servers that lack
a part are met as they are: one that does not know `min_id` gives its newest page, of which what is known is dropped; one
that cannot show several posts in one call (Mastodon before 4.3, snac) is asked for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any
from urllib.parse import urlencode

from kicau.connector.errors import AuthExpired, Rejected
from kicau.connector.roles.engagement import IncomingPost, IncomingPostPage
from kicau.connector.session import Session
from kicau.networks.mastodon import errors, wire

NOTIFICATIONS_SCOPE = "read:notifications"  # https://docs.joinmastodon.org/methods/notifications/#get, 2026-11-26
# Posts in one call: app/controllers/api/v1/statuses_controller.rb, check_statuses_limit, as of 4.5 (2026-11-26); the
# documentation (https://docs.joinmastodon.org/methods/statuses/#index, since 4.3) names no number.
METRICS_BATCH_SIZE = 20
PAGE_SIZE = 80  # the most in a page since 4.1: https://docs.joinmastodon.org/methods/notifications/#get, 2026-11-26
MAX_PAGES = 10  # in one reading; the rest comes with the next one
COUNT_FIELDS = ("replies_count", "reblogs_count", "favourites_count", "quotes_count")


async def read_incoming(session: Session, cursor: str) -> IncomingPostPage:
    """The cursor is the newest notification's id. Raises AuthExpired with `missing` where a sign-in lacks the scope."""
    found: dict[str, IncomingPost] = {}
    for _ in range(MAX_PAGES):
        known, rows = cursor, await _fetch_page(session, cursor)
        found |= {one.id: one for row in reversed(rows) if (one := _incoming_post(row))}
        cursor = str(rows[0]["id"]) if rows else cursor
        if not known or len(rows) < PAGE_SIZE:
            break
    return IncomingPostPage(items=tuple(found.values()), cursor=cursor)


async def _fetch_page(session: Session, cursor: str) -> list[dict[str, Any]]:
    """Newest first; with a cursor the ones that are just newer than it, and none that is not."""
    asked = [("types[]", "mention"), ("limit", str(PAGE_SIZE)), *([("min_id", cursor)] if cursor else [])]
    try:
        rows = (await wire.call_api(session, "GET", f"/api/v1/notifications?{urlencode(asked)}")).json()
    except AuthExpired as refused:
        if session.credentials.scopes & {NOTIFICATIONS_SCOPE, "read"}:
            raise
        raise AuthExpired(refused.detail, missing=frozenset({NOTIFICATIONS_SCOPE})) from refused
    page = [row for row in rows if isinstance(row, dict) and row.get("id")] if isinstance(rows, list) else []
    return list(takewhile(lambda row: str(row["id"]) != cursor, page))


def _incoming_post(row: Mapping[str, Any]) -> IncomingPost | None:
    status = row.get("status")
    at = wire.parse_time(status.get("created_at")) if isinstance(status, dict) else None
    if row.get("type") != "mention" or not isinstance(status, dict) or not at or status.get("visibility") == "direct":
        return None
    who = status.get("account") or {}
    return IncomingPost(
        id=str(status["id"]),
        at=at,
        author=str(who.get("id") or ""),
        text=wire.plain_text(str(status.get("content") or "")).strip(),
        answers=str(status.get("in_reply_to_id") or ""),
        handle=str(who.get("acct") or ""),
        name=str(who.get("display_name") or ""),
        url=str(status.get("url") or ""),
        begins=f"@{who['acct']} " if who.get("acct") else "",
        raw={**wire.stored_status(status), "acct": str(who.get("acct") or "")},
    )


async def read_metrics(session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    asked = urlencode([("id[]", one) for one in ids])
    try:
        rows = (await wire.call_api(session, "GET", f"/api/v1/statuses?{asked}")).json()
    except Rejected:
        return await _fetch_one_by_one(session, ids)
    found = (
        {str(row["id"]): _metric_values(row) for row in rows if isinstance(row, dict) and row.get("id")}
        if isinstance(rows, list)
        else {}
    )
    # A server that gives none of them may not know the question (Pleroma calls it `ids`).
    return {one: found[one] for one in ids if one in found} or await _fetch_one_by_one(session, ids)


async def _fetch_one_by_one(session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in ids:
        try:
            reply = await wire.call_api(session, "GET", f"/api/v1/statuses/{wire.path_segment(one)}")
        except Rejected as refused:
            if errors.rejection_code(refused) != errors.NOT_FOUND_CODE:
                raise
            continue
        found[one] = _metric_values(wire.status_from_response(reply))
    return found


def _metric_values(status: Mapping[str, Any]) -> dict[str, int]:
    return {name: status[name] for name in COUNT_FIELDS if isinstance(status.get(name), int)}
