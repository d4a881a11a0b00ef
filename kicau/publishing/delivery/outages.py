"""Networks that cannot be reached: after a few fruitless tries in a row their deliveries wait, two at a time try, and
when one gets through all of them go, the oldest first. People are told once of an outage, never of each post.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from kicau.base import clock
from kicau.base.ids import new_id
from kicau.connector import registry
from kicau.events.catalogue import NetworkUnreachable
from kicau.events.dispatch import emit
from kicau.publishing.delivery import outcomes
from kicau.publishing.delivery.outcomes import GIVE_UP_AFTER, StepOutcome
from kicau.publishing.models import DeliveryState

MIN_FAILED_TRIES = 5  # fruitless tries, with nothing that got through between them
MAX_PROBE_INTERVAL_SECONDS = 10.0  # seconds between tries of a network that is out
PROBE_LEASE = timedelta(seconds=25)  # that a try may take before others try
NOTIFY_AFTER = timedelta(seconds=60)  # a shorter outage is no news

type OutagePlace = tuple[UUID, str]  # app and host

BEGIN_OUTAGE_SQL = """
INSERT INTO publishing_outage AS o (id, app_id, host, rounds, began_at, until)
VALUES (%(id)s, %(app)s, %(host)s, 1, %(now)s, %(now)s + interval '1 second')
ON CONFLICT (app_id, host) WHERE ended_at IS NULL DO UPDATE SET rounds = o.rounds + 1,
    until = %(now)s + make_interval(secs => least(%(longest)s, power(2, least(o.rounds, 10))) * (0.75 + random() / 4))
RETURNING id, began_at, told_at
"""
END_OUTAGE_SQL = """
UPDATE publishing_outage SET ended_at = %s WHERE app_id = %s AND host = %s AND ended_at IS NULL
RETURNING began_at, told_at
"""
CLAIM_PROBES_SQL = """
UPDATE publishing_outage SET until = %s WHERE id = ANY(%s::uuid[])
RETURNING app_id, host
"""
# Whoever waits for another try of the network waits no longer.
RELEASE_DELIVERIES_SQL = """
UPDATE publishing_delivery d SET next_at = %(now)s FROM channels_channel c
WHERE c.id = d.channel_id AND c.app_id = %(app)s AND c.host = %(host)s AND d.state IN ('scheduled', 'publishing') AND d.tries > 0
  AND d.lease_until IS NULL AND d.next_at > %(now)s AND d.next_at <= %(until)s
"""
AFFECTED_WORKSPACES_SQL = """
SELECT DISTINCT d.workspace_id FROM publishing_delivery d JOIN channels_channel c ON c.id = d.channel_id
WHERE c.app_id = %(app)s AND c.host = %(host)s AND d.state IN ('scheduled', 'publishing') AND d.due_at <= %(now)s AND d.next_at <= %(until)s
"""


class OutageTracker:
    """What one worker knows of them. Nothing is asked of the database while everything can be reached."""

    def __init__(self) -> None:
        self._fruitless: dict[OutagePlace, int] = defaultdict(int)  # in a row
        self._open: set[OutagePlace] = set()

    def probe(self, ids: Collection[UUID]) -> None:
        """These are tried now; nobody else tries meanwhile. In the claim's transaction."""
        if not ids:
            return
        with connection.cursor() as cursor:
            cursor.execute(CLAIM_PROBES_SQL, [clock.now() + PROBE_LEASE, list(ids)])
            self._open |= set(cursor.fetchall())

    def note(self, reported: Iterable[StepOutcome]) -> None:
        """See what could be reached and what not, before the outcomes are written, in their transaction."""
        failed: dict[OutagePlace, list[StepOutcome]] = defaultdict(list)
        reached: set[OutagePlace] = set()
        for outcome in reported:
            if outcome.app_id is None:
                continue
            place = (outcome.app_id, outcome.host)
            if outcome.outcome == "unavailable":
                failed[place].append(outcome)
            elif any(0 < call.status < 500 for call in outcome.calls):
                reached.add(place)
        for place in reached & (self._open | self._fruitless.keys()):
            self._reached(place)
        for place in failed.keys() - reached:
            self._failed(place, failed[place])

    def _reached(self, place: OutagePlace) -> None:
        self._fruitless.pop(place, None)
        if place not in self._open:
            return
        with connection.cursor() as cursor:
            cursor.execute(END_OUTAGE_SQL, [clock.now(), *place])
            cursor.execute(RELEASE_DELIVERIES_SQL, _waiting_filter(place))
        self._open.discard(place)

    def _failed(self, place: OutagePlace, fruitless: Sequence[StepOutcome]) -> None:
        self._fruitless[place] += len(fruitless)
        if place not in self._open and self._fruitless[place] < MIN_FAILED_TRIES:
            return
        with connection.cursor() as cursor:
            begun: dict[str, Any] = {
                "id": new_id(),
                "app": place[0],
                "host": place[1],
                "longest": MAX_PROBE_INTERVAL_SECONDS,
                "now": clock.now(),
            }
            cursor.execute(BEGIN_OUTAGE_SQL, begun)
            id_, began_at, told_at = cursor.fetchone()
        self._open.add(place)
        unsent = [outcome for outcome in fruitless if outcome.did != "find"]  # what is in doubt keeps its own next look
        for outcome in unsent:
            outcome.next_at = clock.now()  # it waits for the network, in its place among the others
        if told_at is None and clock.now() - began_at > NOTIFY_AFTER:
            self._tell(id_, place)
        if clock.now() - began_at > GIVE_UP_AFTER:
            for outcome in unsent:
                _give_up_delivery(outcome)

    def _tell(self, id_: UUID, place: OutagePlace) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE publishing_outage SET told_at = %s WHERE id = %s AND told_at IS NULL RETURNING id",
                [clock.now(), id_],
            )
            if cursor.fetchone() is None:
                return  # another worker was quicker
            cursor.execute(AFFECTED_WORKSPACES_SQL, _waiting_filter(place))
            workspaces: list[UUID] = [row[0] for row in cursor.fetchall()]
        emit(*(NetworkUnreachable(workspace_id=workspace, object_id=id_) for workspace in workspaces))


def _waiting_filter(place: OutagePlace) -> dict[str, Any]:
    """What finds the deliveries that wait for another try of it."""
    now = clock.now()
    return {
        "app": place[0],
        "host": place[1],
        "now": now,
        "until": now + timedelta(seconds=outcomes.MAX_RETRY_DELAY_SECONDS),
    }


def _give_up_delivery(outcome: StepOutcome) -> None:
    if outcome.item.due_at > clock.now() - GIVE_UP_AFTER:
        return
    outcome.state, outcome.outcome = DeliveryState.FAILED, "given-up"
    outcome.reason = outcome.sentence = outcomes.unreachable_for_a_day(registry.get_connector(outcome.item.group).label)
