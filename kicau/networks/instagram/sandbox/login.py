"""Instagram Login: the consent page, short-lived and long-lived tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from aiohttp import web

from kicau.connector.sandbox.server import SeededAccount
from kicau.networks._meta import seeds
from kicau.networks._meta.sandbox.calls import (
    DAY_SECONDS,
    HOUR_SECONDS,
    LONG_TOKEN_SECONDS,
    PARAMS_KEY,
    Doc,
    GraphError,
    sandbox_time,
)
from kicau.networks._meta.sandbox.server import GraphSandbox

SEEDED_ACCOUNTS = {
    seed.instagram: SeededAccount(id=seed.instagram, handle=seed.handle, name=seed.name, kind="professional")
    for seed in seeds.SEEDED_PAGES
}


def _login_error(message: str) -> web.Response:
    """The form in which api.instagram.com refuses, which is not Graph's."""
    return web.json_response({"error_type": "OAuthException", "code": 400, "error_message": message}, status=400)


class InstagramLoginSandbox(GraphSandbox):
    def instagram_login_routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/oauth/authorize", self._authorize)
        yield web.post("/oauth/authorize", self._allow)
        yield web.post("/oauth/access_token", self._short_lived)
        for version in ("", r"/{version:v\d+\.\d+}"):
            yield web.get(version + "/access_token", self._long_lived)
            yield web.get(version + "/refresh_access_token", self._refreshed)

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        if self.app_for(query.get("client_id", "")) is None:
            return self.page("Invalid app", "<h1>Invalid platform app</h1>", status=400)
        if not query.get("redirect_uri", "").startswith(("http://", "https://")):
            return self.page("No way back", "<h1>Invalid redirect_uri</h1>", status=400)
        scopes = [scope for scope in query.get("scope", "").replace(" ", ",").split(",") if scope]
        return self.consent_page(app_name="Kicau", scopes=scopes, accounts=self.accounts(), hidden={})

    async def _allow(self, request: web.Request) -> web.Response:
        form = request[PARAMS_KEY]
        query = request.query
        back, state, account = query.get("redirect_uri", ""), query.get("state", ""), form.get("account", "")
        if form.get("decision") != "allow" or account not in SEEDED_ACCOUNTS:
            return self.send_back(
                back,
                error="access_denied",
                error_reason="user_denied",
                error_description="The user denied your request.",
                state=state,
            )
        code = "AQ" + secrets.token_urlsafe(60)
        scopes = [scope for scope in query.get("scope", "").replace(" ", ",").split(",") if scope]
        self.store.put(
            "igcode",
            code,
            {
                "code": code,
                "app": query["client_id"],
                "back": back,
                "account": account,
                "scopes": scopes,
                "expires": sandbox_time(self) + HOUR_SECONDS,
                "used": False,
            },
        )
        return self.send_back(back, code=code, state=state)

    async def _short_lived(self, request: web.Request) -> web.Response:
        params = request[PARAMS_KEY]
        app, code = self.app_for(params.get("client_id", "")), self.store.get("igcode", params.get("code", ""))
        if app is None or params.get("client_secret") != app.client_secret:
            return _login_error("Invalid Client ID" if app is None else "Invalid Client Secret")
        if params.get("grant_type") != "authorization_code":
            return _login_error("Invalid grant_type: must be authorization_code")
        if code is None or code["used"] or code["app"] != app.client_id or code["expires"] <= sandbox_time(self):
            return _login_error("Matching code was not found or was already used")
        if code["back"] != params.get("redirect_uri"):
            return _login_error(
                "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request"
            )
        self.store.put("igcode", code["code"], {**code, "used": True})
        token = self._instagram_token(code["account"], app.client_id, code["scopes"], self.short_seconds)
        return web.json_response(
            {
                "data": [
                    {
                        "access_token": token["token"],
                        "user_id": code["account"],
                        "permissions": ",".join(code["scopes"]),
                    }
                ]
            }
        )

    def _instagram_token(self, account: str, app: str, scopes: Iterable[str], seconds: float) -> Doc:
        return self.give_token("instagram", account, user=account, app=app, scopes=scopes, seconds=seconds)

    async def _long_lived(self, request: web.Request) -> web.Response:
        params = request[PARAMS_KEY]
        try:
            if params.get("grant_type") != "ig_exchange_token":
                raise GraphError(100, "(#100) Param grant_type must be ig_exchange_token")
            if params.get("client_secret") != self.default_app.client_secret:
                raise GraphError(101, "Error validating client secret.")
            return self._give_long(self._own_token(params))
        except GraphError as refused:
            return web.json_response(refused.body, status=refused.status)

    async def _refreshed(self, request: web.Request) -> web.Response:
        params = request[PARAMS_KEY]
        try:
            if params.get("grant_type") != "ig_refresh_token":
                raise GraphError(100, "(#100) Param grant_type must be ig_refresh_token")
            token = self._own_token(params)
            if sandbox_time(self) - token["issued"] < DAY_SECONDS:
                raise GraphError(100, "(#100) The access token must be at least 24 hours old to be refreshed.")
            return self._give_long(token)
        except GraphError as refused:
            return web.json_response(refused.body, status=refused.status)

    def _own_token(self, params: Mapping[str, str]) -> Doc:
        token = self.check_token(params.get("access_token", ""))
        if token["kind"] != "instagram":
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token")
        return token

    def _give_long(self, token: Doc) -> web.Response:
        given = self._instagram_token(token["subject"], token["app"], token["scopes"], LONG_TOKEN_SECONDS)
        return web.json_response(
            {
                "access_token": given["token"],
                "token_type": "bearer",
                "expires_in": LONG_TOKEN_SECONDS,
                "permissions": ",".join(given["scopes"]),
            }
        )
