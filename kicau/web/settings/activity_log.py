"""Who did what: the audit trail of the workspace, filtered, and taken along as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from kicau.base import clock
from kicau.base.errors import NotAllowed, validation_failed
from kicau.base.ids import NO_ID, as_uuid
from kicau.base.spreadsheets import escape_formula
from kicau.channels.models import Channel
from kicau.publishing.approval.reviews import short_text
from kicau.publishing.models import Delivery, Part
from kicau.rights.models import ActivityEntry, Statement
from kicau.web.core.labels import ROLE_LABELS, SUBJECT_LABELS, VIA_LABELS
from kicau.web.core.network_logos import network_label
from kicau.web.core.views import MemberRequest, member_page, person_of
from kicau.web.rights.labels import LAYER_LABELS
from kicau.web.rights.labels import SUBJECT_LABELS as ABOUT
from kicau.workspaces import actions, names
from kicau.workspaces.actors import Permission
from kicau.workspaces.models import Person

ENTRIES_PER_PAGE = 80
MAX_EXPORTED_ENTRIES = 100_000  # entries of one file, the newest; earlier ones by their days
CSV_COLUMNS = ("at", "actor", "via", "act", "subject", "detail")


@member_page
@require_safe
def activity_log(request: MemberRequest) -> HttpResponse:
    rows = _filter_entries(request)
    if (before := request.GET.get("before", "")).isdigit():
        rows = rows.filter(id__lt=int(before[:18]))
    found = list(rows[: ENTRIES_PER_PAGE + 1])
    more, found = len(found) > ENTRIES_PER_PAGE, found[:ENTRIES_PER_PAGE]
    wanted = {name: request.GET.get(name, "") for name in ("act", "of", "who", "via", "since", "until")}
    shown = {
        "entries": found,
        "about": _entry_subjects(request, found),
        "following": found[-1].id if more else "",
        "groups": SUBJECT_LABELS,
        "wanted": wanted,
        "ways": VIA_LABELS,
        "filtered": any(wanted.values()),
        "people": [m.person for m in actions.members(request.actor)],
    }
    return render(request, "settings/activity_log.html", shown)


@member_page
@require_safe
def instance_activity(request: MemberRequest) -> HttpResponse:
    """What belongs to no workspace (sign-ins, passwords, accounts) or no longer to one, for who hosts this Kicau."""
    if not person_of(request).is_operator:
        raise NotAllowed(
            "Some activity belongs to no workspace, for example sign-ins. Only a server administrator can see it."
        )
    rows = names.with_person_names(
        ActivityEntry.objects.filter(Q(workspace_id=None) | Q(act="workspace.deleted")).order_by("-id")
    )
    act = request.GET.get("act", "")
    if act in INSTANCE_GROUPS:
        rows = rows.filter(act__startswith=act)
    if (before := request.GET.get("before", "")).isdigit():
        rows = rows.filter(id__lt=int(before[:18]))
    found = list(rows[: ENTRIES_PER_PAGE + 1])
    more, found = len(found) > ENTRIES_PER_PAGE, found[:ENTRIES_PER_PAGE]
    subjects = {as_uuid(one.subject) for one in found if one.subject}
    people = {str(one.id): str(one) for one in Person.objects.filter(id__in=subjects)}
    shown = {
        "entries": [(one, names.display_name(one), _subject_name(one, people)) for one in found],
        "following": found[-1].id if more else "",
        "groups": INSTANCE_GROUPS,
        "wanted": act,
    }
    return render(request, "settings/instance_activity.html", shown)


def _subject_name(entry: ActivityEntry, people: Mapping[str, str]) -> str:
    """The name of the account or workspace that an entry is about; "" where its actor is the same account."""
    if entry.act == "workspace.deleted":
        return str(entry.detail.get("name", ""))
    if not entry.subject or entry.subject == str(entry.actor_id):
        return ""
    return people.get(entry.subject, names.DELETED_PERSON)


INSTANCE_GROUPS = {
    "sign-in.refused": _("Failed sign-ins"),
    "sign-in.ok": _("Successful sign-ins"),
    "person.": _("Changes to accounts"),
    "workspace.deleted": _("Deletions of workspaces"),
}


@dataclass(frozen=True, slots=True)
class EntrySubject:
    """What an entry is about, and where it stands; `address` may be empty."""

    name: str
    address: str = ""


def _entry_subjects(request: MemberRequest, entries: list[ActivityEntry]) -> dict[int, EntrySubject]:
    """By the entry's id; a query for each kind of thing, the removed ones too."""

    def rows_of[Row: Model](model: type[Row], *kinds: str) -> QuerySet[Row]:
        ids = {as_uuid(one.subject) for one in entries if one.act.partition(".")[0] in kinds}
        return (
            model._default_manager.filter(workspace_id=request.actor.workspace.id, id__in=ids)
            if ids
            else model._default_manager.none()
        )

    channels = {
        str(row.id): EntrySubject(_channel_label(row), reverse("channel", args=[row.key]))
        for row in rows_of(Channel, "channel", "slots")
    }
    deliveries = {str(row.id): row for row in rows_of(Delivery, "delivery").select_related("channel")}
    drafts = {as_uuid(one.subject) for one in entries if one.act.startswith(("draft.", "comment.", "review."))}
    drafts |= {row.draft_id for row in deliveries.values()}
    parts = Part.objects.filter(draft__workspace=request.actor.workspace, draft_id__in=drafts, variant=None, position=0)
    texts = dict(parts.values_list("draft_id", "text")) if drafts else {}
    statements = {str(row.id): row for row in rows_of(Statement, "rights").defer("raw")}
    found: dict[int, EntrySubject] = {}
    for one in entries:
        if one.subject in channels:
            found[one.id] = channels[one.subject]
        elif row := deliveries.get(one.subject):
            found[one.id] = EntrySubject(
                f"{_draft_excerpt(texts, row.draft_id)} · {_channel_label(row.channel)}",
                f"{reverse('post', args=[row.draft_id])}#d-{row.id}",
            )
        elif (draft_id := as_uuid(one.subject)) in texts:
            whom = f" · {one.detail['name']}" if one.act.startswith("review.link") and one.detail.get("name") else ""
            found[one.id] = EntrySubject(_draft_excerpt(texts, draft_id) + whom, reverse("post", args=[draft_id]))
        elif statement := statements.get(one.subject):
            found[one.id] = _statement_label(statement)
        elif told := _subject_from_detail(one):
            found[one.id] = told
    return found


def _draft_excerpt(texts: Mapping[UUID, str], draft_id: UUID) -> str:
    return f"“{short_text([texts.get(draft_id, '')])}”"


def _channel_label(row: Channel) -> str:
    return f"{row.name} · {network_label(row.network)}"


def _statement_label(row: Statement) -> EntrySubject:
    """Whose word it is, and what it reaches."""
    reach = row.key or (network_label(row.network) if row.network else "")
    told = [
        str(LAYER_LABELS.get(row.layer, row.layer)),
        row.party_name,
        str(ABOUT.get(row.subject, row.subject)),
        reach,
    ]
    address = reverse("archive-item", args=[row.item]) if row.item else reverse("rights")
    return EntrySubject(" · ".join(part for part in told if part), address)


SUBJECT_URL_NAMES = {
    "medium": "medium",
    "audit": "dataset-audit",
    "canary": "canary",
    "offboarding": "offboarding",
    "dataset": "training-set",
}  # by kind, the page of its subject
VERSION_ACTIONS = (
    "dataset.ordered",
    "dataset.given",
    "dataset.asked",
    "dataset.acknowledged",
)  # their subjects have no page of their own


def _subject_from_detail(entry: ActivityEntry) -> EntrySubject | None:
    """By what was noted with it."""
    detail, kind = entry.detail, entry.act.partition(".")[0]
    told = [
        str(detail.get("name") or detail.get("channel") or ""),
        str(detail.get("to", "")) if kind == "dataset" else "",
    ]
    if kind == "offboarding" and detail.get("network"):
        told.append(network_label(str(detail["network"])))
    if detail.get("role") in ROLE_LABELS:
        told.append(str(ROLE_LABELS[detail["role"]][0]))
    if detail.get("url"):
        told.append(str(detail["url"]))
    if not any(told) and detail.get("count"):
        told.append(f"× {detail['count']}")
    address = ""
    if kind == "channel":  # noted by its key
        told, address = [entry.subject], reverse("channel", args=[entry.subject])
    if kind in SUBJECT_URL_NAMES and entry.act not in VERSION_ACTIONS and as_uuid(entry.subject) != NO_ID:
        address = reverse(SUBJECT_URL_NAMES[kind], args=[as_uuid(entry.subject)])
    words = " · ".join(part for part in told if part)
    return EntrySubject(words, address) if words else None


def _filter_entries(request: MemberRequest) -> QuerySet[ActivityEntry]:
    """By what it is about, by whom, how and when; days are the reader's own."""
    request.actor.require(Permission.READ)
    rows = names.with_person_names(
        ActivityEntry.objects.filter(workspace_id=request.actor.workspace.id).order_by("-id")
    )
    given = request.GET
    if given.get("of"):
        rows = rows.filter(subject=given["of"][:60])
    if group := given.get("act"):
        rows = rows.filter(act__startswith=f"{group[:40]}.")
    if given.get("who"):
        rows = rows.filter(actor_id=as_uuid(given["who"]))
    if given.get("via"):
        rows = rows.filter(via=given["via"][:20])
    if since := _parse_day(given.get("since", "")):
        rows = rows.filter(at__gte=since)
    if until := _parse_day(given.get("until", "")):
        rows = rows.filter(at__lt=until + timedelta(days=1))
    return rows


def _parse_day(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text[:10]).replace(tzinfo=timezone.get_current_timezone()) if text else None
    except ValueError:
        return None


@member_page
@require_safe
def export(request: MemberRequest, form: str) -> HttpResponse:
    """The same entries, all of them, as CSV or JSON lines; for those who manage members."""
    request.actor.require(Permission.MEMBERS)
    if form not in ("csv", "jsonl"):
        raise validation_failed(
            "form",
            "Choose a file format for exporting the activity log: csv (for spreadsheets) or jsonl (for programs).",
        )
    rows = _filter_entries(request).values(*CSV_COLUMNS, "who")[:MAX_EXPORTED_ENTRIES].iterator(chunk_size=500)
    body = _csv_lines(rows) if form == "csv" else _json_lines(rows)
    name = f"activity-{clock.now():%Y-%m-%d}.{form}"
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/jsonl; charset=utf-8"
    return HttpResponse(
        "".join(body), content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


class _EchoWriter:
    def write(self, text: str) -> str:
        return text


def _csv_lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_EchoWriter())
    yield "\ufeff" + writer.writerow(CSV_COLUMNS)
    for row in rows:
        yield writer.writerow([_csv_cell(value) for value in _entry_as_dict(row).values()])


def _csv_cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return escape_formula(text)


def _json_lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(_entry_as_dict(row), ensure_ascii=False) + "\n"


def _entry_as_dict(row: dict[str, Any]) -> dict[str, Any]:
    return {**{column: row[column] for column in CSV_COLUMNS}, "at": row["at"].isoformat(), "actor": row["who"]}
