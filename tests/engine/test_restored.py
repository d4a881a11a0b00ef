"""Deliveries that come from a backup: what went out since is found, what did not goes out once, at its time."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from kicau.backup.reconciliation import MARK_UNCERTAIN_SQL
from kicau.base import clock
from kicau.publishing.models import Attempt, Delivery

pytestmark = pytest.mark.django_db(transaction=True)


def put_back(rows, since):
    """The deliveries as they were before anything of them was sent."""
    for row in rows:
        Delivery.objects.filter(id=row.id).update(
            state="scheduled", next_at=clock.now(), progress={}, steps=0, remote_ids=[], published_at=None, reason=""
        )
    Attempt.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(MARK_UNCERTAIN_SQL, {"since": since.isoformat(), "until": clock.now().isoformat()})


def story(row):
    return list(Attempt.objects.filter(delivery_id=row.id).values_list("did", "outcome"))


async def test_a_restore_publishes_nothing_again(post, shop, state, network):
    before = clock.now()
    thread, single = await sync_to_async(post)("one", "two", "three"), await sync_to_async(post)("alone", to="budi")
    await shop.work(lambda: {state(thread), state(single)} == {"published"})
    public = sorted(one.text for one in network.public_posts())
    late = await sync_to_async(post)("was not out yet", after=1)

    await sync_to_async(put_back)([thread, single], before)
    await shop.work(lambda: {state(thread), state(single), state(late)} == {"published"})

    assert sorted(one.text for one in network.public_posts()) == sorted([*public, "was not out yet"])
    there = await Delivery.objects.aget(id=thread.id)
    assert len(there.remote_ids) == 3
    told = await sync_to_async(story)(thread)
    assert {did for did, _ in told} == {"find"}
    assert (await sync_to_async(story)(late))[0] == ("find", "not-found")
    assert "waiting" not in {outcome for _, outcome in await sync_to_async(story)(late)}
