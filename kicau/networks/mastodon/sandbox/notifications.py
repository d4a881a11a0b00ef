"""Notifications of the Mastodon sandbox: of mentions, which are all that happens between its accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from kicau.connector.content import SpanKind
from kicau.networks.mastodon.sandbox.errors import not_found_error
from kicau.networks.mastodon.sandbox.oauth import MastodonCaller
from kicau.networks.mastodon.sandbox.params import to_int
from kicau.networks.mastodon.text import find_entities

if TYPE_CHECKING:
    from kicau.networks.mastodon.sandbox.server import Server

type Doc = dict[str, Any]

DEFAULT_LIMIT, MAX_LIMIT = 40, 80  # in a page: https://docs.joinmastodon.org/methods/notifications/#get, 2026-11-26


class MastodonNotificationsApi:
    def __init__(self, box: Server) -> None:
        self.box = box
        self.of: dict[str, dict[str, None]] = {}  # account -> ids, oldest first
        self._last = 0
        for one in box.store.all("notification"):
            self._index(one)

    def _index(self, one: Doc) -> None:
        self.of.setdefault(one["account"], {})[one["id"]] = None
        self._last = max(self._last, int(one["id"]))

    def routes(self) -> list[web.RouteDef]:
        guarded, sees = self.box.guarded, ("read:notifications",)
        return [
            web.get("/api/v1/notifications", guarded(self.list, sees)),
            web.get("/api/v1/notifications/{id}", guarded(self.show, sees)),
        ]

    def tell(self, status: Doc) -> None:
        """Everybody here whom a new post mentions, but its author: an answer that names nobody tells nobody."""
        if "@" not in status["text"]:
            return
        named = {e.target.partition("@") for e in find_entities(status["text"]) if e.kind is SpanKind.MENTION}
        here = [self.box.people.named(name) for name, _, domain in sorted(named) if domain in ("", self.box.domain)]
        for who in {one["id"]: one for one in here if one and one["id"] != status["account"]}:
            made = {
                "id": str(self._last + 1),
                "account": who,
                "from": status["account"],
                "type": "mention",
                "status": status["id"],
                "at": status["at"],
            }
            self.box.store.put("notification", made["id"], made)
            self._index(made)

    def forget(self, status: Doc) -> None:
        """What tells of a post goes with it."""
        for one in [one for one in self.box.store.all("notification") if one["status"] == status["id"]]:
            self.box.store.remove("notification", one["id"])
            self.of[one["account"]].pop(one["id"], None)

    async def list(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        """Newest first; those just newer than `min_id`, or the newest of all."""
        query = request.query
        limit = min(to_int(query.get("limit")) or DEFAULT_LIMIT, MAX_LIMIT)
        kinds, left_out = set(query.getall("types[]", [])), set(query.getall("exclude_types[]", []))
        rows = [one for key in self.of.get(caller.account, {}) if (one := self.box.store.get("notification", key))]
        rows = [one for one in rows if (not kinds or one["type"] in kinds) and one["type"] not in left_out]
        if who := query.get("account_id"):
            rows = [one for one in rows if one["from"] == who]
        if "notification-pages" in self.box.lacks:
            found = rows[::-1]
        else:
            below, above, just = (to_int(query.get(name)) for name in ("max_id", "since_id", "min_id"))
            rows = [
                one
                for one in rows
                if (below is None or int(one["id"]) < below) and int(one["id"]) > max(above or 0, just or 0)
            ]
            found = (rows[:limit] if just is not None else rows[-limit:])[::-1]
        base = f"{self.box.base_url}{request.path}?limit={limit}"
        link = (
            {"Link": f'<{base}&max_id={found[-1]["id"]}>; rel="next", <{base}&min_id={found[0]["id"]}>; rel="prev"'}
            if found
            else {}
        )
        return web.json_response([self.shape(one, caller) for one in found], headers=link)

    async def show(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        found = self.box.store.get("notification", request.match_info["id"])
        if found is None or found["account"] != caller.account:
            raise not_found_error()
        return web.json_response(self.shape(found, caller))

    def shape(self, one: Doc, caller: MastodonCaller) -> Doc:
        status = self.box.store.get("status", one["status"])
        return {
            "id": one["id"],
            "type": one["type"],
            "created_at": one["at"],
            "group_key": f"ungrouped-{one['id']}",
            "account": self.box.people.shape(one["from"]),
            "status": self.box.statuses.shape(status, caller) if status else None,
        }
