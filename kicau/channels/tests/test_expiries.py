"""What ends on a known day is listed, warned of 60 days before, and shown by the doctor."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import translation

from kicau.base import clock
from kicau.channels import expiries
from kicau.connector import registry
from kicau.costs import actions as plans
from kicau.media import signing
from kicau.media.tests.test_signing import certified
from kicau.notifications import trouble_watch, wording
from kicau.notifications.models import InstanceProblem

pytestmark = pytest.mark.django_db
ENDS = date(2040, 3, 1)
OWN = """
[[list]]
name = "contract"
since = 2026-01-01
until = 2040-03-01
currency = "USD"
source = "our contract"

[list.prices]
post = 1_000
"""


def days_before(days: int):
    return clock.freeze_clock(datetime(ENDS.year, ENDS.month, ENDS.day, 12, tzinfo=UTC) - timedelta(days=days))


@pytest.fixture
def network(stranger, monkeypatch):
    """The stranger's connector names an API version with an end."""
    connector = registry.get_connector("stranger")
    fact = SimpleNamespace(value="v7.0", source="its changelog", checked=date(2026, 12, 2), ends=ENDS)
    lasting = SimpleNamespace(value=500, source="its page", checked=date(2026, 12, 2), ends=None)
    monkeypatch.setattr(connector, "facts", {"api.version": fact, "max-length": lasting}, raising=False)
    return connector


def of_stranger(found):
    return [one for one in found if one.source == registry.get_connector("stranger").label]


def test_an_api_version_is_warned_of_60_days_before_where_it_is_used(network, channel):
    with days_before(60):
        [one] = of_stranger(expiries.expiries())
        assert (one.what, one.value, one.ends, one.is_used) == (expiries.API_VERSION_LABEL, "v7.0", ENDS, False)
        assert not [seen for seen in expiries.detect_incidents() if seen.details["value"] == "v7.0"]
    channel("ana")
    for days, warned in ((61, False), (60, True), (1, True), (0, True), (-5, True)):
        with days_before(days):
            assert [s.kind for s in expiries.detect_incidents() if s.details["value"] == "v7.0"] == [
                "dated"
            ] * warned, days


def test_the_operator_reads_a_sentence_with_the_day(network, channel):
    channel("ana")
    with days_before(30):
        [seen] = [s for s in expiries.detect_incidents() if s.details["value"] == "v7.0"]
    with translation.override("en"):
        text = wording.incident_text(InstanceProblem(key=seen.key, kind=seen.kind, details=seen.details))
    assert "The API version (v7.0)" in text
    assert "2040" in text
    assert isinstance(seen, trouble_watch.DetectedIncident)


def test_a_price_list_without_a_successor_is_warned_of(actor, network, channel):
    channel("ana")
    plans.add_price_list(actor, "stranger", OWN)
    with days_before(30):
        assert "contract" in [s.details["value"] for s in expiries.detect_incidents()]
    plans.add_price_list(actor, "stranger", OWN.replace("2026-01-01", "2040-03-01").replace("until = 2040-03-01\n", ""))
    with days_before(30):
        assert "contract" not in [s.details["value"] for s in expiries.detect_incidents()]


def test_the_certificate_that_signs_pictures_is_warned_of(tmp_path, monkeypatch):
    for days, warned in ((90, 0), (59, 1)):
        chain, key = certified(tmp_path, days)
        monkeypatch.setenv(signing.CERTIFICATE_SETTING, str(chain))
        monkeypatch.setenv(signing.KEY_SETTING, str(key))
        found = [s for s in expiries.detect_incidents() if s.details["what"] == expiries.CERTIFICATE_LABEL]
        assert len(found) == warned, days


def test_nothing_that_comes_with_kicau_has_ended_unnoticed_on_the_day_it_was_checked():
    for slug, connector in registry.installed_connectors().items():
        for name, fact in expiries.expiring_facts(connector).items():
            assert fact.ends > fact.checked, (slug, name)
