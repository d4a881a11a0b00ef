"""Apps, sign-in and tokens of the Mastodon sandbox."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from kicau.connector.sandbox.server import read_form
from kicau.networks.mastodon.sandbox.errors import MastodonApiError, validation_error
from kicau.networks.mastodon.sandbox.params import read_params

if TYPE_CHECKING:
    from kicau.networks.mastodon.sandbox.server import Server

CODE_LIFETIME_SECONDS = 600
OUT_OF_BAND_URI = "urn:ietf:wg:oauth:2.0:oob"
KNOWN_SCOPES = (
    "profile",
    "read",
    "read:accounts",
    "read:notifications",
    "read:search",
    "read:statuses",
    "write",
    "write:accounts",
    "write:media",
    "write:notifications",
    "write:statuses",
    "follow",
    "push",
)

INVALID_GRANT_MESSAGE = "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."
INVALID_CLIENT_MESSAGE = "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method."


@dataclass(frozen=True, slots=True)
class MastodonCaller:
    """Who a request's token speaks for; `account` is "" where it is an app alone, all are where there is no token."""

    account: str = ""
    app: str = ""
    token: str = ""
    scopes: tuple[str, ...] = ()

    def may(self, needed: Iterable[str]) -> bool:
        """Whether one of the scopes was granted, itself or as a part of a wider one."""
        return any(one in self.scopes or one.split(":")[0] in self.scopes for one in needed)


class MastodonOAuth:
    def __init__(self, box: Server) -> None:
        self.box = box

    def routes(self) -> list[web.RouteDef]:
        box = self.box
        return [
            web.get("/.well-known/oauth-authorization-server", box.open(self.metadata, part="metadata")),
            web.post("/api/v1/apps", box.open(self.register)),
            web.get("/api/v1/apps/verify_credentials", box.guarded(self.verify_app, person=False)),
            web.get("/oauth/authorize", self.page),
            web.post("/oauth/authorize", self.decide),
            web.post("/oauth/token", box.open(self.token, limited=False)),
            web.post("/oauth/revoke", box.open(self.revoke, limited=False)),
        ]

    def caller(self, request: web.Request) -> MastodonCaller:
        """Raises MastodonApiError where there is a token and it is no good."""
        given = request.headers.get("Authorization", "")
        if not given.startswith("Bearer "):
            return MastodonCaller()
        token = given[7:].strip()
        found = self.box.store.get("token", token)
        if found is None or found["revoked"]:
            said = "The access token is invalid" if found is None else "The access token was revoked"
            raise MastodonApiError(401, said)
        return MastodonCaller(found["account"], found["app"], token, tuple(found["scopes"]))

    def spoil(self, request: web.Request) -> None:
        token = request.headers.get("Authorization", "")[7:].strip()
        if found := self.box.store.get("token", token):
            self.box.store.put("token", token, {**found, "revoked": True})

    async def metadata(self, request: web.Request) -> web.Response:
        base = self.box.base_url
        return web.json_response(
            {
                "issuer": f"{base}/",
                "service_documentation": "https://docs.joinmastodon.org/",
                "authorization_endpoint": f"{base}/oauth/authorize",
                "token_endpoint": f"{base}/oauth/token",
                "app_registration_endpoint": f"{base}/api/v1/apps",
                "revocation_endpoint": f"{base}/oauth/revoke",
                "userinfo_endpoint": f"{base}/oauth/userinfo",
                "scopes_supported": list(KNOWN_SCOPES),
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "grant_types_supported": ["authorization_code", "client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def register(self, request: web.Request) -> web.Response:
        form = await read_params(request)
        name = str(form.get("client_name") or "").strip()
        given = form.get("redirect_uris") or ""
        redirects = [str(one) for one in given] if isinstance(given, list) else str(given).split()
        scopes = str(form.get("scopes") or "read").split()
        if not name:
            raise validation_error("Application name can't be blank")
        if not redirects or not all("://" in one or one == OUT_OF_BAND_URI for one in redirects):
            raise validation_error("Redirect URI must be an absolute URI.")
        if unknown := [one for one in scopes if one not in KNOWN_SCOPES]:
            raise validation_error(f"Scopes doesn't match configured on the server ({' '.join(unknown)}).")
        client_id = secrets.token_urlsafe(32)
        app: dict[str, Any] = {
            "id": str(self.box.new_id()),
            "name": name,
            "website": form.get("website") or None,
            "client_id": client_id,
            "client_secret": secrets.token_urlsafe(32),
            "redirects": redirects,
            "scopes": scopes,
        }
        self.box.store.put("app", client_id, app)
        secret = {"client_id": app["client_id"], "client_secret": app["client_secret"], "client_secret_expires_at": 0}
        return web.json_response({**self._shown(app), **secret})

    def _shown(self, app: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": app["id"],
            "name": app["name"],
            "website": app["website"],
            "scopes": app["scopes"],
            "redirect_uri": "\n".join(app["redirects"]),
            "redirect_uris": app["redirects"],
            "vapid_key": "",
        }

    async def verify_app(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        app = self.box.store.get("app", caller.app)
        if app is None:
            raise MastodonApiError(401, "The access token is invalid")
        return web.json_response(self._shown(app))

    # The page that a person sees

    def _wrong(self, request: web.Request) -> web.Response | None:
        """A sign-in that cannot be shown, or goes straight back with an error."""
        query = request.query
        app = self.box.store.get("app", query.get("client_id", ""))
        if app is None:
            return self.box.page("An error has occurred", f"<p>{INVALID_CLIENT_MESSAGE}</p>", status=401)
        redirect = query.get("redirect_uri", "")
        # The seeded app may come back anywhere: it is for other programs' tests.
        if not redirect or (app["redirects"] and redirect not in app["redirects"]):
            return self.box.page("An error has occurred", "<p>The redirect uri included is not valid.</p>", status=400)
        back = {"state": query["state"]} if query.get("state") else {}
        if query.get("response_type") != "code":
            return self.box.send_back(
                redirect,
                error="unsupported_response_type",
                error_description="The authorization server does not support this response type.",
                **back,
            )
        if set(query.get("scope", "read").split()) - set(app["scopes"]):
            return self.box.send_back(
                redirect,
                error="invalid_scope",
                error_description="The requested scope is invalid, unknown, or malformed.",
                **back,
            )
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return self.box.send_back(
                redirect,
                error="invalid_code_challenge_method",
                error_description="The code_challenge_method must be S256.",
                **back,
            )
        return None

    async def page(self, request: web.Request) -> web.Response:
        if wrong := self._wrong(request):
            return wrong
        app = self.box.store.get("app", request.query["client_id"]) or {}
        asked = request.query.get("scope", "read").split()
        return self.box.consent_page(
            app_name=app["name"], scopes=asked, accounts=self.box.accounts(), hidden={"scope": " ".join(asked)}
        )

    async def decide(self, request: web.Request) -> web.Response:
        if wrong := self._wrong(request):
            return wrong
        form, query = await read_form(request), request.query
        back = {"state": query["state"]} if query.get("state") else {}
        redirect = query["redirect_uri"]
        if form.get("decision") != "allow":
            return self.box.send_back(
                redirect,
                error="access_denied",
                error_description="The resource owner or authorization server denied the request.",
                **back,
            )
        account = str(form.get("account", ""))
        if self.box.store.get("account", account) is None:
            return self.box.page("Unknown account", "<p>There is nobody of that name here.</p>", status=400)
        code = secrets.token_urlsafe(32)
        self.box.store.put(
            "code",
            code,
            {
                "app": query["client_id"],
                "account": account,
                "redirect": redirect,
                "scopes": query.get("scope", "read").split(),
                "challenge": query.get("code_challenge", ""),
                "until": self.box.stamp() + CODE_LIFETIME_SECONDS,
            },
        )
        if redirect == OUT_OF_BAND_URI:
            return self.box.page(
                "Authorization code", f"<p>Copy this authorization code:</p><p><code>{code}</code></p>"
            )
        return self.box.send_back(redirect, code=code, **back)

    # Tokens

    async def token(self, request: web.Request) -> web.Response:
        form = await read_params(request)
        app = self._client(request, form)
        match form.get("grant_type"):
            case "authorization_code":
                return self._by_code(app, form)
            case "client_credentials":
                scopes = str(form.get("scope") or "read").split()
                if set(scopes) - set(app["scopes"]):
                    raise _oauth_error(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
                return self._issued(app, "", scopes)
        raise _oauth_error(
            400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server."
        )

    def _client(self, request: web.Request, form: dict[str, Any]) -> dict[str, Any]:
        client, secret = str(form.get("client_id") or ""), str(form.get("client_secret") or "")
        given = request.headers.get("Authorization", "")
        if given.startswith("Basic "):
            try:
                client, _, secret = base64.b64decode(given[6:]).decode().partition(":")
            except ValueError:
                client = ""
            client, secret = unquote(client), unquote(secret)
        app = self.box.store.get("app", client)
        if app is None or not secrets.compare_digest(app["client_secret"], secret):
            raise _oauth_error(401, "invalid_client", INVALID_CLIENT_MESSAGE)
        return app

    def _by_code(self, app: dict[str, Any], form: dict[str, Any]) -> web.Response:
        found = self.box.store.remove("code", str(form.get("code") or ""))
        if found is None or found["until"] <= self.box.stamp() or found["app"] != app["client_id"]:
            raise _oauth_error(400, "invalid_grant", INVALID_GRANT_MESSAGE)
        verifier = str(form.get("code_verifier") or "")
        proof = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if found["redirect"] != form.get("redirect_uri") or (found["challenge"] and proof != found["challenge"]):
            raise _oauth_error(400, "invalid_grant", INVALID_GRANT_MESSAGE)
        return self._issued(app, found["account"], found["scopes"])

    def _issued(self, app: dict[str, Any], account: str, scopes: list[str]) -> web.Response:
        token = secrets.token_urlsafe(32)
        self.box.store.put(
            "token", token, {"app": app["client_id"], "account": account, "scopes": scopes, "revoked": False}
        )
        answer: dict[str, Any] = {
            "access_token": token,
            "token_type": "Bearer",
            "scope": " ".join(scopes),
            "created_at": int(self.box.stamp()),
        }
        return web.json_response(answer)

    async def revoke(self, request: web.Request) -> web.Response:
        form = await read_params(request)
        app = self._client(request, form)
        found = self.box.store.get("token", str(form.get("token") or ""))
        if found is not None and found["app"] != app["client_id"]:
            raise _oauth_error(403, "unauthorized_client", "You are not authorized to revoke this token")
        if found is not None:
            self.box.store.put("token", str(form["token"]), {**found, "revoked": True})
        return web.json_response({})


def _oauth_error(status: int, error: str, description: str) -> MastodonApiError:
    return MastodonApiError(status, error, error_description=description)
