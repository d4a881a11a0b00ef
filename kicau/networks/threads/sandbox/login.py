"""The sign-in of the Threads sandbox: consent, codes, short-lived and long-lived tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from aiohttp import web

from kicau.connector.sandbox.server import SeededAccount
from kicau.networks._meta.sandbox.calls import (
    DAY_SECONDS,
    HOUR_SECONDS,
    LONG_TOKEN_SECONDS,
    PARAMS_KEY,
    Doc,
    GraphError,
    GraphRequest,
    sandbox_time,
)
from kicau.networks._meta.sandbox.server import GraphSandbox

SEEDED_ACCOUNTS = {
    one.id: one
    for one in (
        SeededAccount(id="35550000000000101", handle="kopisenja", name="Kopi Senja"),
        SeededAccount(id="35550000000000102", handle="kabarpagi", name="Kabar Pagi"),
    )
}


class ThreadsLoginSandbox(GraphSandbox):
    def login_routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/oauth/authorize", self._authorize)
        yield web.post("/oauth/authorize", self._allow)
        yield web.post("/oauth/access_token", self._short_lived)
        yield web.get("/oauth/access_token", self._of_app)
        for version in ("", r"/{version:v\d+\.\d+}"):
            yield web.get(version + "/access_token", self._long_lived)
            yield web.get(version + "/refresh_access_token", self._refreshed)

    @staticmethod
    def may(ask: GraphRequest, scope: str) -> None:
        if scope not in ask.token["scopes"]:
            raise GraphError(10, f"(#10) Application does not have permission for this action: {scope}", status=403)

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        if self.app_for(query.get("client_id", "")) is None:
            return self.page("Invalid app", "<h1>Invalid app ID</h1>", status=400)
        if not query.get("redirect_uri", "").startswith(("http://", "https://")):
            return self.page("No way back", "<h1>Invalid redirect_uri</h1>", status=400)
        if "threads_basic" not in _read_scopes(query):
            return self.page("Invalid scope", "<h1>threads_basic is required</h1>", status=400)
        return self.consent_page(app_name="Kicau", scopes=_read_scopes(query), accounts=self.accounts(), hidden={})

    async def _allow(self, request: web.Request) -> web.Response:
        form, query = request[PARAMS_KEY], request.query
        back, state, account = query.get("redirect_uri", ""), query.get("state", ""), form.get("account", "")
        if form.get("decision") != "allow" or account not in SEEDED_ACCOUNTS:
            return self.send_back(
                back,
                error="access_denied",
                error_code="200",
                error_reason="user_denied",
                error_description="The user denied your request.",
                state=state,
            )
        code = "AQ" + secrets.token_urlsafe(60)
        self.store.put(
            "code",
            code,
            {
                "code": code,
                "app": query["client_id"],
                "back": back,
                "account": account,
                "scopes": _read_scopes(query),
                "expires": sandbox_time(self) + HOUR_SECONDS,
                "used": False,
            },
        )
        return self.send_back(back, code=code, state=state)

    async def _short_lived(self, request: web.Request) -> web.Response:
        params = request[PARAMS_KEY]
        app, code = self.app_for(params.get("client_id", "")), self.store.get("code", params.get("code", ""))
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
        self.store.put("code", code["code"], {**code, "used": True})
        token = self._give(code["account"], app.client_id, code["scopes"], self.short_seconds)
        return web.json_response({"access_token": token["token"], "user_id": code["account"]})

    async def _of_app(self, request: web.Request) -> web.Response:
        params = request[PARAMS_KEY]
        app = self.app_for(params.get("client_id", ""))
        if app is None or params.get("client_secret") != app.client_secret:
            return _login_error("Invalid Client ID" if app is None else "Invalid Client Secret")
        return web.json_response({"access_token": f"TH|{app.client_id}|{secrets.token_hex(8)}", "token_type": "bearer"})

    def _give(self, account: str, app: str, scopes: Iterable[str], seconds: float) -> Doc:
        return self.give_token("threads", account, user=account, app=app, scopes=scopes, seconds=seconds)

    async def _long_lived(self, request: web.Request) -> web.Response:
        params = request[PARAMS_KEY]
        try:
            if params.get("grant_type") != "th_exchange_token":
                raise GraphError(100, "(#100) Param grant_type must be th_exchange_token")
            if params.get("client_secret") != self.default_app.client_secret:
                raise GraphError(101, "Error validating client secret.")
            return self._give_long(self.check_token(_read_token(request)))
        except GraphError as refused:
            return web.json_response(refused.body, status=refused.status)

    async def _refreshed(self, request: web.Request) -> web.Response:
        try:
            if request[PARAMS_KEY].get("grant_type") != "th_refresh_token":
                raise GraphError(100, "(#100) Param grant_type must be th_refresh_token")
            token = self.check_token(_read_token(request))
            if sandbox_time(self) - token["issued"] < DAY_SECONDS:
                raise GraphError(100, "(#100) The access token must be at least 24 hours old to be refreshed.")
            return self._give_long(token)
        except GraphError as refused:
            return web.json_response(refused.body, status=refused.status)

    def _give_long(self, token: Doc) -> web.Response:
        given = self._give(token["subject"], token["app"], token["scopes"], LONG_TOKEN_SECONDS)
        return web.json_response(
            {"access_token": given["token"], "token_type": "bearer", "expires_in": LONG_TOKEN_SECONDS}
        )


def _read_token(request: web.Request) -> str:
    """The token, as a parameter or as the header that Meta's collection sends."""
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return request[PARAMS_KEY].get("access_token") or request.headers.get("access_token", "") or bearer


def _read_scopes(query: Mapping[str, str]) -> list[str]:
    return [scope for scope in query.get("scope", "").replace(" ", ",").split(",") if scope]


def _login_error(message: str) -> web.Response:
    """The form in which the token endpoint refuses, which is not Graph's."""
    return web.json_response({"error_type": "OAuthException", "code": 400, "error_message": message}, status=400)
