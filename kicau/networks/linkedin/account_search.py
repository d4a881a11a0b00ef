"""Organisations to mention, by the name in their page's address. Members cannot be looked up by apps of this kind.

https://learn.microsoft.com/en-us/linkedin/marketing/community-management/organizations/organization-lookup-api (find by
vanity name), 2026-11-26.
"""

from __future__ import annotations

import re

from kicau.connector.roles.account_search import AccountSearchRules, MentionableAccount
from kicau.connector.session import Session
from kicau.networks.linkedin import wire

SEARCH_RULES = AccountSearchRules(as_typed=False, charge=wire.CALL_CHARGE, what="organisation")
VANITY_NAME_PATTERN = re.compile(r"[\w-]{1,100}")


async def find_accounts(session: Session, words: str) -> tuple[MentionableAccount, ...]:
    if not VANITY_NAME_PATTERN.fullmatch(words):
        return ()
    reply = await wire.call_api(
        session, "GET", "/rest/organizations", query=f"q=vanityName&vanityName={wire.escape_urn(words)}", need="roles"
    )
    told = reply.json()
    rows = told.get("elements") if isinstance(told, dict) else None
    return tuple(
        MentionableAccount(
            target=urn, mention=f"@[{name}]({urn})", handle=str(one.get("vanityName") or words), name=name
        )
        for one in (rows if isinstance(rows, list) else ())
        if (name := str(one.get("localizedName") or "")) and (urn := f"urn:li:organization:{one.get('id')}")
    )
