"""Sessions of browsers: they end by time, and each knows whose it is."""

from datetime import timedelta

import pytest
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY

from kicau.base import clock
from kicau.base.errors import NotFound
from kicau.rights.models import ActivityEntry
from kicau.workspaces import account_security, sessions
from kicau.workspaces.models import BrowserSession
from kicau.workspaces.session_store import SessionStore

pytestmark = pytest.mark.django_db


def session_of(person) -> str:
    store = SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(person.id), person.get_session_auth_hash()
    store.save()
    return str(store.session_key)


def visit(key: str) -> bool:
    """Whether a browser with this key is still signed in."""
    store = SessionStore(key)
    store.visit("203.0.113.7", "Mozilla/5.0")
    return SESSION_KEY in store


def test_sessions_that_are_over_are_deleted_and_others_stay(db):
    now = clock.now()
    BrowserSession.objects.create(session_key="a", session_data="", expire_date=now - timedelta(seconds=1))
    BrowserSession.objects.create(session_key="b", session_data="", expire_date=now + timedelta(days=1))
    assert sessions.delete_expired() == 1
    assert [one.session_key for one in BrowserSession.objects.all()] == ["b"]


def test_a_session_ends_when_it_is_not_used(owner, settings):
    settings.KICAU_SESSION_IDLE_DAYS, settings.KICAU_SESSION_DAYS = 2, 30
    key, start = session_of(owner), clock.now()
    for day in (1, 2, 3):  # each visit moves the end
        with clock.freeze_clock(start + timedelta(days=day)):
            assert visit(key)
    with clock.freeze_clock(start + timedelta(days=5, minutes=1)):
        assert not visit(key)
        assert sessions.delete_expired() == 1


def test_a_session_ends_while_it_is_used(owner, settings):
    settings.KICAU_SESSION_IDLE_DAYS, settings.KICAU_SESSION_DAYS = 2, 3
    key, start = session_of(owner), clock.now()
    for day in (1, 2):
        with clock.freeze_clock(start + timedelta(days=day)):
            store = SessionStore(key)
            store.visit("203.0.113.7", "")
            store["changed"] = day
            store.save()  # as a page that keeps something in it does
    with clock.freeze_clock(start + timedelta(days=3, minutes=1)):
        assert not visit(key)


def test_a_look_without_a_browser_is_no_use(owner):
    key, start = session_of(owner), clock.now()
    with clock.freeze_clock(start + timedelta(days=1)):
        assert SESSION_KEY in SessionStore(key)
    assert BrowserSession.objects.get(session_key=key).used_at < start + timedelta(hours=1)


def test_sessions_of_an_earlier_password_are_not_listed(owner):
    session_of(owner)
    owner.set_password("kebun-teh-di-puncak-8")
    owner.save()
    now = session_of(owner)
    assert [one.session_key for one in sessions.sessions_of(owner)] == [now]


def test_one_session_is_ended_and_recorded_and_nobody_elses(owner, member):
    other = member("editor").person
    mine, theirs = session_of(owner), session_of(other)
    handle = BrowserSession.objects.get(session_key=theirs).handle
    with pytest.raises(NotFound):
        account_security.end_session(owner, handle)
    account_security.end_session(other, handle)
    assert (visit(mine), visit(theirs)) == (True, False)
    assert ActivityEntry.objects.get(act="person.session_ended").actor_id == other.id


def test_all_other_sessions_are_ended_and_recorded(owner):
    here, there, elsewhere = (session_of(owner) for _n in range(3))
    assert account_security.end_other_sessions(owner, here) == 2
    assert [visit(one) for one in (here, there, elsewhere)] == [True, False, False]
    assert ActivityEntry.objects.get(act="person.sessions_ended").detail == {"count": 2}
