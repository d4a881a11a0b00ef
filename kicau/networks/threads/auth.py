"""Connecting a Threads account: its own login, a short-lived token, a long-lived one.

Source: https://developers.facebook.com/docs/threads/get-started/get-access-tokens-and-permissions and .../long-lived-tokens,
by Meta's Threads API collection of 2026-01-02.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kicau.connector import oauth2
from kicau.connector.capabilities import Option
from kicau.connector.content import JSON
from kicau.connector.errors import ConnectorError
from kicau.connector.protocol import AppGuide, SignInIdentity, SignInRedirect
from kicau.connector.session import Credentials, Session, SignInSession
from kicau.networks._meta import login
from kicau.networks._meta.graph import CALL_CHARGE, parse_time, required_text
from kicau.networks.threads import engagement
from kicau.networks.threads.limits import NETWORK_LABEL
from kicau.networks.threads.wire import ThreadsGraph

OAUTH_SCOPES = (
    "threads_basic",
    "threads_content_publish",
    "threads_manage_replies",
    "threads_read_replies",
    "threads_delete",
    engagement.INSIGHTS_SCOPE,
    engagement.MENTIONS_SCOPE,
)
MIN_TOKEN_AGE = timedelta(hours=24)  # a token may be refreshed once it is that old


APP_GUIDE = AppGuide(
    url="https://developers.facebook.com/apps",
    steps=(
        "Create an app on Meta for Developers with the use case “Access the Threads API”.",
        "Open “Customize use case”, then “Settings”. Enter Kicau's callback address under “Redirect Callback URLs”.",
        "Copy the “Threads App ID” and the “Threads App secret” from the same page. The keys of the Meta app are other keys.",
    ),
    key_names=("Threads App ID", "Threads App secret"),
    before_review="You can publish to accounts that you added to your app as “Threads Testers”. They must accept the invitation in their Threads settings.",
    after_review="For all other accounts, ask for the permissions in Meta's App Review.",
    fetches_files=True,
    source="https://developers.facebook.com/docs/threads/get-started (2026-12-03)",
)


class ThreadsAuth:
    needs_keys = True
    takes = (replace(CALL_CHARGE, units=3),)  # two tokens and the account

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
        """Ask for an app access token, which only the app's own keys get.
        https://developers.facebook.com/docs/threads/get-started/get-access-tokens-and-permissions (2026-12-03)"""
        app = sign_in.app
        query = {
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "grant_type": "client_credentials",
        }
        try:
            await _request_token(sign_in, "oauth/access_token", query)
        except ConnectorError as refused:
            login.raise_wrong_keys(NETWORK_LABEL, refused)
            raise

    async def begin(
        self, sign_in: SignInSession, answers: Mapping[str, str], /
    ) -> SignInRedirect | tuple[SignInIdentity, ...]:
        app = sign_in.app
        query = {"client_id": app.client_id, "redirect_uri": app.callback, "scope": ",".join(OAUTH_SCOPES)}
        # Threads offers no PKCE; state alone guards the way back.
        return oauth2.authorization_redirect(f"{app.endpoints['authorize']}/oauth/authorize", query, pkce=False)

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        app = sign_in.app
        form = {
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "grant_type": "authorization_code",
            "redirect_uri": app.callback,
            "code": oauth2.authorization_code(NETWORK_LABEL, returned).removesuffix("#_"),
        }
        reply = await sign_in.http.call(
            "POST", f"{app.endpoints['graph']}/oauth/access_token", charge=CALL_CHARGE, form=form
        )
        short = _response_object(reply.json())
        query = {"grant_type": "th_exchange_token", "client_secret": app.client_secret}
        long = await _request_token(
            sign_in, "access_token", {**query, "access_token": required_text(short, "access_token")}
        )
        now = sign_in.now()
        # The answer names no scopes: they are taken as asked, and a missing one is told by the call that wants it.
        token = _with_issue_date(
            replace(oauth2.credentials_from_response(long, now), scopes=frozenset(OAUTH_SCOPES)), now
        )
        graph = ThreadsGraph(http=sign_in.http, base=app.endpoints["graph"], token=token.access_token)
        return (_sign_in_identity(await graph.get("me", fields="id,username,name"), token),)

    async def refresh(self, session: Session, /) -> Credentials:
        """A token that is not yet a day old is given back as it is: Threads refuses to refresh it."""
        before = session.credentials
        issued = parse_time(before.extra.get("issued"))
        if issued and session.now() - issued < MIN_TOKEN_AGE:
            return before
        query = {"grant_type": "th_refresh_token", "access_token": before.access_token}
        answer = await _request_token(session, "refresh_access_token", query)
        return _with_issue_date(oauth2.credentials_from_response(answer, session.now(), before=before), session.now())


def _response_object(answer: Any) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else {}


async def _request_token(sign_in: SignInSession, path: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Both calls are unversioned GETs; asking twice does no harm."""
    reply = await sign_in.http.call("GET", f"{sign_in.app.endpoints['graph']}/{path}", charge=CALL_CHARGE, params=query)
    return _response_object(reply.json())


def _with_issue_date(token: Credentials, now: datetime) -> Credentials:
    return replace(token, extra={**token.extra, "issued": now.isoformat()})


def _sign_in_identity(me: Mapping[str, Any], token: Credentials) -> SignInIdentity:
    handle = required_text(me, "username")
    url = f"https://www.threads.net/@{handle}"
    return SignInIdentity(
        id=required_text(me, "id"), handle=handle, name=str(me.get("name") or handle), url=url, credentials=token
    )
