"""How late deliveries are, for the engine's judgement."""

from __future__ import annotations

from django.db import connection

from kicau.base import clock
from kicau.engine import health

# Work of channels that wait (expired, paused, limited) is not late: it is told of where it waits.
OLDEST = """
SELECT min(d.next_at), count(*) FILTER (WHERE d.next_at < %s) FROM publishing_delivery d
JOIN channels_channel c ON c.id = d.channel_id JOIN channels_networkapp a ON a.id = c.app_id
WHERE d.state IN ('scheduled', 'publishing') AND d.next_at <= %s
  AND (d.lease_until IS NULL OR d.lease_until < %s) AND c.state = 'active' AND NOT c.is_paused
  AND (c.leaves_at IS NULL OR c.leaves_at > %s) AND (c.paused_until IS NULL OR c.paused_until < %s) AND (a.paused_until IS NULL OR a.paused_until < %s)
"""


def delivery_health() -> health.Health:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(OLDEST, [now - health.LATE, now, now, now, now, now])
        oldest, late = cursor.fetchone()
    return health.judge(oldest, late, health.workers_alive())
