"""Webhooks of Meta's sandboxes: the app's dashboard and its `subscriptions`, an account's `subscribed_apps`, and what is sent.

Follows https://developers.facebook.com/docs/graph-api/webhooks/getting-started and .../subscriptions-edge, looked up
2026-11-26: the address is asked first, each body is signed, and what was not answered with 200 is sent again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any, ClassVar

import aiohttp
from aiohttp import web

from kicau.connector.roles.webhooks import sign_body
from kicau.networks._meta.sandbox.calls import (
    Doc,
    GraphError,
    GraphRequest,
    sandbox_time,
    unsupported_request_error,
)
from kicau.networks._meta.sandbox.server import GraphSandbox

DELIVERY_TIMEOUT_SECONDS = 10  # seconds that the address may take; ours


class WebhookSandbox(GraphSandbox):
    """What readers do is told where the app and the account asked for it."""

    webhook_object: ClassVar[str]  # "page", "instagram" …
    subscribing: ClassVar[dict[str, str]] = {}  # the scope that subscribing an account needs, by kind of token
    told_of_all = False  # without any account's being subscribed

    def application(self) -> web.Application:
        self.telling: set[asyncio.Task[Any]] = set()
        app = super().application()
        app.add_routes([web.post("/_sandbox/webhooks", self._dashboard)])
        return app

    def check_token(self, given: str) -> Doc:
        app = self.default_app
        if given == f"{app.client_id}|{app.client_secret}":
            return {
                "token": given,
                "kind": "app",
                "subject": app.client_id,
                "app": app.client_id,
                "scopes": [],
                "issued": 0.0,
                "expires": None,
                "revoked": False,
            }
        return super().check_token(given)

    # Subscribing

    async def answer_webhooks(self, ask: GraphRequest) -> Doc | None:
        """A call about webhooks; None where it is none."""
        if ask.edge == "subscriptions" and ask.node == self.default_app.client_id:
            return await self._app(ask)
        if ask.edge == "subscribed_apps" and ask.node == ask.token["subject"] and not self.told_of_all:
            return self._account(ask)
        return None

    async def _app(self, ask: GraphRequest) -> Doc:
        if ask.token["kind"] != "app":
            raise GraphError(15, "(#15) This method must be called with an app access_token.", status=403)
        if ask.method == "GET":
            return {
                "data": [
                    {
                        "object": one["object"],
                        "callback_url": one["callback"],
                        "active": True,
                        "fields": [{"name": name, "version": ask.version} for name in one["fields"]],
                    }
                    for one in self.store.all("webhook")
                ]
            }
        if ask.method != "POST":
            raise unsupported_request_error(ask.method, ask.edge)
        if ask.params.get("object") != self.webhook_object:
            raise GraphError(100, f"(#100) Param object must be one of {{{self.webhook_object}}}")
        await self.set_webhook(
            ask.params.get("callback_url", ""), ask.params.get("verify_token", ""), ask.params.get("fields", "")
        )
        return {"success": True}

    async def set_webhook(self, callback: str, token: str, fields: str) -> None:
        """As the dashboard does it: the address is asked whether it is ours."""
        challenge = str(secrets.randbelow(10**10))
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token}
        try:
            async with self._session() as client, client.get(callback, params=query) as answer:
                echoed = answer.status == 200 and await answer.text() == challenge
        except (aiohttp.ClientError, TimeoutError, ValueError):
            echoed = False
        if not echoed:
            raise GraphError(
                2200,
                "(#2200) Callback verification failed with the following errors: HTTP Status Code or challenge does not match.",
            )
        names = [one.strip() for one in fields.split(",") if one.strip()]
        self.store.put(
            "webhook", self.webhook_object, {"object": self.webhook_object, "callback": callback, "fields": names}
        )

    async def _dashboard(self, request: web.Request) -> web.Response:
        """POST {"callback_url", "verify_token", "fields"}: what an operator enters at the network itself."""
        try:
            given = await request.json()
            callback, token, fields = (
                str(given["callback_url"]),
                str(given["verify_token"]),
                str(given.get("fields", "")),
            )
        except (ValueError, TypeError, LookupError):
            return web.json_response({"error": "send callback_url, verify_token and fields as JSON"}, status=400)
        try:
            await self.set_webhook(callback, token, fields)
        except GraphError as refused:
            return web.json_response(refused.body, status=refused.status)
        return web.json_response({"success": True})

    def _account(self, ask: GraphRequest) -> Doc:
        scope = self.subscribing.get(ask.token["kind"], "")
        if scope:
            self.require(ask, scope)
        match ask.method:
            case "GET":
                row = self.store.get("subscribed", ask.node)
                return {"data": [{"id": self.default_app.client_id, "subscribed_fields": row["fields"]}] if row else []}
            case "POST":
                names = [one for one in ask.params.get("subscribed_fields", "").split(",") if one]
                if not names:
                    raise GraphError(100, "(#100) The parameter subscribed_fields is required.")
                self.store.put("subscribed", ask.node, {"id": ask.node, "fields": names})
            case "DELETE":
                self.store.remove("subscribed", ask.node)
            case _:
                raise unsupported_request_error(ask.method, ask.edge)
        return {"success": True}

    # Telling

    def tell(self, subscriber: str, field: str, body: Doc) -> None:
        """Send it soon, where the app asked for that field and the account is subscribed (or all are)."""
        hook = self.store.get("webhook", self.webhook_object)
        if hook is None or field not in hook["fields"]:
            return
        if not self.told_of_all and self.store.get("subscribed", subscriber) is None:
            return
        key = self.new_id()
        self.store.put("untold", key, {"id": key, "body": json.dumps(body), "at": sandbox_time(self), "tries": 0})
        try:
            task = asyncio.get_running_loop().create_task(self.tell_all())
        except RuntimeError:
            return  # whoever acts from another thread calls tell_all
        self.telling.add(task)
        task.add_done_callback(self.telling.discard)

    async def tell_all(self) -> list[int]:
        """Send what waits, each once; the statuses that came back (0: none). What was not taken waits on."""
        return [await self._tell(doc) for doc in self.store.all("untold")]

    async def _tell(self, doc: Doc) -> int:
        if self.store.remove("untold", doc["id"]) is None:
            return 200  # another task has it
        status = await self.send_webhook(doc["body"].encode())
        if status != 200:
            self.store.put("untold", doc["id"], {**doc, "tries": doc["tries"] + 1})
        return status

    async def send_webhook(self, body: bytes, *, signature: str | None = None) -> int:
        """To the address as it is set, signed unless another signature is given."""
        hook = self.store.get("webhook", self.webhook_object) or {"callback": ""}
        given = "sha256=" + sign_body(self.default_app.client_secret, body) if signature is None else signature
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": given,
            "User-Agent": "Webhooks/1.0 (https://fb.me/webhooks)",
        }
        try:
            async with self._session() as client, client.post(hook["callback"], data=body, headers=headers) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0

    @staticmethod
    def _session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DELIVERY_TIMEOUT_SECONDS))


def webhook_entry(kind: str, account: str, at: float, field: str, value: Doc) -> Doc:
    """One change in the form that Pages and Instagram have."""
    return {"object": kind, "entry": [{"id": account, "time": int(at), "changes": [{"field": field, "value": value}]}]}


__all__ = ["WebhookSandbox", "webhook_entry"]
