"""Its server, on loopback."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from kicau.connector.sandbox.server import PublicPost, Sandbox, SeededAccount, SeededApp


class Server(Sandbox):
    slug = "stranger"
    label = "Stranger"
    default_app = SeededApp(client_id="stranger-app", client_secret="stranger-secret")

    def seed(self) -> None:
        for name in ("ana", "budi"):
            if self.store.get("account", name) is None:
                self.store.put("account", name, {"id": name})

    def accounts(self) -> tuple[SeededAccount, ...]:
        return tuple(SeededAccount(id=a["id"], handle=a["id"], name=a["id"].title()) for a in self.store.all("account"))

    def endpoints(self) -> Mapping[str, str]:
        return {"api": self.base_url}

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/authorize", self.authorize),
            web.post("/authorize", self.decide),
            web.post("/token", self.token),
            web.post("/revoke", self.revoke_token),
            web.post("/posts", self.create),
            web.get("/posts", self.search),
            web.get("/posts/{id}", self.show),
            web.put("/posts/{id}", self.change),
            web.delete("/posts/{id}", self.delete),
        ]

    def public_posts(self) -> Iterable[PublicPost]:
        for post in self.store.all("post"):
            yield PublicPost(
                id=post["id"],
                account=post["account"],
                text=post["text"],
                at=post["at"],
                url=f"{self.base_url}/posts/{post['id']}",
            )

    def revoke(self, request: web.Request) -> None:
        self.store.remove("token", request.headers.get("Authorization", "").removeprefix("Bearer "))

    def plan_exhausted(self, request: web.Request) -> web.Response:
        return web.json_response({"error": "plan"}, status=402)

    async def authorize(self, request: web.Request) -> web.Response:
        hidden = {k: request.query[k] for k in ("redirect_uri", "state", "code_challenge")}
        return self.consent_page(app_name="Kicau", scopes=["write"], accounts=self.accounts(), hidden=hidden)

    async def decide(self, request: web.Request) -> web.Response:
        form = {k: str(v) for k, v in (await request.post()).items()}
        if form["decision"] != "allow":
            return self.send_back(form["redirect_uri"], state=form["state"], error="access_denied")
        code = secrets.token_urlsafe(8)
        self.store.put("code", code, {"account": form["account"], "challenge": form["code_challenge"]})
        return self.send_back(form["redirect_uri"], state=form["state"], code=code)

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form["grant_type"] == "refresh_token":
            grant = self.store.remove("refresh", str(form["refresh_token"]))
        else:
            grant = self.store.remove("code", str(form["code"]))
        if grant is None:
            return web.json_response({"error": "invalid_grant"}, status=401)
        token, refresh = secrets.token_urlsafe(8), secrets.token_urlsafe(8)
        self.store.put("token", token, {"account": grant["account"]})
        self.store.put("refresh", refresh, {"account": grant["account"]})
        return web.json_response(
            {"access_token": token, "refresh_token": refresh, "expires_in": 7200, "account": grant["account"]}
        )

    async def revoke_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        for kind in ("token", "refresh"):
            self.store.remove(kind, str(form[kind]))
        return web.json_response({})

    def _account(self, request: web.Request) -> str:
        found = self.store.get("token", request.headers.get("Authorization", "").removeprefix("Bearer "))
        if found is None:
            raise web.HTTPUnauthorized
        return str(found["account"])

    async def create(self, request: web.Request) -> web.Response:
        account, body = self._account(request), await request.json()
        post_id = secrets.token_hex(6)
        self.store.put("post", post_id, {"id": post_id, "account": account, "at": self.now().isoformat(), **body})
        self.store.put("tag", body["tag"], {"id": post_id})
        self.meter(self.default_app.client_id, "post")
        return web.json_response({"id": post_id}, status=201)

    async def search(self, request: web.Request) -> web.Response:
        self._account(request)
        self.meter(self.default_app.client_id, "read")
        found = self.store.get("tag", request.query["tag"])
        return web.json_response({"posts": [found] if found else []})

    def _post(self, request: web.Request) -> dict[str, Any]:
        self._account(request)
        if (found := self.store.get("post", request.match_info["id"])) is None:
            raise web.HTTPNotFound
        return found

    async def show(self, request: web.Request) -> web.Response:
        self.meter(self.default_app.client_id, "read")
        return web.json_response(self._post(request))

    async def change(self, request: web.Request) -> web.Response:
        made = {**self._post(request), "text": (await request.json())["text"]}
        return web.json_response(self.store.put("post", made["id"], made))

    async def delete(self, request: web.Request) -> web.Response:
        self._account(request)
        if self.store.remove("post", request.match_info["id"]) is None:
            raise web.HTTPNotFound
        return web.Response(status=204)
