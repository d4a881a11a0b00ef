"""Where sessions of browsers are kept: Django's database store, with whose they are and when they were last used.

A session ends when it was not used for `KICAU_SESSION_IDLE_DAYS`, and `KICAU_SESSION_DAYS` after the sign-in in any case.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db

from kicau.base import clock
from kicau.base.ids import as_uuid
from kicau.workspaces.models import BrowserSession

USE_RECORDED_EACH = timedelta(minutes=5)  # a visit within this time of the last one is not written down
MAX_USER_AGENT_LENGTH = 300


class SessionStore(db.SessionStore):
    """`visit` tells it which browser asks; without one nothing about the use of a session is recorded."""

    _address = ""
    _user_agent = ""
    _is_visit = False
    _row: BrowserSession | None = None

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        return BrowserSession

    def visit(self, address: str, user_agent: str) -> None:
        """A browser asks, from this IP address."""
        self._address, self._user_agent, self._is_visit = address, user_agent[:MAX_USER_AGENT_LENGTH], True

    def _get_session_from_db(self) -> BrowserSession | None:
        now = clock.now()
        row = BrowserSession.objects.filter(session_key=self.session_key or "", expire_date__gt=now).first()
        if row is None:
            self._session_key = None
            return None
        self._row = row
        if self._is_visit and now - row.used_at >= USE_RECORDED_EACH:
            self._describe(row, now)
            BrowserSession.objects.filter(session_key=row.session_key).update(
                used_at=row.used_at, expire_date=row.expire_date, address=row.address, user_agent=row.user_agent
            )
        return row

    def create_model_instance(self, data: dict[str, Any]) -> BrowserSession:
        key, now = self._get_or_create_session_key(), clock.now()  # type: ignore[attr-defined]  # Django's own
        row = self._row
        if row is None or row.session_key != key:
            row = BrowserSession(session_key=key, began_at=now)
        row.session_data = self.encode(data)
        row.person_id = as_uuid(data[SESSION_KEY]) if data.get(SESSION_KEY) else None
        self._describe(row, now)
        self._row = row
        return row

    def _describe(self, row: BrowserSession, now: datetime) -> None:
        row.used_at, row.expire_date = now, session_end(row.began_at, now)
        if self._is_visit:
            row.address, row.user_agent = self._address, self._user_agent


def session_end(began_at: datetime, used_at: datetime) -> datetime:
    """When a session ends that is not used again."""
    idle_end = used_at + timedelta(days=settings.KICAU_SESSION_IDLE_DAYS)
    return min(idle_end, began_at + timedelta(days=settings.KICAU_SESSION_DAYS))
