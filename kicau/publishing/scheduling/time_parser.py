"""A moment as people write it, in English or Indonesian: a small strict grammar that never guesses.

    now · sekarang · in 10 minutes · 10 menit lagi · +1:30 (minutes and seconds from now)
    09:00 · 9am · jam 9 pagi (today) · today 09:00 · hari ini 09.00 · tomorrow 9am · besok pukul 09.00
    day after tomorrow 09:00 · lusa 09.00 · monday 9am · senin 09.00 (the next one) · next friday 9am · jumat depan 9 pagi
    1 Dec 2026 09:00 · Dec 1 09:00 · 1 Desember 2026 pukul 09.00 · 2026-12-01 09:00 · 2026-12-01T09:00:00+07:00

A part of the day may stand before its hour: "besok pagi jam 9", "tomorrow afternoon at 3", "tonight 8".
A zone may end it: "tomorrow 09:00 Europe/London", "besok 09.00 WIB", "… UTC".

Where the reader sees what was understood before it counts, `day_first` says in which order they write dates. Then "5/12
10:00", "5.12.2026 10:00" and an hour alone after any day ("friday 9", "5 Dec 10") are read too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kicau.base import clock
from kicau.base.errors import validation_failed

PAST_TIME_TOLERANCE = timedelta(
    seconds=60
)  # so little in the past still means now: the hands were slower than the clock

NOW_WORDS = {"now", "sekarang"}
DAY_OFFSETS = {
    "today": 0,
    "hari ini": 0,
    "nanti": 0,
    "tomorrow": 1,
    "besok": 1,
    "day after tomorrow": 2,
    "the day after tomorrow": 2,
    "lusa": 2,
}
_WEEKDAY_NAMES = (
    "monday mon senin sen",
    "tuesday tue tues selasa sel",
    "wednesday wed rabu rab",
    "thursday thu thur thurs kamis kam",
    "friday fri jumat jum'at jum",
    "saturday sat sabtu sab",
    "sunday sun minggu ahad min",
)
WEEKDAY_NUMBERS = {name: n for n, names in enumerate(_WEEKDAY_NAMES) for name in names.split()}
_MONTH_NAMES = (
    "january jan januari",
    "february feb februari",
    "march mar maret",
    "april apr",
    "may mei",
    "june jun juni",
    "july jul juli",
    "august aug agustus agu ags agt",
    "september sep sept",
    "october oct oktober okt",
    "november nov nop nopember",
    "december dec desember des",
)
MONTH_NUMBERS = {name: n for n, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_UNIT_NAMES = {
    "seconds": "seconds second secs sec s detik",
    "minutes": "minutes minute mins min m menit",
    "hours": "hours hour hrs hr h jam",
    "days": "days day d hari",
    "weeks": "weeks week w minggu pekan",
}
UNITS_BY_NAME = {name: unit for unit, names in _UNIT_NAMES.items() for name in names.split()}
NUMBER_WORDS = {"a": 1, "an": 1, "one": 1, "satu": 1, "se": 1}
# The three zones of Indonesia are the only abbreviations that mean one zone each where our users live.
ZONE_ABBREVIATIONS = {
    "utc": "UTC",
    "gmt": "UTC",
    "wib": "Asia/Jakarta",
    "wita": "Asia/Makassar",
    "wit": "Asia/Jayapura",
}

MONTH_FIRST_ZONES = frozenset(
    {
        "America/" + city
        for city in [
            "New_York",
            "Detroit",
            "Chicago",
            "Menominee",
            "Denver",
            "Boise",
            "Phoenix",
            "Los_Angeles",
            "Anchorage",
        ]
    }
    | {"America/Juneau", "America/Sitka", "America/Nome", "America/Adak", "Pacific/Honolulu"}
)

OFFSET_PATTERN = re.compile(r"\+(?:(\d{1,4}):)?(\d{1,4}):([0-5]\d(?:\.\d{1,3})?)", re.ASCII)
_UNIT_WORDS = "|".join(sorted(UNITS_BY_NAME, key=len, reverse=True))
RELATIVE_PATTERN = re.compile(
    rf"(in |dalam |)(\d{{1,6}}|a|an|one|satu|se) ?({_UNIT_WORDS})( lagi| from now|)", re.ASCII
)
ISO_PATTERN = re.compile(
    r"\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?: ?(?:z|[+-]\d\d:?\d\d))?)?", re.ASCII
)
TIME_PATTERN = re.compile(
    r"(?:(at|pukul|jam|@) ?)?(\d{1,2})(?:[:.](\d\d))?(?:[:.](\d\d))? ?(am|pm|a\.m\.|p\.m\.|pagi|siang|sore|malam|morning|afternoon|evening)?",
    re.ASCII,
)
PART_OF_DAY_PATTERN = re.compile(
    r"(?:(.+) )?(?:this )?(pagi|siang|sore|malam|morning|afternoon|evening|tonight)(?: ini)?(?: (?:at|jam|pukul))? (\d{1,2}(?:[:.]\d\d)?)",
    re.ASCII,
)
NUMERIC_DATE_PATTERN = re.compile(r"(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d{2}))?", re.ASCII)
TRAILING_ZONE_PATTERN = re.compile(
    r"(.*\S) ([A-Za-z]+(?:/[A-Za-z0-9_+\-]+)+|utc|gmt|wib|wita|wit)", re.ASCII | re.IGNORECASE
)
EXAMPLES_HINT = 'Write for example "tomorrow 09:00", "monday 9am", "in 10 minutes" or "2026-12-01 09:00". Indonesian words such as "besok 09:00" also work'


@dataclass(frozen=True, slots=True)
class TimeInZone:
    """A moment in UTC, and the zone (IANA) in which it was written."""

    at: datetime
    zone: str


def parse_time(text: str, zone: str, now: datetime) -> datetime:
    """The moment in UTC that `text` names for somebody in `zone` (IANA) at `now` (aware).

    Raises ValidationFailed for what is no time, is past, does not exist or comes twice there, and for an unknown zone.
    """
    return read_time(text, zone, now).at


def read_time(text: str, zone: str, now: datetime, *, day_first: bool | None = None) -> TimeInZone:
    """The same with the zone that the text names, else `zone`. `day_first`: see the module's docstring."""
    said = " ".join(text.replace("\u2019", "'").replace("\u00a0", " ").split())
    here = _parse_zone(zone)
    if found := TRAILING_ZONE_PATTERN.fullmatch(said):
        said, here = found[1], _parse_zone(ZONE_ABBREVIATIONS.get(found[2].casefold(), found[2]))
    said = said.casefold().rstrip(",")
    try:
        at = _parse(said, text, here, now, day_first)
    except (OverflowError, ValueError):
        raise _unreadable_error(text) from None
    if at < now.astimezone(UTC) - PAST_TIME_TOLERANCE:
        shown = f"{at.astimezone(here):%A %Y-%m-%d %H:%M}"
        raise validation_failed(
            "at",
            "{text!r} means {when} (time zone: {zone}), which is in the past. Choose a future time, or publish now.",
            "past",
            text=text[:80],
            when=shown,
            zone=here.key,
        )
    return TimeInZone(at, here.key)


def is_day_first(zone: str) -> bool:
    """Whether people in this zone write the day before the month, as everywhere but in the United States."""
    return zone not in MONTH_FIRST_ZONES and not zone.startswith(("US/", "America/Indiana/", "America/Kentucky/"))


def parse_range_end(text: str, zone: str, now: datetime) -> datetime:
    """The end of a range, in UTC: like `parse_time`, but it may be past, and a day alone is its midnight."""
    here = _parse_zone(zone)
    said = " ".join(text.replace("\u2019", "'").split()).casefold()
    try:
        on = _parse_day(said, here, now, time(23, 59)) if said else None
        if on is not None:
            return datetime.combine(on, time(0), here).astimezone(UTC)
        return _parse(said, text, here, now)
    except (OverflowError, ValueError):
        raise _unreadable_error(text) from None


def parse_offset(text: str) -> timedelta | None:
    """What "+M:SS" or "+H:MM:SS" stands for (seconds may have decimals); None for anything else."""
    found = OFFSET_PATTERN.fullmatch(text.strip())
    if found is None:
        return None
    return timedelta(hours=int(found[1] or 0), minutes=int(found[2]), seconds=float(found[3]))


def _parse(said: str, text: str, here: ZoneInfo, now: datetime, day_first: bool | None = None) -> datetime:
    if said in NOW_WORDS:
        return now.astimezone(UTC)
    if (ahead := parse_offset(said)) is not None:
        return now.astimezone(UTC) + ahead
    if found := RELATIVE_PATTERN.fullmatch(said):
        before, number, unit, after = found.groups()
        if before or after:
            return _relative_time(NUMBER_WORDS.get(number) or int(number), UNITS_BY_NAME[unit], text, here, now)
    if ISO_PATTERN.fullmatch(said):
        return _parse_iso(said, text, here)
    if found := PART_OF_DAY_PATTERN.fullmatch(said):
        said = f"{found[1] or ''} {found[3]} {'evening' if found[2] == 'tonight' else found[2]}".strip()
    return _parse_day_and_time(said, text, here, now, day_first)


def _relative_time(number: int, unit: str, text: str, here: ZoneInfo, now: datetime) -> datetime:
    """Days and weeks keep the time on the wall; what is shorter is counted in real time."""
    if unit in ("days", "weeks"):
        wall = now.astimezone(here).replace(tzinfo=None) + timedelta(**{unit: number})
        return _resolve_wall_time(wall, text, here)
    return now.astimezone(UTC) + timedelta(**{unit: number})


def _parse_iso(said: str, text: str, here: ZoneInfo) -> datetime:
    if len(said) == 10:
        date.fromisoformat(said)
        raise _skipped_time_error(text)
    at = datetime.fromisoformat(said.upper().replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
    return at.astimezone(UTC) if at.tzinfo else _resolve_wall_time(at, text, here)


def _parse_day_and_time(said: str, text: str, here: ZoneInfo, now: datetime, day_first: bool | None = None) -> datetime:
    """A day, then a time; or a time, then a day; or a time alone, which is today's."""
    words = said.replace(",", " ").split()
    for cut in range(len(words) + 1):
        for day, hour in ((words[:cut], words[cut:]), (words[cut:], words[:cut])):
            named = " ".join(day)
            may_be_bare = bool(day) and day == words[:cut] and (named in DAY_OFFSETS or day_first is not None)
            clock_time = _parse_time_of_day(" ".join(hour), alone=not day, may_be_bare=may_be_bare)
            if clock_time is None:
                continue
            on = _parse_day(named, here, now, clock_time, day_first)
            if on is not None:
                return _resolve_wall_time(datetime.combine(on, clock_time), text, here)
    if _parse_day(" ".join(words), here, now, time(0), day_first) is not None:
        raise _skipped_time_error(text)
    raise _unreadable_error(text)


def _parse_time_of_day(said: str, *, alone: bool, may_be_bare: bool = False) -> time | None:
    """A time of day; a bare number counts with a word that makes it one, or where it `may_be_bare`."""
    if said in ("noon", "at noon", "tengah hari"):
        return time(12)
    found = TIME_PATTERN.fullmatch(said)
    if found is None:
        return None
    word, hour, minute, second, half = found.groups()
    if not (word or minute or half or may_be_bare) or (alone and not (word or half) and "." in said):
        return None
    wanted = _hour_of_day(int(hour), (half or "").replace(".", ""))
    return None if wanted is None else time(wanted, int(minute or 0), int(second or 0))


def _hour_of_day(hour: int, half: str) -> int | None:
    """On 24 hours; None where the hour cannot be in that half or part of the day."""
    spans = {
        "am": range(1, 13),
        "pm": range(1, 13),
        "pagi": range(12),
        "siang": (10, 11, 12, 1, 2, 3),
        "sore": range(3, 7),
        "malam": range(6, 12),
        "morning": range(12),
        "afternoon": (12, *range(1, 7)),
        "evening": range(4, 12),
    }
    if not half or hour > 12:
        return hour if hour < 24 and half not in ("am", "pm", "pagi", "morning") else None
    if hour not in spans[half]:
        return None
    if half == "am":
        return hour % 12
    if half == "pm":
        return hour % 12 + 12
    is_later = half in ("sore", "malam", "evening") or (half == "siang" and hour <= 3)
    return hour + 12 if is_later or (half == "afternoon" and hour < 12) else hour


def _parse_day(said: str, here: ZoneInfo, now: datetime, at: time, day_first: bool | None = None) -> date | None:
    """The day that is named; "" is today. A weekday is the next one whose time is still to come."""
    today = now.astimezone(here).date()
    if said == "" or said in DAY_OFFSETS:
        return today + timedelta(days=DAY_OFFSETS.get(said, 0))
    bare = re.sub(r"^(?:on|pada)? ?(?:hari )?", "", said)
    if bare in DAY_OFFSETS:
        return today + timedelta(days=DAY_OFFSETS[bare])
    if (weekday := _parse_weekday(bare, today)) is not None:
        return weekday
    if bare in WEEKDAY_NUMBERS:
        ahead = (WEEKDAY_NUMBERS[bare] - today.weekday()) % 7
        if ahead == 0 and datetime.combine(today, at, here).astimezone(UTC) < now.astimezone(UTC) - PAST_TIME_TOLERANCE:
            ahead = 7
        return today + timedelta(days=ahead)
    first, _, rest = bare.partition(" ")
    if rest and first in WEEKDAY_NUMBERS:
        on = _parse_date(rest, here, now, at, day_first)
        if on is not None and on.weekday() != WEEKDAY_NUMBERS[first]:
            raise validation_failed(
                "at",
                "The weekday and the date in {text!r} do not belong to the same day. Correct one of them.",
                "no-time",
                text=said[:80],
            )
        return on
    return _parse_date(bare, here, now, at, day_first)


def _parse_date(said: str, here: ZoneInfo, now: datetime, at: time, day_first: bool | None) -> date | None:
    if ISO_PATTERN.fullmatch(said) and len(said) == 10:
        return date.fromisoformat(said)
    if day_first is not None and (found := NUMERIC_DATE_PATTERN.fullmatch(said)):
        return _parse_numeric_date(found, here, now, at, day_first)
    return _parse_written_date(said, here, now, at)


def _parse_numeric_date(found: re.Match[str], here: ZoneInfo, now: datetime, at: time, day_first: bool) -> date | None:
    """ "5/12", "5/12/2026", "5.12.26": in the order that people use there; the other where only that is a date."""
    one, mark, other, year = found.groups()
    if mark != "/" and not year:
        return None
    day, month = (int(one), int(other)) if day_first else (int(other), int(one))
    if month > 12:
        day, month = month, day
    if year:
        return date(int(year) if len(year) == 4 else 2000 + int(year), month, day)
    return _next_date(day, month, here, now, at)


def _parse_weekday(said: str, today: date) -> date | None:
    """ "next friday" and "jumat depan": that day of the calendar week after this one; "this friday" and "jumat ini":
    of this week. Weeks begin on Monday."""
    found = re.fullmatch(r"(next |this |)(\S+?)( (?:minggu )?depan| (?:minggu )?ini| next week| this week|)", said)
    if not found or found[2] not in WEEKDAY_NUMBERS or bool(found[1]) == bool(found[3]):
        return None
    weeks = 1 if found[1] == "next " or found[3].endswith(("depan", " next week")) else 0
    return today - timedelta(days=today.weekday()) + timedelta(weeks=weeks, days=WEEKDAY_NUMBERS[found[2]])


def _parse_written_date(said: str, here: ZoneInfo, now: datetime, at: time) -> date | None:
    """ "1 dec 2026", "dec 1 2026", "1st of december"; without a year, the next one that is still to come."""
    found = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)? (?:of )?([a-z]+)\.?(?: (\d{4}))?", said, re.ASCII)
    day, month, year = found.groups() if found else (None, None, None)
    if not found:
        found = re.fullmatch(r"([a-z]+)\.? (\d{1,2})(?:st|nd|rd|th)?(?: (\d{4}))?", said, re.ASCII)
        month, day, year = found.groups() if found else (None, None, None)
    if not day or month not in MONTH_NUMBERS:
        return None
    if year:
        return date(int(year), MONTH_NUMBERS[month], int(day))
    return _next_date(int(day), MONTH_NUMBERS[month], here, now, at)


def _next_date(day: int, month: int, here: ZoneInfo, now: datetime, at: time) -> date | None:
    """The next day of this name whose time is still to come."""
    this = now.astimezone(here).year
    for candidate in range(this, this + 9):  # nine years always hold a 29 February
        try:
            on = date(candidate, month, day)
        except ValueError:
            continue
        if datetime.combine(on, at, here).astimezone(UTC) >= now.astimezone(UTC) - PAST_TIME_TOLERANCE:
            return on
    return None


def _resolve_wall_time(wall: datetime, text: str, here: ZoneInfo) -> datetime:
    """The one moment when clocks in `here` show `wall`. Raises ValidationFailed where there is none, or there are two."""
    first, second = (wall.replace(tzinfo=here, fold=fold) for fold in (0, 1))
    at = first.astimezone(UTC)
    if at.astimezone(here).replace(tzinfo=None) != wall.replace(fold=0):
        message = "{time} on {day} does not exist in the time zone {zone}, because the clocks go forward. Choose {next} or another time."
        params = {
            "time": f"{wall:%H:%M}",
            "day": f"{wall:%Y-%m-%d}",
            "zone": here.key,
            "next": f"{at.astimezone(here):%H:%M}",
        }
        raise validation_failed("at", message, "no-such-time", **params)
    if first.utcoffset() != second.utcoffset():
        message = "{time} on {day} occurs twice in the time zone {zone}, because the clocks go back. Choose one of the two: {first} or {second}."
        params = {
            "time": f"{wall:%H:%M}",
            "day": f"{wall:%Y-%m-%d}",
            "zone": here.key,
            "first": first.isoformat(timespec="minutes"),
            "second": second.isoformat(timespec="minutes"),
        }
        raise validation_failed("at", message, "two-such-times", **params)
    return at


def _parse_zone(name: str) -> ZoneInfo:
    try:
        return clock.find_zone(name)
    except LookupError as exc:
        raise validation_failed("timezone", str(exc).replace("{", "(").replace("}", ")"), "unknown-zone") from None


def _skipped_time_error(text: str) -> Exception:
    return validation_failed(
        "at",
        'The publishing time {text!r} has a day but no time of day. Add one, for example "{text} 09:00".',
        "no-time",
        text=text[:80],
    )


def _unreadable_error(text: str) -> Exception:
    return validation_failed(
        "at", "Kicau does not understand the time {text!r}. " + EXAMPLES_HINT + ".", "no-time", text=text[:80]
    )
