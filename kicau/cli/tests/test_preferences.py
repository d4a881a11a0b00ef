"""`kicau channels ai`: what an account says about machine use, at the shell and in the audit trail."""

import hashlib
from datetime import UTC, datetime

import pytest

from kicau.connector.roles.preferences import AccountPreferences
from kicau.rights.models import ActivityEntry, Statement
from tests.stranger.connector import Stranger

pytestmark = pytest.mark.django_db(transaction=True)


def test_reading_and_changing_what_an_account_says(kicau, channel, member, monkeypatch):
    channel("ana")
    without = kicau("channels", "ai", "ana")
    assert without.code != 0
    assert "have no setting that tells AI and other software" in without.err

    said = {"training": False}

    def told(account):
        """As an account of the AT protocol says it."""
        listed = {use: {"allow": allow} for use, allow in said.items() if allow is not None}
        raw = {"preferences": listed, "updatedAt": "2026-11-01T00:00:00Z"} if listed and account == "ana" else {}
        says = {use: one["allow"] for use, one in listed.items()} if raw else {}
        return AccountPreferences(
            account=account,
            says=says,
            raw=raw,
            source="at://ana/ai/self",
            at=datetime(2026, 11, 1, tzinfo=UTC),
            vocabulary="lexicon-ai",
        )

    async def preferences(self, session, account="", /):
        return told(account or "ana")

    async def declare(self, session, says, /):
        said.update(says)
        return told("ana")

    monkeypatch.setattr(Stranger, "preferences", preferences, raising=False)
    monkeypatch.setattr(Stranger, "declare", declare, raising=False)
    shown = kicau("channels", "ai", "ana")
    assert (shown.code, "not allowed" in shown.out, "no preference" in shown.out) == (0, True, True)
    changed = kicau("channels", "ai", "ana", "--allow", "inference", "--clear", "training", "--json")
    assert changed.code == 0, changed.json
    assert changed.json["says"] == {"inference": True}
    assert ActivityEntry.objects.get(act="channel.preferences").detail == {
        "says": {"inference": True, "training": None}
    }
    assert kicau("channels", "ai", "ana", "--of", "budi", "--json").json["account"] == "budi"
    assert (
        "cannot change the preferences of another account"
        in kicau("channels", "ai", "ana", "--of", "budi", "--deny", "training").err
    )
    # What was read and written stands in the ledger, once each time it was otherwise.
    first, second = Statement.objects.filter(key="stranger:ana").order_by("id")
    assert (first.says, first.valid_until is None) == ({"train_gen": "deny", "train_other": "deny"}, False)
    assert (second.says, second.valid_until, second.source) == ({"ground": "allow"}, None, "at://ana/ai/self")
    assert (second.layer, second.party, second.valid_from) == ("author", "author", datetime(2026, 11, 1, tzinfo=UTC))
    assert hashlib.sha256(second.raw).hexdigest() == second.raw_sha256
    kicau("channels", "ai", "ana", "--clear", "inference")
    assert not Statement.objects.filter(key="stranger:ana", valid_until=None).exists()
    assert "Kicau does not know the purpose 'everything'" in kicau("channels", "ai", "ana", "--deny", "everything").err
