"""Dates, times, numbers, plurals, zones and kept sentences, as each language writes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from kicau.base.sentences import Sentence, stored
from kicau.notices.events import EVENTS
from kicau.notices.words import filled
from kicau.rights import sentences
from kicau.rights.decisions import Answer
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


@pytest.mark.parametrize(
    ("language", "conditions", "day", "when", "notice"),
    [
        ("en", "(naming the author, payment)", "on 12 Nov 2026", "on 12 Nov 2026, 09:00", "2 Dec"),
        ("id", "(menyebut penulisnya, pembayaran)", "pada 12 Nov 2026", "pada 12 Nov 2026, 09.00", "2 Des. 2026"),
    ],
)
def test_conditions_and_days_within_sentences_are_the_readers(language, conditions, day, when, notice):
    unmet = replace(sentences.UNMET, params={"conditions": "attribution, payment"})
    refused = replace(sentences.SAYS["grant", Answer.NO], params={"who": "who wrote it", "day": "2026-11-12"})
    with translation.override(language), timezone.override(ZoneInfo("Asia/Jakarta")):
        assert conditions in words.sentence(unmet)
        assert conditions in words.told(unmet.message.format(**unmet.params), [[unmet.message, unmet.params]])
        assert day in words.sentence(refused)
        assert words.told("Sent {when}.".format(when="on 2026-11-12 at 09:00"), [["Sent {when}.", {"when": "on 2026-11-12 at 09:00"}]]) == f"Sent {when}."  # fmt: skip
        assert words.told("Sent 2026-13-40.", [["Sent {day}.", {"day": "2026-13-40"}]]) == "Sent 2026-13-40."
        left = filled(EVENTS["network.leaving"].one, {"what": "X", "when": "2026-12-02T15:09:00+00:00", "after": 3})
        assert notice.split()[0] in left
        assert "2026-12-02" not in left
        assert "2026-12-02" not in filled("{until}", {"until": "2026-12-02"})


def test_a_sentence_that_somebody_else_wrote_is_told_as_it_stands():
    old = stored(Sentence("{who} canceled it.", who="Sari"))
    with translation.override("id"):
        assert words.told("Another {reason} now.", old) == "Another {reason} now."
        assert words.told("Sari canceled it.", old) == "Sari membatalkannya."
    assert str(Sentence("{a} and {b}", a="{x}", b=1) + "{plain}") == "{x} and 1 {plain}"
