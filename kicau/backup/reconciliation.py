"""After a restore: what may have gone out since the backup was made is looked up before any of it is sent.

Every delivery that is not over is in doubt, also one that was to go out later: it may have been moved and sent since.
The mark lies in its progress; `kicau/publishing/delivery/delivery_worker.py` takes `find` for such a delivery until it finds no more.
"""

from __future__ import annotations

from datetime import datetime

from kicau.backup.database import open_connection

MARK_UNCERTAIN_SQL = """
UPDATE publishing_delivery SET lease_until = NULL, worker = '', progress = progress || jsonb_build_object('restored', jsonb_build_object(
    'since', coalesce(progress #>> '{restored,since}', %(since)s::text), 'until', %(until)s::text))
WHERE state NOT IN ('published', 'canceled', 'deleted')
"""
PAUSE_CHANNELS_SQL = "UPDATE channels_channel SET is_paused = true, version = version + 1 WHERE NOT is_paused"
# Mail and alerts that waited then are of the past now; webhooks promise "at least once", so theirs are kept.
DROP_STALE_SQL = (
    "UPDATE notifications_notification SET mail_at = NULL WHERE mail_at IS NOT NULL",
    "UPDATE notifications_email SET given_up_at = %(until)s WHERE sent_at IS NULL AND given_up_at IS NULL",
    "UPDATE notifications_alert SET given_up_at = %(until)s WHERE sent_at IS NULL AND given_up_at IS NULL",
)


def mark_uncertain_deliveries(url: str, since: datetime, until: datetime, *, paused: bool = False) -> int:
    """Mark what may have gone out between the backup (`since`) and now (`until`); returns how many that are."""
    with open_connection(url) as connection:
        when = {"since": since.isoformat(), "until": until.isoformat()}
        marked = connection.execute(MARK_UNCERTAIN_SQL, when).rowcount
        for statement in DROP_STALE_SQL:
            connection.execute(statement, when)
        if paused:
            connection.execute(PAUSE_CHANNELS_SQL)
        return marked
