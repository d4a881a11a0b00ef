"""What keeps pages private: the browser's session, and that nothing of a page stays in caches."""

from __future__ import annotations

from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from kicau.workspaces.session_store import SessionStore


class BrowserSessionMiddleware(SessionMiddleware):
    """Django's own, whose store also learns which browser asks."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        assert isinstance(request.session, SessionStore)
        request.session.visit(str(request.META.get("REMOTE_ADDR", "")), request.headers.get("User-Agent", ""))


class NoStoreMiddleware(MiddlewareMixin):
    """No cache keeps an answer that does not say itself for how long, so a new view is private from the start."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.setdefault("Cache-Control", "no-store")
        return response
