"""The window of a timeline that a request asks for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from kicau.networks.x.sandbox import shapes
from kicau.networks.x.sandbox.errors import invalid_request_error
from kicau.networks.x.sandbox.post_requests import ID_PATTERN

TIME_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")


class TimelineWindow:
    """The part of a timeline that a request asks for."""

    def __init__(self, request: web.Request) -> None:
        query = request.query
        self.most = self._whole(query.get("max_results", "10"))
        self._since, self._until = self._id("since_id", query), self._id("until_id", query)
        self._begin, self._end = self._moment("start_time", query), self._moment("end_time", query)
        token = query.get("pagination_token", "")
        self._before = int(shapes.decode_cursor(token)) if token else 0
        self._without_replies = "replies" in self._excluded(query)

    def place(self, post: dict[str, Any]) -> str:
        """ "in" it, "skip" (too new, or excluded), or "past" its older end."""
        number, at = int(post["id"]), datetime.fromisoformat(post["at"])
        if (self._since and number <= self._since) or (self._begin and at < self._begin):
            return "past"
        if (self._before and number >= self._before) or (self._until and number >= self._until):
            return "skip"
        if (self._end and at >= self._end) or (self._without_replies and post["reply_to"]):
            return "skip"
        return "in"

    @staticmethod
    def _whole(value: str) -> int:
        if not value.isdigit() or not 5 <= int(value) <= 100:
            raise invalid_request_error(
                f"The `max_results` query parameter value [{value}] is not between 5 and 100", max_results=value
            )
        return int(value)

    @staticmethod
    def _id(name: str, query: Any) -> int:
        value = query.get(name, "")
        if value and not ID_PATTERN.fullmatch(value):
            raise invalid_request_error(
                f"The `{name}` query parameter value [{value}] does not match ^[0-9]{{1,19}}$", **{name: value}
            )
        return int(value or 0)

    @staticmethod
    def _moment(name: str, query: Any) -> datetime | None:
        value = query.get(name, "")
        if not value:
            return None
        if not TIME_PATTERN.fullmatch(value) or value < "2010-11-06T00:00:00Z":
            raise invalid_request_error(
                f"The `{name}` query parameter value [{value}] is not a valid RFC 3339 moment in UTC", **{name: value}
            )
        return datetime.fromisoformat(value).astimezone(UTC)

    @staticmethod
    def _excluded(query: Any) -> set[str]:
        found = set(query["exclude"].split(",")) if "exclude" in query else set()
        for value in found - {"replies", "retweets"}:
            raise invalid_request_error(
                f"The `exclude` query parameter value [{value}] is not one of [replies,retweets]", exclude=value
            )
        return found
