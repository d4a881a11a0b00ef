"""Accounts to mention: professional ones, by the whole user name, and only for channels that signed in with Facebook.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/business_discovery, as
quoted, 2026-11-26: free, asked of the channel's own account on graph.facebook.com, with `instagram_manage_insights`.
It finds business and creator accounts; private persons and accounts with an age limit it does not.
"""

from __future__ import annotations

import re

from kicau.connector.content import Problem
from kicau.connector.errors import Rejected
from kicau.connector.roles.account_search import AccountSearchRules, MentionableAccount
from kicau.connector.session import Session
from kicau.networks.instagram import wire
from kicau.networks.instagram.auth import SEARCH_SCOPE
from kicau.networks.instagram.errors import NOBODY_CODE
from kicau.networks.instagram.limits import NETWORK_LABEL

SEARCH_RULES = AccountSearchRules(as_typed=False, every=False, what="professional")
NAME_PATTERN = re.compile(r"[A-Za-z0-9_.]{1,30}")


async def find_accounts(session: Session, words: str) -> tuple[MentionableAccount, ...]:
    if not NAME_PATTERN.fullmatch(words):
        return ()
    granted = session.credentials.scopes
    if not wire.uses_facebook_login(session) or (granted and SEARCH_SCOPE not in granted):
        message = "{network} lets Kicau search for accounts only if you connected the channel with Facebook and the permission {scope}. Connect the channel again with Facebook, or type the handle yourself."
        raise Rejected(
            Problem(code="no-look-up", message=message, params={"network": NETWORK_LABEL, "scope": SEARCH_SCOPE})
        )
    try:
        told = await wire.graph_client(session).get(
            session.account_id, fields=f"business_discovery.username({words}){{id,username,name}}"
        )
    except Rejected as refused:
        if all(problem.code != NOBODY_CODE for problem in refused.problems):
            raise
        return ()
    one = told.get("business_discovery")
    if not isinstance(one, dict) or not one.get("username"):
        return ()
    handle = str(one["username"])
    return (MentionableAccount(target=handle, mention=f"@{handle}", handle=handle, name=str(one.get("name") or "")),)
