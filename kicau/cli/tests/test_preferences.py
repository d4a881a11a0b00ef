"""`kicau channels ai`: what an account says about machine use, at the shell and in the audit trail."""

import pytest

from kicau.connector.preferences import Preferences
from kicau.rights.models import AuditEntry
from tests.stranger.connector import Stranger

pytestmark = pytest.mark.django_db(transaction=True)


def test_reading_and_changing_what_an_account_says(kicau, channel, member, monkeypatch):
    channel("ana")
    without = kicau("channels", "ai", "ana")
    assert without.code != 0
    assert "cannot say there what machines may do" in without.err

    said = {"training": False}

    async def preferences(self, session, account="", /):
        return Preferences(account=account or "ana", says=said if not account else {})

    async def declare(self, session, says, /):
        said.update(says)
        return Preferences(account="ana", says={use: allow for use, allow in said.items() if allow is not None})

    monkeypatch.setattr(Stranger, "preferences", preferences, raising=False)
    monkeypatch.setattr(Stranger, "declare", declare, raising=False)
    shown = kicau("channels", "ai", "ana")
    assert (shown.code, "not allowed" in shown.out, "not said" in shown.out) == (0, True, True)
    changed = kicau("channels", "ai", "ana", "--allow", "inference", "--unsay", "training", "--json")
    assert changed.json["says"] == {"inference": True}
    assert AuditEntry.objects.get(act="channel.preferences").detail == {"says": {"inference": True, "training": None}}
    assert kicau("channels", "ai", "ana", "--of", "budi", "--json").json["account"] == "budi"
    assert "only theirs to change" in kicau("channels", "ai", "ana", "--of", "budi", "--deny", "training").err
    assert "no use" in kicau("channels", "ai", "ana", "--deny", "everything").err
