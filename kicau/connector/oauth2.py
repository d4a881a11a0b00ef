"""OAuth 2 as every network means it: state, PKCE, and a token answer read with care."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from kicau.connector.content import JSON, Problem
from kicau.connector.errors import Rejected, Unavailable
from kicau.connector.protocol import SignInRedirect
from kicau.connector.session import Credentials


def new_state() -> str:
    return secrets.token_urlsafe(32)


def new_verifier() -> str:
    """A PKCE code verifier (RFC 7636, 4.1): 64 unreserved characters."""
    return secrets.token_urlsafe(48)


def code_challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorization_redirect(
    authorize_url: str, query: Mapping[str, str], *, pkce: bool, memory: Mapping[str, JSON] | None = None
) -> SignInRedirect:
    """Where to send the person: `query` with a fresh state and, where offered, an S256 challenge."""
    state = new_state()
    kept: dict[str, JSON] = dict(memory or {})
    asked = {"response_type": "code", **query, "state": state}
    if pkce:
        verifier = new_verifier()
        kept["verifier"] = verifier
        asked |= {"code_challenge": code_challenge(verifier), "code_challenge_method": "S256"}
    joint = "&" if "?" in authorize_url else "?"
    return SignInRedirect(url=f"{authorize_url}{joint}{urlencode(asked)}", state=state, memory=kept)


def authorization_code(network: str, returned: Mapping[str, str]) -> str:
    """The code that came back. Raises Rejected with a sentence for the person when they or the network declined."""
    if code := returned.get("code"):
        return code
    why = returned.get("error_description") or returned.get("error") or "no code came back"
    raise Rejected(
        Problem(
            code="sign-in-declined",
            message="{network} did not give Kicau access: {why}. Connect the channel again and allow the access that Kicau asks for.",
            params={"network": network, "why": why},
        )
    )


def wrong_keys(network: str, why: str) -> Rejected:
    """What `check_keys` raises where the network does not know the app's keys."""
    return Rejected(
        Problem(
            code="wrong-app-keys",
            message="{network} does not accept these keys: {why}. Copy both keys again from the network's page of your app.",
            params={"network": network, "why": why.rstrip(".") or "no reason given"},
        ),
        detail=why,
    )


def basic_authorization(client_id: str, client_secret: str) -> str:
    """The value of an Authorization header for a confidential client (RFC 6749, 2.3.1)."""
    return "Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()


def credentials_from_response(
    answer: Mapping[str, Any], now: datetime, *, before: Credentials | None = None
) -> Credentials:
    """A token answer as Credentials; a refresh token or scope that is not repeated is kept from `before`.

    Raises Unavailable where the answer holds no access token: a passing fault, never a reason to disconnect.
    """
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise Unavailable("the token answer held no access token")
    scope = answer.get("scope")
    scopes = frozenset(scope.replace(",", " ").split()) if isinstance(scope, str) else frozenset()
    refresh_in = answer.get("refresh_token_expires_in")
    return Credentials(
        access_token=token,
        refresh_token=str(answer.get("refresh_token") or (before.refresh_token if before else "")),
        expires_at=_expiry_time(now, answer.get("expires_in")),
        refresh_expires_at=_expiry_time(now, refresh_in) or (before.refresh_expires_at if before else None),
        scopes=scopes or (before.scopes if before else frozenset()),
        extra=before.extra if before else {},
    )


def _expiry_time(now: datetime, seconds: Any) -> datetime | None:
    try:
        return now + timedelta(seconds=int(seconds)) if seconds is not None else None
    except (TypeError, ValueError, OverflowError):
        return None
