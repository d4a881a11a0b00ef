"""Connecting Pages: one sign-in with Facebook, one channel for each Page chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kicau.connector.capabilities import Option
from kicau.connector.content import JSON, Problem
from kicau.connector.errors import Rejected
from kicau.connector.protocol import Account, Redirect
from kicau.connector.session import Credentials, Session, SignIn
from kicau.networks._meta import login
from kicau.networks._meta.graph import CALL, Graph, text_of
from kicau.networks.facebook.limits import NETWORK
from kicau.networks.facebook.webhooks import SUBSCRIBES

COMMENTS = "pages_manage_engagement"
SCOPES = (
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_posts",
    COMMENTS,
    "pages_read_user_content",
    SUBSCRIBES,
)
NEEDED = ("pages_show_list", "pages_read_engagement", "pages_manage_posts")
FIELDS = "id,name,username,link,access_token,tasks"


class FacebookAuth:
    """A Page's token has no end; the person's, kept as its refresh token, makes a new one while it lasts (60 days)."""

    needs_keys = True
    takes = (replace(CALL, units=4),)  # two tokens, what was granted, the Pages

    @property
    def questions(self) -> tuple[Option, ...]:
        return ()

    @property
    def scopes(self) -> tuple[str, ...]:
        return SCOPES

    async def begin(self, sign_in: SignIn, answers: Mapping[str, str], /) -> Redirect | tuple[Account, ...]:
        return login.dialog(sign_in.app, SCOPES, {})

    async def finish(
        self, sign_in: SignIn, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[Account, ...]:
        base = sign_in.app.endpoints["graph"]
        person = await login.user_token(sign_in, base, NETWORK, returned, NEEDED)
        found = await login.pages(sign_in, base, person.token, FIELDS)
        if not found:
            message = "{network} showed no Page on which you may publish: choose one in its window, or ask its owner for that task."
            raise Rejected(Problem(code="no-pages", message=message, params={"network": NETWORK}))
        return tuple(_account(page, person) for page in found)

    async def refresh(self, session: Session, /) -> Credentials:
        before = session.credentials
        if not before.refresh_token:
            return before
        base = session.app.endpoints["graph"]
        person = await login.exchange(session, base, before.refresh_token)
        graph = Graph(http=session.http, base=base, token=person.access_token, secret=session.app.client_secret)
        page = await graph.get(session.account_id, fields="access_token")
        return replace(before, access_token=text_of(page, "access_token"), refresh_token=person.access_token)


def _account(page: Mapping[str, Any], person: login.UserToken) -> Account:
    # No date for the refresh token: the Page's own keeps working when the person's has run out.
    token = Credentials(access_token=text_of(page, "access_token"), refresh_token=person.token, scopes=person.granted)
    page_id = text_of(page, "id")
    name = str(page.get("name", page_id))
    handle = str(page.get("username") or page_id)
    url = str(page.get("link") or f"https://www.facebook.com/{page_id}")
    return Account(id=page_id, handle=handle, name=name, kind="page", url=url, credentials=token)
