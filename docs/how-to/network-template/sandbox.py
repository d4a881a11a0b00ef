"""A local Newnet: sign-in, tokens that end, posts. Make it answer as the network's description says, to the letter."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from aiohttp import web

from kicau.connector.sandbox.server import PublicPost, Sandbox, SeededAccount, SeededApp

LASTS = 7200  # seconds that a token works


class Server(Sandbox):
    slug = "newnet"
    label = "Newnet"
    accent = "#345"
    default_app = SeededApp(client_id="newnet-app", client_secret="newnet-secret")  # noqa: S106 (opens nothing)

    def seed(self) -> None:
        for name in ("kopisenja", "kabarpagi"):
            if self.store.get("account", name) is None:
                self.store.put("account", name, {"id": name})

    def accounts(self) -> tuple[SeededAccount, ...]:
        return tuple(SeededAccount(id=a["id"], handle=a["id"], name=a["id"].title()) for a in self.store.all("account"))

    def endpoints(self) -> Mapping[str, str]:
        return {"api": self.base_url}

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/authorize", self._authorize)
        yield web.post("/authorize", self._decide)
        yield web.post("/token", self._token)
        yield web.post("/posts", self._create)
        yield web.get("/posts", self._search)
        yield web.delete("/posts/{id}", self._delete)

    def public_posts(self) -> Iterable[PublicPost]:
        for post in self.store.all("post"):
            url = f"{self.base_url}/posts/{post['id']}"
            yield PublicPost(id=post["id"], account=post["account"], text=post["text"], at=post["at"], url=url)

    def revoke(self, request: web.Request) -> None:
        self.store.remove("token", _bearer(request))

    def plan_exhausted(self, request: web.Request) -> web.Response:
        return web.json_response({"error": "your plan is used up"}, status=402)

    # Signing in

    async def _authorize(self, request: web.Request) -> web.Response:
        hidden = {name: request.query[name] for name in ("redirect_uri", "state", "code_challenge")}
        return self.consent_page(app_name="Kicau", scopes=["write"], accounts=self.accounts(), hidden=hidden)

    async def _decide(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form["decision"] != "allow":
            return self.send_back(form["redirect_uri"], state=form["state"], error="access_denied")
        code = secrets.token_urlsafe(16)
        self.store.put("code", code, {"account": form["account"], "challenge": form["code_challenge"]})
        return self.send_back(form["redirect_uri"], state=form["state"], code=code)

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        kind, given = ("refresh", "refresh_token") if form.get("grant_type") == "refresh_token" else ("code", "code")
        grant = self.store.remove(kind, form.get(given, ""))
        if grant is None:
            return web.json_response({"error": "invalid_grant"}, status=401)
        token, refresh, account = secrets.token_urlsafe(32), secrets.token_urlsafe(32), grant["account"]
        self.store.put("token", token, {"account": account, "until": self.now().timestamp() + LASTS})
        self.store.put("refresh", refresh, {"account": account})
        return web.json_response(
            {"access_token": token, "refresh_token": refresh, "expires_in": LASTS, "account": account}
        )

    def _account(self, request: web.Request) -> str:
        found = self.store.get("token", _bearer(request))
        if found is None or found["until"] <= self.now().timestamp():
            raise web.HTTPUnauthorized
        return str(found["account"])

    # Posts

    async def _create(self, request: web.Request) -> web.Response:
        account, body = self._account(request), await request.json()
        if len(body["text"]) > 100:
            return web.json_response({"error": "a text has at most 100 characters"}, status=422)
        post = {"id": secrets.token_hex(6), "account": account, "at": self.now().isoformat(), **body}
        self.store.put("post", post["id"], post)
        self.meter(self.default_app.client_id, "post")
        return web.json_response({"id": post["id"]}, status=201)

    async def _search(self, request: web.Request) -> web.Response:
        account = self._account(request)
        self.meter(self.default_app.client_id, "read")
        mine = [post for post in self.store.all("post") if post["account"] == account]
        return web.json_response({"posts": [post for post in mine if post["tag"] == request.query["tag"]]})

    async def _delete(self, request: web.Request) -> web.Response:
        post = self.store.get("post", request.match_info["id"])
        if post is None or post["account"] != self._account(request):
            raise web.HTTPNotFound
        self.store.remove("post", post["id"])
        return web.Response(status=204)


def _bearer(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")
