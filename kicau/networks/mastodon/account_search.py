"""Accounts to mention: those that the channel's server knows.

https://docs.joinmastodon.org/methods/accounts/#search (GET /api/v1/accounts/search, scope read:accounts), 2026-11-26:
free; `resolve` would have the server ask others, which is slow and is left out.
"""

from __future__ import annotations

from kicau.connector.errors import Rejected
from kicau.connector.roles.account_search import Account, Finding
from kicau.connector.session import Session
from kicau.networks.mastodon import errors, wire

FINDING = Finding(as_typed=True)
MOST = 8


async def find(session: Session, words: str) -> tuple[Account, ...]:
    try:
        reply = await wire.api(
            session,
            "GET",
            "/api/v1/accounts/search",
            params={"q": words, "limit": str(MOST), "resolve": "false"},
            timeout=5,
        )
    except Rejected as refused:
        if errors.code_of(refused) != errors.NOT_FOUND:  # a server without the call knows nobody
            raise
        return ()
    rows = reply.json()
    return tuple(
        Account(target=acct, mention=f"@{acct}", handle=acct, name=str(one.get("display_name") or ""))
        for one in (rows if isinstance(rows, list) else ())
        if (acct := str(one.get("acct") or ""))
    )
