"""What an account says about machine use: read of anybody, changed of one's own, and never over somebody else's change."""

from __future__ import annotations

import pytest
import pytest_asyncio

from kicau.connector import errors
from kicau.connector.contract import select_identity, sign_in_at_sandbox
from kicau.connector.roles.preferences import PreferencesRole
from kicau.networks.bluesky import preferences
from kicau.networks.bluesky.connector import connector
from kicau.networks.bluesky.preferences import PREFERENCE_COLLECTION
from kicau.networks.bluesky.tests.cast import KABAR, KOPI
from kicau.networks.bluesky.tests.conftest import lent


@pytest_asyncio.fixture
async def kabar(box, http):
    session = lent(box, http)
    return select_identity(
        session, (await sign_in_at_sandbox(connector, session, {"handle": "kabarpagi.test"}, KABAR))[0]
    )


async def test_it_is_read_written_and_taken_back(box, kopi, kabar):
    assert isinstance(connector, PreferencesRole)
    silent = await connector.preferences(kopi)
    assert (silent.account, silent.says, silent.source) == (KOPI, {}, "")
    said = await connector.declare(kopi, {"training": False, "inference": True})
    assert said.says == {"training": False, "inference": True}
    await connector.declare(kopi, {"training": None, "embedding": False})
    for asked in (KOPI, "kopisenja.test", "@kopisenja.test"):
        seen = await connector.preferences(kabar, asked)
        assert (seen.account, seen.says) == (KOPI, {"inference": True, "embedding": False})
    assert seen.source == f"at://{KOPI}/{PREFERENCE_COLLECTION}/self"
    assert seen.raw["scope"] == {"$type": f"{PREFERENCE_COLLECTION}#globalScope"}
    assert set(seen.raw["preferences"]["embedding"]) == {"allow", "updatedAt"}
    assert abs((seen.at - kopi.now()).total_seconds()) < 60
    assert (await connector.preferences(kabar)).account == KABAR
    with pytest.raises(errors.Rejected):
        await connector.preferences(kopi, "nobody.test")


async def test_what_others_wrote_stays_and_is_never_written_over(box, kopi, monkeypatch):
    before = await connector.declare(kopi, {"training": False})
    told = await connector.declare(kopi, {"synthetic": True})
    assert told.raw["preferences"]["training"] == before.raw["preferences"]["training"]
    real = preferences._fetch_record

    async def late(session, did, home):
        """Another app writes between our reading and our writing, once."""
        found = await real(session, did, home)
        monkeypatch.setattr(preferences, "_fetch_record", real)
        await preferences.write_preferences(session, {"embedding": True})
        return found

    monkeypatch.setattr(preferences, "_fetch_record", late)
    told = await connector.declare(kopi, {"training": True})
    assert told.says == {"training": True, "synthetic": True, "embedding": True}
