"""Times as programs give them: ISO 8601, with an offset or with the zone that they are meant in (or words: `parse_time`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from kicau.api.core.problems import field_error
from kicau.base import clock
from kicau.base.errors import ValidationFailed
from kicau.publishing.scheduling import time_parser
from kicau.workspaces.actors import Actor

MIN_TIME = datetime(1900, 1, 1, tzinfo=UTC)  # seen from here, nothing that anybody asks for is past


def parse_time(
    text: str, timezone: str, *, field: str = "at", zone_field: str = "timezone", now: datetime | None = None
) -> datetime:
    """A moment in UTC. Raises ValidationFailed or Refused, with a sentence, for what is not one certain moment to come."""
    if not timezone and not _has_offset(text):
        _parse(text, "UTC", MIN_TIME, field, zone_field)
        message = f"{text!r} has no time zone. Send `timezone` (for example Asia/Jakarta), or add an offset (for example +07:00)."
        raise field_error(zone_field, "needs-zone", message)
    return _parse(text, timezone or "UTC", now or clock.now(), field, zone_field)


def parse_range_end(text: str, actor: Actor, field: str) -> datetime | None:
    """An end of a range, in a list's filter: a day or a time, without an offset in the workspace's zone."""
    if not text:
        return None
    text = text.replace(" ", "+") if "T" in text else text  # a + that was not escaped in the address
    whole = f"{text}T00:00" if len(text) == 10 else text
    return parse_time(whole, actor.workspace.timezone, field=field, now=MIN_TIME)


def _has_offset(text: str) -> bool:
    try:
        return text == "now" or datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _parse(text: str, zone: str, now: datetime, field: str, zone_field: str) -> datetime:
    names = {"at": field, "timezone": zone_field}
    try:
        return time_parser.parse_time(text, zone, now)
    except ValidationFailed as exc:
        raise ValidationFailed([replace(p, field=names.get(p.field, p.field)) for p in exc.problems]) from None
