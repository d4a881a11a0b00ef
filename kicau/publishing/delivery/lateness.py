"""How late deliveries are, for the engine's judgement."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from kicau.base import clock
from kicau.channels.usable_channels import usable_sql
from kicau.engine import health
from kicau.notifications.trouble_watch import DetectedIncident

# What waits on a channel that may not be used now, or for a network that is out, is not late: it is told of where it
# waits. A lease is compared by the database's clock, which wrote it.
OLDEST_DUE_SQL = f"""
SELECT min(d.next_at), count(*) FILTER (WHERE d.next_at < %(late)s) FROM publishing_delivery d
JOIN channels_channel c ON c.id = d.channel_id JOIN channels_networkapp a ON a.id = c.app_id
WHERE d.state IN ('scheduled', 'publishing') AND d.next_at <= %(now)s
  AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp()) AND {usable_sql()}
  AND NOT EXISTS (SELECT FROM publishing_outage o WHERE o.app_id = c.app_id AND o.host = c.host AND o.ended_at IS NULL)
"""  # noqa: S608 (constants only)


def detect_incidents() -> Iterator[DetectedIncident]:
    """What keeps posts from going out, for `kicau.notifications.trouble_watch`."""
    found = delivery_health()
    if found.late:
        yield DetectedIncident(
            key="late", kind="late", details={"count": found.late, "seconds": round(found.latest.total_seconds())}
        )
    last = health.last_heartbeat()
    if found.workers == 0:
        yield DetectedIncident(key="workers", kind="workers", details={"since": last.isoformat() if last else "?"})
    for worker, at in health.vanished_workers():
        yield DetectedIncident(
            key=f"worker:{worker}", kind="worker", details={"worker": worker, "since": at.isoformat()}
        )


def delivery_health() -> health.EngineHealth:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_DUE_SQL, {"late": now - health.LATENESS_LIMIT, "now": now})
        oldest, late = cursor.fetchone()
    return health.assess_health(oldest, late, health.workers_alive())
