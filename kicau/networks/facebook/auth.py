"""Connecting Pages: one sign-in with Facebook, one channel for each Page chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kicau.connector.capabilities import Option
from kicau.connector.content import JSON, Problem
from kicau.connector.errors import Rejected
from kicau.connector.protocol import AppGuide, SignInIdentity, SignInRedirect
from kicau.connector.session import Credentials, Session, SignInSession
from kicau.networks._meta import login
from kicau.networks._meta.graph import CALL_CHARGE, GraphClient, required_text
from kicau.networks.facebook.limits import NETWORK_LABEL
from kicau.networks.facebook.webhooks import SUBSCRIBE_SCOPE

COMMENTS_SCOPE = "pages_manage_engagement"
OAUTH_SCOPES = (
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_posts",
    COMMENTS_SCOPE,
    "pages_read_user_content",
    SUBSCRIBE_SCOPE,
)
REQUIRED_SCOPES = ("pages_show_list", "pages_read_engagement", "pages_manage_posts")
PAGE_FIELDS = "id,name,username,link,access_token,tasks"


APP_GUIDE = AppGuide(
    url="https://developers.facebook.com/apps",
    steps=(
        "Create an app of the type “Business” on Meta for Developers, and add “Facebook Login” to it.",
        "Open the settings of “Facebook Login”. Enter Kicau's callback address under “Valid OAuth Redirect URIs”. Leave “Client OAuth login” and “Web OAuth login” turned on.",
        "Open “App settings”, then “Basic”. Copy the “App ID” and the “App secret”.",
    ),
    key_names=("App ID", "App secret"),
    before_review="You can publish to Pages of everyone who has a role in your app.",
    after_review="For Pages of other people, ask for “Advanced Access” in Meta's App Review, with a business verification.",
    source="https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow (2026-12-03)",
)


class FacebookAuth:
    """A Page's token has no end; the person's, kept as its refresh token, makes a new one while it lasts (60 days)."""

    needs_keys = True
    takes = (replace(CALL_CHARGE, units=4),)  # two tokens, what was granted, the Pages

    @property
    def questions(self) -> tuple[Option, ...]:
        return ()

    @property
    def scopes(self) -> tuple[str, ...]:
        return OAUTH_SCOPES

    @property
    def guide(self) -> AppGuide:
        return APP_GUIDE

    async def check_keys(self, sign_in: SignInSession, /) -> None:
        await login.check_keys(sign_in, sign_in.app.endpoints["graph"], NETWORK_LABEL)

    async def begin(
        self, sign_in: SignInSession, answers: Mapping[str, str], /
    ) -> SignInRedirect | tuple[SignInIdentity, ...]:
        return login.login_redirect(sign_in.app, OAUTH_SCOPES, {})

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        base = sign_in.app.endpoints["graph"]
        person = await login.request_user_token(sign_in, base, NETWORK_LABEL, returned, REQUIRED_SCOPES)
        found = await login.list_pages(sign_in, base, person.token, PAGE_FIELDS)
        if not found:
            message = "Kicau found no {network} Page on which you may publish. Choose a Page in the network's sign-in window, or ask the Page's owner for permission to publish."
            raise Rejected(Problem(code="no-pages", message=message, params={"network": NETWORK_LABEL}))
        return tuple(_sign_in_identity(page, person) for page in found)

    async def refresh(self, session: Session, /) -> Credentials:
        before = session.credentials
        if not before.refresh_token:
            return before
        base = session.app.endpoints["graph"]
        person = await login.exchange_token(session, base, before.refresh_token)
        graph = GraphClient(http=session.http, base=base, token=person.access_token, secret=session.app.client_secret)
        page = await graph.get(session.account_id, fields="access_token")
        return replace(before, access_token=required_text(page, "access_token"), refresh_token=person.access_token)


def _sign_in_identity(page: Mapping[str, Any], person: login.UserAccessToken) -> SignInIdentity:
    # No date for the refresh token: the Page's own keeps working when the person's has run out.
    token = Credentials(
        access_token=required_text(page, "access_token"), refresh_token=person.token, scopes=person.granted
    )
    page_id = required_text(page, "id")
    name = str(page.get("name", page_id))
    handle = str(page.get("username") or page_id)
    url = str(page.get("link") or f"https://www.facebook.com/{page_id}")
    return SignInIdentity(id=page_id, handle=handle, name=name, kind="page", url=url, credentials=token)
