"""Facebook Login in the sandboxes: the dialog, its codes, and the tokens that they become."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from kicau.connector.sandbox.server import SeededAccount
from kicau.networks._meta import seeds
from kicau.networks._meta.sandbox.calls import (
    LONG_TOKEN_SECONDS,
    PARAMS_KEY,
    Doc,
    GraphError,
    GraphRequest,
    missing_object_error,
    sandbox_time,
)
from kicau.networks._meta.sandbox.server import GraphSandbox

SEEDED_PERSON = SeededAccount(id=seeds.USER_ID, handle="sari.wulandari", name=seeds.USER_NAME)
PAGE_TASKS = ["ANALYZE", "ADVERTISE", "MODERATE", "CREATE_CONTENT", "MANAGE"]


class FacebookLogin(GraphSandbox):
    """A Graph sandbox where people sign in with Facebook."""

    login_prefix = ""  # the path that stands for graph.facebook.com

    def login_routes(self) -> Iterable[web.RouteDef]:
        version = r"/{version:v\d+\.\d+}"
        yield web.get(version + "/dialog/oauth", self._dialog)
        yield web.post(version + "/dialog/oauth", self._decide)
        yield web.route("*", self.login_prefix + version + "/oauth/access_token", self._access_token)

    def seed_people(self) -> None:
        for one in seeds.SEEDED_PAGES:
            if self.store.get("page", one.page) is None:
                self.store.put(
                    "page",
                    one.page,
                    {
                        "id": one.page,
                        "name": one.name,
                        "username": one.handle,
                        "category": one.category,
                        "user": seeds.USER_ID,
                        "instagram": one.instagram,
                    },
                )

    # The dialog

    async def _dialog(self, request: web.Request) -> web.Response:
        query = request.query
        if self.app_for(query.get("client_id", "")) is None:
            return self.page(
                "Invalid app",
                "<h1>Invalid App ID</h1><p>The provided app ID does not look like a valid app ID.</p>",
                status=400,
            )
        if not query.get("redirect_uri", "").startswith(("http://", "https://")):
            return self.page("No way back", "<h1>Missing redirect_uri parameter</h1>", status=400)
        return self.consent_page(app_name="Kicau", scopes=_read_scopes(query), accounts=[SEEDED_PERSON], hidden={})

    async def _decide(self, request: web.Request) -> web.Response:
        form = request[PARAMS_KEY]
        query = request.query
        back, state = query.get("redirect_uri", ""), query.get("state", "")
        if form.get("decision") != "allow" or form.get("account") != SEEDED_PERSON.id:
            return self.send_back(
                back,
                error="access_denied",
                error_code="200",
                error_description="Permissions error",
                error_reason="user_denied",
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
                "user": SEEDED_PERSON.id,
                "scopes": _read_scopes(query),
                "expires": sandbox_time(self) + self.code_seconds,
                "used": False,
            },
        )
        return self.send_back(back, code=code, state=state)

    # Tokens

    async def _access_token(self, request: web.Request) -> web.Response:
        try:
            self.check_version(request.match_info["version"], "oauth/access_token")
            params = request[PARAMS_KEY]
            return web.json_response(self._exchange(params))
        except GraphError as refused:
            return web.json_response(refused.body, status=refused.status)

    def _exchange(self, params: Mapping[str, str]) -> Doc:
        app = self.app_for(params.get("client_id", ""))
        if app is None:
            raise GraphError(101, "Error validating application. Cannot get application info due to a system error.")
        if params.get("client_secret") != app.client_secret:
            raise GraphError(1, "Error validating client secret.")
        if params.get("grant_type") == "client_credentials":
            return {"access_token": f"{app.client_id}|{secrets.token_urlsafe(20)}", "token_type": "bearer"}
        if params.get("grant_type") == "fb_exchange_token":
            token = self.check_token(params.get("fb_exchange_token", ""))
            return self._given(token, LONG_TOKEN_SECONDS)
        return self._given(self._spend_code(params, app.client_id), self.short_seconds)

    def _spend_code(self, params: Mapping[str, str], app: str) -> Doc:
        code = self.store.get("code", params.get("code", ""))
        if code is None or code["app"] != app:
            raise GraphError(100, "Invalid verification code format.", sub=36009)
        if code["used"]:
            raise GraphError(100, "This authorization code has been used.", sub=36009)
        if code["expires"] <= sandbox_time(self):
            raise GraphError(100, "This authorization code has expired.", sub=36007)
        if code["back"] != params.get("redirect_uri"):
            raise GraphError(
                100,
                "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request",
                sub=36008,
            )
        self.store.put("code", code["code"], {**code, "used": True})
        return code

    def _given(self, grant: Mapping[str, Any], seconds: float) -> Doc:
        token = self.give_token(
            "user", grant["user"], user=grant["user"], app=grant["app"], scopes=grant["scopes"], seconds=seconds
        )
        return {"access_token": token["token"], "token_type": "bearer", "expires_in": int(seconds)}

    # People and their Pages

    def answer_person(self, ask: GraphRequest) -> Doc:
        """The user node: me, me/accounts, me/permissions."""
        match ask.method, ask.edge:
            case "GET", "":
                view: dict[str, Callable[[], Any]] = {
                    "id": lambda: seeds.USER_ID,
                    "name": lambda: seeds.USER_NAME,
                    "first_name": lambda: "Sari",
                    "last_name": lambda: "Wulandari",
                }
                return self.project(ask, view, "User", ("name",))
            case "GET", "permissions":
                granted = [
                    {"permission": scope, "status": "granted"} for scope in [*ask.token["scopes"], "public_profile"]
                ]
                return {"data": granted}
            case "DELETE", "permissions":
                for token in self.store.all("token"):
                    if token["user"] == seeds.USER_ID:
                        self.store.put("token", token["token"], {**token, "revoked": True})
                return {"success": True}
            case "GET", "accounts":
                self.require(ask, "pages_show_list")
                pages = self.store.all("page")
                return self.listing(
                    ask,
                    pages,
                    lambda doc: self.page_view(ask, doc),
                    "Page",
                    ("access_token", "category", "name", "tasks"),
                )
        raise missing_object_error(ask.node, ask.method)

    def page_view(self, ask: GraphRequest, doc: Doc) -> dict[str, Callable[[], Any]]:
        return {
            "id": lambda: doc["id"],
            "name": lambda: doc["name"],
            "username": lambda: doc["username"],
            "category": lambda: doc["category"],
            "link": lambda: f"{self.base_url}/{doc['username']}",
            "tasks": lambda: PAGE_TASKS,
            "fan_count": lambda: 1280,
            "followers_count": lambda: 1304,
            "access_token": lambda: self._page_token(ask, doc),
            "instagram_business_account": lambda: self.linked(doc),
        }

    def linked(self, page: Doc) -> Doc:
        """The Instagram account that stands beside a Page, with what a nested field may ask of it."""
        one = next(seed for seed in seeds.SEEDED_PAGES if seed.page == page["id"])
        return {"id": one.instagram, "username": one.handle, "name": one.name, "followers_count": 930}

    def _page_token(self, ask: GraphRequest, page: Doc) -> str:
        """From a long-lived user token a Page's token has no end; from a short-lived one it ends with it."""
        if ask.token["kind"] == "page":
            return str(ask.token["token"])
        left = ask.token["expires"] - sandbox_time(self)
        lasts = None if left > 2 * self.short_seconds else left
        token = self.give_token(
            "page", page["id"], user=ask.token["user"], app=ask.token["app"], scopes=ask.token["scopes"], seconds=lasts
        )
        return str(token["token"])


def _read_scopes(query: Mapping[str, str]) -> list[str]:
    return [scope for scope in query.get("scope", "").replace(" ", ",").split(",") if scope]
