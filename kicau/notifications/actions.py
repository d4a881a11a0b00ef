"""Telling people: `notify` from any subject, in its own transaction; and what people do with what they were told."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from kicau.base import clock
from kicau.base.errors import NotFound, validation_failed
from kicau.base.ids import as_uuid, new_id
from kicau.notifications.events import EVENTS, EmailFrequency, find_event
from kicau.notifications.models import DigestHour, Notification, NotificationChoice
from kicau.workspaces.actors import ROLE_PERMISSIONS
from kicau.workspaces.models import Membership, Person

EMAIL_BATCH_DELAY = timedelta(seconds=30)  # what happens within this time goes into one e-mail
MIN_EMAIL_INTERVAL = timedelta(
    hours=1
)  # more of what is unread is mailed no sooner than so long after the last e-mail about it
DEFAULT_DIGEST_HOUR = 8  # of a person's own day
MAX_DETAIL_LENGTH = 300  # characters of a detail


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRequest:
    """What happened in one workspace.

    `to`: the people concerned (those who are not members are left out); nobody there: all members whose role may do
    what the event says. `besides`: who did it, and need not be told. `gather`: what is unread with the same one is one
    notice with a count, not many. `page` is a path; `many` the one where several are seen. `details` fill the sentence.
    """

    workspace_id: UUID
    to: tuple[UUID | None, ...] = ()
    besides: UUID | None = None
    gather: str = ""
    page: str = ""
    many: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def notify(
    event: str,
    workspace_id: UUID,
    *,
    to: Iterable[UUID | None] = (),
    besides: UUID | None = None,
    gather: object = "",
    page: str = "",
    many: str = "",
    once: bool = False,
    **details: object,
) -> int:
    """Tell people of one event, each as they chose; returns how many were told. See `NotificationRequest` for what is given.

    `once`: whoever was told with the same `gather` before, read or not, is not told again (a budget's month, say).
    Call it in the act's own transaction. Raises UnknownNotificationEvent.
    """
    news = NotificationRequest(
        workspace_id=workspace_id,
        to=tuple(to),
        besides=besides,
        gather=str(gather),
        page=page,
        many=many,
        details=details,
    )
    return notify_all(event, [news], once=once)


@transaction.atomic
def notify_all(event: str, news: Iterable[NotificationRequest], *, once: bool = False) -> int:
    """The same for many at once, in three statements however many they are."""
    meant, all_news = find_event(event), list(news)
    if not all_news:
        return 0
    members = _members({n.workspace_id for n in all_news})
    rows: dict[tuple[UUID, UUID, str], dict[str, Any]] = {}
    for one in all_news:
        allowed = {p: r for p, r in members[one.workspace_id].items() if p != one.besides}
        if any(p in members[one.workspace_id] for p in one.to):
            people = {p for p in one.to if p in allowed}
        else:
            people = {p for p, role in allowed.items() if meant.who is not None and meant.who in ROLE_PERMISSIONS[role]}
        gather = one.gather or str(new_id())
        for person_id in people:
            row = rows.get((person_id, one.workspace_id, gather))
            if row is None:
                row = rows[person_id, one.workspace_id, gather] = {"count": 0, "page": one.page}
            row["count"] += 1
            row |= {"details": _shorten_details(one.details), "many": one.many or one.page}
    if once and rows:
        gathers = {gather for _, _, gather in rows}
        told = Notification.objects.filter(event=event, gather__in=gathers).values_list(
            "person_id", "workspace_id", "gather"
        )
        for key in told:
            rows.pop(key, None)
    return _write_notifications(event, rows) if rows else 0


def _members(workspaces: Iterable[UUID]) -> dict[UUID, dict[UUID, str]]:
    found: dict[UUID, dict[UUID, str]] = defaultdict(dict)
    rows = Membership.objects.filter(workspace_id__in=list(workspaces), person__is_active=True)
    for workspace_id, person_id, role in rows.values_list("workspace_id", "person_id", "role"):
        found[workspace_id][person_id] = role
    return found


def _shorten_details(details: Mapping[str, Any]) -> dict[str, Any]:
    def cut(value: Any) -> Any:
        text = value if isinstance(value, int | float) else str(value)
        return text[: MAX_DETAIL_LENGTH - 1] + "…" if isinstance(text, str) and len(text) > MAX_DETAIL_LENGTH else text

    return {key: cut(value) for key, value in details.items()}


# What is unread and gathered grows; its e-mail keeps the time that it has, or comes again an hour after the last.
UPSERT_NOTIFICATIONS_SQL = """
INSERT INTO notifications_notification AS n (id, person_id, workspace_id, event, gather, page, details, count, in_page, at, mail_at, read_at)
SELECT v.id, v.person, v.workspace, %(event)s, v.gather, v.page, v.details, v.count, v.in_page, %(now)s, v.mail_at, NULL
FROM jsonb_to_recordset(%(rows)s::jsonb) AS v (id uuid, person uuid, workspace uuid, gather text, page text, many text, details jsonb,
    count int, in_page boolean, mail_at timestamptz) ORDER BY v.person, v.gather
ON CONFLICT (person_id, workspace_id, event, gather) WHERE read_at IS NULL DO UPDATE SET
    count = n.count + excluded.count, details = excluded.details, at = excluded.at, in_page = excluded.in_page,
    page = (SELECT w.many FROM jsonb_to_recordset(%(rows)s::jsonb) AS w (id uuid, many text) WHERE w.id = excluded.id),
    mail_at = CASE WHEN excluded.mail_at IS NULL THEN NULL ELSE coalesce(n.mail_at, greatest(excluded.mail_at, n.mailed_at + make_interval(secs => %(again)s))) END
"""


def _write_notifications(event: str, rows: Mapping[tuple[UUID, UUID, str], dict[str, Any]]) -> int:
    ways = notification_routes(event, {person for person, _, _ in rows})
    now = clock.now()
    written = []
    for (person_id, workspace_id, gather), row in rows.items():
        way = ways[person_id]
        if not way.in_page and way.mail == EmailFrequency.NEVER:
            continue
        due = way.due(now)
        written.append(
            {
                "id": str(new_id()),
                "person": str(person_id),
                "workspace": str(workspace_id),
                "gather": gather[:120],
                "page": row["page"] if row["count"] == 1 else row["many"],
                "many": row["many"],
                "details": row["details"],
                "count": row["count"],
                "in_page": way.in_page,
                "mail_at": due.isoformat() if due else None,
            }
        )
    if written:
        with connection.cursor() as cursor:
            cursor.execute(
                UPSERT_NOTIFICATIONS_SQL,
                {"event": event, "now": now, "rows": json.dumps(written), "again": MIN_EMAIL_INTERVAL.total_seconds()},
            )
    return len(written)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRoute:
    """How one person hears of one event."""

    in_page: bool
    mail: str
    hour: int
    timezone: str

    def due(self, now: datetime) -> datetime | None:
        """When it goes by e-mail, UTC; None: it does not."""
        if self.mail == EmailFrequency.NOW:
            return now + EMAIL_BATCH_DELAY
        return next_digest(now, self.timezone, self.hour) if self.mail == EmailFrequency.DAILY else None


def next_digest(now: datetime, timezone: str, hour: int) -> datetime:
    """The next time, UTC, at which it is `hour` o'clock in that zone."""
    zone = clock.find_zone(timezone)
    here = now.astimezone(zone)
    at = datetime.combine(here.date(), time(hour), zone)
    if at <= here:
        at = datetime.combine(here.date() + timedelta(days=1), time(hour), zone)
    return at.astimezone(clock.UTC)


def notification_routes(event: str, people: Iterable[UUID]) -> dict[UUID, NotificationRoute]:
    """Each person's way to hear of an event, in two statements."""
    meant, wanted = find_event(event), list(people)
    chosen = {c.person_id: c for c in NotificationChoice.objects.filter(event=event, person_id__in=wanted)}
    found = {}
    for id_, zone, hour in Person.objects.filter(id__in=wanted).values_list("id", "timezone", "digest_hour__hour"):
        choice = chosen.get(id_)
        found[id_] = NotificationRoute(
            in_page=choice.in_page if choice else meant.in_page,
            mail=choice.mail if choice else meant.mail,
            hour=DEFAULT_DIGEST_HOUR if hour is None else hour,
            timezone=zone,
        )
    return found


# What people do


def notifications(person: Person) -> QuerySet[Notification]:
    """What they were told in the page, newest first, of every workspace that is still theirs and of the instance."""
    theirs = Q(workspace=None) | Q(workspace__memberships__person=person)
    return Notification.objects.filter(theirs, person=person, in_page=True).order_by("-at", "-id")


def count_unread(person: Person) -> int:
    """How many notices they have not read."""
    return notifications(person).filter(read_at=None).order_by().count()


def unread_count_column(person: str) -> Coalesce:
    """The same as a column of another query, whose field `person` names whom it is about: the frame of every page has
    it for nothing."""
    theirs = Q(workspace=None) | Q(
        workspace__in=Membership.objects.filter(person=OuterRef(OuterRef(person))).values("workspace")
    )
    rows = (
        Notification.objects.filter(theirs, person=OuterRef(person), read_at=None, in_page=True)
        .order_by()
        .values("person")
    )
    return Coalesce(Subquery(rows.annotate(n=Count("id")).values("n")), 0)


def mark_read(person: Person, notice_id: UUID | str) -> Notification:
    """Raises NotFound."""
    found = Notification.objects.filter(person=person, id=as_uuid(notice_id)).first()
    if found is None:
        raise NotFound("notice", notice_id)
    if found.read_at is None:
        found.read_at, found.mail_at = clock.now(), None  # who has read it needs no letter about it
        found.save(update_fields=["read_at", "mail_at"])
    return found


def mark_all_read(person: Person) -> int:
    """Returns how many that were."""
    return Notification.objects.filter(person=person, read_at=None, in_page=True).update(
        read_at=clock.now(), mail_at=None
    )


def preferences(person: Person) -> dict[str, tuple[bool, str]]:
    """By event: whether it is shown in the page, and when it comes by e-mail."""
    chosen = {c.event: (c.in_page, c.mail) for c in NotificationChoice.objects.filter(person=person)}
    return {name: chosen.get(name, (event.in_page, str(event.mail))) for name, event in EVENTS.items()}


def digest_hour(person: Person) -> int:
    """The hour of their own day at which their digest comes."""
    found = DigestHour.objects.filter(person=person).values_list("hour", flat=True).first()
    return DEFAULT_DIGEST_HOUR if found is None else found


@transaction.atomic
def set_preferences(person: Person, wanted: Mapping[str, tuple[bool, str]], hour: int | None = None) -> None:
    """Set how they hear of these events, and the hour of the digest. Raises ValidationFailed."""
    for name, (in_page, mail) in wanted.items():
        if name not in EVENTS:
            raise validation_failed(
                "event", "Kicau has no notification type {event!r}. Use another notification type.", event=name
            )
        if mail not in EmailFrequency.values:
            raise validation_failed(
                name,
                "Choose when Kicau sends e-mails about this type of notification: never, now or daily. You entered {mail!r}.",
                mail=mail,
            )
        NotificationChoice.objects.update_or_create(
            person=person, event=name, defaults={"in_page": in_page, "mail": mail}
        )
    if hour is not None:
        if not 0 <= hour <= 23:
            raise validation_failed(
                "hour", "Enter an hour from 0 to 23 for the daily e-mail digest. You entered {hour}.", hour=hour
            )
        DigestHour.objects.update_or_create(person=person, defaults={"hour": hour})


def delete_old_notifications() -> int:
    """Drop what was read, or was told, long ago; returns how many."""
    old = clock.now() - timedelta(days=90)
    return Notification.objects.filter(Q(read_at__lt=old) | Q(at__lt=old - timedelta(days=90))).delete()[0]
