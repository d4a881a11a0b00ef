"""Dates, times, numbers, plurals, zones and kept sentences, as each language writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from kicau.base.sentences import Sentence, stored
from kicau.web import words
from kicau.web.templatetags import kicau as tags

AT = datetime(2027, 8, 17, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "moment", "size", "money", "days", "late", "until"),
    [
        ("en", "Tue 17 Aug 2027, 10:05", "1.5 MB", "$1,234.50", "3 days", "90 seconds late", "17 Aug 2027, 10:05"),
        ("id", "Sel 17 Agu 2027, 10.05", "1,5 MB", "US$1.234,50", "3 hari", "90 detik", "17 Agu 2027, 10.05"),
    ],
)
def test_each_language_writes_its_own(language, moment, size, money, days, late, until):
    kept = Sentence("{network} asked this channel to wait until {until}.", network="Kabar", until=AT)
    with translation.override(language), timezone.override(ZoneInfo("Asia/Jakarta")):
        told = {
            "moment": str(tags.moment(AT)), "size": tags.file_size(1_500_000), "money": tags.money(1_234_500_000, "USD"),
            "days": tags.poll_length(3 * 1440), "late": tags.lateness(90_000), "kept": words.told(str(kept), stored(kept)),
        }  # fmt: skip
    for name, part in {
        "moment": moment,
        "size": size,
        "money": money,
        "days": days,
        "late": late,
        "kept": until,
    }.items():
        assert part in told[name], (name, told[name])
    assert ("asked this channel" in told["kept"]) == (language == "en")
    with translation.override(language), timezone.override(ZoneInfo("America/New_York")):
        assert "16 A" in str(tags.moment(datetime(2027, 8, 17, 3, 5, tzinfo=UTC))), "the reader's own day"


def test_a_sentence_that_somebody_else_wrote_is_told_as_it_stands():
    old = stored(Sentence("{who} canceled it.", who="Sari"))
    with translation.override("id"):
        assert words.told("Another {reason} now.", old) == "Another {reason} now."
        assert words.told("Sari canceled it.", old) == "Sari membatalkannya."
    assert str(Sentence("{a} and {b}", a="{x}", b=1) + "{plain}") == "{x} and 1 {plain}"
