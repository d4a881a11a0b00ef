"""What is read when: the policy as data, its batches, its slowing, and what it saves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from uuid import UUID

import pytest

from kicau.connector.prices import PriceList
from kicau.costs import read_policy
from kicau.costs.actions import BudgetBalance
from kicau.costs.models import Budget

OURS = read_policy.parse_policy(files("kicau.costs").joinpath(read_policy.POLICY_FILE_NAME).read_text("utf-8"))
OUT = datetime(2026, 11, 2, 9, tzinfo=UTC)
PLAN = PriceList(
    name="a", since=date(2026, 1, 1), source="b", currency="USD", prices={"read": 5_000}, daily=frozenset({"read"})
)


def readings(policy, published=OUT):
    made, at = [], None
    while (at := read_policy.next_fetch_at(policy, published, at)) is not None:
        made.append(at)
    return made


def test_a_post_is_read_often_when_young_and_on_chosen_days_later():
    found = readings(OURS)
    assert found[0] == OUT + timedelta(minutes=30)
    assert sum(at - OUT <= timedelta(hours=6) for at in found) == 12  # every half hour
    assert [(day - OUT.date()).days for day in sorted({at.date() for at in found})] == [0, 1, 2, 4, 8, 16, 29]
    slow = read_policy.next_fetch_at(OURS, OUT, found[0], slower=4)
    assert slow == found[0] + timedelta(hours=2)


def test_one_read_serves_all_channels_of_an_app_in_the_largest_batches():
    posts = [
        read_policy.PolledPost(id=str(n), channel_id=UUID(int=n % 3), app_id=UUID(int=9), published_at=OUT)
        for n in range(250)
    ]
    assert read_policy.due_posts(OURS, posts, OUT + timedelta(minutes=29)) == []
    due = read_policy.due_posts(OURS, posts, OUT + timedelta(minutes=30))
    assert [len(batch) for _, batch in read_policy.fetch_batches(due, 100, reads_all=True)] == [100, 100, 50]
    assert sorted(len(batch) for _, batch in read_policy.fetch_batches(due, 100, reads_all=False)) == [83, 83, 84]


def test_reading_slows_down_as_a_budget_is_used_up_before_its_time():
    budget = Budget(amount=1000, sync_share_percent=50)
    state = BudgetBalance(budget=budget, used=250, reserved=0, begins_at=OUT, renews_at=OUT + timedelta(days=10))
    assert read_policy.slowdown_factor(OURS, [state], OUT + timedelta(days=5)) == 1.0  # half of its half, at half time
    assert read_policy.slowdown_factor(OURS, [state], OUT + timedelta(days=1)) == pytest.approx(5.0)
    assert read_policy.slowdown_factor(OURS, [replace(state, used=5000)], OUT + timedelta(days=1)) == OURS.slowest


def test_what_it_saves_is_reckoned_from_the_policy():
    found = read_policy.sync_savings(OURS, read_policy.SyncWorkload(channels=100, posts=10, answers=5), PLAN, "read")
    assert found.ours == 100 * 30 * (10 * 7 + 5)  # seven days of each post's life, and each answer once
    assert found.naive == 100 * 30 * (10 * 90 + 20 + 5)  # ninety days; a page of twenty and what is new, each day
    assert (found.ours_micro, found.naive_micro, found.percent) == (1_125_000_000, 13_875_000_000, 92)


@pytest.mark.parametrize("text", ["x", "[answers]\nevery='5m'\n[numbers]\ndays=[]\nstep=[]", "[answers]\nevery='soon'"])
def test_a_policy_that_cannot_be_read_says_so(text):
    with pytest.raises(read_policy.InvalidSyncPolicy, match="policy"):
        read_policy.parse_policy(text)


def test_what_a_networks_own_allowance_leaves_for_reading_is_the_operators(tmp_path, monkeypatch):
    assert OURS.near == read_policy.AllowanceThresholds(reading=75, sending=95, between=timedelta(minutes=1))
    monkeypatch.setenv("KICAU_DATA", str(tmp_path))
    ours = files("kicau.costs").joinpath(read_policy.POLICY_FILE_NAME).read_text("utf-8")
    own = tmp_path / read_policy.POLICY_FILE_NAME
    own.write_text(ours.replace("reading = 75", "reading = 50").replace('between = "1m"', 'between = "5m"'))
    assert read_policy.allowance_thresholds() == read_policy.AllowanceThresholds(
        reading=50, sending=95, between=timedelta(minutes=5)
    )
    own.write_text("[allowance")  # no policy at all: ours holds, and posts go out
    assert read_policy.allowance_thresholds() == read_policy.AllowanceThresholds()
    with pytest.raises(read_policy.InvalidSyncPolicy, match="not above sending"):
        read_policy.parse_policy(ours.replace("sending = 95", "sending = 60"))
    without = ours[: ours.index("# What a network itself says")]  # of an older release
    assert read_policy.parse_policy(without).near == read_policy.AllowanceThresholds()
