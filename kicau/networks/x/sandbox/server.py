"""The server: routes, seeded accounts, public pages, and the knobs that tests turn."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import web

from kicau.connector.sandbox.server import PublicPost, RequestValidator, Sandbox, SeededAccount, SeededApp
from kicau.networks.x.sandbox import shapes
from kicau.networks.x.sandbox.billing import XBilling, credits_depleted_error, price_rows
from kicau.networks.x.sandbox.errors import XApiError, invalid_request_error, not_found_problem
from kicau.networks.x.sandbox.limits import XRateLimits, rate_limit_error
from kicau.networks.x.sandbox.media import XUploadsApi
from kicau.networks.x.sandbox.oauth import XCaller, XOAuth
from kicau.networks.x.sandbox.posts import XPostsApi

type CallHandler = Callable[[web.Request, XCaller], Awaitable[web.StreamResponse]]

SNOWFLAKE_EPOCH_MS = 1_288_834_974_657  # milliseconds: where X's ids begin to count

SEEDED_ACCOUNTS = (
    {
        "id": "1790000000000000001",
        "username": "kopisenja",
        "name": "Kopi Senja",
        "verified_type": "none",
        "subscription_type": "None",
    },
    {
        "id": "1790000000000000002",
        "username": "kabarpagi",
        "name": "Kabar Pagi",
        "verified_type": "none",
        "subscription_type": "None",
    },
    {
        "id": "1790000000000000003",
        "username": "tokocendana",
        "name": "Toko Buku Cendana",
        "verified_type": "none",
        "subscription_type": "None",
    },
    {
        "id": "1790000000000000004",
        "username": "lensakota",
        "name": "Lensa Kota",
        "verified_type": "blue",
        "subscription_type": "Premium",
    },
)

READ_SCOPES = ("tweet.read", "users.read")
WRITE_SCOPES = ("tweet.read", "tweet.write", "users.read")
UPLOAD_SCOPES = ("media.write",)


class Server(Sandbox):
    """X as the specification and X's pages describe it; see the network's README for what was never seen live."""

    slug: ClassVar[str] = "x"
    label: ClassVar[str] = "X"
    accent: ClassVar[str] = "#14171a"
    default_app: ClassVar[SeededApp] = SeededApp(client_id="kicau-x-app", client_secret="kicau-x-sandbox-secret")  # noqa: S106
    settings = (
        *Sandbox.settings,
        "limits_off",
        "processing_seconds",
        "duplicate_seconds",
        "vocabularies",
        "tier",
        "billing.credits",
    )
    nullable_settings = frozenset({"billing.credits"})
    public_app: ClassVar[SeededApp] = SeededApp(client_id="kicau-x-public", client_secret="")

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.limits_off = False
        self.processing_seconds = 2.0  # of a GIF or video
        self.duplicate_seconds = 86_400.0  # how long the same text is refused
        self.vocabularies: tuple[str, ...] = ("new", "old")  # which are understood
        self.tier = "pay-per-use"  # "enterprise": replies and quotes without a summons
        self._last_id = 0
        super().__init__(base_url=base_url, folder=folder, validators=validators)
        self.oauth = XOAuth(self)
        self.windows = XRateLimits(lambda: self.now().timestamp())
        self.billing = XBilling(self.meter, self.now)
        self.uploads = XUploadsApi(self, folder)
        self.posts = XPostsApi(self)

    # What the base asks

    def seed(self) -> None:
        for one in SEEDED_ACCOUNTS:
            if self.store.get("account", one["id"]) is None:
                self.store.put("account", one["id"], dict(one))

    def endpoints(self) -> Mapping[str, str]:
        return {"api": self.base_url, "authorize": f"{self.base_url}/i/oauth2/authorize"}

    def accounts(self) -> tuple[SeededAccount, ...]:
        return tuple(SeededAccount(id=a["id"], handle=a["username"], name=a["name"]) for a in self.store.all("account"))

    def app_for(self, client_id: str) -> SeededApp | None:
        return next((app for app in (self.default_app, self.public_app) if app.client_id == client_id), None)

    def usage(self) -> list[dict[str, Any]]:
        return price_rows(super().usage())

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0"}
        if seconds:
            headers["x-rate-limit-reset"] = str(int(self.now().timestamp() + seconds) + 1)
        return rate_limit_error(headers).response()

    def revoke(self, request: web.Request) -> None:
        self.oauth.revoke(request)

    def plan_exhausted(self, request: web.Request) -> web.Response:
        return credits_depleted_error().response()

    def public_posts(self) -> Iterable[PublicPost]:
        return (self.public_post(post) for post in self.posts.public())

    def public_post(self, post: Mapping[str, Any]) -> PublicPost:
        docs = [doc for one in post["media_ids"] if (doc := self.store.get("media", one))]
        return PublicPost(
            id=post["id"],
            account=post["account"],
            text=post["text"],
            at=post["at"],
            url=f"{self.base_url}/{self.username(post['account'])}/status/{post['id']}",
            in_reply_to=post["reply_to"],
            media=tuple(
                {
                    "kind": doc["kind"],
                    "alt": doc["alt"],
                    "sha256": doc["sha256"],
                    "mime": doc["type"],
                    "url": self.media_url(doc),
                }
                for doc in docs
            ),
            extra={
                "poll": post["poll"],
                "quote": post["quote"],
                "reply_settings": post["reply_settings"],
                "labels": post["labels"],
            },
        )

    def routes(self) -> Iterable[web.RouteDef]:
        posts, uploads = self.posts, self.uploads
        return [
            web.get("/i/oauth2/authorize", self.oauth.authorize),
            web.post("/i/oauth2/authorize", self.oauth.authorize),
            web.get("/2/oauth2/authorize", self.oauth.authorize),
            web.post("/2/oauth2/authorize", self.oauth.authorize),
            web.post("/2/oauth2/token", self._open(self.oauth.token)),
            web.post("/2/oauth2/revoke", self._open(self.oauth.revoke_token)),
            web.post("/oauth2/token", self._open(self.oauth.app_token)),
            self._api("GET", "/2/users/me", self._me, READ_SCOPES),
            self._api("GET", "/2/users/by/username/{username}", self._user_by_name, READ_SCOPES, apps=True),
            self._api("GET", "/2/users/{id}", self._user, READ_SCOPES, apps=True),
            self._api("GET", "/2/users/{id}/tweets", posts.timeline, READ_SCOPES, apps=True),
            self._api("GET", "/2/users/{id}/mentions", posts.mentions, READ_SCOPES, apps=True),
            self._api("POST", "/2/tweets", posts.create, WRITE_SCOPES),
            self._api("GET", "/2/tweets", posts.many, READ_SCOPES, apps=True),
            self._api("GET", "/2/tweets/{id}", posts.one, READ_SCOPES, apps=True),
            self._api("DELETE", "/2/tweets/{id}", posts.delete, WRITE_SCOPES),
            self._api("POST", "/2/media/upload/initialize", uploads.initialize, UPLOAD_SCOPES),
            self._api("POST", "/2/media/upload/{id}/append", uploads.append, UPLOAD_SCOPES),
            self._api("POST", "/2/media/upload/{id}/finalize", uploads.finalize, UPLOAD_SCOPES),
            self._api("POST", "/2/media/upload", uploads.upload, UPLOAD_SCOPES),
            self._api("GET", "/2/media/upload", uploads.status, UPLOAD_SCOPES),
            self._api("POST", "/2/media/metadata", uploads.describe, UPLOAD_SCOPES),
            self._api("POST", "/1.1/media/upload.json", uploads.upload_1_1, UPLOAD_SCOPES),
            self._api("GET", "/1.1/media/upload.json", uploads.upload_1_1, UPLOAD_SCOPES),
            self._api("POST", "/1.1/media/metadata/create.json", uploads.describe_1_1, UPLOAD_SCOPES),
            self._api("GET", "/2/usage/tweets", self._usage_of_posts, None, apps=True),
            web.get("/media/{id}", uploads.serve),
            web.get("/{username}/status/{id}", self._post_page),
            web.get("/{username}", self._account_page),
        ]

    # What its parts ask

    def next_id(self) -> str:
        """An id that tells its time and grows with every call."""
        tick = int(self.now().timestamp() * 1000) - SNOWFLAKE_EPOCH_MS
        self._last_id = max(tick << 22, self._last_id + 1)
        return str(self._last_id)

    def username(self, account: str) -> str:
        found = self.store.get("account", account)
        return str(found["username"]) if found else "i"

    def premium(self, account: str) -> bool:
        found = self.store.get("account", account) or {}
        return found.get("subscription_type") in ("Basic", "Premium", "PremiumPlus")

    def media_url(self, doc: Mapping[str, Any]) -> str:
        return f"{self.base_url}/media/{doc['id']}"

    def user(self, user: Mapping[str, Any], asked: shapes.RequestedFields) -> dict[str, Any]:
        """In the words of the request. One that names no vocabulary gets the count of posts in both."""
        posts = self.posts.count_of(user["id"])
        names = (
            [asked.words.count]
            if asked.named
            else [words.count for words in shapes.known_vocabularies(self.vocabularies)]
        )
        counts = {"followers_count": 0, "following_count": 0, **dict.fromkeys(names, posts), "listed_count": 0}
        whole: dict[str, Any] = {
            "verified_type": user["verified_type"],
            "verified": user["verified_type"] != "none",
            "subscription_type": user["subscription_type"],
            "created_at": "2024-01-01T00:00:00.000Z",
            "description": "",
            "protected": False,
            "public_metrics": counts,
            "url": f"{self.base_url}/{user['username']}",
        }
        chosen = {name: value for name, value in whole.items() if name in asked.user}
        return {"id": user["id"], "name": user["name"], "username": user["username"], **chosen}

    # Endpoints of its own

    async def _me(self, request: web.Request, who: XCaller) -> web.Response:
        return self._user_answer(request, who, self.store.get("account", who.account), who.account)

    async def _user(self, request: web.Request, who: XCaller) -> web.Response:
        given = request.match_info["id"]
        return self._user_answer(request, who, self.store.get("account", given), given)

    async def _user_by_name(self, request: web.Request, who: XCaller) -> web.Response:
        name = request.match_info["username"]
        found = next((a for a in self.store.all("account") if a["username"].lower() == name.lower()), None)
        return self._user_answer(request, who, found, name)

    def _user_answer(self, request: web.Request, who: XCaller, user: dict[str, Any] | None, given: str) -> web.Response:
        asked = shapes.read_requested_fields(request.query, self.vocabularies, ())
        if user is None:
            return web.json_response({"errors": [not_found_problem("user", given)]})
        self.billing.read(who.app, "user-read", user["id"])
        return web.json_response({"data": self.user(user, asked)})

    async def _usage_of_posts(self, request: web.Request, who: XCaller) -> web.Response:
        days = request.query.get("days", "7")
        if not days.isdigit() or not 1 <= int(days) <= 90:
            raise invalid_request_error(f"The `days` query parameter value [{days}] is not between 1 and 90", days=days)
        first = (self.now().date() - timedelta(days=int(days) - 1)).isoformat()
        rows = [
            row
            for row in super().usage()
            if row["app"] == who.app and row["meter"] == "post-read" and row["day"] >= first
        ]
        daily = [{"date": f"{row['day']}T00:00:00.000Z", "usage": str(row["units"])} for row in rows]
        data = {
            "project_id": "1",
            "project_cap": "3000000",
            "project_usage": str(sum(row["units"] for row in rows)),
            "cap_reset_day": 1,
            "daily_project_usage": {"project_id": "1", "usage": daily},
            "daily_client_app_usage": [{"client_app_id": "1", "usage_result_count": len(daily), "usage": daily}],
        }
        wanted = request.query.get("usage.fields")
        fields = wanted.split(",") if wanted else ["cap_reset_day", "project_cap", "project_id", "project_usage"]
        return web.json_response({"data": {name: value for name, value in data.items() if name in fields}})

    async def _post_page(self, request: web.Request) -> web.StreamResponse:
        post = self.store.get("post", request.match_info["id"])
        if post is None:
            return self.page("Not found", "<h1>This post does not exist</h1><p>It may have been deleted.</p>", 404)
        shown = self.public_post(post)
        who = next((a for a in self.accounts() if a.id == shown.account), None)
        return self.page(f"{who.name if who else shown.account} on X", self.card(shown, who))

    async def _account_page(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["username"].lower()
        who = next((a for a in self.accounts() if a.handle.lower() == name), None)
        if who is None:
            return self.page("Not found", "<h1>This account does not exist</h1>", 404)
        newest = [self.public_post(post) for post in self.posts.of(who.id)][:200]
        cards = "".join(self.card(post, who) for post in newest)
        return self.page(f"{who.name} on X", f"<h1>{html.escape(who.name)}</h1>{cards}")

    # Around every endpoint

    def _api(
        self, method: str, path: str, answer: CallHandler, scopes: tuple[str, ...] | None, *, apps: bool = False
    ) -> web.RouteDef:
        """A route that checks the token and the limits first; both headers and refusals are X's."""
        route = f"{method} {path.replace('{id}', ':id').replace('{username}', ':username')}"

        async def handle(request: web.Request) -> web.StreamResponse:
            headers: dict[str, str] = {}
            response: web.StreamResponse
            try:
                who = self.oauth.caller(request, scopes, apps=apps)
                headers = self.windows.take(route, who.account, who.app, lifted=self.limits_off)
                response = await answer(request, who)
            except XApiError as refused:
                response = refused.response()
            response.headers.update(headers)
            return response

        return web.route(method, path, handle)

    @staticmethod
    def _open(
        answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A route without a token, whose refusals are answers too."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await answer(request)
            except XApiError as refused:
                return refused.response()

        return handle
