"""Sign-in by OAuth as the AT Protocol wants it: pushed request, PKCE, tokens bound to a key, rotating refresh tokens.

https://atproto.com/specs/oauth (2026-11-24). A client without a key of its own is public and stays signed in for two
weeks; one with a key, in the app's secret as a private JWK, for up to two years.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from kicau.connector import oauth2
from kicau.connector.content import JSON
from kicau.connector.errors import AuthExpired, Rejected
from kicau.connector.protocol import SignInRedirect
from kicau.connector.session import App, Credentials
from kicau.networks.bluesky import dpop, errors, identity, wire
from kicau.networks.bluesky.identity import AccountIdentity
from kicau.networks.bluesky.limits import NETWORK_LABEL
from kicau.networks.bluesky.wire import SessionLike

OAUTH_SCOPES = ("atproto", "transition:generic")
LOOPBACK_CLIENT = (
    "http://localhost"  # the client id of an app that nobody registered: only with a callback on 127.0.0.1
)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationServer:
    """An authorization server, by its own description."""

    issuer: str
    authorize: str
    par: str
    token: str
    revocation: str = ""


def client_id(app: App) -> str:
    """The address of the client's description: the operator's own, else the one that Kicau serves, which a server reads
    where Kicau has an https address. One for loopback carries it in itself."""
    if app.client_id not in ("", LOOPBACK_CLIENT):
        return app.client_id
    if not app.client_id and app.description.startswith("https://"):
        return app.description
    return f"{LOOPBACK_CLIENT}?{urlencode({'redirect_uri': app.callback, 'scope': ' '.join(OAUTH_SCOPES)})}"


async def find_authority(lent: SessionLike, server: str) -> AuthorizationServer:
    """The authorization server that a server of accounts names, or that it is itself."""
    try:
        told = wire.response_object(
            await wire.send_request(lent, "GET", f"{server}/.well-known/oauth-protected-resource")
        )
        listed = told.get("authorization_servers")
        issuer = str(listed[0]) if isinstance(listed, list) and listed else server
    except errors.NoSuchPage:
        issuer = server
    except Rejected as refused:
        if not errors.is_missing(refused):
            raise
        issuer = server
    return await fetch_authority(lent, issuer.rstrip("/"))


async def fetch_authority(lent: SessionLike, issuer: str) -> AuthorizationServer:
    if not identity.is_reachable_server(issuer, lent.app):
        raise _sign_in_error(f"{issuer} is no public server")
    told = wire.response_object(
        await wire.send_request(lent, "GET", f"{issuer}/.well-known/oauth-authorization-server")
    )
    found = AuthorizationServer(
        issuer=wire.required_text(told, "issuer"),
        authorize=wire.required_text(told, "authorization_endpoint"),
        par=wire.required_text(told, "pushed_authorization_request_endpoint"),
        token=wire.required_text(told, "token_endpoint"),
        revocation=str(told.get("revocation_endpoint") or ""),
    )
    asked = filter(None, (found.par, found.token, found.revocation))
    if found.issuer != issuer or not all(identity.is_reachable_server(url, lent.app) for url in asked):
        raise _sign_in_error(f"{issuer} describes itself as {found.issuer}")
    return found


async def begin_oauth(sign_in: SessionLike, server: str, who: AccountIdentity | None) -> SignInRedirect:
    """Push the request to the server's authority; the person then goes there with no more than its number."""
    there, app = await find_authority(sign_in, server), sign_in.app
    state, verifier, key = oauth2.new_state(), oauth2.new_verifier(), dpop.new_key()
    form = {
        "client_id": client_id(app),
        "response_type": "code",
        "redirect_uri": app.callback,
        "scope": " ".join(OAUTH_SCOPES),
        "state": state,
        "code_challenge": oauth2.code_challenge(verifier),
        "code_challenge_method": "S256",
        **_client_fields(sign_in, there.issuer),
    }
    if who:
        form["login_hint"] = who.handle or who.did
    try:
        answer = await _post_form(sign_in, there.par, form, key)
    except AuthExpired as refused:
        raise _sign_in_error(refused.detail) from refused
    query = urlencode({"client_id": form["client_id"], "request_uri": wire.required_text(answer, "request_uri")})
    memory: dict[str, JSON] = {"verifier": verifier, "key": key, "issuer": there.issuer, "did": who.did if who else ""}
    return SignInRedirect(url=f"{there.authorize}?{query}", state=state, memory=memory)


async def finish_oauth(
    sign_in: SessionLike, memory: Mapping[str, JSON], returned: Mapping[str, str]
) -> tuple[AccountIdentity, Credentials]:
    """Who signed in, and what they granted; both are checked to belong together."""
    code = oauth2.authorization_code(NETWORK_LABEL, returned)
    issuer, key = str(memory.get("issuer") or ""), str(memory.get("key") or "")
    if returned.get("iss") != issuer:
        raise _sign_in_error(f"the answer came from {returned.get('iss') or 'nowhere'} instead of {issuer}")
    there = await fetch_authority(sign_in, issuer)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": sign_in.app.callback,
        "client_id": client_id(sign_in.app),
        "code_verifier": str(memory.get("verifier") or ""),
        **_client_fields(sign_in, issuer),
    }
    try:
        answer = await _post_form(sign_in, there.token, form, key)
    except AuthExpired as refused:
        raise _sign_in_error(refused.detail) from refused
    granted = oauth2.credentials_from_response(_require_bound_token(answer), sign_in.now())
    did = wire.required_text(answer, "sub")
    if memory.get("did") and memory["did"] != did:
        raise _sign_in_error("another account signed in than the one that was named")
    who = await identity.resolve_did(sign_in, did)
    if (await find_authority(sign_in, who.pds)).issuer != issuer:
        raise _sign_in_error(f"{issuer} does not speak for {who.pds}, where the account lives")
    extra: dict[str, JSON] = {
        "login": "oauth",
        "key": key,
        "issuer": identity.relative_server(issuer, sign_in.app),
        "pds": identity.relative_server(who.pds, sign_in.app),
    }
    return who, _with_extra(granted, extra)


async def refresh_oauth(session: SessionLike, held: Credentials) -> Credentials:
    """New tokens; the old refresh token is worthless from then on, so its answer must not be lost."""
    if not held.refresh_token:
        raise AuthExpired("the server gave no refresh token: connect the channel again")
    there = await fetch_authority(session, str(held.extra.get("issuer") or session.app.endpoints["pds"]))
    form = {
        "grant_type": "refresh_token",
        "refresh_token": held.refresh_token,
        "client_id": client_id(session.app),
        **_client_fields(session, there.issuer),
    }
    answer = await _post_form(session, there.token, form, str(held.extra.get("key") or ""))
    return oauth2.credentials_from_response(_require_bound_token(answer), session.now(), before=held)


async def revoke(session: SessionLike, held: Credentials) -> None:
    """RFC 7009 at the address in the server's description, which every server based on @atproto/oauth-provider has.
    Revoking one token ends the whole grant there. https://atproto.com/specs/oauth (2026-12-02)"""
    there = await fetch_authority(session, str(held.extra.get("issuer") or session.app.endpoints["pds"]))
    if not there.revocation:
        raise Rejected(detail=f"{there.issuer} describes no revocation endpoint")
    form = {
        "token": held.refresh_token or held.access_token,
        "client_id": client_id(session.app),
        **_client_fields(session, there.issuer),
    }
    key = str(held.extra.get("key") or "")
    await wire.send_request(session, "POST", there.revocation, key=key, form=form, repeatable=True)


async def _post_form(lent: SessionLike, url: str, form: Mapping[str, str], key: str) -> dict[str, Any]:
    return wire.response_object(await wire.send_request(lent, "POST", url, key=key, form=form, repeatable=True))


def _require_bound_token(answer: dict[str, Any]) -> dict[str, Any]:
    """A token that is not bound to our key would be one that anybody could use."""
    if str(answer.get("token_type", "")).lower() != "dpop":
        raise AuthExpired("the server gave a token that is not bound to a key")
    return answer


def _client_fields(lent: SessionLike, issuer: str) -> dict[str, str]:
    """What a client with a key of its own says of itself; nothing for a public one."""
    secret, name = lent.app.client_secret.strip(), client_id(lent.app)
    if not secret.startswith("{") or name.startswith(f"{LOOPBACK_CLIENT}?"):
        return {}
    try:
        jwk = json.loads(secret)
        signed = dpop.client_assertion(jwk["d"], str(jwk.get("kid") or ""), name, issuer, lent.now())
    except (ValueError, KeyError, TypeError) as exc:
        raise _sign_in_error("the app's secret is not a private key in JWK form") from exc
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}


def _with_extra(granted: Credentials, extra: Mapping[str, JSON]) -> Credentials:
    return Credentials(
        access_token=granted.access_token,
        refresh_token=granted.refresh_token,
        expires_at=granted.expires_at,
        scopes=granted.scopes,
        extra=extra,
    )


def _sign_in_error(why: str) -> Rejected:
    return wire.rejection(
        errors.SIGN_IN_CODE,
        "Kicau could not sign in to {network} ({why}). Connect the channel again, or ask the server administrator to check the app's ID, key and callback address.",
        why=why.strip().rstrip("."),
    )
