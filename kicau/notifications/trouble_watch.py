"""The instance's troubles: looked for all the while, told to its operators once when they begin and once when over.

Each subject registers what it looks for (in kicau/config), as a function that gives what is wrong at this moment.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, transaction
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from kicau.base import clock
from kicau.connector.transport import ssrf
from kicau.notifications import wording
from kicau.notifications.models import Alert, Email, InstanceProblem
from kicau.workspaces.models import Person

log = structlog.get_logger("kicau.notifications")

INCIDENT_LOCK_ID = 7_215_011  # of the one process that looks at a time
RESOLVE_AFTER = timedelta(seconds=30)  # not seen for so long means over; what flickers is one trouble
ALERT_RETRY_DELAYS_SECONDS = (5, 10, 30, 60, 300, 900, 3600, 21600)  # seconds before each retry of an alert


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedIncident:
    """Something that is wrong now. `key` is the same as long as it is the same trouble; `kind` is one of TROUBLES."""

    key: str
    kind: str
    details: dict[str, Any] = field(default_factory=dict)


type IncidentDetector = Callable[[], Iterable[DetectedIncident]]
INCIDENT_DETECTORS: list[IncidentDetector] = []


def register_detectors(*lookers: IncidentDetector) -> None:
    """Register what is looked for; a looker that is there already is not added again."""
    INCIDENT_DETECTORS.extend(one for one in lookers if one not in INCIDENT_DETECTORS)


@transaction.atomic
def check_incidents() -> int:
    """Look for troubles and tell of changes; returns how many were told. Nothing while another process looks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [INCIDENT_LOCK_ID])
        if not cursor.fetchone()[0]:
            return 0
    now = clock.now()
    seen = {one.key[:160]: one for looker in INCIDENT_DETECTORS for one in looker()}
    there = {row.key: row for row in InstanceProblem.objects.filter(over_at=None)}
    began = [
        InstanceProblem.objects.create(key=key, kind=one.kind, details=one.details, began_at=now, seen_at=now)
        for key, one in seen.items()
        if key not in there
    ]
    InstanceProblem.objects.filter(id__in=[row.id for key, row in there.items() if key in seen]).update(seen_at=now)
    over = [row for key, row in there.items() if key not in seen and now - row.seen_at >= RESOLVE_AFTER]
    for row in over:
        row.over_at = now
        row.save(update_fields=["over_at"])
    for row in [*began, *over]:
        _notify_operators(row)
    return len(began) + len(over)


def open_incidents() -> list[InstanceProblem]:
    """The troubles of this moment, oldest first."""
    return list(InstanceProblem.objects.filter(over_at=None).order_by("began_at"))


def _notify_operators(row: InstanceProblem) -> None:
    log.warning("trouble is over" if row.over_at else "trouble began", key=row.key, kind=row.kind, **row.details)
    for address, language, zone in _alert_recipients():
        with translation.override(language), timezone.override(clock.find_zone(zone)):
            sentence = wording.incident_text(row)
            text = f"{sentence}\n\n{_duration_text(row)}\n\n--\nKicau, {settings.KICAU_PUBLIC_URL}\n"
            Email.objects.create(address=address, subject=f"Kicau: {sentence}"[:200], text=text)
    if settings.KICAU_ALERT_WEBHOOK:
        with translation.override("en"):
            text = wording.incident_text(row)
        told = {
            "event": "trouble.over" if row.over_at else "trouble.began",
            "kind": row.kind,
            "key": row.key,
            "text": text,
            "details": row.details,
            "began_at": row.began_at.isoformat(),
            "over_at": row.over_at.isoformat() if row.over_at else None,
            "instance": settings.KICAU_PUBLIC_URL,
        }
        Alert.objects.create(payload=told)


def _duration_text(row: InstanceProblem) -> str:
    began = formats.date_format(timezone.localtime(row.began_at), "DATETIME_FORMAT")
    if row.over_at is None:
        return _(
            "The reported problem began on {began}. Kicau sends another message when the problem ends. To see details, run this command on the server: kicau doctor"
        ).format(began=began)
    over = formats.date_format(timezone.localtime(row.over_at), "DATETIME_FORMAT")
    return _("The reported problem began on {began} and ended on {over}. You do not need to do anything.").format(
        began=began, over=over
    )


def _alert_recipients() -> list[tuple[str, str, str]]:
    """Address, language and time zone of who is told: those that the setting names, else everybody who hosts."""
    if settings.KICAU_ALERT_EMAIL:
        known = {p.email.lower(): p for p in Person.objects.filter(email__in=settings.KICAU_ALERT_EMAIL)}
        found = [(address, known.get(address.lower())) for address in settings.KICAU_ALERT_EMAIL]
        return [(a, p.language if p else "en", p.timezone if p else "UTC") for a, p in found]
    return list(Person.objects.filter(is_operator=True, is_active=True).values_list("email", "language", "timezone"))


# The operator's webhook


async def send_due_alerts(limit: int = 20) -> int:
    """Send alerts that are due, oldest first; returns how many were taken."""
    due = await sync_to_async(_claim_alerts)(limit)
    if not due:
        return 0
    sent = 0
    async with _client() as client:
        for alert in due:
            error = await _post_alert(client, alert)
            await sync_to_async(_record_result)(alert, error)
            sent += not error
    return sent


async def send_test_alert() -> str:
    """Send one message "ping" to the operator's address now; returns what was wrong, "" where it was taken."""
    made = Alert(
        payload={
            "event": "ping",
            "text": "kicau doctor --deep tries this address.",
            "instance": settings.KICAU_PUBLIC_URL,
        }
    )
    async with _client() as client:
        return await _post_alert(client, made)


def _client() -> aiohttp.ClientSession:
    """The operator named the address, so it may be inside."""
    where = urlsplit(settings.KICAU_ALERT_WEBHOOK)
    inside = ssrf.GuardedConnector(also={where.netloc, where.hostname or ""})
    return aiohttp.ClientSession(connector=inside, timeout=aiohttp.ClientTimeout(total=10), trust_env=False)


async def _post_alert(client: aiohttp.ClientSession, alert: Alert) -> str:
    """What was wrong; "" where it was taken."""
    body, stamp = json.dumps({"id": str(alert.id), **alert.payload}).encode(), int(clock.now().timestamp())
    headers = {"Content-Type": "application/json", "Kicau-Event": alert.payload["event"]}
    if secret := settings.KICAU_ALERT_SECRET:
        mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers["Kicau-Signature"] = f"t={stamp},v1={mac}"
    try:
        async with client.post(
            settings.KICAU_ALERT_WEBHOOK, data=body, headers=headers, allow_redirects=False
        ) as answer:
            return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
    except (TimeoutError, aiohttp.ClientError, OSError) as exc:
        return f"it could not be reached ({type(exc).__name__})"


def _claim_alerts(limit: int) -> list[Alert]:
    if not settings.KICAU_ALERT_WEBHOOK:
        return []
    with transaction.atomic():
        due = Alert.objects.select_for_update(skip_locked=True).filter(
            next_at__lte=clock.now(), sent_at=None, given_up_at=None
        )
        rows = list(due.order_by("created_at")[:limit])
        Alert.objects.filter(id__in=[r.id for r in rows]).update(next_at=clock.now() + timedelta(minutes=1))
    return rows


def _record_result(alert: Alert, error: str) -> None:
    alert.attempts += 1
    alert.last_error = error[:300]
    if not error:
        alert.sent_at = clock.now()
    elif alert.attempts > len(ALERT_RETRY_DELAYS_SECONDS):
        alert.given_up_at = clock.now()
    else:
        alert.next_at = clock.now() + timedelta(seconds=ALERT_RETRY_DELAYS_SECONDS[alert.attempts - 1])
    alert.save(update_fields=["attempts", "last_error", "sent_at", "given_up_at", "next_at"])


def delete_old_incidents() -> int:
    """Drop troubles that are over, and alerts, after a year; returns how many."""
    old = clock.now() - timedelta(days=365)
    return (
        InstanceProblem.objects.filter(over_at__lt=old).delete()[0]
        + Alert.objects.filter(created_at__lt=old).delete()[0]
    )
