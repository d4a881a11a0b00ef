"""A later change of the audit trail is found by its digest in the log of evidence (issue 18, item 33)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kicau.base import clock
from kicau.evidence.models import Leaf, Salt
from kicau.rights import trail_digest
from kicau.rights.models import ActivityEntry

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def entry(at: datetime, act: str = "draft.changed") -> ActivityEntry:
    return ActivityEntry.objects.create(at=at, actor="Sari", via="page", act=act, subject="x", detail={"n": 1})


@pytest.fixture
def logged(db):
    """Three days, of which the second is empty; logged on the fourth."""
    rows = [entry(NOON), entry(NOON + timedelta(hours=1)), entry(NOON + 2 * DAY)]
    with clock.freeze_clock(NOON + 3 * DAY):
        assert trail_digest.append_due_digests() == 3
        assert trail_digest.append_due_digests() == 0, "each day once"
    return rows


def test_a_day_is_logged_when_it_is_over_and_its_acts_are_committed(db):
    entry(NOON)
    for at, days in ((timedelta(hours=11), 0), (timedelta(hours=12, minutes=59), 0), (timedelta(hours=13), 1)):
        with clock.freeze_clock(NOON + at):
            assert trail_digest.append_due_digests() == days
    assert trail_digest.check_trail() == []


def test_an_untouched_trail_deviates_nowhere(logged):
    entry(NOON + 4 * DAY)
    assert trail_digest.check_trail() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.filter(subject="x").update(subject="y"),
        lambda rows: rows.update(act="draft.archived"),
        lambda rows: rows.update(via="api"),
        lambda rows: rows.update(workspace_id="01900000-0000-7000-8000-000000000000"),
        lambda rows: rows.update(actor_id="01900000-0000-7000-8000-000000000000"),
        lambda rows: rows.update(at=NOON + timedelta(minutes=1)),
        lambda rows: rows.delete(),
        lambda rows: rows.update(actor="Mallory"),
        lambda rows: rows.update(detail={"n": 2}),
    ],
)
def test_every_change_of_an_entry_is_found(logged, change):
    change(ActivityEntry.objects.filter(id=logged[0].id))
    (found,) = trail_digest.check_trail()
    assert (found.day, found.erased) == (NOON.date(), False)


def test_an_entry_that_is_put_into_a_day_later_is_found(logged):
    entry(NOON + DAY)
    assert [one.day for one in trail_digest.check_trail()] == [(NOON + DAY).date()]


def test_a_leaf_or_salt_that_was_changed_or_taken_away_is_found(logged):
    Leaf.objects.filter(ref__startswith=f"{NOON.date()}/").update(hash=b"0" * 32)
    Salt.objects.filter(leaf__ref=f"{(NOON + DAY).date()}/facts").delete()
    assert [one.day for one in trail_digest.check_trail()] == [NOON.date(), (NOON + DAY).date()]


def test_a_person_who_was_erased_is_said_and_is_no_alarm(logged):
    ActivityEntry.objects.filter(id=logged[0].id).update(actor="", detail={"n": "(deleted person)"})
    entry(NOON + 3 * DAY, trail_digest.ERASURE_ACTION)
    (found,) = trail_digest.check_trail()
    assert found.erased
    ActivityEntry.objects.filter(id=logged[0].id).update(act="draft.archived")
    (found,) = trail_digest.check_trail()
    assert not found.erased
