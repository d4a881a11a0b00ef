"""Accounts to mention: by the whole user name, since X bills each account that comes back (user-read, once a UTC day).

OpenAPI 2.167, GET /2/users/by/username/{username}; searching by the first letters (GET /2/users/search) would bill all
that it lists, so it is not used.
"""

from __future__ import annotations

import re

from kicau.connector.content import NO_CHARGE, Charge
from kicau.connector.roles.account_search import AccountSearchRules, MentionableAccount
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks.x import wire

SEARCH_RULES = AccountSearchRules(as_typed=False, charge=Charge(wire.USER_READ_METER))
USERNAME_PATTERN = re.compile(r"[A-Za-z0-9_]{1,15}")


async def find_accounts(session: Session, words: str) -> tuple[MentionableAccount, ...]:
    if not USERNAME_PATTERN.fullmatch(words):
        return ()
    fields = {wire.NEW_VOCABULARY.user_fields: "name,username"}
    reply = await wire.send_request(
        session,
        "GET",
        f"/2/users/by/username/{words}",
        charge=SEARCH_RULES.charge,
        counted=_search_charge,
        params=fields,
    )
    told = reply.json()
    user = told.get("data") if isinstance(told, dict) else None
    if not isinstance(user, dict) or not user.get("username"):
        return ()  # answered with `errors` beside no data: nobody is called so
    name = str(user["username"])
    return (MentionableAccount(target=name, mention=f"@{name}", handle=name, name=str(user.get("name") or "")),)


def _search_charge(reply: HttpResponse) -> Charge:
    """Nobody found, nothing billed."""
    told = reply.json()
    user = told.get("data") if isinstance(told, dict) else None
    return wire.user_read_charge(reply) if isinstance(user, dict) and user.get("id") else NO_CHARGE
