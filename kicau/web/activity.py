"""Who did what: the audit trail of the workspace, filtered, and taken along as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from kicau.base import clock
from kicau.base.errors import unacceptable
from kicau.base.ids import as_uuid
from kicau.channels.models import Channel
from kicau.rights.models import AuditEntry
from kicau.web.frame import Asked, page
from kicau.web.words import SUBJECTS, VIA
from kicau.workspaces import acts
from kicau.workspaces.actors import Permission

EACH_PAGE = 80
MOST = 100_000  # entries of one file, the newest; earlier ones by their days
COLUMNS = ("at", "actor", "via", "act", "subject", "detail")
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute such a cell


@page
@require_safe
def index(request: Asked) -> HttpResponse:
    rows = _filtered(request)
    if (before := request.GET.get("before", "")).isdigit():
        rows = rows.filter(id__lt=int(before[:18]))
    found = list(rows[: EACH_PAGE + 1])
    more, found = len(found) > EACH_PAGE, found[:EACH_PAGE]
    wanted = {name: request.GET.get(name, "") for name in ("act", "of", "who", "via", "since", "until")}
    shown = {
        "entries": found, "channels": _channels(request, found), "following": found[-1].id if more else "", "groups": SUBJECTS, "wanted": wanted, "ways": VIA,
        "filtered": any(wanted.values()), "people": [m.person for m in acts.members(request.actor)],
    }  # fmt: skip
    return render(request, "web/activity.html", shown)


def _channels(request: Asked, entries: list[AuditEntry]) -> dict[str, Channel]:
    """Those that the entries are about, the removed ones too."""
    about = {one.subject for one in entries if one.act.startswith("channel.")}
    rows = Channel.objects.filter(workspace=request.actor.workspace, id__in=map(as_uuid, about)) if about else ()
    return {str(row.id): row for row in rows}


def _filtered(request: Asked) -> QuerySet[AuditEntry]:
    """By what it is about, by whom, how and when; days are the reader's own."""
    request.actor.require(Permission.READ)
    rows = AuditEntry.objects.filter(workspace_id=request.actor.workspace.id).order_by("-id")
    given = request.GET
    if given.get("of"):
        rows = rows.filter(subject=given["of"][:60])
    if group := given.get("act"):
        rows = rows.filter(act__startswith=f"{group[:40]}.")
    if given.get("who"):
        rows = rows.filter(actor_id=as_uuid(given["who"]))
    if given.get("via"):
        rows = rows.filter(via=given["via"][:20])
    if since := _day(given.get("since", "")):
        rows = rows.filter(at__gte=since)
    if until := _day(given.get("until", "")):
        rows = rows.filter(at__lt=until + timedelta(days=1))
    return rows


def _day(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text[:10]).replace(tzinfo=timezone.get_current_timezone()) if text else None
    except ValueError:
        return None


@page
@require_safe
def export(request: Asked, form: str) -> HttpResponse:
    """The same entries, all of them, as CSV or JSON lines; for those who manage members."""
    request.actor.require(Permission.MEMBERS)
    if form not in ("csv", "jsonl"):
        raise unacceptable("form", "The activity is exported as csv or jsonl.")
    rows = _filtered(request).values(*COLUMNS)[:MOST].iterator(chunk_size=500)
    body = _csv(rows) if form == "csv" else _lines(rows)
    name = f"activity-{clock.now():%Y-%m-%d}.{form}"
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/jsonl; charset=utf-8"
    return HttpResponse(
        "".join(body), content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


class _Echo:
    def write(self, text: str) -> str:
        return text


def _csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([_cell(value) for value in _told(row).values()])


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(STARTS_FORMULA) else text


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(_told(row), ensure_ascii=False) + "\n"


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "at": row["at"].isoformat()}
