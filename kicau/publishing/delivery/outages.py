"""Networks that cannot be reached: after a few fruitless tries in a row their deliveries wait, two at a time try, and
when one gets through all of them go, the oldest first. People are told once of an outage, never of each post.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from kicau.base import clock
from kicau.base.ids import new_id
from kicau.connector import registry
from kicau.notifications import actions as notices
from kicau.publishing.delivery import outcomes
from kicau.publishing.delivery.outcomes import GIVE_UP, Outcome
from kicau.publishing.models import DeliveryState
from kicau.workspaces import webhooks

IN_A_ROW = 5  # fruitless tries, with nothing that got through between them
LONGEST_PAUSE = 10.0  # seconds between tries of a network that is out
TRYING = timedelta(seconds=25)  # that a try may take before others try
TELL_AFTER = timedelta(seconds=60)  # a shorter outage is no news

type Place = tuple[UUID, str]  # app and host

BEGIN = """
INSERT INTO publishing_outage AS o (id, app_id, host, rounds, began_at, until)
VALUES (%(id)s, %(app)s, %(host)s, 1, %(now)s, %(now)s + interval '1 second')
ON CONFLICT (app_id, host) WHERE ended_at IS NULL DO UPDATE SET rounds = o.rounds + 1,
    until = %(now)s + make_interval(secs => least(%(longest)s, power(2, least(o.rounds, 10))) * (0.75 + random() / 4))
RETURNING id, began_at, told_at
"""
END = """
UPDATE publishing_outage SET ended_at = %s WHERE app_id = %s AND host = %s AND ended_at IS NULL
RETURNING began_at, told_at
"""
PROBE = """
UPDATE publishing_outage SET until = %s WHERE id = ANY(%s::uuid[])
RETURNING app_id, host
"""
# Whoever waits for another try of the network waits no longer.
RELEASE = """
UPDATE publishing_delivery d SET next_at = %(now)s FROM channels_channel c
WHERE c.id = d.channel_id AND c.app_id = %(app)s AND c.host = %(host)s AND d.state IN ('scheduled', 'publishing') AND d.tries > 0
  AND d.lease_until IS NULL AND d.next_at > %(now)s AND d.next_at <= %(until)s
"""
CONCERNED = """
SELECT DISTINCT d.workspace_id FROM publishing_delivery d JOIN channels_channel c ON c.id = d.channel_id
WHERE c.app_id = %(app)s AND c.host = %(host)s AND d.state IN ('scheduled', 'publishing') AND d.due_at <= %(now)s AND d.next_at <= %(until)s
"""


class Outages:
    """What one worker knows of them. Nothing is asked of the database while everything can be reached."""

    def __init__(self) -> None:
        self._fruitless: dict[Place, int] = defaultdict(int)  # in a row
        self._open: set[Place] = set()

    def probe(self, ids: Collection[UUID]) -> None:
        """These are tried now; nobody else tries meanwhile. In the claim's transaction."""
        if not ids:
            return
        with connection.cursor() as cursor:
            cursor.execute(PROBE, [clock.now() + TRYING, list(ids)])
            self._open |= set(cursor.fetchall())

    def note(self, reported: Iterable[Outcome]) -> None:
        """See what could be reached and what not, before the outcomes are written, in their transaction."""
        failed: dict[Place, list[Outcome]] = defaultdict(list)
        reached: set[Place] = set()
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

    def _reached(self, place: Place) -> None:
        self._fruitless.pop(place, None)
        if place not in self._open:
            return
        with connection.cursor() as cursor:
            cursor.execute(END, [clock.now(), *place])
            cursor.execute(RELEASE, _waiting(place))
        self._open.discard(place)

    def _failed(self, place: Place, fruitless: Sequence[Outcome]) -> None:
        self._fruitless[place] += len(fruitless)
        if place not in self._open and self._fruitless[place] < IN_A_ROW:
            return
        with connection.cursor() as cursor:
            begun: dict[str, Any] = {
                "id": new_id(),
                "app": place[0],
                "host": place[1],
                "longest": LONGEST_PAUSE,
                "now": clock.now(),
            }
            cursor.execute(BEGIN, begun)
            id_, began_at, told_at = cursor.fetchone()
        self._open.add(place)
        unsent = [outcome for outcome in fruitless if outcome.did != "find"]  # what is in doubt keeps its own next look
        for outcome in unsent:
            outcome.next_at = clock.now()  # it waits for the network, in its place among the others
        network = fruitless[0].item.group
        if told_at is None and clock.now() - began_at > TELL_AFTER:
            self._tell(id_, place, network, began_at)
        if clock.now() - began_at > GIVE_UP:
            for outcome in unsent:
                _give_up(outcome)

    def _tell(self, id_: UUID, place: Place, network: str, since: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE publishing_outage SET told_at = %s WHERE id = %s AND told_at IS NULL RETURNING id",
                [clock.now(), id_],
            )
            if cursor.fetchone() is None:
                return  # another worker was quicker
            cursor.execute(CONCERNED, _waiting(place))
            workspaces: list[UUID] = [row[0] for row in cursor.fetchall()]
        label = registry.get(network).label
        name = f"{label} ({place[1]})" if place[1] else label
        said = {"network": network, "host": place[1], "since": since.isoformat()}
        webhooks.emit("network.unreachable", [(workspace, said) for workspace in workspaces])
        notices.tell_all(
            "network.unreachable",
            [
                notices.News(
                    workspace_id=workspace,
                    gather=f"{place[0]} {place[1]}"[:120],
                    page="/?view=list&state=publishing",
                    details={"network": name},
                )
                for workspace in workspaces
            ],
        )


def _waiting(place: Place) -> dict[str, Any]:
    """What finds the deliveries that wait for another try of it."""
    now = clock.now()
    return {"app": place[0], "host": place[1], "now": now, "until": now + timedelta(seconds=outcomes.LONGEST_WAIT)}


def _give_up(outcome: Outcome) -> None:
    if outcome.item.due_at > clock.now() - GIVE_UP:
        return
    outcome.state, outcome.outcome = DeliveryState.FAILED, "given-up"
    outcome.reason = outcome.sentence = (
        f"{registry.get(outcome.item.group).label} could not be reached for a day; retry when it is back."
    )
