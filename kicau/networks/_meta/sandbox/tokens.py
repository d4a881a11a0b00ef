"""Access tokens of the Graph API: given, checked, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import ClassVar

from aiohttp import web

from kicau.connector.sandbox.server import Sandbox
from kicau.networks._meta.graph import appsecret_proof
from kicau.networks._meta.sandbox.calls import PARAMS_KEY, REVOKE_KEY, Doc, GraphError, GraphRequest, sandbox_time


class GraphTokens(Sandbox):
    require_proof: bool  # the app setting "Require App Secret"
    token_starts: ClassVar[Mapping[str, str]] = {"user": "EAAU", "page": "EAAP", "instagram": "IGAA"}  # by kind

    def give_token(
        self, kind: str, subject: str, *, user: str, app: str, scopes: Iterable[str], seconds: float | None
    ) -> Doc:
        """A new token; `seconds` None: it does not expire."""
        token = self.token_starts[kind] + secrets.token_urlsafe(45).replace("-", "Z").replace("_", "D")
        expires = sandbox_time(self) + seconds if seconds is not None else None
        doc = {
            "token": token,
            "kind": kind,
            "subject": subject,
            "user": user,
            "app": app,
            "scopes": sorted(scopes),
            "issued": sandbox_time(self),
            "expires": expires,
            "revoked": False,
        }
        return self.store.put("token", token, doc)

    def authenticate(self, request: web.Request) -> Doc:
        """The token that a call carries. Raises GraphError 190 or 104 in the network's words."""
        params = request[PARAMS_KEY]
        kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = params.get("access_token") or (bearer if kind in ("Bearer", "OAuth") else "")
        if not given:
            raise GraphError(104, "An access token is required to request this resource.", status=401)
        token = self.check_token(given)
        if request.get(REVOKE_KEY):
            token = self.store.put("token", given, {**token, "revoked": True})
            token = self.check_token(given)
        return self._check_proof(token, params)

    def _check_proof(self, token: Doc, params: Mapping[str, str]) -> Doc:
        wanted = appsecret_proof(self.default_app.client_secret, token["token"])
        sent = params.get("appsecret_proof", "")
        if (sent or self.require_proof) and token["kind"] != "instagram" and sent != wanted:
            raise GraphError(100, "Invalid appsecret_proof provided in the API argument", kind="GraphMethodException")
        return token

    def check_token(self, given: str) -> Doc:
        token = self.store.get("token", given)
        if token is None:
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=400)
        if token["revoked"]:
            raise GraphError(
                190, f"Error validating access token: The user has not authorized application {token['app']}.", sub=458
            )
        if token["expires"] is not None and token["expires"] <= sandbox_time(self):
            raise GraphError(
                190,
                f"Error validating access token: Session has expired on {self.now():%A, %d-%b-%y %H:%M:%S} PST.",
                sub=463,
            )
        return token

    @staticmethod
    def require(ask: GraphRequest, *scopes: str) -> None:
        """Refuses a token that lacks one of the scopes."""
        if missing := [scope for scope in scopes if scope not in ask.token["scopes"]]:
            raise GraphError(
                200, f"(#200) Requires {' and '.join(missing)} permission to manage the object", status=403
            )

    def revoke(self, request: web.Request) -> None:
        request[REVOKE_KEY] = True
