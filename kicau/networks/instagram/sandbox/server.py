"""A local Instagram: both sign-ins, containers that are fetched and checked for real, media, comments and the quota."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from kicau.connector.sandbox.server import PublicPost, RequestValidator, SeededAccount, SeededApp
from kicau.networks._meta import seeds
from kicau.networks._meta.sandbox.calls import (
    DAY_SECONDS,
    Doc,
    GraphError,
    GraphRequest,
    graph_time,
    iso_time,
    missing_object_error,
    sandbox_time,
    unsupported_request_error,
)
from kicau.networks._meta.sandbox.webhooks import WebhookSandbox, webhook_entry
from kicau.networks.instagram.sandbox.containers import InstagramContainerSandbox
from kicau.networks.instagram.sandbox.login import SEEDED_ACCOUNTS, InstagramLoginSandbox

ACCOUNT_BY_SCOPED_ID = {seed.scoped: seed.instagram for seed in seeds.SEEDED_PAGES}
PAGE_BY_ACCOUNT = {seed.instagram: seed.page for seed in seeds.SEEDED_PAGES}
DEFAULT_MEDIA_FIELDS = ("id",)
SEEDED_VISITOR = {"id": "17841400000009001", "username": "rini.hartati"}  # who comments where no account of ours does


class Server(WebhookSandbox, InstagramLoginSandbox, InstagramContainerSandbox):
    slug = "instagram"
    label = "Instagram"
    accent = "#a02a8c"
    default_app = SeededApp(client_id="504030201060708", client_secret="instagram-sandbox-app-secret")  # noqa: S106
    buc = ("instagram", 80002)
    facebook_prefixes = ("/facebook",)
    settings = (
        *InstagramContainerSandbox.settings,
        "batch_timeouts",
        "posts_per_day",
    )
    webhook_object = "instagram"
    subscribing = {"page": "pages_manage_metadata", "instagram": "instagram_business_manage_comments"}
    graph_prefixes = ("", "/facebook")
    login_prefix = "/facebook"

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.account_media: dict[str, list[str]] = {}  # ids by account, oldest first
        self.media_comments: dict[str, list[str]] = {}
        self.published: dict[str, deque[float]] = {}
        self.created: dict[str, deque[float]] = {}
        super().__init__(base_url=base_url, folder=folder, validators=validators)
        for media in self.store.all("media"):
            self.account_media.setdefault(media["account"], []).append(media["id"])
        for row in self.store.all("publishing"):  # outlives deleted media, as the quota does
            self.published.setdefault(row["account"], deque()).append(row["at"])
        for container in self.store.all("container"):
            self.created.setdefault(container["account"], deque()).append(container["at"])
        for comment in self.store.all("comment"):
            self.media_comments.setdefault(comment["media"], []).append(comment["id"])

    def seed(self) -> None:
        self.seed_people()

    def endpoints(self) -> Mapping[str, str]:
        own = dict.fromkeys(("authorize", "token", "graph", "dialog"), self.base_url)
        return {**own, "facebook": f"{self.base_url}/facebook"}

    def accounts(self) -> tuple[SeededAccount, ...]:
        return tuple(SEEDED_ACCOUNTS.values())

    def page_name(self, account: str) -> SeededAccount | None:
        return SEEDED_ACCOUNTS.get(account)

    def routes(self) -> Iterable[web.RouteDef]:
        yield from self.login_routes()
        yield from self.instagram_login_routes()
        yield from super().routes()
        yield web.get("/{kind:p|reel}/{code}/", self._media_page)
        yield web.get("/stories/{user}/{media}/", self._media_page)

    # Calls

    async def answer(self, ask: GraphRequest) -> Any:
        if (found := await self.answer_webhooks(ask)) is not None:
            return found
        by_facebook = ask.request.path.startswith("/facebook/")
        if by_facebook == (ask.token["kind"] == "instagram"):
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token")
        if by_facebook and ask.node == seeds.USER_ID:
            return self.answer_person(ask)
        if by_facebook and (page := self.store.get("page", ask.node)) is not None:
            return self.project(ask, self.page_view(ask, page), "Page", ("name",))
        account = ACCOUNT_BY_SCOPED_ID.get(ask.node, ask.node)
        if account in SEEDED_ACCOUNTS:
            self._as_account(ask, account)
            return await self._answer_account(ask, account)
        for kind in ("container", "media", "comment"):
            if (doc := self.store.get(kind, ask.node)) is not None:
                self._as_account(ask, doc["account"])
                return self._answer_object(ask, kind, doc)
        raise missing_object_error(ask.node, ask.method)

    def _as_account(self, ask: GraphRequest, account: str) -> None:
        """A Page's token acts for the account beside the Page, a person's for both."""
        subject = ask.token["subject"]
        if subject not in (account, PAGE_BY_ACCOUNT[account], seeds.USER_ID):
            raise missing_object_error(ask.node, ask.method)

    async def _answer_account(self, ask: GraphRequest, account: str) -> Any:
        match ask.method, ask.edge:
            case "GET", "":
                return self.project(ask, self._account_view(ask, account), "IGUser", ("id",))
            case "POST", "media":
                self.may(ask, "content_publish")
                return await self.create_container(ask, account)
            case "POST", "media_publish":
                self.may(ask, "content_publish")
                return self.publish(ask, account)
            case "GET", "content_publishing_limit":
                return self._limit(ask, account)
            case "GET", "media" | "stories":
                stories = ask.edge == "stories"
                return self.listing(
                    ask,
                    self._listed(ask, account, stories=stories),
                    lambda one: self._media_view(one, ask),
                    "IGMedia",
                    DEFAULT_MEDIA_FIELDS,
                )
        raise unsupported_request_error(ask.method, ask.edge)

    def _limit(self, ask: GraphRequest, account: str) -> Doc:
        since = sandbox_time(self) - DAY_SECONDS
        row = {
            "quota_usage": len(self.recent(self.published, account, since)),
            "config": {"quota_total": self.posts_per_day, "quota_duration": DAY_SECONDS},
        }
        wanted = [name for name in ask.params.get("fields", "quota_usage").split(",") if name in row]
        return {"data": [{name: row[name] for name in wanted}]}

    def _listed(self, ask: GraphRequest, account: str, *, stories: bool) -> Iterable[Doc]:
        since = ask.integer("since") if "since" in ask.params else 0
        until = ask.integer("until") if "until" in ask.params else math.inf
        if stories:
            since = max(since, int(sandbox_time(self) - DAY_SECONDS))
        for media_id in reversed(self.account_media.get(account, [])):
            media = self.store.get("media", media_id)
            if media is None or media["story"] != stories or media["at"] > until:
                continue
            if media["at"] < since:
                return
            yield media

    def _answer_object(self, ask: GraphRequest, kind: str, doc: Doc) -> Any:
        match ask.method, ask.edge:
            case "GET", "" if kind == "container":
                return self.project(ask, self.container_view(doc), "ShadowIGMediaBuilder", ("id",))
            case "GET", "" if kind == "media":
                return self.project(ask, self._media_view(doc, ask), "IGMedia", DEFAULT_MEDIA_FIELDS)
            case "GET", "" if kind == "comment":
                return self.project(ask, self._comment_view(doc), "IGComment", ("id", "text", "timestamp"))
            case "GET", "comments" if kind == "media":
                rows = [
                    self.store.get("comment", one) or {} for one in reversed(self.media_comments.get(doc["id"], []))
                ]
                return self.listing(ask, rows, self._comment_view, "IGComment", ("id", "text", "timestamp"))
            case "GET", "children" if kind == "media":
                return {"data": [{"id": one["id"]} for one in doc["files"]] if doc["type"] == "CAROUSEL_ALBUM" else []}
            case "GET", "replies" if kind == "comment":
                said = (
                    self.store.get("comment", one) or {} for one in reversed(self.media_comments.get(doc["media"], []))
                )
                return self.listing(
                    ask,
                    [one for one in said if one.get("under") == doc["id"]],
                    self._comment_view,
                    "IGComment",
                    ("id", "text", "timestamp"),
                )
            case "POST", "replies" if kind == "comment":
                return self._create_comment(
                    ask, {"id": doc["media"], "account": doc["account"]}, under=doc.get("under") or doc["id"]
                )
            case "POST", "comments" if kind == "media" and not doc["story"]:
                return self._create_comment(ask, doc)
            case "DELETE", "" if ask.token["kind"] != "instagram":
                self.may(ask, "manage_contents")
                self._delete(kind, doc)
                return {"success": True}
        raise unsupported_request_error(ask.method, ask.edge)

    def _create_comment(self, ask: GraphRequest, media: Doc, *, under: str = "") -> Doc:
        self.may(ask, "manage_comments")
        message = ask.params.get("message", "").strip()
        if not message:
            raise GraphError(100, "(#100) The parameter message is required")
        comment = {
            "id": self.new_id(),
            "media": media["id"],
            "account": media["account"],
            "text": message,
            "at": sandbox_time(self),
            "under": under,
        }
        self.store.put("comment", comment["id"], comment)
        self.media_comments.setdefault(media["id"], []).append(comment["id"])
        return {"id": comment["id"]}

    def _delete(self, kind: str, doc: Doc) -> None:
        if kind == "media":
            self.account_media[doc["account"]].remove(doc["id"])
        elif kind == "comment":
            self.media_comments[doc["media"]].remove(doc["id"])
        self.store.remove(kind, doc["id"])

    # Views

    def _account_view(self, ask: GraphRequest, account: str) -> dict[str, Callable[[], Any]]:
        who = SEEDED_ACCOUNTS[account]
        own = ask.token["kind"] == "instagram"
        scoped = next(key for key, value in ACCOUNT_BY_SCOPED_ID.items() if value == account)
        discover = self._discovered(ask) if not own else None
        mentioned = (
            {}
            if own
            else {
                f"mentioned_{kind}": found
                for kind in ("comment", "media")
                if (found := self._mentioned(account, ask, kind))
            }
        )
        return {
            **mentioned,
            **({"business_discovery": discover} if discover else {}),
            "id": lambda: scoped if own else account,
            "user_id": lambda: account if own else None,
            "username": lambda: who.handle,
            "name": lambda: who.name,
            "account_type": lambda: "BUSINESS" if own else None,
            "followers_count": lambda: 930,
            "follows_count": lambda: 118,
            "media_count": lambda: len(self.account_media.get(account, [])),
            "biography": lambda: "",
        }

    def _discovered(self, ask: GraphRequest) -> Callable[[], Doc] | None:
        """Another professional account, by `business_discovery.username(NAME)`; None where it is not asked for."""
        asked = re.search(r"business_discovery\.username\(([^)]*)\)", ask.params.get("fields", ""))
        if asked is None:
            return None

        def found() -> Doc:
            self.may(ask, "manage_insights")
            who = next((one for one in SEEDED_ACCOUNTS.values() if one.handle == asked[1].lower()), None)
            if who is None:
                raise GraphError(
                    110,
                    "Invalid user id",
                    sub=2207013,
                    title="Cannot find User",
                    user=f"The user with username: {asked[1]} cannot be found.",
                )
            return {"id": who.id, "username": who.handle, "name": who.name, "followers_count": 930, "biography": ""}

        return found

    def comment(self, media_id: str, text: str, *, under: str = "") -> str:
        """What somebody else writes in the app under media, or under another comment of it; the comment's id."""
        media = self.store.get("media", media_id) or {}
        made = {
            "id": self.new_id(),
            "media": media["id"],
            "account": media["account"],
            "text": text,
            "at": sandbox_time(self),
            "by": SEEDED_VISITOR,
            "under": under,
        }
        self.store.put("comment", made["id"], made)
        self.media_comments.setdefault(media["id"], []).append(made["id"])
        value = {
            "id": made["id"],
            "from": SEEDED_VISITOR,
            "text": text,
            "media": {"id": media["id"], "media_product_type": media["product"]},
        } | ({"parent_id": under} if under else {})
        for subscriber in (media["account"], PAGE_BY_ACCOUNT[media["account"]]):
            self.tell(
                subscriber,
                "comments",
                webhook_entry("instagram", media["account"], sandbox_time(self), "comments", value),
            )
        return str(made["id"])

    def mention(self, account: str, text: str, *, caption: bool = False) -> str:
        """Somebody mentions an account under media of their own, or in its caption: the webhook tells ids alone."""
        key, media = self.new_id(), self.new_id()
        made = {
            "id": media if caption else key,
            "account": account,
            "text": text,
            "at": sandbox_time(self),
            "by": SEEDED_VISITOR,
            "media": media,
            "kind": "media" if caption else "comment",
        }
        self.store.put("mention", str(made["id"]), made)
        value = {"media_id": media} | ({} if caption else {"comment_id": key})
        self.tell(
            PAGE_BY_ACCOUNT[account],
            "mentions",
            webhook_entry("instagram", account, sandbox_time(self), "mentions", value),
        )
        return str(made["id"])

    def unmention(self, key: str) -> None:
        self.store.remove("mention", key)

    def _mentioned(self, account: str, ask: GraphRequest, kind: str) -> Callable[[], Doc] | None:
        """`mentioned_comment.comment_id(ID)` or `mentioned_media.media_id(ID)`; None where it is not asked for."""
        asked = re.search(rf"mentioned_{kind}\.{kind}_id\((\d+)\)", ask.params.get("fields", ""))
        if asked is None:
            return None

        def found() -> Doc:
            self.may(ask, "manage_comments")
            doc = self.store.get("mention", asked[1])
            if doc is None or doc["account"] != account or doc["kind"] != kind:
                raise missing_object_error(asked[1], "GET")
            link = f"{self.base_url}/p/{doc['media']}/"
            words = (
                {"caption": doc["text"], "permalink": link}
                if kind == "media"
                else {"text": doc["text"], "media": {"id": doc["media"], "permalink": link}}
            )
            return {
                "id": doc["id"],
                "timestamp": graph_time(doc["at"]),
                "username": SEEDED_VISITOR["username"],
                **words,
            }

        return found

    def uncomment(self, comment_id: str) -> None:
        """Who wrote a comment deletes it."""
        self._delete("comment", self.store.get("comment", comment_id) or {})

    def _comments(self, doc: Doc, ask: GraphRequest) -> Doc:
        """The edge as a field: the newest first, each with what is under it."""
        self.may(ask, "manage_comments")
        found = [one for key in self.media_comments.get(doc["id"], []) if (one := self.store.get("comment", key))]
        names = ("id", "text", "timestamp", "username", "from", "parent_id")

        def shown(one: Doc) -> Doc:
            view = self._comment_view(one)
            below = [shown(other) for other in found if other.get("under") == one["id"]]
            told = {name: value for name in names if (value := view[name]()) is not None}
            return told | ({"replies": {"data": below}} if below else {})

        return {"data": [shown(one) for one in reversed(found) if not one.get("under")]}

    def _media_view(self, doc: Doc, ask: GraphRequest) -> dict[str, Callable[[], Any]]:
        first = doc["files"][0]
        return {
            "id": lambda: doc["id"],
            "ig_id": lambda: doc["id"],
            "caption": lambda: doc["caption"] or None,
            "media_type": lambda: doc["type"],
            "media_product_type": lambda: doc["product"],
            "media_url": lambda: self.file_url(first["file"]),
            "permalink": lambda: self._permalink(doc),
            "shortcode": lambda: doc["code"],
            "timestamp": lambda: graph_time(doc["at"]),
            "username": lambda: SEEDED_ACCOUNTS[doc["account"]].handle,
            "owner": lambda: {"id": doc["account"]},
            "alt_text": lambda: first["alt"] or None,
            "like_count": lambda: 0,
            "comments": lambda: self._comments(doc, ask) if self.media_comments.get(doc["id"]) else None,
            "comments_count": lambda: len(self.media_comments.get(doc["id"], [])),
            "is_comment_enabled": lambda: True,
            "is_shared_to_feed": lambda: doc["share"] if doc["product"] == "REELS" else None,
            "children": lambda: (
                {"data": [{"id": one["id"]} for one in doc["files"]]} if doc["type"] == "CAROUSEL_ALBUM" else None
            ),
        }

    def _comment_view(self, doc: Doc) -> dict[str, Callable[[], Any]]:
        return {
            "id": lambda: doc["id"],
            "text": lambda: doc["text"],
            "timestamp": lambda: graph_time(doc["at"]),
            "username": lambda: (doc.get("by") or {}).get("username", SEEDED_ACCOUNTS[doc["account"]].handle),
            "from": lambda: doc.get("by") or {"id": doc["account"], "username": SEEDED_ACCOUNTS[doc["account"]].handle},
            "parent_id": lambda: doc.get("under") or None,
            "like_count": lambda: 0,
            "hidden": lambda: False,
        }

    # What readers see

    def _permalink(self, doc: Doc) -> str:
        if doc["story"]:
            return f"{self.base_url}/stories/{SEEDED_ACCOUNTS[doc['account']].handle}/{doc['id']}/"
        return f"{self.base_url}/{'reel' if doc['product'] == 'REELS' else 'p'}/{doc['code']}/"

    def public_posts(self) -> Iterable[PublicPost]:
        today = sandbox_time(self) - DAY_SECONDS
        for doc in self.store.all("media"):
            if not doc["story"] or doc["at"] > today:
                yield self._public(doc)

    def _public(self, doc: Doc) -> PublicPost:
        media = tuple(self._public_file(one) for one in doc["files"])
        comments = [
            (self.store.get("comment", one) or {}).get("text", "") for one in self.media_comments.get(doc["id"], [])
        ]
        extra = {"kind": doc["product"].lower(), "comments": comments}
        return PublicPost(
            id=doc["id"],
            account=doc["account"],
            text=doc["caption"],
            at=iso_time(doc["at"]),
            url=self._permalink(doc),
            media=media,
            extra=extra,
        )

    def _public_file(self, one: Doc) -> dict[str, str]:
        shown = {
            "kind": one["kind"],
            "alt": one["alt"],
            "sha256": one["sha256"],
            "mime": one["mime"],
            "url": self.file_url(one["file"]),
        }
        if cover := one.get("cover"):
            shown["cover"] = self.file_url(cover)
        return shown

    async def _media_page(self, request: web.Request) -> web.Response:
        found = self.store.get("shortcode", request.match_info.get("code", "")) or {
            "media": request.match_info.get("media", "")
        }
        media = self.store.get("media", found["media"])
        if media is None:
            return self.page("Not here", "<h1>Sorry, this page isn't available.</h1>", status=404)
        return self.page(f"A post on {self.label}", self.card(self._public(media), None))
