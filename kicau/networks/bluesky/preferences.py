"""What an account says about machine use: the record community.lexicon.preference.ai, key self, for all it writes.

Its form: https://lexicon.garden/lexicon/did:plc:mtr7qrqtcyseedx3jyr5o7db/community.lexicon.preference.ai, as other
clients write it (read 2026-11-26): scope, updatedAt, and for each use {allow, updatedAt}; a use that is left out is not
declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kicau.connector.content import JSON
from kicau.connector.errors import Rejected, Uncertain
from kicau.connector.roles.preferences import AccountPreferences
from kicau.connector.session import Session
from kicau.networks.bluesky import identity, wire

PREFERENCE_COLLECTION = "community.lexicon.preference.ai"
PREFERENCE_VOCABULARY = "lexicon-ai"
GLOBAL_SCOPE = f"{PREFERENCE_COLLECTION}#globalScope"
USE_NAMES = {
    "training": "training",
    "inference": "inference",
    "synthetic": "syntheticContent",
    "embedding": "embedding",
}
MAX_WRITE_TRIES = 3  # where another app changes the record in between
WRITE_POINTS = 2  # of an update (https://docs.bsky.app/docs/advanced-guides/rate-limits, 2026-11-24)


async def read_preferences(session: Session, account: str) -> AccountPreferences:
    """From the account's own server, wherever it is; reading needs no permission."""
    did, home = session.account_id, wire.home_server(session, session.credentials)
    if account and account != did:
        found = await identity.resolve_identity(session, identity.normalize_account_name(account))
        did, home = found.did, found.pds
    return _parse_record(did, await _fetch_record(session, did, home))


async def write_preferences(session: Session, says: Mapping[str, bool | None]) -> AccountPreferences:
    """Only over what was read: who changed it meanwhile is not overwritten, but read again."""
    did, home = session.account_id, wire.home_server(session, session.credentials)
    for _ in range(MAX_WRITE_TRIES):
        before = await _fetch_record(session, did, home)
        value = _update_record(before["value"] if before else {}, says, _iso_now(session))
        swap: JSON = before["cid"] if before else None
        body: dict[str, JSON] = {
            "repo": did,
            "collection": PREFERENCE_COLLECTION,
            "rkey": "self",
            "record": value,
            "swapRecord": swap,
        }
        try:
            await wire.write_records(session, "com.atproto.repo.putRecord", WRITE_POINTS, body, repeatable=True)
        except Rejected as refused:
            if "InvalidSwap" in refused.detail or "Record was at" in refused.detail:
                continue
            raise
        return _parse_record(did, {"value": value})
    raise Uncertain("Another app keeps changing the preferences of this account.")


async def _fetch_record(session: Session, did: str, home: str) -> dict[str, Any] | None:
    params = {"repo": did, "collection": PREFERENCE_COLLECTION, "rkey": "self"}
    try:
        return await wire.call_xrpc(session, "GET", "com.atproto.repo.getRecord", at=home, params=params)
    except Rejected as refused:
        if refused.problems[0].code == "not-found":
            return None
        raise


def _parse_record(did: str, record: Mapping[str, Any] | None) -> AccountPreferences:
    value = record.get("value") if record else None
    value = value if isinstance(value, dict) else {}
    listed = value.get("preferences")
    listed = listed if isinstance(listed, dict) else {}
    scope = value.get("scope")
    if isinstance(scope, dict) and scope.get("$type") not in (None, GLOBAL_SCOPE):
        listed = {}  # it speaks of one reader or one kind of record only
    says = {
        name: one["allow"]
        for name, theirs in USE_NAMES.items()
        if isinstance(one := listed.get(theirs), dict) and isinstance(one.get("allow"), bool)
    }
    source = f"at://{did}/{PREFERENCE_COLLECTION}/self" if record else ""
    return AccountPreferences(
        account=did,
        says=says,
        at=wire.parse_time(value.get("updatedAt")),
        source=source,
        raw=value,
        vocabulary=PREFERENCE_VOCABULARY,
    )


def _update_record(value: Mapping[str, Any], says: Mapping[str, bool | None], now: str) -> dict[str, JSON]:
    """The record with the new words; whatever else it holds stays."""
    before = value.get("preferences")
    listed: dict[str, JSON] = dict(before) if isinstance(before, dict) else {}
    for name, allow in says.items():
        if allow is None:
            listed.pop(USE_NAMES[name], None)
        else:
            listed[USE_NAMES[name]] = {"allow": allow, "updatedAt": now}
    return {
        **value,
        "$type": PREFERENCE_COLLECTION,
        "scope": {"$type": GLOBAL_SCOPE},
        "preferences": listed,
        "updatedAt": now,
    }


def _iso_now(session: Session) -> str:
    return session.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
