"""Accounts to mention: professional ones, by the whole user name, and only for channels that signed in with Facebook.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/business_discovery, as
quoted, 2026-11-26: free, asked of the channel's own account on graph.facebook.com, with `instagram_manage_insights`.
It finds business and creator accounts; private persons and accounts with an age limit it does not.
"""

from __future__ import annotations

import re

from kicau.connector.content import Problem
from kicau.connector.errors import Rejected
from kicau.connector.roles.account_search import Account, Finding
from kicau.connector.session import Session
from kicau.networks.instagram import wire
from kicau.networks.instagram.auth import FINDS
from kicau.networks.instagram.errors import NOBODY
from kicau.networks.instagram.limits import NETWORK

FINDING = Finding(as_typed=False, every=False, what="professional")
NAME = re.compile(r"[A-Za-z0-9_.]{1,30}")


async def find(session: Session, words: str) -> tuple[Account, ...]:
    if not NAME.fullmatch(words):
        return ()
    granted = session.credentials.scopes
    if not wire.by_facebook(session) or (granted and FINDS not in granted):
        message = "{network} lets accounts be looked up only through its sign-in with Facebook, and with {scope}: connect the channel that way, or write the handle yourself."
        raise Rejected(Problem(code="no-look-up", message=message, params={"network": NETWORK, "scope": FINDS}))
    try:
        told = await wire.graph_of(session).get(
            session.account_id, fields=f"business_discovery.username({words}){{id,username,name}}"
        )
    except Rejected as refused:
        if all(problem.code != NOBODY for problem in refused.problems):
            raise
        return ()
    one = told.get("business_discovery")
    if not isinstance(one, dict) or not one.get("username"):
        return ()
    handle = str(one["username"])
    return (Account(target=handle, mention=f"@{handle}", handle=handle, name=str(one.get("name") or "")),)
