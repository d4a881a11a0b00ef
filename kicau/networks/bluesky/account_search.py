"""Accounts to mention: the app's own search as one types.

https://docs.bsky.app/docs/api/app-bsky-actor-search-actors-typeahead (lexicon app.bsky.actor.searchActorsTypeahead),
2026-11-26: free, `limit` 1 to 100, answered by the app behind the account's server.
"""

from __future__ import annotations

from kicau.connector.roles.account_search import AccountSearchRules, MentionableAccount
from kicau.connector.session import Session
from kicau.networks.bluesky import wire

SEARCH_RULES = AccountSearchRules(as_typed=True)
MAX_RESULTS = 8


async def find_accounts(session: Session, words: str) -> tuple[MentionableAccount, ...]:
    held = session.credentials
    told = await wire.call_xrpc(
        session,
        "GET",
        "app.bsky.actor.searchActorsTypeahead",
        at=wire.home_server(session, held),
        held=held,
        params={"q": words, "limit": str(MAX_RESULTS)},
        timeout=5,
    )
    rows = told.get("actors")
    return tuple(
        MentionableAccount(
            target=handle.lower(), mention=f"@{handle}", handle=handle, name=str(one.get("displayName") or "")
        )
        for one in (rows if isinstance(rows, list) else ())
        if (handle := str(one.get("handle") or "")) and handle != "handle.invalid"
    )
