"""One clock: what is due goes by `clock.now()`, which follows the database's where a machine's own is wrong; a lease goes by
the database's clock alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from kicau.base import clock, clock_drift
from kicau.cli.server import doctor
from kicau.config import health_monitor
from kicau.connector import clock as connector_clock
from kicau.publishing.delivery import delivery_metrics
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.delivery.lateness import delivery_health
from kicau.publishing.models import Delivery, DeliveryState
from tests.engine.conftest import claimed

pytestmark = pytest.mark.django_db(transaction=True)
SIX_HOURS = timedelta(hours=6)  # so much that no busy machine could take as long over a line
HOUR = timedelta(hours=1)


@pytest.fixture
def wrong_by(monkeypatch) -> Iterator[Callable[[timedelta], None]]:
    """wrong_by(timedelta(hours=6)): this machine's clock is ahead by that much, the database's is right."""

    def set_error(by: timedelta) -> None:
        monkeypatch.setattr(connector_clock, "_system_clock_error", by)

    yield set_error
    clock.follow_system_clock()
    clock_drift._reported_differences.clear()


@pytest.mark.parametrize("error", [SIX_HOURS, -SIX_HOURS])
def test_a_process_follows_the_databases_clock_while_its_machines_is_wrong(wrong_by, error):
    right = clock.now()
    wrong_by(error)
    found = clock_drift.measure_clock()
    assert found.differs
    assert abs(found.difference + error) < HOUR
    clock_drift.synchronize_clock()
    assert timedelta(0) <= clock.now() - right < HOUR
    wrong_by(timedelta(0))  # set by network time meanwhile
    assert not clock_drift.measure_clock().differs
    clock_drift.synchronize_clock()
    assert abs(clock.now() - clock.system_now()) < HOUR


def test_a_step_of_the_machines_clock_changes_nothing_while_the_databases_is_followed(wrong_by):
    wrong_by(SIX_HOURS)
    clock_drift.synchronize_clock()
    before = clock.now()
    wrong_by(timedelta(days=-3))
    assert timedelta(0) <= clock.now() - before < HOUR


def test_a_difference_within_the_tolerance_is_left_alone(wrong_by):
    wrong_by(clock_drift.CLOCK_TOLERANCE / 2)
    assert not clock_drift.measure_clock().differs


def test_the_operator_is_warned_in_the_log_by_doctor_and_as_a_trouble(wrong_by, capsys):
    assert [f.state for f in doctor.check_database() if f.what == "clock"] == ["ok"]
    assert list(health_monitor.detect_clock_difference()) == []
    wrong_by(SIX_HOURS)
    clock_drift.synchronize_clock()
    clock_drift.synchronize_clock()
    assert capsys.readouterr().out.count("clock differs from the database's") == 1  # not once each time
    [finding] = [f for f in doctor.check_database() if f.what == "clock"]
    assert finding.state == "wrong"
    assert "ahead of the database's" in finding.says
    assert "NTP" in finding.do
    [seen] = health_monitor.detect_clock_difference()
    assert seen.kind == "clock"
    assert abs(seen.details["seconds"] - SIX_HOURS.total_seconds()) < HOUR.total_seconds()


async def test_a_machine_whose_clock_is_ahead_publishes_nothing_early(shop, post, client, wrong_by):
    row = await sync_to_async(post)("besok", after=3 * 3600)
    wrong_by(SIX_HOURS)
    await sync_to_async(clock_drift.synchronize_clock)()
    assert await claimed(DeliverySource(client), "ahead") == []
    wrong_by(-SIX_HOURS)
    await sync_to_async(clock_drift.synchronize_clock)()
    with clock.freeze_clock(row.due_at):
        assert [item.id for item in await claimed(DeliverySource(client), "behind")] == [row.id]


async def test_what_is_due_goes_by_the_clock_that_tests_set(post, client):
    row = await sync_to_async(post)("kelak", after=500 * 86_400)
    assert await claimed(DeliverySource(client), "now") == []
    with clock.freeze_clock(row.due_at + timedelta(seconds=5)):
        assert [q.due for q in await sync_to_async(delivery_metrics.delivery_queues)()] == [1]
        [item] = await claimed(DeliverySource(client), "then")
        assert item.begun_at == clock.now()
        assert (await sync_to_async(delivery_health)()).late == 0  # it is under way


async def test_a_lease_holds_whatever_a_machines_clock_says(post, client):
    row = await sync_to_async(post)("satu")
    assert [item.id for item in await claimed(DeliverySource(client), "one")] == [row.id]
    clock.shift_clock(timedelta(hours=5))
    try:
        assert await claimed(DeliverySource(client), "another") == []
    finally:
        clock.shift_clock(timedelta(0))


async def test_each_claim_has_a_mark_of_its_own_though_the_clock_stands_still_or_goes_back(post, client):
    row = await sync_to_async(post)("satu")
    at = clock.now()
    with clock.freeze_clock(at):
        [first] = await claimed(DeliverySource(client), "one")
        await Delivery.objects.filter(id=row.id).aupdate(lease_until=None)  # its worker died
        [second] = await claimed(DeliverySource(client), "one")
    assert first.begun_at < second.begun_at
    assert second.broken_at == first.begun_at
    assert (await Delivery.objects.aget(id=row.id)).state == DeliveryState.SCHEDULED
