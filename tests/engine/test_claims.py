"""What a claim changes, and what people see of a delivery that is claimed."""

from __future__ import annotations

import re
from copy import copy
from datetime import timedelta
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction

from kicau.base import clock
from kicau.base.bulk import to_uuid_array
from kicau.base.errors import Conflict
from kicau.base.ids import new_id
from kicau.engine.dispatcher import Capacity
from kicau.publishing.calendar import calendar_queries
from kicau.publishing.delivery import due_queue
from kicau.publishing.delivery.claims import CLAIM_SQL
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import actions
from tests.engine.conftest import claimed

pytestmark = pytest.mark.django_db(transaction=True)

# The columns that an index depends on: its own, those that it includes, and those of its condition.
INDEXED = """
SELECT DISTINCT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
WHERE i.indrelid = 'publishing_delivery'::regclass AND (a.attnum = ANY(i.indkey) OR EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))
"""
BELIEVE = """
SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', 'publishing_delivery', 'reltuples', (%s)::real,
    'relpages', (pg_relation_size('publishing_delivery') / 8192)::integer)
"""
ROWS, WAVE = 2000, 20


def test_a_claim_writes_no_column_that_an_index_holds(actor):
    with connection.cursor() as cursor:
        cursor.execute(INDEXED)
        indexed = {name for (name,) in cursor.fetchall()}
    written = set(re.findall(r"(\w+) =", CLAIM_SQL.partition(" d SET")[2].partition("FROM chosen")[0]))
    assert {"state", "next_at", "hold", "id"} <= indexed  # hold and state: included, and of a condition
    assert {"worker", "lease_until", "begun_at"} <= written
    assert not written & indexed


@pytest.mark.parametrize("believed", [-1, 0, 50, ROWS])
def test_a_wave_costs_what_it_moves_whatever_the_planner_believes(post, believed):
    row = post("pagi")
    with transaction.atomic(), connection.cursor() as cursor:
        mine = copies(row, ROWS)[:WAVE]
        cursor.execute(BELIEVE, [believed])
        values = {"ids": to_uuid_array(mine), "worker": "quick", "lease": 30.0, "mute": [], "now": clock.now()}
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {CLAIM_SQL}", values)
        plan = cursor.fetchone()[0][0]["Plan"]
        transaction.set_rollback(True)
    assert plan["Actual Rows"] == WAVE
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < ROWS / 2, "the whole table was read"


def test_what_many_wrote_at_once_is_counted_before_it_is_claimed(post, monkeypatch):
    monkeypatch.setattr(due_queue, "MANY_HINTS", due_queue.MAX_HINTS_PER_CHANNEL)
    copies(post("pagi"), 2 * due_queue.MAX_HINTS_PER_CHANNEL)
    with connection.cursor() as cursor:
        cursor.execute(BELIEVE, [0])
        due_queue.DueQueue().look()
        cursor.execute(due_queue.ESTIMATED_ROW_COUNT_SQL)
        assert cursor.fetchone()[0] == 2 * due_queue.MAX_HINTS_PER_CHANNEL + 1


def test_a_network_with_more_than_a_look_takes_hides_no_other(post, monkeypatch):
    monkeypatch.setattr(due_queue, "MAX_HINTS_PER_NETWORK", 3)
    monkeypatch.setattr(due_queue, "CLAIM_BATCH_SIZE", 2)
    later, earlier = post("sore", to="budi"), post("pagi")
    copies(earlier, 5)
    Delivery.objects.filter(id=later.id).update(network="other", due_at=clock.now())
    looked = due_queue.DueQueue()
    looked.look()
    chosen = looked.choose(Capacity({"stranger": 100, "other": 100}))
    assert later.id in chosen
    assert len(chosen) == 2


def copies(row: Delivery, count: int) -> list[UUID]:
    rows = [copy(row) for _ in range(count)]
    for one in rows:
        one.id, one.key = new_id(), new_id()
    return [one.id for one in Delivery.objects.bulk_create(rows)]


async def test_what_is_claimed_is_on_its_way_and_nobodys_to_change(post, client, actor):
    row = await sync_to_async(post)("sedang dikirim")
    await claimed(DeliverySource(client), "quick")
    row = await sync_to_async(actions.one_delivery)(actor, row.id)
    assert (row.state, row.standing, row.standing.label) == ("scheduled", "publishing", "being published")
    found = await sync_to_async(calendar_queries.agenda)(actor, calendar_queries.DeliveryFilter())
    assert [slip.standing for card in found.cards for slip in card.deliveries] == ["publishing"]
    for state, count in (("publishing", 1), ("scheduled", 1), ("published", 0)):
        found = await sync_to_async(calendar_queries.agenda)(actor, calendar_queries.DeliveryFilter(state=state))
        assert sum(len(card.deliveries) for card in found.cards) == count
    day = clock.now().date() - timedelta(days=1)
    days = await sync_to_async(calendar_queries.days)(
        actor, calendar_queries.DeliveryFilter(), day, 3, clock.find_zone("UTC"), each=5
    )
    shown = [slip.standing for one in days for card in one.cards for slip in card.deliveries]
    assert shown == ["publishing"]
    for change in (actions.cancel, lambda *who: actions.reschedule(*who, clock.now() + timedelta(hours=1))):
        with pytest.raises(Conflict):
            await sync_to_async(change)(actor, row.id)
    assert (await Delivery.objects.aget(id=row.id)).begun_at == row.begun_at
