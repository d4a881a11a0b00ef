"""Stories of steps are forgotten when they are old."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kicau.base import clock
from kicau.publishing.delivery import attempt_retention
from kicau.publishing.models import Attempt

pytestmark = pytest.mark.django_db


def test_old_stories_go_some_at_a_time_and_young_ones_stay(db, monkeypatch):
    from kicau.base.ids import new_id

    monkeypatch.setattr(attempt_retention, "DELETE_BATCH_SIZE", 2)
    for days in (900, 500, 401, 399, 0):
        at = clock.now() - timedelta(days=days)
        Attempt.objects.create(delivery_id=new_id(), at=at, did="publish", outcome="published", sentence=f"{days}")
    monkeypatch.setenv("KICAU_ATTEMPT_DAYS", "0")
    assert attempt_retention.delete_old_attempts() == 0
    monkeypatch.delenv("KICAU_ATTEMPT_DAYS")
    assert [attempt_retention.delete_old_attempts() for _ in range(3)] == [2, 1, 0]
    assert list(Attempt.objects.values_list("sentence", flat=True)) == ["399", "0"]
