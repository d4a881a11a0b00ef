"""A local Threads: sign-in, containers that are fetched and checked for real, posts, replies and the quotas.

Answers as Meta's Threads API collection of 2026-01-02 does, with and without the version in the path.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from kicau.connector.sandbox.server import PublicPost, RequestValidator, SeededAccount, SeededApp
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
from kicau.networks._meta.sandbox.webhooks import WebhookSandbox
from kicau.networks.threads.sandbox.containers import ThreadsContainerSandbox, shortcode_of
from kicau.networks.threads.sandbox.login import SEEDED_ACCOUNTS, ThreadsLoginSandbox

DEFAULT_FIELDS = ("id",)
METRIC_NAMES = ("views", "likes", "replies", "reposts", "quotes", "shares")
SEEDED_VISITOR = SeededAccount(
    id="35550000000000901", handle="rinihartati", name="Rini Hartati"
)  # who replies where no account does
ABSENT_FIELDS = ("gif_url", "thumbnail_url", "reposted_post", "location_id", "profile_picture_url")  # never set here


class Server(WebhookSandbox, ThreadsLoginSandbox, ThreadsContainerSandbox):
    slug = "threads"
    label = "Threads"
    accent = "#101010"
    default_app = SeededApp(client_id="604030201060709", client_secret="threads-sandbox-app-secret")  # noqa: S106
    buc = ("threads", 613)
    settings = (
        *ThreadsContainerSandbox.settings,
        "per_day",
    )
    webhook_object = "threads"
    told_of_all = True  # which topics are told is set in the dashboard alone
    token_starts = {"threads": "THAA"}

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.published: dict[str, deque[float]] = {}  # by account and quota: "id|posts", "id|replies"
        super().__init__(base_url=base_url, folder=folder, validators=validators)
        self.oldest = self.newest = (1, 0)
        for row in self.store.all("publishing"):  # outlives deleted posts, as the quota does
            self.published.setdefault(row["quota"], deque()).append(row["at"])

    def seed(self) -> None:
        """Its accounts are fixed."""

    def endpoints(self) -> Mapping[str, str]:
        return dict.fromkeys(("authorize", "graph"), self.base_url)

    def accounts(self) -> tuple[SeededAccount, ...]:
        return tuple(SEEDED_ACCOUNTS.values())

    def page_name(self, account: str) -> SeededAccount | None:
        return SEEDED_VISITOR if account == SEEDED_VISITOR.id else SEEDED_ACCOUNTS.get(account)

    def routes(self) -> Iterable[web.RouteDef]:
        yield from self.login_routes()
        yield from super().routes()
        yield web.get("/@{user}/post/{code}", self._post_page)
        yield web.route("*", r"/{tail:(?:me|\d+)(?:/.*)?}", self._unversioned)

    async def _unversioned(self, request: web.Request) -> web.Response:
        request.match_info["version"] = "v1.0"
        return await self._graph(request)

    def too_many_calls(self, kind: str, subject: str, minutes: int) -> GraphError:
        percent = f'{{"type":"threads","call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":{minutes}}}'
        headers = {"X-Business-Use-Case-Usage": f'{{"{subject}":[{percent}]}}'}
        return GraphError(613, "(#613) Calls to this api have exceeded the rate limit.", headers=headers)

    # Calls

    async def answer(self, ask: GraphRequest) -> Any:
        if ask.node == ask.token["subject"]:
            return await self._answer_account(ask, ask.node)
        for kind in ("container", "post"):
            doc = self.store.get(kind, ask.node)
            if doc is not None and (kind == "post" or doc["account"] == ask.token["subject"]):
                return self._answer_object(ask, kind, doc)
        raise missing_object_error(ask.node, ask.method)

    async def _answer_account(self, ask: GraphRequest, account: str) -> Any:
        match ask.method, ask.edge:
            case "GET", "":
                return self.project(ask, self._account_view(account), "ThreadsUser", DEFAULT_FIELDS)
            case "POST", "threads":
                self.may(ask, "threads_content_publish")
                return await self.create_container(ask, account)
            case "POST", "threads_publish":
                self.may(ask, "threads_content_publish")
                return self.publish(ask, account)
            case "GET", "threads_publishing_limit":
                return self._limit(ask, account)
            case "GET", "threads" | "replies":
                replies = ask.edge == "replies"
                return self.listing(
                    ask,
                    self._listed(ask, account, replies=replies),
                    lambda doc: self._post_view(doc, account),
                    "ThreadsMedia",
                    DEFAULT_FIELDS,
                )
            case "GET", "mentions":
                self.may(ask, "threads_manage_mentions")
                return self.listing(
                    ask,
                    self._mentioning(account),
                    lambda doc: self._post_view(doc, account),
                    "ThreadsMedia",
                    DEFAULT_FIELDS,
                )
        raise unsupported_request_error(ask.method, ask.edge)

    def _answer_object(self, ask: GraphRequest, kind: str, doc: Doc) -> Any:
        match ask.method, ask.edge:
            case "GET", "" if kind == "container":
                return self.project(ask, self.container_view(doc), "ThreadsContainer", DEFAULT_FIELDS)
            case "GET", "" if kind == "post":
                return self.project(ask, self._post_view(doc, ask.token["subject"]), "ThreadsMedia", DEFAULT_FIELDS)
            case "GET", "replies" | "conversation" if kind == "post":
                self.may(ask, "threads_read_replies")
                below = list(self._below(doc, whole=ask.edge == "conversation"))
                newest_first = ask.flag("reverse", default=True)
                return self.listing(
                    ask,
                    below[::-1] if newest_first else below,
                    lambda one: self._post_view(one, ask.token["subject"]),
                    "ThreadsMedia",
                    DEFAULT_FIELDS,
                )
            case "GET", "insights" if kind == "post" and doc["account"] == ask.token["subject"]:
                self.may(ask, "threads_manage_insights")
                return self._insights(ask, doc)
            case "DELETE", "" if kind == "post" and doc["account"] == ask.token["subject"]:
                self.may(ask, "threads_delete")
                self.count("deletes", doc["account"], 100)
                self.store.remove("post", doc["id"])
                return {"success": True, "deleted_id": doc["id"]}
        raise unsupported_request_error(ask.method, ask.edge)

    def _limit(self, ask: GraphRequest, account: str) -> Doc:
        row: Doc = {}
        for name, prefix in (("posts", ""), ("replies", "reply_"), ("deletes", "delete_")):
            row[f"{prefix}quota_usage"] = len(self.recent(f"{account}|{name}"))
            row[f"{prefix}config"] = {"quota_total": self.per_day[name], "quota_duration": DAY_SECONDS}
        wanted = [name for name in ask.params.get("fields", "quota_usage").split(",") if name in row]
        return {"data": [{name: row[name] for name in wanted}]}

    def _listed(self, ask: GraphRequest, account: str, *, replies: bool) -> Iterable[Doc]:
        since = ask.integer("since") if "since" in ask.params else 0
        until = ask.integer("until") if "until" in ask.params else math.inf
        for doc in reversed(list(self.store.all("post"))):
            if doc["account"] == account and bool(doc["reply_to"]) == replies and since <= doc["at"] <= until:
                yield doc

    def _below(self, post: Doc, *, whole: bool) -> Iterable[Doc]:
        above = {post["id"]}
        for doc in self.store.all("post"):
            if doc["reply_to"] in above:
                if whole:
                    above.add(doc["id"])
                yield doc

    def _mentioning(self, account: str) -> Iterable[Doc]:
        name = re.compile(rf"(?<![\w.@/])@{re.escape(SEEDED_ACCOUNTS[account].handle)}(?![\w.@])", re.IGNORECASE)
        return [
            doc
            for doc in reversed(list(self.store.all("post")))
            if doc["account"] != account and name.search(doc["text"])
        ]

    def _insights(self, ask: GraphRequest, post: Doc) -> Doc:
        wanted = ask.params.get("metric", "").split(",")
        if unknown := [one for one in wanted if one not in METRIC_NAMES]:
            raise GraphError(
                100, f"(#100) metric[0] must be one of the following values: {', '.join(METRIC_NAMES)}: {unknown[0]}"
            )
        counted = {"replies": sum(1 for _ in self._below(post, whole=not post["reply_to"]))}
        return {
            "data": [
                {
                    "name": one,
                    "period": "lifetime",
                    "values": [{"value": counted.get(one, 0)}],
                    "title": one.title(),
                    "description": "",
                    "id": f"{post['id']}/insights/{one}/lifetime",
                }
                for one in wanted
            ]
        }

    def comment(self, post_id: str, text: str) -> str:
        """What somebody else replies to a post in the app itself, or writes of their own where `post_id` is ""; its id."""
        made = self.new_id()
        post: Doc = {
            "id": made,
            "account": SEEDED_VISITOR.id,
            "text": text,
            "reply_to": post_id,
            "reply_control": "everyone",
            "topic": "",
            "link": "",
            "poll": {},
            "quote": "",
            "spoiler": False,
            "type": "TEXT_POST",
            "files": [],
            "code": shortcode_of(int(made)),
            "at": sandbox_time(self),
        }
        self.store.put("shortcode", post["code"], {"post": made})
        self.store.put("post", made, post)
        self._tell_of(post)
        return made

    def _tell_of(self, post: Doc) -> None:
        value = {
            "id": post["id"],
            "username": self._who(post).handle,
            "text": post["text"],
            "media_type": "TEXT_POST",
            "permalink": self._permalink(post),
            "shortcode": post["code"],
            "timestamp": graph_time(post["at"]),
        }
        about = {
            "app_id": self.default_app.client_id,
            "time": int(sandbox_time(self)),
            "subscription_id": "1",
            "has_uid_field": False,
        }
        root = self.store.get("post", self._root(post)) or post
        if post["reply_to"] and root["account"] in SEEDED_ACCOUNTS:
            owner = {"id": root["id"], "owner_id": root["account"], "username": self._who(root).handle}
            told = {**value, "replied_to": {"id": post["reply_to"]}, "root_post": owner}
            self.tell(
                root["account"],
                "replies",
                {**about, "topic": "moderate", "target_id": root["id"], "values": {"value": told, "field": "replies"}},
            )
        for account in SEEDED_ACCOUNTS:
            if any(one["id"] == post["id"] for one in self._mentioning(account)):
                self.tell(
                    account,
                    "mentions",
                    {
                        **about,
                        "topic": "interaction",
                        "target_id": account,
                        "values": {"value": value, "field": "mentions"},
                    },
                )

    def uncomment(self, reply_id: str) -> None:
        """Who wrote it deletes it."""
        self.store.remove("post", reply_id)

    # Views

    def _account_view(self, account: str) -> dict[str, Callable[[], Any]]:
        who = SEEDED_ACCOUNTS[account]
        return {
            "id": lambda: account,
            "username": lambda: who.handle,
            "name": lambda: who.name,
            "is_verified": lambda: False,
            "threads_profile_picture_url": lambda: None,
            "threads_biography": lambda: "",
            "recently_searched_keywords": lambda: None,
            "is_eligible_for_geo_gating": lambda: False,
        }

    def _post_view(self, doc: Doc, viewer: str) -> dict[str, Callable[[], Any]]:
        files = doc["files"]
        root = self._root(doc)
        return {
            "id": lambda: doc["id"],
            "media_product_type": lambda: "THREADS",
            "media_type": lambda: doc["type"],
            "media_url": lambda: self.file_url(files[0]["file"]) if len(files) == 1 else None,
            "permalink": lambda: self._permalink(doc),
            "owner": lambda: {"id": doc["account"]} if doc["account"] == viewer else None,
            "username": lambda: self._who(doc).handle,
            "text": lambda: doc["text"] or None,
            "timestamp": lambda: graph_time(doc["at"]),
            "shortcode": lambda: doc["code"],
            "children": lambda: {"data": [{"id": one["id"]} for one in files]} if len(files) > 1 else None,
            "alt_text": lambda: files[0]["alt"] or None if len(files) == 1 else None,
            "is_quote_post": lambda: bool(doc["quote"]),
            "quoted_post": lambda: {"id": doc["quote"]} if doc["quote"] else None,
            "has_replies": lambda: any(True for _ in self._below(doc, whole=False)),
            "is_reply": lambda: bool(doc["reply_to"]),
            "is_reply_owned_by_me": lambda: doc["account"] == viewer if doc["reply_to"] else None,
            "root_post": lambda: {"id": root} if doc["reply_to"] else None,
            "replied_to": lambda: {"id": doc["reply_to"]} if doc["reply_to"] else None,
            "reply_audience": lambda: doc["reply_control"].upper(),
            "hide_status": lambda: "NOT_HUSHED" if doc["reply_to"] else None,
            "link_attachment_url": lambda: doc["link"] or None,
            "poll_attachment": lambda: self._poll_view(doc) if doc["poll"] else None,
            "topic_tag": lambda: doc["topic"] or None,
            "is_verified": lambda: False,
            **dict.fromkeys(ABSENT_FIELDS, lambda: None),
        }

    def _who(self, doc: Doc) -> SeededAccount:
        return self.page_name(doc["account"]) or SEEDED_VISITOR

    def _root(self, doc: Doc) -> str:
        while doc["reply_to"] and (above := self.store.get("post", doc["reply_to"])):
            doc = above
        return str(doc["id"])

    @staticmethod
    def _poll_view(doc: Doc) -> Doc:
        votes = {f"{name}_votes_percentage": 0.0 for name in doc["poll"]}
        return {**doc["poll"], **votes, "expiration_timestamp": graph_time(doc["at"] + DAY_SECONDS)}

    def _permalink(self, doc: Doc) -> str:
        return f"{self.base_url}/@{self._who(doc).handle}/post/{doc['code']}"

    # What readers see

    def public_posts(self) -> Iterable[PublicPost]:
        return map(self._public, self.store.all("post"))

    def _public(self, doc: Doc) -> PublicPost:
        media = tuple(
            {
                "kind": one["kind"],
                "alt": one["alt"],
                "sha256": one["sha256"],
                "mime": one["mime"],
                "url": self.file_url(one["file"]),
            }
            for one in doc["files"]
        )
        extra = {
            "poll": doc["poll"],
            "link": doc["link"],
            "topic": doc["topic"],
            "quotes": doc["quote"],
            "replies": "" if doc["reply_control"] == "everyone" else doc["reply_control"],
            "spoiler": "yes" if doc["spoiler"] else "",
        }
        return PublicPost(
            id=doc["id"],
            account=doc["account"],
            text=doc["text"],
            at=iso_time(doc["at"]),
            url=self._permalink(doc),
            in_reply_to=doc["reply_to"],
            media=media,
            extra=extra,
        )

    async def _post_page(self, request: web.Request) -> web.Response:
        found = self.store.get("shortcode", request.match_info["code"])
        post = self.store.get("post", found["post"]) if found else None
        if post is None:
            return self.page("Not here", "<h1>Sorry, this page isn't available.</h1>", status=404)
        return self.page(f"A post on {self.label}", self.card(self._public(post), None))
