"""Accounts to mention: by the whole user name, since X bills each account that comes back (user-read, once a UTC day).

OpenAPI 2.167, GET /2/users/by/username/{username}; searching by the first letters (GET /2/users/search) would bill all
that it lists, so it is not used.
"""

from __future__ import annotations

import re

from kicau.connector.content import FREE, Charge
from kicau.connector.roles.account_search import Account, Finding
from kicau.connector.session import Session
from kicau.connector.transport.http import Reply
from kicau.networks.x import wire

FINDING = Finding(as_typed=False, charge=Charge(wire.USER_READ))
NAME = re.compile(r"[A-Za-z0-9_]{1,15}")


async def find(session: Session, words: str) -> tuple[Account, ...]:
    if not NAME.fullmatch(words):
        return ()
    fields = {wire.NEW.user_fields: "name,username"}
    reply = await wire.call(
        session, "GET", f"/2/users/by/username/{words}", charge=FINDING.charge, counted=_counted, params=fields
    )
    told = reply.json()
    user = told.get("data") if isinstance(told, dict) else None
    if not isinstance(user, dict) or not user.get("username"):
        return ()  # answered with `errors` beside no data: nobody is called so
    name = str(user["username"])
    return (Account(target=name, mention=f"@{name}", handle=name, name=str(user.get("name") or "")),)


def _counted(reply: Reply) -> Charge:
    """Nobody found, nothing billed."""
    told = reply.json()
    user = told.get("data") if isinstance(told, dict) else None
    return wire.user_read(reply) if isinstance(user, dict) and user.get("id") else FREE
