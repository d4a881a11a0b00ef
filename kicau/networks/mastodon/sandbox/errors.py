"""Refusals of the Mastodon sandbox, in Mastodon's own words (config/locales/en.yml, read 2026-11-24)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web


class Refusal(Exception):
    """An answer that is not 2xx: raised anywhere, sent by the door."""

    def __init__(self, status: int, error: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        self.status, self.body, self.headers = status, {"error": error, **more}, dict(headers or {})
        super().__init__(error)

    def response(self) -> web.Response:
        return web.json_response(self.body, status=self.status, headers=self.headers)


def invalid(*said: str) -> Refusal:
    """What a record's validations say, together."""
    return Refusal(422, "Validation failed: " + ", ".join(said))


def missing() -> Refusal:
    return Refusal(404, "Record not found")


def too_many(headers: Mapping[str, str]) -> Refusal:
    return Refusal(429, "Too many requests", headers=headers)


def no_such_page() -> web.Response:
    """How a server answers a call that it does not have."""
    return web.Response(status=404, text="<h1>404 Not Found</h1>", content_type="text/html")
