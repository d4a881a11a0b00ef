"""Facebook Login: dialog, code, short-lived token, long-lived token, and the Pages that it opens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kicau.connector import oauth2
from kicau.connector.content import JSON, Problem
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.protocol import SignInRedirect
from kicau.connector.session import App, Credentials, SignInSession
from kicau.networks._meta.graph import API_VERSION, CALL_CHARGE, GraphClient, required_text


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAccessToken:
    """A person's long-lived token (about 60 days) and what they granted with it."""

    token: str = field(repr=False)
    expires_at: datetime | None
    granted: frozenset[str]


def login_redirect(app: App, scopes: Iterable[str], memory: Mapping[str, JSON]) -> SignInRedirect:
    """Where a person allows the app; Facebook offers no PKCE to server apps, so state alone guards the way back."""
    query = {"client_id": app.client_id, "redirect_uri": app.callback, "scope": ",".join(scopes)}
    return oauth2.authorization_redirect(
        f"{app.endpoints['dialog']}/{API_VERSION.value}/dialog/oauth", query, pkce=False, memory=memory
    )


async def request_user_token(
    sign_in: SignInSession, base: str, network: str, returned: Mapping[str, str], needed: Iterable[str]
) -> UserAccessToken:
    """The person's long-lived token. Raises Rejected where they declined, or left out a scope that is needed."""
    app = sign_in.app
    code = oauth2.authorization_code(network, returned)
    short = await _request_token(sign_in, base, {"redirect_uri": app.callback, "code": code})
    long = await exchange_token(sign_in, base, required_text(short, "access_token"))
    graph = GraphClient(http=sign_in.http, base=base, token=long.access_token, secret=app.client_secret)
    listed = (await graph.get("me/permissions")).get("data", [])
    granted = frozenset(row["permission"] for row in listed if row.get("status") == "granted")
    if missing := sorted(set(needed) - granted):
        raise Rejected(
            Problem(
                code="sign-in-declined",
                message="{network} did not give Kicau these permissions: {missing}. Connect the channel again and leave all permissions turned on.",
                params={"network": network, "missing": ", ".join(missing)},
            )
        )
    return UserAccessToken(token=long.access_token, expires_at=long.expires_at, granted=granted)


async def check_keys(sign_in: SignInSession, base: str, network: str) -> None:
    """Ask for an app access token, which only the app's own keys get. Raises Rejected where the keys are wrong.
    https://developers.facebook.com/docs/facebook-login/guides/access-tokens#apptokens (2026-12-03)"""
    try:
        await _request_token(sign_in, base, {"grant_type": "client_credentials"})
    except ConnectorError as refused:
        raise_wrong_keys(network, refused)
        raise


def raise_wrong_keys(network: str, refused: ConnectorError) -> None:
    """Raises Rejected where a refusal is about the app's id or secret. Meta's codes for it, 1 and 101, mean other faults
    too, so its words decide; Instagram's and Threads' logins send them as JSON {error_type, code, error_message}."""
    named = re.search(r'"error_message": *"([^"]*)"', refused.detail)
    why = named[1] if named else refused.detail
    if re.search(r"validating (application|client secret)|client[ _](id|secret)|platform app", why, re.IGNORECASE):
        raise oauth2.wrong_keys(network, why) from refused


async def exchange_token(sign_in: SignInSession, base: str, token: str) -> Credentials:
    """A fresh long-lived token for a token that still works."""
    answer = await _request_token(sign_in, base, {"grant_type": "fb_exchange_token", "fb_exchange_token": token})
    return oauth2.credentials_from_response(answer, sign_in.now())


async def list_pages(sign_in: SignInSession, base: str, token: str, fields: str) -> list[dict[str, Any]]:
    """Every Page on which the person may publish, each with a token of its own."""
    graph = GraphClient(http=sign_in.http, base=base, token=token, secret=sign_in.app.client_secret)
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    for _ in range(50):
        answer = await graph.get("me/accounts", fields=fields, limit="100", **more)
        found += answer.get("data", [])
        paging = answer.get("paging", {})
        if not paging.get("next"):
            break
        more = {"after": required_text(paging.get("cursors", {}), "after")}
    return [page for page in found if "CREATE_CONTENT" in page.get("tasks", ["CREATE_CONTENT"])]


async def _request_token(sign_in: SignInSession, base: str, query: Mapping[str, str]) -> dict[str, Any]:
    app = sign_in.app
    known = {"client_id": app.client_id, "client_secret": app.client_secret}
    # Sent as a form, so that no proxy's log holds the secret; the endpoint takes GET and POST alike.
    url = f"{base}/{API_VERSION.value}/oauth/access_token"
    reply = await sign_in.http.call("POST", url, charge=CALL_CHARGE, form={**known, **query}, repeatable=False)
    body = reply.json()
    return body if isinstance(body, dict) else {}
