"""Signing in at the person's own server: the app registers itself there, then OAuth 2 with PKCE where it is offered.

The app's keys of that server live with the channel (`Credentials.extra`); the operator needs none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kicau.connector import oauth2
from kicau.connector.capabilities import Option
from kicau.connector.content import JSON, Charge, Problem
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.protocol import SignInIdentity, SignInRedirect
from kicau.connector.session import Credentials, Session, SignInSession
from kicau.connector.transport import ssrf
from kicau.networks.mastodon import wire
from kicau.networks.mastodon.limits import NETWORK_LABEL

log = logging.getLogger("kicau.networks.mastodon")

CLIENT_NAME = "Kicau"
# No more than is used: who one is, what one published, who answered it, posting, uploading, and finding a post by its
# address.
OAUTH_SCOPES = ("read:accounts", "read:statuses", "read:notifications", "read:search", "write:media", "write:statuses")
HOST_PATTERN = re.compile(
    r"(?=.{1,253}(?::|\Z))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::\d{1,5})?"
)


class MastodonAuth:
    needs_keys = False
    takes = (Charge(wire.CALLS_METER, 4, always=True),)  # what it offers and our app there, a token and the account

    @property
    def questions(self) -> tuple[Option, ...]:
        return (
            Option(
                name="server",
                label="Your server",
                help="Enter the name of your server. For example: mastodon.social. You can also enter the server's address or your full handle (@you@mastodon.social).",
            ),
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        return OAUTH_SCOPES

    async def begin(
        self, sign_in: SignInSession, answers: Mapping[str, str], /
    ) -> SignInRedirect | tuple[SignInIdentity, ...]:
        host = parse_server_name(answers.get("server", "")) or _configured_server(sign_in)
        await _check_reachable(sign_in, host)
        pkce = await _offers_pkce(sign_in, host)
        keys = await _register_app(sign_in, host)
        query = {"client_id": keys["client_id"], "redirect_uri": sign_in.app.callback, "scope": " ".join(OAUTH_SCOPES)}
        return oauth2.authorization_redirect(
            f"{wire.server_url(sign_in, host)}/oauth/authorize", query, pkce=pkce, memory={"host": host, **keys}
        )

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        host = str(memory["host"])
        keys = {name: str(memory[name]) for name in ("client_id", "client_secret")}
        form = {
            "grant_type": "authorization_code",
            "code": oauth2.authorization_code(NETWORK_LABEL, returned),
            "redirect_uri": sign_in.app.callback,
            "scope": " ".join(OAUTH_SCOPES),
            **keys,
        }
        if verifier := memory.get("verifier"):
            form["code_verifier"] = str(verifier)
        try:
            answer = await _request_token(sign_in, host, form)
        except AuthExpired as exc:
            raise Rejected(_sign_in_problem(exc.detail), detail=exc.detail) from exc
        granted = oauth2.credentials_from_response(answer, sign_in.now())
        granted = replace(granted, scopes=granted.scopes or frozenset(OAUTH_SCOPES), extra=dict[str, JSON](keys))
        return (await _sign_in_identity(sign_in, host, granted),)

    async def refresh(self, session: Session, /) -> Credentials:
        """Mastodon's tokens do not end, so theirs is asked whether it still stands; others give refresh tokens."""
        before = session.credentials
        if not before.refresh_token:
            await _fetch_own_account(session, session.host, before.access_token)
            return before
        keys = {name: str(before.extra.get(name) or "") for name in ("client_id", "client_secret")}
        form = {"grant_type": "refresh_token", "refresh_token": before.refresh_token, **keys}
        return oauth2.credentials_from_response(
            await _request_token(session, session.host, form), session.now(), before=before
        )

    async def revoke(self, session: Session, /) -> None:
        """https://docs.joinmastodon.org/methods/oauth/#revoke (2026-12-02): a token of the app that asks; one that has
        ended already is answered with 200, too."""
        held = session.credentials
        keys = {name: str(held.extra.get(name) or "") for name in ("client_id", "client_secret")}
        for token in filter(None, (held.refresh_token, held.access_token)):
            form = {"token": token, **keys}
            await wire.send_request(session, session.host, "POST", "/oauth/revoke", form=form, repeatable=True)


def parse_server_name(given: str) -> str:
    """The host in what a person writes: "mastodon.social", "https://mastodon.social/@you", "@you@mastodon.social".

    "" where nothing was given. Raises Rejected with a sentence where it is no host's name.
    """
    said = given.strip()
    host = re.sub(r"^[a-z]+://", "", said, flags=re.IGNORECASE).split("/")[0].split("?")[0].rsplit("@", 1)[-1]
    host = host.strip().rstrip(".").lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            host = "?"
    if host and not HOST_PATTERN.fullmatch(host):
        raise Rejected(
            _problem("bad-server", "{given!r} is no server's name: write it as in mastodon.social.", given=said[:100])
        )
    return host


def _configured_server(sign_in: SignInSession) -> str:
    """The one server there is, where the operator's setting names it (a sandbox)."""
    address = sign_in.app.endpoints["server"]
    if "{host}" in address:
        raise Rejected(
            _problem(
                "needs-server",
                "{network} consists of many separate servers. Enter the name of the server with your account. For example: mastodon.social.",
            )
        )
    return address.split("://", 1)[-1].split("/", 1)[0]


async def _check_reachable(sign_in: SignInSession, host: str) -> None:
    """A name that anybody may type never leads into the operator's own network."""
    if "{host}" not in sign_in.app.endpoints["server"]:
        return
    name, _, port = host.partition(":")
    resolver = ssrf.GuardedResolver()
    try:
        await resolver.resolve(name, int(port or 443))
    except OSError as exc:  # the same words for an internal address and for a name that nobody has
        log.warning("a server could not be reached: host=%s why=%s", host[:200], ssrf.failure_reason(exc))
        raise Rejected(_unknown_server_problem(host)) from exc
    finally:
        await resolver.close()


async def _offers_pkce(sign_in: SignInSession, host: str) -> bool:
    """Mastodon tells it since 4.3 (RFC 8414); who does not tell gets none, for some refuse what they do not know."""
    try:
        reply = await wire.send_request(sign_in, host, "GET", "/.well-known/oauth-authorization-server")
        told = reply.json()
    except (Rejected, AuthExpired, Unavailable):
        return False  # where the server is not there at all, registering says so
    methods = told.get("code_challenge_methods_supported") if isinstance(told, dict) else None
    return isinstance(methods, list) and "S256" in methods


async def _register_app(sign_in: SignInSession, host: str) -> dict[str, str]:
    """Keys for this app on this server. As a form with one address: every server understands that."""
    form = {"client_name": CLIENT_NAME, "redirect_uris": sign_in.app.callback, "scopes": " ".join(OAUTH_SCOPES)}
    try:
        answer = (await wire.send_request(sign_in, host, "POST", "/api/v1/apps", form=form, repeatable=True)).json()
    except RateLimited:
        raise
    except (Unavailable, Uncertain) as exc:
        raise Rejected(_unknown_server_problem(host), detail=exc.detail) from exc
    except ConnectorError as exc:
        raise Rejected(
            _problem(
                "no-api",
                "Kicau could not register its app with {host}, which may not be a {network} server. Check the name of your server.",
                host=host,
            ),
            detail=exc.detail,
        ) from exc
    if not isinstance(answer, dict) or not answer.get("client_id"):
        raise Rejected(
            _problem(
                "no-api",
                "Kicau could not register its app with {host}, which may not be a {network} server. Check the name of your server.",
                host=host,
            )
        )
    return {"client_id": str(answer["client_id"]), "client_secret": str(answer.get("client_secret") or "")}


async def _request_token(lent: SignInSession | Session, host: str, form: Mapping[str, str]) -> dict[str, Any]:
    # Asking twice is harmless: a code that was used up is refused, and then the person signs in again.
    answer = (await wire.send_request(lent, host, "POST", "/oauth/token", form=form, repeatable=True)).json()
    return answer if isinstance(answer, dict) else {}


async def _fetch_own_account(lent: SignInSession | Session, host: str, token: str) -> dict[str, Any]:
    try:
        told = (await wire.send_request(lent, host, "GET", "/api/v1/accounts/verify_credentials", token=token)).json()
    except Rejected as exc:  # snac answers a token that it does not know with 422 and nothing
        raise AuthExpired(exc.detail) from exc
    if not isinstance(told, dict) or not told.get("id"):
        raise Unavailable(f"{host} did not tell who signed in")
    return told


async def _sign_in_identity(sign_in: SignInSession, host: str, granted: Credentials) -> SignInIdentity:
    told = await _fetch_own_account(sign_in, host, granted.access_token)
    name = str(told.get("username") or told.get("acct") or told["id"])
    return SignInIdentity(
        id=str(told["id"]),
        handle=name,
        name=str(told.get("display_name") or name),
        host=host,
        url=str(told.get("url") or f"{wire.server_url(sign_in, host)}/@{name}"),
        credentials=granted,
    )


def _problem(code: str, message: str, **params: str) -> Problem:
    return Problem(code=code, message=message, params={"network": NETWORK_LABEL, **params}, field="server")


def _unknown_server_problem(host: str) -> Problem:
    return _problem(
        "no-such-server", "{host} could not be reached: check the name of your server, or try again later.", host=host
    )


def _sign_in_problem(why: str) -> Problem:
    return _problem(
        "sign-in-failed",
        "Kicau could not sign in to {network} ({why}). Connect the channel again.",
        why=why.rstrip("."),
    )
