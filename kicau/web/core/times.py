"""Times as people give them on a page: a day, a time of day and a zone."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from kicau.base import clock
from kicau.base.errors import validation_failed

#: Offered in lists; any other IANA name is kept where it is somebody's already.
COMMON_ZONES = (
    "Asia/Jakarta",
    "Asia/Makassar",
    "Asia/Jayapura",
    "UTC",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Paris",
    "Europe/Berlin",
    "Europe/Madrid",
    "Europe/Rome",
    "Europe/Amsterdam",
    "Europe/Stockholm",
    "Europe/Warsaw",
    "Europe/Athens",
    "Europe/Kyiv",
    "Europe/Istanbul",
    "Africa/Cairo",
    "Africa/Lagos",
    "Africa/Nairobi",
    "Africa/Johannesburg",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Ho_Chi_Minh",
    "Asia/Singapore",
    "Asia/Kuala_Lumpur",
    "Asia/Manila",
    "Asia/Hong_Kong",
    "Asia/Shanghai",
    "Asia/Taipei",
    "Asia/Seoul",
    "Asia/Tokyo",
    "Australia/Perth",
    "Australia/Sydney",
    "Pacific/Auckland",
    "America/St_Johns",
    "America/Halifax",
    "America/New_York",
    "America/Toronto",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Mexico_City",
    "America/Bogota",
    "America/Lima",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires",
)


def zone_choices(*first: str) -> list[str]:
    """For a list to choose from: those that are in use here, then the others."""
    return list(dict.fromkeys([*(z for z in first if z), *COMMON_ZONES]))


@cache
def all_zone_options() -> SafeString:
    """All zones, as the options of a list that is searched by typing; those that people use most come first."""
    names = [
        *COMMON_ZONES,
        *sorted(
            z for z in available_timezones() - {*COMMON_ZONES} if "/" in z and not z.startswith(("Etc/", "SystemV/"))
        ),
    ]
    return format_html_join("", '<option value="{}"></option>', ((name,) for name in names))


def parse_moment(day: str, time: str, zone: str) -> datetime:
    """The moment in UTC. Raises ValidationFailed for what is no time, or a time that clocks skip."""
    try:
        place = clock.find_zone(zone)
    except LookupError as exc:
        raise validation_failed("timezone", "{why}", why=str(exc)) from None
    try:
        wall = datetime.fromisoformat(f"{day}T{time}")
    except ValueError:
        raise validation_failed("at", "Enter a date and a time. For example: 2027-01-31 and 09:00.") from None
    if wall.tzinfo is not None:
        raise validation_failed("at", "Enter a date and a time. For example: 2027-01-31 and 09:00.")
    try:
        at = wall.replace(tzinfo=place).astimezone(clock.UTC)
    except OverflowError:
        raise validation_failed("at", "This date is too far from today. Choose a date closer to today.") from None
    if at.astimezone(place).replace(tzinfo=None) != wall:
        raise validation_failed(
            "at",
            "{time} on {day} does not exist in the time zone {zone}, because clocks are set forward at that time. Choose an earlier or later time.",
            time=f"{wall:%H:%M}",
            day=f"{wall:%Y-%m-%d}",
            zone=zone,
        )
    return at
