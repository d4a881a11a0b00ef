"""Refusals of the Mastodon sandbox, in Mastodon's own words (config/locales/en.yml, read 2026-11-24)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web


class MastodonApiError(Exception):
    """An answer that is not 2xx: raised anywhere, sent by the door."""

    def __init__(self, status: int, error: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        self.status, self.body, self.headers = status, {"error": error, **more}, dict(headers or {})
        super().__init__(error)

    def response(self) -> web.Response:
        return web.json_response(self.body, status=self.status, headers=self.headers)


def validation_error(*said: str) -> MastodonApiError:
    """What a record's validations say, together."""
    return MastodonApiError(422, "Validation failed: " + ", ".join(said))


def not_found_error() -> MastodonApiError:
    return MastodonApiError(404, "Record not found")


def rate_limit_error(headers: Mapping[str, str]) -> MastodonApiError:
    return MastodonApiError(429, "Too many requests", headers=headers)


def no_route_error() -> web.Response:
    """How a server answers a call that it does not have."""
    return web.Response(status=404, text="<h1>404 Not Found</h1>", content_type="text/html")
