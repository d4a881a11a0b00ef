"""X's sign-in: the authorise page, and tokens that expire and change at each refresh."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kicau.connector.sandbox.server import read_form
from kicau.networks.x.sandbox.errors import XApiError, oauth_error, plain_error, unauthorized_error
from kicau.networks.x.sandbox.shapes import split_words

if TYPE_CHECKING:
    from kicau.networks.x.sandbox.server import Server

CODE_LIFETIME_SECONDS = 30  # seconds
ACCESS_LIFETIME_SECONDS = 7200
KNOWN_SCOPES = split_words(
    "block.read block.write bookmark.read bookmark.write broadcast.read broadcast.write dm.read dm.write follows.read "
    "follows.write like.read like.write list.read list.write media.write mute.read mute.write offline.access space.read "
    "timeline.read tweet.moderate.write tweet.read tweet.write users.read"
)  # OpenAPI 2.167, OAuth2UserToken


@dataclass(frozen=True, slots=True)
class XCaller:
    """Whose token came with a request; an app's own token has no account."""

    account: str
    app: str
    scopes: frozenset[str]


class XOAuth:
    def __init__(self, server: Server) -> None:
        self._server = server

    def caller(self, request: web.Request, scopes: tuple[str, ...] | None, *, apps: bool) -> XCaller:
        """Who is asking. `scopes` None: no account's token is taken; `apps`: an app's own is. Raises the 401 or 403."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        held = self._server.store.get("token", token.strip()) if kind.lower() == "bearer" else None
        if held is None or held["expires"] <= self._server.now().timestamp():
            raise unauthorized_error()
        who = XCaller(held["account"], held["app"], frozenset(held["scopes"]))
        if not who.account:
            if not apps:
                raise _unsupported_error()
            return who
        if scopes is None:
            raise _unsupported_error()
        if not who.scopes.issuperset(scopes):
            raise plain_error(403, "Forbidden")
        return who

    def revoke(self, request: web.Request) -> None:
        """End the request's token and the account's refresh tokens."""
        token = request.headers.get("Authorization", "").partition(" ")[2].strip()
        held = self._server.store.remove("token", token)
        for refresh in list(self._server.store.all("refresh")):
            if held and refresh["account"] == held["account"] and refresh["app"] == held["app"]:
                self._server.store.remove("refresh", refresh["token"])

    # The authorise page

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        asked = dict(request.query)
        if wrong := self._wrong(asked):
            return self._server.page("Something went wrong", f"<h1>Something went wrong</h1><p>{wrong}</p>", 400)
        scopes = asked["scope"].split()
        if request.method == "GET":
            return self._server.consent_page(
                app_name="Kicau", scopes=scopes, accounts=self._server.accounts(), hidden={"state": asked["state"]}
            )
        form = await read_form(request)
        account = str(form.get("account", ""))
        if form.get("decision") != "allow":
            return self._server.send_back(asked["redirect_uri"], error="access_denied", state=asked["state"])
        if self._server.store.get("account", account) is None:
            return self._server.page("Something went wrong", "<h1>There is no such account here</h1>", 400)
        code = secrets.token_urlsafe(48)
        kept = {key: asked[key] for key in ("client_id", "redirect_uri", "code_challenge", "code_challenge_method")}
        expires = self._server.now().timestamp() + CODE_LIFETIME_SECONDS
        self._server.store.put("code", code, {**kept, "account": account, "scopes": scopes, "expires": expires})
        return self._server.send_back(asked["redirect_uri"], code=code, state=asked["state"])

    def _wrong(self, asked: dict[str, str]) -> str:
        asked.setdefault("code_challenge_method", "plain")  # RFC 7636, 4.3
        if self._server.app_for(asked.get("client_id", "")) is None:
            return "You weren't able to give access to the App: it is not known here."
        if asked.get("response_type") != "code":
            return "The response_type must be code."
        if not asked.get("redirect_uri", "").startswith(("http://", "https://")):
            return "The redirect_uri is missing or no address."
        if not 1 <= len(asked.get("state", "")) <= 500:
            return "The state must have 1 to 500 characters."
        if not asked.get("code_challenge") or asked["code_challenge_method"] not in ("S256", "plain"):
            return "A code_challenge with the method S256 or plain is needed."
        unknown = set(asked.get("scope", "").split()) - KNOWN_SCOPES
        return f"Unknown scope: {', '.join(sorted(unknown))}." if unknown or not asked.get("scope") else ""

    # Tokens

    async def token(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        asked = {key: str(value) for key, value in form.items()}
        app = self._client(request, asked)
        match asked.get("grant_type"):
            case "authorization_code":
                return self._exchange(app, asked)
            case "refresh_token":
                return self._refresh(app, asked)
            case "client_credentials":
                return self._app_token(app)
        raise oauth_error(
            400, "unsupported_grant_type", "Missing required parameter [grant_type] or it is not supported."
        )

    async def revoke_token(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        self._client(request, {key: str(value) for key, value in form.items()})
        token = str(form.get("token", ""))
        self._server.store.remove("token", token)
        self._server.store.remove("refresh", token)
        return web.json_response({"revoked": True})

    async def app_token(self, request: web.Request) -> web.Response:
        """An app's own bearer token, at the address that X kept from its first API."""
        form = await read_form(request)
        if form.get("grant_type") != "client_credentials":
            raise oauth_error(403, "invalid_request", "Missing required parameter: grant_type")
        return self._app_token(self._client(request, {}))

    def _client(self, request: web.Request, asked: dict[str, str]) -> str:
        """The client id, proven by Basic for an app with a secret, or named in the form by a public one."""
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                name, secret = "", ""
            app = self._server.app_for(name)
            if app and app.client_secret and hmac.compare_digest(secret.encode(), app.client_secret.encode()):
                return name
            raise oauth_error(401, "unauthorized_client", "Missing valid authorization header")
        app = self._server.app_for(asked.get("client_id", ""))
        if app is None or app.client_secret:
            raise oauth_error(401, "unauthorized_client", "Missing valid authorization header")
        return app.client_id

    def _exchange(self, app: str, asked: dict[str, str]) -> web.Response:
        wrong = oauth_error(400, "invalid_request", "Value passed for the authorization code was invalid.")
        held = self._server.store.remove("code", asked.get("code", ""))  # single use, whatever follows
        if held is None or held["client_id"] != app or held["expires"] <= self._server.now().timestamp():
            raise wrong
        if asked.get("redirect_uri") != held["redirect_uri"]:
            raise oauth_error(
                400,
                "invalid_request",
                "Value passed for the redirect uri did not match the uri of the authorization code.",
            )
        verifier = asked.get("code_verifier", "")
        if held["code_challenge_method"] == "S256":
            digest = hashlib.sha256(verifier.encode()).digest()
            verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not hmac.compare_digest(verifier.encode(), held["code_challenge"].encode()):
            raise oauth_error(
                400, "invalid_request", "Value passed for the code verifier did not match the code challenge."
            )
        return self._grant(held["account"], app, held["scopes"])

    def _refresh(self, app: str, asked: dict[str, str]) -> web.Response:
        token = asked.get("refresh_token", "")
        held = self._server.store.get("refresh", token)
        if held is None or held["app"] != app:
            raise oauth_error(400, "invalid_request", "Value passed for the token was invalid.")
        self._server.store.remove("refresh", token)  # it changes at every use; the old one is dead
        return self._grant(held["account"], app, held["scopes"])

    def _grant(self, account: str, app: str, scopes: list[str]) -> web.Response:
        access = secrets.token_urlsafe(64)
        expires = self._server.now().timestamp() + ACCESS_LIFETIME_SECONDS
        self._server.store.put("token", access, {"account": account, "app": app, "scopes": scopes, "expires": expires})
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "expires_in": ACCESS_LIFETIME_SECONDS,
            "access_token": access,
            "scope": " ".join(scopes),
        }
        if "offline.access" in scopes:
            refresh = secrets.token_urlsafe(64)
            kept = {"token": refresh, "account": account, "app": app, "scopes": scopes}
            self._server.store.put("refresh", refresh, kept)
            answer["refresh_token"] = refresh
        return web.json_response(answer)

    def _app_token(self, app: str) -> web.Response:
        known = self._server.app_for(app)
        if known is None or not known.client_secret:
            raise oauth_error(401, "unauthorized_client", "Missing valid authorization header")
        token = "AAAAAAAAAAAAAAAAAAAAA" + hmac.new(known.client_secret.encode(), app.encode(), "sha256").hexdigest()
        kept = {"account": "", "app": app, "scopes": [], "expires": float("1e12")}
        self._server.store.put("token", token, kept)
        return web.json_response({"token_type": "bearer", "access_token": token})


def _unsupported_error() -> XApiError:
    """Seen with 2.166 and before; 2.167 no longer describes it."""
    return XApiError(
        403,
        {
            "title": "Unsupported Authentication",
            "detail": "Authenticating with this kind of token is forbidden for this endpoint.",
            "type": "https://api.x.com/2/problems/unsupported-authentication",
            "status": 403,
        },
    )
