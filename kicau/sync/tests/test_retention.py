"""Other people's answers are kept for a set time."""

from datetime import timedelta

import pytest

from kicau.base import clock
from kicau.connector.roles.engagement import IncomingPost as Said
from kicau.rights.models import ActivityEntry
from kicau.sync import retention, sync_store
from kicau.sync.models import Comment


@pytest.fixture
def ana(channel, monkeypatch):
    monkeypatch.setenv("KICAU_ANSWER_DAYS", "30")
    return channel("ana")


def answer(channel, name, days):
    return Comment.objects.create(channel=channel, remote_id=name, text=name, at=clock.now() - timedelta(days=days))


def test_old_answers_are_deleted_and_the_log_says_how_many(ana):
    answer(ana, "older", 31)
    answer(ana, "old", 40)
    answer(ana, "new", 29)
    assert retention.delete_old_items() == 2
    assert [one.remote_id for one in Comment.objects.all()] == ["new"]
    entry = ActivityEntry.objects.get(act="answers.purged")
    assert (entry.workspace_id, entry.detail["count"]) == (ana.workspace_id, 2)
    assert retention.delete_old_items() == 0
    assert ActivityEntry.objects.filter(act="answers.purged").count() == 1


def test_with_0_all_are_kept(ana, monkeypatch):
    monkeypatch.setenv("KICAU_ANSWER_DAYS", "0")
    answer(ana, "older", 4000)
    assert retention.delete_old_items() == 0
    assert Comment.objects.exists()


def test_what_was_deleted_is_not_taken_in_again(ana):
    now = clock.now()
    found = [
        Said(id=name, at=now - timedelta(days=days), author="a", text=name, answers="")
        for name, days in (("old", 31), ("new", 1))
    ]
    sync_store.store_new_items(ana, found, {}, now)
    assert [one.remote_id for one in Comment.objects.all()] == ["new"]
