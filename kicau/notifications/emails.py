"""E-mail: what is due for somebody becomes one letter, in their language and time zone, and is sent until it is taken.

A letter may come twice where the mail server took it and its answer was lost; it is never lost but after two days.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core import mail, signing
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kicau.base import clock
from kicau.notifications import wording
from kicau.notifications.events import EVENTS, find_event
from kicau.notifications.models import Email, Notification
from kicau.workspaces.models import Person

log = structlog.get_logger("kicau.notifications")

RETRY_DELAYS_SECONDS = (
    30,
    60,
    300,
    900,
    3600,
    7200,
    21600,
    43200,
    86400,
)  # seconds before each retry; then it is given up
SEND_LEASE = timedelta(minutes=2)  # for which no other worker takes what one is sending
MAX_SEND_ROUND_SECONDS = 10.0  # seconds of sending in a go: a worker that is told to stop waits for its end
UNSUBSCRIBE_SALT = "kicau.notifications.stop"


def queue_email(address: str, event: str, *, language: str = "en", page: str = "", **details: object) -> Email:
    """A letter about an event to somebody who may not be here yet (an invitation). In the act's own transaction.

    Raises UnknownNotificationEvent.
    """
    find_event(event)
    notice = Notification(
        event=event, page=page, details={k: v if isinstance(v, int) else str(v) for k, v in details.items()}
    )
    with translation.override(language):
        subject, text, html = _compose_email([notice], stop="")
        return Email.objects.create(address=address, subject=subject, text=text, html=html)


def queue_notification_emails(limit: int = 500) -> int:
    """Make letters of the notices that are due by e-mail, one a person; returns how many."""
    now = clock.now()
    with transaction.atomic():
        due = list(
            Notification.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(mail_at__lte=now, person__is_active=True)
            .select_related("person", "workspace")
            .order_by("mail_at")[:limit]
        )
        by_person: dict[UUID, list[Notification]] = defaultdict(list)
        for notice in due:
            by_person[notice.person_id].append(notice)
        for notices in by_person.values():
            _queue_email_to(notices[0].person, sorted(notices, key=lambda n: n.at))
        for notice in due:
            notice.mail_at, notice.mailed_at = None, now
            notice.read_at = notice.read_at or (None if notice.in_page else now)
        Notification.objects.bulk_update(due, ["mail_at", "mailed_at", "read_at"], batch_size=200)
    return len(by_person)


def _queue_email_to(person: Person, notices: Sequence[Notification]) -> None:
    stop = signing.dumps(
        {"p": str(person.id), "e": sorted({n.event for n in notices})}, salt=UNSUBSCRIBE_SALT, compress=True
    )
    with translation.override(person.language), timezone.override(clock.find_zone(person.timezone)):
        subject, text, html = _compose_email(notices, stop=stop)
    address = settings.KICAU_PUBLIC_URL + reverse("unsubscribe", args=[stop])
    headers = {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    Email.objects.create(address=person.email, subject=subject, text=text, html=html, headers=headers)


def _compose_email(notices: Sequence[Notification], *, stop: str) -> tuple[str, str, str]:
    base = settings.KICAU_PUBLIC_URL
    lines: list[dict[str, Any]] = [
        {
            "sentence": wording.notification_text(n),
            "tone": EVENTS[n.event].tone if n.event in EVENTS else "still",
            "workspace": n.workspace,
            "url": base + (reverse("notification-open", args=[n.id]) if n.person_id else n.page),
            "at": n.at,
        }
        for n in notices
    ]
    count = len(lines)
    subject = (
        str(lines[0]["sentence"])
        if count == 1
        else ngettext("{count} notification from Kicau", "{count} notifications from Kicau", count).format(count=count)
    )
    shown = {
        "lines": lines,
        "subject": subject,
        "public_url": base,
        "stop_url": base + reverse("unsubscribe", args=[stop]) if stop else "",
        "choices_url": base + reverse("notification-settings"),
        "language": translation.get_language(),
    }
    said = ["\n".join(filter(None, (line["sentence"], _workspace_line(line), line["url"]))) for line in lines]
    foot = [base, _("Notification settings: {address}").format(address=shown["choices_url"])]
    if stop:
        foot.append(
            _("To stop receiving e-mails of this type, open this address: {address}").format(address=shown["stop_url"])
        )
    text = "\n\n".join(said) + "\n\n--\n" + "\n".join(foot) + "\n"
    return " ".join(subject.split())[:200], text, render_to_string("notifications/mail.html", shown)


def _workspace_line(line: Mapping[str, Any]) -> str:
    return (
        f"{line['workspace']}, {formats.date_format(timezone.localtime(line['at']), 'DATETIME_FORMAT')}"
        if line["workspace"]
        else ""
    )


def read_unsubscribe_link(ticket: str) -> tuple[UUID, list[str]]:
    """Whom and what a link at a letter's end is about. Raises signing.BadSignature."""
    said = signing.loads(ticket, salt=UNSUBSCRIBE_SALT)
    return UUID(said["p"]), [event for event in said["e"] if event in EVENTS]


def has_due_emails() -> bool:
    """Whether `send_due_emails` has something to do."""
    return _due_emails().exists()


def _due_emails() -> QuerySet[Email]:
    return Email.objects.filter(next_at__lte=clock.now(), sent_at=None, given_up_at=None)


def send_due_emails(limit: int = 50) -> int:
    """Send letters that are due over one connection; a failure waits longer each time. Returns how many were taken. It
    waits for the mail server, 20 s for each answer."""
    with transaction.atomic():
        due = list(_due_emails().select_for_update(skip_locked=True).order_by("next_at")[:limit])
        Email.objects.filter(id__in=[letter.id for letter in due]).update(next_at=clock.now() + SEND_LEASE)
    if not due:
        return 0
    sent, until = 0, time.monotonic() + MAX_SEND_ROUND_SECONDS
    connection = mail.mailers.default
    try:
        connection.open()
        for n, letter in enumerate(due):
            if time.monotonic() > until:
                Email.objects.filter(id__in=[one.id for one in due[n:]]).update(next_at=clock.now())
                break
            sent += _send_email(letter, connection)
    except OSError as exc:  # no server answers, or it takes nobody: all of them wait
        for letter in due:
            if letter.sent_at is None:
                _record_failure(letter, exc)
    finally:
        connection.close()
    return sent


def send_email_now(address: str, subject: str, text: str) -> None:
    """Hand one letter to the mail server, and wait for its answer; to try the settings. Raises OSError."""
    mail.mailers.default.send_messages([EmailMultiAlternatives(subject, text, settings.DEFAULT_FROM_EMAIL, [address])])


def _send_email(letter: Email, connection: Any) -> bool:
    message = EmailMultiAlternatives(
        letter.subject,
        letter.text,
        settings.DEFAULT_FROM_EMAIL,
        [letter.address],
        headers={**letter.headers, "Auto-Submitted": "auto-generated"},
    )
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    try:
        connection.send_messages([message])
    except OSError as exc:
        _record_failure(letter, exc)
        return False
    letter.sent_at, letter.last_error = clock.now(), ""
    letter.save(update_fields=["sent_at", "last_error"])
    return True


def _record_failure(letter: Email, exc: OSError) -> None:
    letter.attempts += 1
    letter.last_error = f"{type(exc).__name__}: {exc}"[:300]
    if letter.attempts > len(RETRY_DELAYS_SECONDS):
        letter.given_up_at = clock.now()
    else:
        letter.next_at = clock.now() + timedelta(seconds=RETRY_DELAYS_SECONDS[letter.attempts - 1])
    letter.save(update_fields=["attempts", "last_error", "given_up_at", "next_at"])
    log.warning("a letter was not taken", error=letter.last_error, attempts=letter.attempts)


def delete_old_emails() -> int:
    """Drop letters that were sent or given up a week ago; returns how many."""
    old = clock.now() - timedelta(days=7)
    return Email.objects.filter(created_at__lt=old).exclude(sent_at=None, given_up_at=None).delete()[0]


def is_email_configured() -> bool:
    """Whether letters go to a mail server, and not to the log."""
    return bool(settings.KICAU_MAIL_HOST)


__all__ = [
    "delete_old_emails",
    "is_email_configured",
    "queue_email",
    "queue_notification_emails",
    "read_unsubscribe_link",
    "send_due_emails",
    "send_email_now",
]
