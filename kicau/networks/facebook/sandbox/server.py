"""A local Facebook: Login, Pages, posts, photos, videos, reels and comments, as the Graph API has them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from kicau.connector.sandbox.server import PublicPost, RequestValidator, SeededAccount, SeededApp
from kicau.networks._meta import seeds
from kicau.networks._meta.sandbox.calls import (
    Doc,
    GraphError,
    GraphRequest,
    graph_time,
    iso_time,
    missing_object_error,
    sandbox_time,
    unsupported_request_error,
)
from kicau.networks._meta.sandbox.login import SEEDED_PERSON
from kicau.networks.facebook.sandbox.comments import FacebookCommentSandbox
from kicau.networks.facebook.sandbox.pages import page_author
from kicau.networks.facebook.sandbox.photos import FacebookPhotoSandbox
from kicau.networks.facebook.sandbox.videos import FacebookVideoSandbox

MAX_TEXT_LENGTH = 63_206  # characters of a message
DEFAULT_POST_FIELDS = ("created_time", "message")


class Server(FacebookCommentSandbox, FacebookPhotoSandbox):
    slug = "facebook"
    label = "Facebook"
    accent = "#1b62d1"
    default_app = SeededApp(client_id="102030405060708", client_secret="facebook-sandbox-app-secret")  # noqa: S106
    buc = ("pages", 80001)
    facebook_prefixes = ("",)
    settings = (
        *FacebookVideoSandbox.settings,
        "batch_timeouts",
        "chunk",
    )
    webhook_object = "page"
    subscribing = {"page": "pages_manage_metadata"}

    def __init__(
        self, *, base_url: str = "", folder: Path | None = None, validators: Iterable[RequestValidator] = ()
    ) -> None:
        self.post_comments: dict[str, list[str]] = {}
        super().__init__(base_url=base_url, folder=folder, validators=validators)
        for comment in self.store.all("comment"):
            self.post_comments.setdefault(comment["object"], []).append(comment["id"])

    def seed(self) -> None:
        self.seed_people()

    def endpoints(self) -> Mapping[str, str]:
        return dict.fromkeys(("graph", "video", "upload", "dialog"), self.base_url)

    def accounts(self) -> tuple[SeededAccount, ...]:
        return (SEEDED_PERSON,)

    def page_name(self, account: str) -> SeededAccount | None:
        page = self.store.get("page", account)
        return SeededAccount(id=page["id"], handle=page["username"], name=page["name"], kind="page") if page else None

    def routes(self) -> Iterable[web.RouteDef]:
        yield from self.login_routes()
        yield from self.video_routes()
        yield from super().routes()
        yield web.get(r"/{post:\d+_\d+}", self._post_page)
        yield web.get(r"/reel/{video:\d+}/", self._video_page)
        yield web.get(r"/{page:\d+}/videos/{video:\d+}/", self._video_page)
        for one in seeds.SEEDED_PAGES:
            yield web.get(f"/{one.handle}", self._front_page)

    # Calls

    async def answer(self, ask: GraphRequest) -> Any:
        if (found := await self.answer_webhooks(ask)) is not None:
            return found
        if ask.node == seeds.USER_ID:
            return self.answer_person(ask)
        if (page := self.store.get("page", ask.node)) is not None:
            return await self._answer_page(ask, page)
        for kind in ("post", "video", "photo", "comment"):
            if (doc := self.store.get(kind, ask.node)) is not None:
                return self._answer_object(ask, kind, doc)
        raise missing_object_error(ask.node, ask.method)

    async def _answer_page(self, ask: GraphRequest, page: Doc) -> Any:
        if ask.method == "POST" or ask.edge:
            self._as_page(ask, page)
        match ask.method, ask.edge:
            case "GET", "":
                return self.project(ask, self.page_view(ask, page), "Page", ("name",))
            case "GET", "feed" | "posts" | "published_posts":
                self.require(ask, "pages_read_engagement")
                return self.listing(
                    ask, self._feed(ask, page), lambda doc: self._post_view(doc, ask), "PagePost", DEFAULT_POST_FIELDS
                )
            case "POST", "feed":
                return self._create_post(ask, page)
            case "POST", "photos":
                return await self.create_photo(ask, page)
            case "GET", "photos":
                rows = [p for p in self.store.all("photo") if p["page"] == page["id"] and p["published"]]
                return self.listing(ask, rows[::-1], self.photo_view, "Photo", ("created_time", "name"))
            case "POST", "videos":
                return await self.create_video(ask, page)
            case "POST", "video_reels":
                return await self.create_reel(ask, page)
            case "GET", "videos" | "video_reels":
                rows = [
                    v
                    for v in self.store.all("video")
                    if v["page"] == page["id"] and v["reel"] == (ask.edge == "video_reels") and v["finished"]
                ]
                return self.listing(ask, rows[::-1], self.video_view, "Video", ("description", "updated_time"))
        raise unsupported_request_error(ask.method, ask.edge)

    @staticmethod
    def _as_page(ask: GraphRequest, page: Doc) -> None:
        if ask.token["subject"] != page["id"]:
            raise GraphError(210, "(#210) A page access token is required to request this resource.", status=403)

    def _answer_object(self, ask: GraphRequest, kind: str, doc: Doc) -> Any:
        self._as_page(ask, {"id": doc["page"]})
        views: dict[str, tuple[Callable[[Doc], Mapping[str, Callable[[], Any]]], str, tuple[str, ...]]] = {
            "post": (lambda one: self._post_view(one, ask), "PagePost", DEFAULT_POST_FIELDS),
            "video": (
                lambda one: self.video_view(one) | self.comment_fields(one, ask),
                "Video",
                ("description", "updated_time"),
            ),
            "photo": (self.photo_view, "Photo", ("created_time", "name")),
            "comment": (self.comment_view, "Comment", ("created_time", "from", "message")),
        }
        match ask.method, ask.edge:
            case "GET", "":
                view, name, default = views[kind]
                return self.project(ask, view(doc), name, default)
            case "POST", "" if kind in ("post", "video"):
                self.require(ask, "pages_manage_posts")
                self._revise(ask, kind, doc)
                return {"success": True}
            case "POST", "" if kind == "comment":
                self.require(ask, "pages_manage_engagement")
                self.store.put("comment", doc["id"], {**doc, "message": ask.params.get("message", "").strip()})
                return {"success": True}
            case "DELETE", "":
                self.require(ask, "pages_manage_engagement" if kind == "comment" else "pages_manage_posts")
                self._delete(kind, doc)
                return {"success": True}
            case "GET", "comments":
                found = [
                    self.store.get("comment", one) or {}
                    for one in self.post_comments.get(str(doc.get("object") or doc["id"]), [])
                ]
                if kind == "comment":
                    found = [one for one in found if one.get("under") == doc["id"]]
                if ask.params.get("order") == "reverse_chronological":
                    found.reverse()
                return self.listing(ask, found, self.comment_view, "Comment", ("created_time", "from", "message"))
            case "POST", "comments":
                return self.create_comment(ask, doc)
            case "POST", "thumbnails" if kind == "video":
                return self.add_thumbnail(ask, doc)
            case "GET", "attachments" if kind == "post":
                return self._attachments(doc)
        raise unsupported_request_error(ask.method, ask.edge)

    # Posts

    def _create_post(self, ask: GraphRequest, page: Doc) -> Doc:
        self.require(ask, "pages_manage_posts", "pages_read_engagement")
        message, link = ask.params.get("message", "").strip(), ask.params.get("link", "").strip()
        photos = self._attached(ask, page)
        if not message and not link and not photos:
            raise GraphError(100, "(#100) The status you are trying to publish must have some content.", sub=1366028)
        if len(message) > MAX_TEXT_LENGTH:
            raise GraphError(100, f"(#100) Param message must be a string of at most {MAX_TEXT_LENGTH} characters")
        if link and not link.startswith(("http://", "https://")):
            raise GraphError(1609005, "(#1609005) The url you supplied is invalid", sub=1609005)
        if link and photos:
            raise GraphError(100, "(#100) link and attached_media cannot be used together")
        self._refuse_twin(page, message, link, photos)
        post = self.add_post(page["id"], message=message, link=link, photos=photos)
        for photo in photos:
            self.store.put("photo", photo, {**(self.store.get("photo", photo) or {}), "post": post["id"]})
        self.meter(ask.token["app"], "posts")
        return {"id": post["id"]}

    def _attached(self, ask: GraphRequest, page: Doc) -> list[str]:
        """Photos for the post, each unpublished, the Page's own, and used once."""
        found = list[str]()
        for one in ask.listed("attached_media"):
            one = json.loads(one) if isinstance(one, str) else one
            photo = self.store.get("photo", str(one.get("media_fbid", "")))
            if photo is None or photo["page"] != page["id"]:
                raise GraphError(100, "(#100) Invalid parameter", sub=33, title="Photo not found")
            if photo["published"] or photo["post"]:
                raise GraphError(
                    100,
                    "(#100) Photos have already been posted.",
                    sub=1366051,
                    title="Photo already posted",
                    user="These photos were already posted.",
                )
            found.append(photo["id"])
        return found

    def _refuse_twin(self, page: Doc, message: str, link: str, photos: list[str]) -> None:
        """Facebook takes no status that says the same as the Page's last one."""
        last = self.page_posts.get(page["id"], [])
        before = self.store.get("post", last[-1]) if last else None
        if (
            before
            and message
            and not photos
            and not before["photos"]
            and (before["message"], before["link"]) == (message, link)
        ):
            raise GraphError(
                506,
                "(#506) Duplicate status message",
                title="Duplicate Status Update",
                user="This status update is identical to the last one you posted. Try posting something different, or delete your previous update.",
            )

    def _feed(self, ask: GraphRequest, page: Doc) -> Iterable[Doc]:
        """Newest first; what is not visible yet is not there."""
        since = _read_epoch(ask, "since", 0.0)
        until = _read_epoch(ask, "until", math.inf)
        now = sandbox_time(self)
        for post_id in reversed(self.page_posts.get(page["id"], [])):
            post = self.store.get("post", post_id)
            if post is None or post["at"] > min(now, until):
                continue
            if post["at"] < since:
                return
            yield post

    def _revise(self, ask: GraphRequest, kind: str, doc: Doc) -> None:
        """Other words; what a post shows beside them stays."""
        said = ask.params.get("message" if kind == "post" else "description", "").strip()
        if len(said) > MAX_TEXT_LENGTH:
            raise GraphError(100, f"(#100) Param message must be a string of at most {MAX_TEXT_LENGTH} characters")
        if kind == "video":
            self.store.put("video", doc["id"], {**doc, "description": said})
            doc = self.store.get("post", doc["post"]) or {}
        elif not (said or doc["link"] or doc["photos"] or doc["video"]):
            raise GraphError(100, "(#100) The status you are trying to publish must have some content.", sub=1366028)
        if doc:
            self.store.put("post", doc["id"], {**doc, "message": said, "changed": sandbox_time(self)})

    def _delete(self, kind: str, doc: Doc) -> None:
        if kind == "video" and doc.get("post"):
            self.forget_post(doc["post"])
        if kind == "post":
            self.forget_post(doc["id"])
            if doc["video"]:
                self.store.remove("video", doc["video"])
            return
        if kind == "comment":
            self.forget_comment(doc)
            return
        self.store.remove(kind, doc["id"])

    # Views

    def _post_view(self, doc: Doc, ask: GraphRequest) -> dict[str, Callable[[], Any]]:
        return {
            "id": lambda: doc["id"],
            "message": lambda: doc["message"] or None,
            "created_time": lambda: graph_time(doc["at"]),
            "updated_time": lambda: graph_time(doc.get("changed") or doc["at"]),
            "from": lambda: page_author(self, doc["page"]),
            "is_published": lambda: True,
            "is_hidden": lambda: False,
            "permalink_url": lambda: self._post_url(doc),
            "status_type": lambda: (
                "added_video"
                if doc["video"]
                else "added_photos"
                if doc["photos"]
                else "shared_story"
                if doc["link"]
                else "mobile_status_update"
            ),
            "attachments": lambda: self._attachments(doc) if doc["photos"] or doc["link"] or doc["video"] else None,
            "full_picture": lambda: self.file_url(self.photo(doc["photos"][0])["file"]) if doc["photos"] else None,
            **self.comment_fields(doc, ask),
        }

    def _attachments(self, doc: Doc) -> Doc:
        if doc["photos"]:
            rows = [self.photo_attachment(self.photo(one)) for one in doc["photos"]]
            if len(rows) == 1:
                return {"data": rows}
            return {
                "data": [
                    {
                        "type": "album",
                        "title": "Photos",
                        "target": {"id": doc["id"]},
                        "url": self._post_url(doc),
                        "subattachments": {"data": rows},
                    }
                ]
            }
        if doc["video"]:
            return {"data": [{"type": "video_inline", "target": {"id": doc["video"]}, "url": self._post_url(doc)}]}
        if doc["link"]:
            return {
                "data": [
                    {
                        "type": "share",
                        "title": doc["link"],
                        "url": doc["link"],
                        "unshimmed_url": doc["link"],
                        "target": {"url": doc["link"]},
                    }
                ]
            }
        return {"data": []}

    # What readers see

    def _post_url(self, doc: Doc) -> str:
        if not doc["video"]:
            return f"{self.base_url}/{doc['id']}"
        return self.base_url + self.video_link(
            self.store.get("video", doc["video"]) or {"id": doc["video"], "reel": False, "page": doc["page"]}
        )

    def public_posts(self) -> Iterable[PublicPost]:
        now = sandbox_time(self)
        for doc in sorted(self.store.all("post"), key=lambda one: float(one["at"])):
            if doc["at"] <= now:
                yield self._public(doc)

    def _public(self, doc: Doc) -> PublicPost:
        media = [self._public_file(self.photo(photo), "image") for photo in doc["photos"]]
        video = self.store.get("video", doc["video"]) if doc["video"] else None
        if video and video["file"]:
            shown = self._public_file({**video, "alt": ""}, "video")
            media.append(shown | ({"cover": self.file_url(video["cover"])} if video.get("cover") else {}))
        objects = [doc["id"], doc["video"]]
        comments = [
            (self.store.get("comment", one) or {}).get("message", "")
            for o in objects
            if o
            for one in self.post_comments.get(o, [])
        ]
        extra = {"link": doc["link"], "comments": comments, "kind": "reel" if video and video["reel"] else ""}
        return PublicPost(
            id=doc["id"],
            account=doc["page"],
            text=doc["message"],
            at=iso_time(doc["at"]),
            url=self._post_url(doc),
            media=tuple(media),
            extra=extra,
        )

    def _public_file(self, doc: Doc, kind: str) -> dict[str, str]:
        return {
            "kind": kind,
            "alt": doc["alt"],
            "sha256": doc["sha256"],
            "mime": doc["mime"],
            "url": self.file_url(doc["file"]),
        }

    def post_page(self, post_id: str) -> web.Response:
        post = self.store.get("post", post_id)
        if post is None or post["at"] > sandbox_time(self):
            return self.page("Not here", "<h1>This content isn't available right now</h1>", status=404)
        return self.page(f"A post on {self.label}", self.card(self._public(post), None))

    async def _post_page(self, request: web.Request) -> web.Response:
        return self.post_page(request.match_info["post"])

    async def _video_page(self, request: web.Request) -> web.Response:
        video = self.store.get("video", request.match_info["video"]) or {}
        return self.post_page(str(video.get("post", "")))


def _read_epoch(ask: GraphRequest, name: str, default: float) -> float:
    try:
        return float(ask.params.get(name, default))
    except ValueError:
        raise GraphError(100, f"(#100) Param {name} must be a Unix timestamp") from None
