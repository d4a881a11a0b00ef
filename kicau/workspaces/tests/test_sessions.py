"""Sessions in the database."""

from datetime import timedelta

from django.contrib.sessions.models import Session

from kicau.base import clock
from kicau.workspaces import sessions


def test_expired_sessions_are_deleted(db):
    now = clock.now()
    Session.objects.create(session_key="a", session_data="", expire_date=now - timedelta(seconds=1))
    Session.objects.create(session_key="b", session_data="", expire_date=now + timedelta(days=1))
    assert sessions.delete_expired() == 1
    assert [one.session_key for one in Session.objects.all()] == ["b"]
