"""The composer's field for date, time and zone: read as people write them, and kept as its reader saw it understood."""

from __future__ import annotations

from datetime import datetime

from django.http import QueryDict
from django.utils import formats

from kicau.base import clock
from kicau.base.errors import DomainError, validation_failed
from kicau.publishing.scheduling.time_parser import is_day_first, read_time
from kicau.web.composer.form import PostForm
from kicau.web.core.labels import clock_time
from kicau.web.core.times import parse_moment
from kicau.workspaces.models import Workspace


def read_time_field(sheet: PostForm, form: QueryDict, workspace: Workspace) -> None:
    """Give the sheet the day, time and zone that the field names. What its author saw understood stays, even where
    "tomorrow" means another day by now. What cannot be read is kept as `time_problem`."""
    if "at" not in form:  # a program sent the day and the time themselves
        return
    sheet.time_text = form.get("at", "")[:80]
    if sheet.time_text == form.get("at-read") and form.get("timezone") == form.get("zone-read"):
        sheet.timezone = form.get("zone") or sheet.timezone
        return
    read_text(sheet, workspace)


def read_text(sheet: PostForm, workspace: Workspace) -> None:
    """Understand `time_text` anew."""
    sheet.date = sheet.time = ""
    try:
        if not sheet.time_text.strip():
            raise validation_failed("at", "Enter when to publish the post. For example: tomorrow 9:00.", "no-time")
        found = read_time(sheet.time_text, sheet.timezone, clock.now(), day_first=is_day_first(workspace.timezone))
    except DomainError as exc:
        sheet.time_problem = exc
        return
    set_moment(sheet, found.at, found.zone)


def set_moment(sheet: PostForm, at: datetime, zone: str) -> None:
    """As day and time of the zone; in UTC where clocks there show that time twice and this is the second one."""
    local = at.astimezone(clock.find_zone(zone))
    if local.fold:
        zone, local = "UTC", at
    sheet.date, sheet.timezone = f"{local:%Y-%m-%d}", zone
    sheet.time = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def moment_of(sheet: PostForm) -> datetime:
    """The moment in UTC. Raises ValidationFailed for what is no time."""
    if sheet.time_problem is not None:
        raise sheet.time_problem
    return parse_moment(sheet.date, sheet.time, sheet.timezone)


def field_text(sheet: PostForm) -> str:
    """What the field shows: what was typed, else day and time as the reader's language writes them."""
    if sheet.time_text or not sheet.date:
        return sheet.time_text
    try:
        local = datetime.fromisoformat(f"{sheet.date}T{sheet.time or '00:00'}")
    except ValueError:
        return f"{sheet.date} {sheet.time}".strip()
    return f"{formats.date_format(local, 'j M Y')}, {clock_time(local)}"


def understood(at: datetime, zone: str) -> str:
    """A moment with its weekday, on the clock of the zone in which it was written."""
    local = at.astimezone(clock.find_zone(zone))
    return f"{formats.date_format(local, 'l j F Y')}, {clock_time(local)}"
