"""Accounts to mention: those that the channel's server knows.

https://docs.joinmastodon.org/methods/accounts/#search (GET /api/v1/accounts/search, scope read:accounts), 2026-11-26:
free; `resolve` would have the server ask others, which is slow and is left out.
"""

from __future__ import annotations

from kicau.connector.errors import Rejected
from kicau.connector.roles.account_search import AccountSearchRules, MentionableAccount
from kicau.connector.session import Session
from kicau.networks.mastodon import errors, wire

SEARCH_RULES = AccountSearchRules(as_typed=True)
MAX_RESULTS = 8


async def find_accounts(session: Session, words: str) -> tuple[MentionableAccount, ...]:
    try:
        reply = await wire.call_api(
            session,
            "GET",
            "/api/v1/accounts/search",
            params={"q": words, "limit": str(MAX_RESULTS), "resolve": "false"},
            timeout=5,
        )
    except Rejected as refused:
        if errors.rejection_code(refused) != errors.NOT_FOUND_CODE:  # a server without the call knows nobody
            raise
        return ()
    rows = reply.json()
    return tuple(
        MentionableAccount(target=acct, mention=f"@{acct}", handle=acct, name=str(one.get("display_name") or ""))
        for one in (rows if isinstance(rows, list) else ())
        if (acct := str(one.get("acct") or ""))
    )
