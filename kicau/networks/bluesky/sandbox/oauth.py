"""The authorization server: pushed requests, a consent page, tokens bound to a key, rotating refresh tokens.

As https://atproto.com/specs/oauth says and @atproto/pds 0.5.35 does (2026-11-24).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from kicau.connector.sandbox.server import read_form
from kicau.networks.bluesky.sandbox import jws
from kicau.networks.bluesky.sandbox.errors import DPOP_ALGORITHMS, BlueskyApiError, BlueskyOAuthError
from kicau.networks.bluesky.sandbox.tokens import BlueskyTokens

if TYPE_CHECKING:
    from kicau.networks.bluesky.sandbox.server import Server

REQUEST_SECONDS, CODE_SECONDS, ACCESS_SECONDS = 300, 60, 3600
PUBLIC_SECONDS, KEYED_SECONDS = 14 * 86_400, 730 * 86_400
KNOWN_SCOPES = ("atproto", "transition:email", "transition:generic", "transition:chat.bsky")
REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"

type FormFields = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    id: str
    redirects: tuple[str, ...]
    scopes: frozenset[str]
    keys: tuple[dict[str, Any], ...] = ()  # public; none: it need not prove who it is


class BlueskyOAuth:
    def __init__(self, box: Server, tokens: BlueskyTokens) -> None:
        self.box, self.tokens = box, tokens

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/.well-known/oauth-protected-resource", self.resource),
            web.get("/.well-known/oauth-authorization-server", self.metadata),
            web.get("/oauth/jwks", self.jwks),
            web.post("/oauth/par", self._answering(self.push)),
            web.get("/oauth/authorize", self.page),
            web.post("/oauth/authorize", self.decide),
            web.post("/oauth/token", self._answering(self.token)),
            web.post("/oauth/revoke", self._answering(self.revoke)),
        ]

    def _answering(
        self, work: Callable[[web.Request, FormFields], Awaitable[tuple[int, dict[str, Any]]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            head = {
                "DPoP-Nonce": self.tokens.nonce(),
                "Cache-Control": "no-store",
                "Access-Control-Expose-Headers": "DPoP-Nonce",
            }
            form = await read_form(request)
            try:
                status, body = await work(request, form)
            except BlueskyApiError as refused:
                made = refused.response()
                made.headers.update(head)
                return made
            return web.json_response(body, status=status, headers=head)

        return answer

    async def resource(self, request: web.Request) -> web.Response:
        base = self.box.base_url
        return web.json_response(
            {
                "resource": base,
                "authorization_servers": [base],
                "scopes_supported": [],
                "bearer_methods_supported": ["header"],
                "resource_documentation": "https://atproto.com",
            }
        )

    async def metadata(self, request: web.Request) -> web.Response:
        base, algorithms = self.box.base_url, DPOP_ALGORITHMS.split()
        return web.json_response(
            {
                "issuer": base,
                "scopes_supported": list(KNOWN_SCOPES),
                "subject_types_supported": ["public"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "jwks_uri": f"{base}/oauth/jwks",
                "authorization_endpoint": f"{base}/oauth/authorize",
                "token_endpoint": f"{base}/oauth/token",
                "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": algorithms,
                "revocation_endpoint": f"{base}/oauth/revoke",
                "pushed_authorization_request_endpoint": f"{base}/oauth/par",
                "require_pushed_authorization_requests": True,
                "dpop_signing_alg_values_supported": algorithms,
                "protected_resources": [base],
                "client_id_metadata_document_supported": True,
            }
        )

    async def jwks(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": []})

    # Clients

    def client(self, client_id: str) -> OAuthClient:
        """A client by the description that stands at its address; one for loopback describes itself in it."""
        where = urlsplit(client_id)
        if where.scheme == "http" and where.netloc == "localhost" and where.path in ("", "/"):
            query = parse_qs(where.query)
            redirects = tuple(query.get("redirect_uri", ["http://127.0.0.1/", "http://[::1]/"]))
            return OAuthClient(
                id=client_id, redirects=redirects, scopes=frozenset(query.get("scope", ["atproto"])[0].split())
            )
        document = self.box.documents.get(client_id)
        if document is None or document.get("client_id") != client_id:
            raise BlueskyOAuthError(
                400, "invalid_client_metadata", f'Unable to obtain client metadata for "{client_id}": Failed to fetch'
            )
        keyed = document.get("token_endpoint_auth_method") == "private_key_jwt"
        keys = tuple((document.get("jwks") or {}).get("keys", ())) if keyed else ()
        return OAuthClient(
            id=client_id,
            redirects=tuple(document["redirect_uris"]),
            scopes=frozenset(document["scope"].split()),
            keys=keys,
        )

    def _proven(self, client: OAuthClient, form: FormFields) -> None:
        """A client with keys says who it is by one of them."""
        if not client.keys:
            return
        try:
            said = form["client_assertion"]
            kid = jws._decode_parts(said.rpartition(".")[0])[0].get("kid")
            _, claims = jws.verify_token(said, next(key for key in client.keys if key.get("kid") == kid))
        except (KeyError, StopIteration, jws.InvalidToken):
            raise BlueskyOAuthError(401, "invalid_client", "Client authentication failed") from None
        fits = claims.get("iss") == claims.get("sub") == client.id and claims.get("aud") == self.box.base_url
        if not fits or claims.get("exp", 0) <= self.box.stamp() - self.box.clock_offset:
            raise BlueskyOAuthError(401, "invalid_client", "Validation of client_assertion failed")

    # The flow

    async def push(self, request: web.Request, form: FormFields) -> tuple[int, dict[str, Any]]:
        client = self.client(form.get("client_id", ""))
        self._proven(client, form)
        key = self.tokens.proof(request) if "DPoP" in request.headers else ""
        asked = set(form.get("scope", "").split())
        if form.get("response_type") != "code":
            raise BlueskyOAuthError(
                400, "unsupported_response_type", 'Unsupported response_type "' + form.get("response_type", "") + '"'
            )
        if form.get("code_challenge_method") != "S256" or not form.get("code_challenge"):
            raise BlueskyOAuthError(400, "invalid_request", "Use of PKCE is required")
        if unknown := sorted(asked - client.scopes):
            raise BlueskyOAuthError(
                400, "invalid_scope", f'Scope "{unknown[0]}" is not declared in the client metadata'
            )
        if "atproto" not in asked:
            raise BlueskyOAuthError(400, "invalid_scope", 'The "atproto" scope is required')
        if not _is_allowed_redirect(client, form.get("redirect_uri", "")):
            raise BlueskyOAuthError(400, "invalid_request", f"Invalid redirect_uri {form.get('redirect_uri', '')}")
        name = "req-" + secrets.token_hex(16)
        self.box.store.put("request", name, {**form, "key": key, "until": self.box.stamp() + REQUEST_SECONDS})
        return 201, {"request_uri": REQUEST_URI_PREFIX + name, "expires_in": REQUEST_SECONDS}

    def _pushed(self, request: web.Request) -> dict[str, Any] | None:
        found = self.box.store.get("request", request.query.get("request_uri", "").removeprefix(REQUEST_URI_PREFIX))
        if found is None or found["until"] <= self.box.stamp() or found["client_id"] != request.query.get("client_id"):
            return None
        return found

    async def page(self, request: web.Request) -> web.Response:
        pushed = self._pushed(request)
        if pushed is None:
            return self.box.page("Unknown request", "<p>This sign-in is over, or was never begun.</p>", status=400)
        hint = pushed.get("login_hint", "")
        accounts = [one for one in self.box.accounts() if not hint or hint in (one.id, one.handle)]
        return self.box.consent_page(app_name="Kicau", scopes=pushed["scope"].split(), accounts=accounts, hidden={})

    async def decide(self, request: web.Request) -> web.Response:
        pushed = self._pushed(request)
        if pushed is None:
            return self.box.page("Unknown request", "<p>This sign-in is over, or was never begun.</p>", status=400)
        form = await read_form(request)
        self.box.store.remove("request", request.query["request_uri"].removeprefix(REQUEST_URI_PREFIX))
        back = {"iss": self.box.base_url, **({"state": pushed["state"]} if "state" in pushed else {})}
        did = str(form.get("account", ""))
        if form.get("decision") != "allow" or self.box.store.get("account", did) is None:
            return self.box.send_back(
                pushed["redirect_uri"], error="access_denied", error_description="Access denied", **back
            )
        code = "cod-" + secrets.token_hex(32)
        self.box.store.put("code", code, {**pushed, "did": did, "until": self.box.stamp() + CODE_SECONDS})
        return self.box.send_back(pushed["redirect_uri"], code=code, **back)

    async def token(self, request: web.Request, form: FormFields) -> tuple[int, dict[str, Any]]:
        client = self.client(form.get("client_id", ""))
        self._proven(client, form)
        key = self.tokens.proof(request)
        match form.get("grant_type"):
            case "authorization_code":
                return 200, self._by_code(client, form, key)
            case "refresh_token":
                return 200, self._by_refresh(client, form, key)
        raise BlueskyOAuthError(
            400, "unsupported_grant_type", f'Grant type "{form.get("grant_type", "")}" is not supported'
        )

    def _by_code(self, client: OAuthClient, form: FormFields, key: str) -> dict[str, Any]:
        found = self.box.store.remove("code", form.get("code", ""))
        if found is None or found["until"] <= self.box.stamp() or found["client_id"] != client.id:
            raise BlueskyOAuthError(400, "invalid_grant", "Invalid code")
        if found["redirect_uri"] != form.get("redirect_uri"):
            raise BlueskyOAuthError(400, "invalid_grant", "Invalid redirect_uri")
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != found["code_challenge"]:
            raise BlueskyOAuthError(400, "invalid_grant", "Invalid code_verifier")
        if found["key"] and found["key"] != key:
            raise BlueskyOAuthError(400, "invalid_dpop_key_binding", "DPoP proof does not match the expected JKT")
        now, name = self.box.stamp(), secrets.token_hex(16)
        lasts = KEYED_SECONDS if client.keys else PUBLIC_SECONDS
        grant = {"did": found["did"], "client": client.id, "key": key, "scope": found["scope"], "until": now + lasts}
        return self._issued(name, grant)

    def _by_refresh(self, client: OAuthClient, form: FormFields, key: str) -> dict[str, Any]:
        known = self.box.store.get("renewing", form.get("refresh_token", ""))
        grant = self.box.store.get("grant", known["grant"]) if known else None
        if known is None or grant is None or grant["client"] != client.id:
            raise BlueskyOAuthError(400, "invalid_grant", "Invalid refresh token")
        if known["used"]:
            self.box.store.remove("grant", known["grant"])
            raise BlueskyOAuthError(400, "invalid_grant", "Refresh token replayed")
        if grant["until"] <= self.box.stamp():
            self.box.store.remove("grant", known["grant"])
            raise BlueskyOAuthError(400, "invalid_grant", "Session expired")
        if grant["key"] != key:
            raise BlueskyOAuthError(400, "invalid_dpop_key_binding", "DPoP proof does not match the expected JKT")
        self.box.store.put("renewing", form["refresh_token"], {**known, "used": True})
        return self._issued(known["grant"], grant)

    def _issued(self, name: str, grant: dict[str, Any]) -> dict[str, Any]:
        now, renewing = int(self.box.stamp()), "ref-" + secrets.token_hex(32)
        self.box.store.put("grant", name, grant)
        self.box.store.put("renewing", renewing, {"grant": name, "used": False})
        claims = {
            "iss": self.box.base_url,
            "aud": self.box.service_did,
            "sub": grant["did"],
            "scope": grant["scope"],
            "client_id": grant["client"],
            "cnf": {"jkt": grant["key"]},
            "grant": name,
            "iat": now,
            "exp": now + ACCESS_SECONDS,
            "jti": secrets.token_urlsafe(12),
        }
        return {
            "access_token": jws.sign_token(self.tokens.secret, {"typ": "at+jwt"}, claims),
            "token_type": "DPoP",
            "refresh_token": renewing,
            "scope": grant["scope"],
            "expires_in": ACCESS_SECONDS - 1,
            "sub": grant["did"],
        }

    async def revoke(self, request: web.Request, form: FormFields) -> tuple[int, dict[str, Any]]:
        token = form.get("token", "")
        if known := self.box.store.get("renewing", token):
            self.box.store.remove("grant", known["grant"])
        with contextlib.suppress(jws.InvalidToken):
            self.box.store.remove("grant", str(jws.read_token(self.tokens.secret, token)[1].get("grant", "")))
        return 200, {}


def _is_allowed_redirect(client: OAuthClient, wanted: str) -> bool:
    """Whether a client may be called back there; on loopback the port is its own choice."""
    there = urlsplit(wanted)
    if there.hostname not in ("127.0.0.1", "::1"):
        return wanted in client.redirects
    return any(
        (there.scheme, there.hostname, there.path) == (u.scheme, u.hostname, u.path)
        for u in map(urlsplit, client.redirects)
    )
