"""Times as people write them: read exactly, or refused with a sentence that says what now."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kicau.base.errors import ValidationFailed
from kicau.publishing.scheduling.time_parser import is_day_first, parse_offset, parse_range_end, parse_time, read_time

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # a Tuesday; 10:00 in Jakarta, 03:00 in London


def wall(text, zone="Asia/Jakarta", now=NOW):
    return f"{parse_time(text, zone, now).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"


def tried(text, zone):
    try:
        return parse_time(text, zone, NOW), ""
    except ValidationFailed as exc:
        return None, exc.problems[0].code


def refused(text, zone="Asia/Jakarta", now=NOW):
    with pytest.raises(ValidationFailed) as told:
        parse_time(text, zone, now)
    return told.value.problems[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-24 10:00:00"),
        ("Sekarang", "2026-11-24 10:00:00"),
        ("in 10 minutes", "2026-11-24 10:10:00"),
        ("10 menit lagi", "2026-11-24 10:10:00"),
        ("dalam 10 menit", "2026-11-24 10:10:00"),
        ("in an hour", "2026-11-24 11:00:00"),
        ("2 jam lagi", "2026-11-24 12:00:00"),
        ("in 90s", "2026-11-24 10:01:30"),
        ("in 2 days", "2026-11-26 10:00:00"),
        ("2 minggu lagi", "2026-12-08 10:00:00"),
        ("+0:03", "2026-11-24 10:00:03"),
        ("+1:30", "2026-11-24 10:01:30"),
        ("+1:00:00", "2026-11-24 11:00:00"),
        ("today 11:30", "2026-11-24 11:30:00"),
        ("hari ini 11.30", "2026-11-24 11:30:00"),
        ("11:30", "2026-11-24 11:30:00"),
        ("11am", "2026-11-24 11:00:00"),
        ("tomorrow 09:00", "2026-11-25 09:00:00"),
        ("tomorrow at 9am", "2026-11-25 09:00:00"),
        ("9am tomorrow", "2026-11-25 09:00:00"),
        ("besok 09:00", "2026-11-25 09:00:00"),
        ("besok pukul 09.00", "2026-11-25 09:00:00"),
        ("besok jam 9 pagi", "2026-11-25 09:00:00"),
        ("besok jam 4 sore", "2026-11-25 16:00:00"),
        ("besok 8 malam", "2026-11-25 20:00:00"),
        ("besok 12 siang", "2026-11-25 12:00:00"),
        ("besok 2 siang", "2026-11-25 14:00:00"),
        ("tomorrow 12am", "2026-11-25 00:00:00"),
        ("tomorrow 12:30 pm", "2026-11-25 12:30:00"),
        ("tomorrow noon", "2026-11-25 12:00:00"),
        ("day after tomorrow 09:00", "2026-11-26 09:00:00"),
        ("lusa 09.00", "2026-11-26 09:00:00"),
        ("monday 9am", "2026-11-30 09:00:00"),
        ("Senin 09.00", "2026-11-30 09:00:00"),
        ("on friday at 17:00", "2026-11-27 17:00:00"),
        ("hari Jum\u2019at pukul 17.00", "2026-11-27 17:00:00"),
        ("minggu 08.00", "2026-11-29 08:00:00"),
        ("tuesday 11:00", "2026-11-24 11:00:00"),
        ("tuesday 09:00", "2026-12-01 09:00:00"),
        ("next friday 9am", "2026-12-04 09:00:00"),
        ("jumat depan 9 pagi", "2026-12-04 09:00:00"),
        ("this friday 9am", "2026-11-27 09:00:00"),
        ("1 Dec 2026 09:00", "2026-12-01 09:00:00"),
        ("1 Desember 2026 pukul 09.00", "2026-12-01 09:00:00"),
        ("Dec 1, 2026 9am", "2026-12-01 09:00:00"),
        ("1st of December 09:00", "2026-12-01 09:00:00"),
        ("3 March 09:00", "2027-03-03 09:00:00"),
        ("29 Feb 09:00", "2028-02-29 09:00:00"),
        ("2026-12-01 09:00", "2026-12-01 09:00:00"),
        ("2026-12-01T09:00:15", "2026-12-01 09:00:15"),
        ("2026-12-01T09:00Z", "2026-12-01 16:00:00"),
        ("2026-12-01T09:00+00:00", "2026-12-01 16:00:00"),
        ("2026-12-01 9am", "2026-12-01 09:00:00"),
        ("tomorrow 09:00 Europe/London", "2026-11-25 16:00:00"),
        ("besok 09.00 WIB", "2026-11-25 09:00:00"),
        ("besok 09.00 wit", "2026-11-25 07:00:00"),
        ("tomorrow 09:00 UTC", "2026-11-25 16:00:00"),
        ("  tomorrow\u00a0 09:00 ", "2026-11-25 09:00:00"),
        ("tomorrow 9", "2026-11-25 09:00:00"),
        ("besok 9", "2026-11-25 09:00:00"),
        ("besok pagi jam 9", "2026-11-25 09:00:00"),
        ("lusa sore 4", "2026-11-26 16:00:00"),
        ("tonight 8", "2026-11-24 20:00:00"),
        ("nanti malam jam 8", "2026-11-24 20:00:00"),
        ("tomorrow afternoon at 3", "2026-11-25 15:00:00"),
        ("tomorrow evening 19:30", "2026-11-25 19:30:00"),
        ("tomorrow 12 afternoon", "2026-11-25 12:00:00"),
        ("senin minggu depan 09.00", "2026-11-30 09:00:00"),
        ("monday next week 9am", "2026-11-30 09:00:00"),
        ("Fri 4 Dec 2026, 09:30", "2026-12-04 09:30:00"),
        ("Jumat 4 Desember pukul 09.30", "2026-12-04 09:30:00"),
    ],
)
def test_reads_what_people_write(text, expected):
    assert wall(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "tomorrow",
        "monday",
        "2026-12-01",
        "1 Dec",
        "1/12/2026 09:00",
        "01.12.2026 09:00",
        "9",
        "25:00",
        "tomorrow 24:00",
        "tomorrow 9:60",
        "tomorrow 13pm",
        "besok 9 siang",
        "in minutes",
        "10 minutes",
        "30 Feb 2027 09:00",
        "2026-02-30 09:00",
        "next tomorrow 9am",
        "next friday depan 9am",
        "2026-12-01T09:00+99:00",
        "in 999999 weeks",
        "tomorrow 09:00 EST",
        "١٢:٣٠",
        "{0} 09:00",
        "9999-12-31T23:59-14:00",
        "monday tuesday 9am",
        "friday 14",
        "5 Dec 10",
        "9 tomorrow",
        "10.30",
    ],
)
def test_refuses_what_it_would_have_to_guess(text):
    problem = refused(text)
    assert problem.code == "no-time"
    assert problem.field == "at"
    assert "09:00" in problem.sentence


def test_a_weekday_and_a_date_of_two_days_are_refused():
    problem = refused("Thu 4 Dec 2026 09:30")
    assert "do not belong to the same day" in problem.sentence


@pytest.mark.parametrize(
    ("text", "day_first", "expected"),
    [
        ("5/12 10:00", True, "2026-12-05 10:00"),
        ("5/12 10:00", False, "2027-05-12 10:00"),
        ("12/25 9", True, "2026-12-25 09:00"),
        ("5/12/2026 10.00", True, "2026-12-05 10:00"),
        ("5.12.26 10:00", True, "2026-12-05 10:00"),
        ("Sabtu 5/12 9", True, "2026-12-05 09:00"),
        ("friday 9", True, "2026-11-27 09:00"),
        ("Jumat 14.30", True, "2026-11-27 14:30"),
        ("5 Dec 10", True, "2026-12-05 10:00"),
    ],
)
def test_who_sees_what_was_understood_may_write_dates_in_their_own_order(text, day_first, expected):
    found = read_time(text, "Asia/Jakarta", NOW, day_first=day_first)
    assert f"{found.at.astimezone(ZoneInfo(found.zone)):%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize("text", ["31/4 10:00", "5.12 10:00", "0/12 9", "13/13 9", "5/12", "4", "29/2/2027 9"])
def test_what_is_no_date_in_any_order_is_refused(text):
    with pytest.raises(ValidationFailed):
        read_time(text, "Asia/Jakarta", NOW, day_first=True)


def test_a_zone_that_the_text_names_is_given_back():
    assert read_time("besok 9 WITA", "Asia/Jakarta", NOW).zone == "Asia/Makassar"
    assert read_time("besok 9", "Asia/Jakarta", NOW).zone == "Asia/Jakarta"


@pytest.mark.parametrize(
    ("zone", "day_first"), [("Asia/Jakarta", True), ("Europe/London", True), ("America/New_York", False), ("UTC", True)]
)
def test_only_the_united_states_write_the_month_first(zone, day_first):
    assert is_day_first(zone) is day_first


@given(text=st.from_regex(r"[0-9/:. a-z,-]{0,30}", fullmatch=True), day_first=st.booleans())
def test_nothing_that_is_typed_breaks_the_field(text, day_first):
    try:
        found = read_time(text, "Asia/Jakarta", NOW, day_first=day_first)
    except ValidationFailed:
        return
    assert found.at.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["today 09:00", "09:00", "2026-11-24T02:58Z", "2025-12-01 09:00", "24 Nov 2026 9am", "this monday 9am"]
)
def test_a_past_time_is_named_with_its_date(text):
    problem = refused(text)
    assert problem.code == "past"
    assert "is in the past" in problem.sentence


def test_the_minute_that_has_just_begun_is_not_past():
    assert parse_time("today 09:59:30", "Asia/Jakarta", NOW) < NOW


@pytest.mark.parametrize(
    ("zone", "text", "better"),
    [
        ("Europe/London", "2027-03-28 01:30", "02:30"),
        ("America/New_York", "14 Mar 2027 2:30am", "03:30"),
        ("Australia/Lord_Howe", "2027-10-03 02:15", "02:45"),
        ("Africa/Casablanca", "2027-03-14 02:30", "03:30"),
    ],
)
def test_a_time_that_clocks_skip_does_not_exist(zone, text, better):
    problem = refused(text, zone)
    assert problem.code == "no-such-time"
    assert zone in problem.sentence
    assert f"Choose {better}" in problem.sentence


@pytest.mark.parametrize(
    ("zone", "text", "first", "second"),
    [
        ("Europe/London", "2027-10-31 01:30", "2027-10-31T01:30+01:00", "2027-10-31T01:30+00:00"),
        ("America/New_York", "7 Nov 2027 1:30am", "2027-11-07T01:30-04:00", "2027-11-07T01:30-05:00"),
        ("Australia/Lord_Howe", "2027-04-04 01:45", "2027-04-04T01:45+11:00", "2027-04-04T01:45+10:30"),
    ],
)
def test_a_time_that_comes_twice_is_asked_about_and_its_answers_are_taken(zone, text, first, second):
    problem = refused(text, zone)
    assert problem.code == "two-such-times"
    assert first in problem.sentence
    assert second in problem.sentence
    assert parse_time(second, zone, NOW) - parse_time(first, zone, NOW) == (
        timedelta(minutes=30) if "Howe" in zone else timedelta(hours=1)
    )


def test_days_ahead_keep_the_time_on_the_wall_across_a_change_of_clocks():
    now = datetime(2027, 3, 27, 12, 0, tzinfo=UTC)
    assert wall("in 1 day", "Europe/London", now) == "2027-03-28 12:00:00"
    assert wall("in 24 hours", "Europe/London", now) == "2027-03-28 13:00:00"


def test_tomorrow_is_the_zones_own():
    late = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)  # 01:00 on the 25th in Jakarta
    assert wall("tomorrow 09:00", "Asia/Jakarta", late) == "2026-11-26 09:00:00"
    assert wall("tomorrow 09:00", "America/New_York", late) == "2026-11-25 09:00:00"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "EST5EDT{", "asia/jakarta", "../etc/passwd"])
def test_an_unknown_zone_is_named(zone):
    problem = refused("tomorrow 09:00", zone)
    assert problem.code == "unknown-zone"
    assert problem.field == "timezone"
    assert "Asia/Jakarta" in problem.sentence


def test_an_unknown_zone_at_the_end_is_named_too():
    assert refused("tomorrow 09:00 Mars/Olympus").code == "unknown-zone"


WALLS = st.datetimes(min_value=datetime(2027, 1, 1), max_value=datetime(2036, 12, 31)).map(
    lambda at: at.replace(second=0, microsecond=0)
)


@given(
    at=WALLS,
    zone=st.sampled_from(
        [
            "Europe/London",
            "America/New_York",
            "Asia/Jakarta",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "America/St_Johns",
        ]
    ),
)
@example(at=datetime(2027, 3, 28, 1, 30), zone="Europe/London")
@example(at=datetime(2027, 10, 31, 1, 30), zone="Europe/London")
def test_what_is_read_is_what_clocks_will_show(at, zone):
    read, code = tried(f"{at:%Y-%m-%d %H:%M}", zone)
    if read is None:
        assert zone != "Asia/Jakarta"
        assert code in ("no-such-time", "two-such-times")
    else:
        assert read.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == at
        assert parse_time(f"{at:%d %B %Y %H:%M}", zone, NOW) == read


@given(text=st.text(max_size=40) | st.from_regex(r"[0-9:. a-z+/-]{0,30}", fullmatch=True))
def test_nothing_that_is_typed_breaks_it(text):
    read, code = tried(text, "Europe/London")
    assert code if read is None else read.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "seconds"), [("+0:03", 3), ("+1:58", 118), ("+0:00.5", 0.5), ("+2:00:00", 7200), ("+90:00", 5400)]
)
def test_offsets(text, seconds):
    assert parse_offset(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["0:03", "+3", "+0:60", "tomorrow", "-0:03", ""])
def test_what_is_no_offset(text):
    assert parse_offset(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-11-24 00:00"),
        ("2026-11-01", "2026-11-01 00:00"),
        ("tomorrow", "2026-11-25 00:00"),
        ("1 Dec", "2026-12-01 00:00"),
        ("2026-11-01 09:00", "2026-11-01 09:00"),
        ("senin", "2026-11-30 00:00"),
        ("this monday", "2026-11-23 00:00"),
        ("now", "2026-11-24 10:00"),
    ],
)
def test_bounds_may_be_days_and_may_be_past(text, expected):
    assert (
        f"{parse_range_end(text, 'Asia/Jakarta', NOW).astimezone(ZoneInfo('Asia/Jakarta')):%Y-%m-%d %H:%M}" == expected
    )


def test_a_bound_that_is_no_time_is_refused():
    with pytest.raises(ValidationFailed):
        parse_range_end("soon", "Asia/Jakarta", NOW)
