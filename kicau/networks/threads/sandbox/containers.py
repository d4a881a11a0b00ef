"""The publishing side of the Threads sandbox: containers, what is fetched into them, and the quotas."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections import deque
from collections.abc import Callable
from typing import Any

import av
from aiohttp import web
from PIL import Image, UnidentifiedImageError

from kicau.networks._meta.sandbox.calls import DAY_SECONDS, Doc, GraphError, GraphRequest, sandbox_time
from kicau.networks._meta.sandbox.server import GraphSandbox

MAX_IMAGE_BYTES, MAX_VIDEO_BYTES = 8 << 20, 1_000_000_000  # bytes
CONTAINER_KINDS = ("TEXT", "IMAGE", "VIDEO", "CAROUSEL")
REPLY_AUDIENCES = ("everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only", "followers_only")
EMOJI_PATTERN = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d\u20e3\U000e0020-\U000e007f]")


class ThreadsContainerSandbox(GraphSandbox):
    """Containers by id; files are fetched after the answer."""

    published: dict[str, deque[float]]
    fetching: set[asyncio.Task[None]]
    per_day = {"posts": 250, "replies": 1_000, "deletes": 100}

    def application(self) -> web.Application:
        self.fetching = set()
        app = super().application()
        app.on_cleanup.append(self._stop_fetching)
        return app

    async def _stop_fetching(self, app: web.Application) -> None:
        for task in self.fetching:
            task.cancel()

    # Quotas

    def recent(self, quota: str) -> deque[float]:
        row = self.published.setdefault(quota, deque())
        while row and row[0] <= sandbox_time(self) - DAY_SECONDS:
            row.popleft()
        return row

    def count(self, name: str, account: str, most: int) -> None:
        """One more of the account's 24 hours; refuses when they are used up."""
        quota, now = f"{account}|{name}", sandbox_time(self)
        if not self.limits_off and len(self.recent(quota)) >= most:
            raise quota_error()
        self.recent(quota).append(now)
        self.store.put("publishing", self.new_id(), {"quota": quota, "at": now})

    # Making one

    async def create_container(self, ask: GraphRequest, account: str) -> Doc:
        params = ask.params
        kind = params.get("media_type", "").upper()
        if kind not in CONTAINER_KINDS:
            raise GraphError(100, f"(#100) Param media_type must be one of {{{', '.join(CONTAINER_KINDS)}}}")
        text = params.get("text", "").strip()
        container: Doc = {
            "id": self.new_id(),
            "account": account,
            "kind": kind,
            "text": text,
            "item": ask.flag("is_carousel_item"),
            "alt": params.get("alt_text", ""),
            "source": "",
            "files": [],
            "children": [],
            "reply_to": params.get("reply_to_id", ""),
            "reply_control": params.get("reply_control", "everyone"),
            "topic": params.get("topic_tag", "") or _first_tag(text),
            "link": params.get("link_attachment", ""),
            "poll": self._poll(ask),
            "quote": params.get("quote_post_id", ""),
            "spoiler": ask.flag("is_spoiler_media"),
            "error": "",
            "at": sandbox_time(self),
            "ready": 0.0,
            "post": "",
        }
        self._check(container)
        match kind:
            case "TEXT":
                container["ready"] = sandbox_time(self) + self.processing_seconds / 6
            case "CAROUSEL":
                self._fill_carousel(ask, container)
            case _:
                name = f"{kind.lower()}_url"
                container["source"] = params.get(name, "")
                if not container["source"]:
                    raise GraphError(100, f"(#100) The parameter {name} is required")
        self.store.put("container", container["id"], container)
        if container["source"]:
            self._start_fetch(container)
        if kind == "TEXT" and ask.flag("auto_publish_text"):
            container["ready"] = sandbox_time(self)
            return {"id": self._publish(ask, container)["id"]}
        return {"id": container["id"]}

    def _poll(self, ask: GraphRequest) -> Doc:
        try:
            poll = json.loads(ask.params.get("poll_attachment", "") or "{}")
        except ValueError:
            raise GraphError(100, "(#100) Param poll_attachment must be a valid JSON object") from None
        if not poll:
            return {}
        named = [f"option_{letter}" for letter in "abcd"][: len(poll)]
        if sorted(poll) != named or len(named) < 2:
            raise GraphError(
                100, "(#100) Param poll_attachment must have option_a and option_b, and may have option_c and option_d"
            )
        for name, value in poll.items():
            if not 1 <= len(str(value)) <= 100 or count_characters(str(value)) > 25:
                raise GraphError(100, f"(#100) Param poll_attachment[{name}] must be 1 to 25 characters long.")
        return {name: str(poll[name]) for name in named}

    def _check(self, one: Doc) -> None:
        if count_characters(one["text"]) > 500:
            raise GraphError(100, "(#100) Param text must be at most 500 characters long.")
        addresses = {*re.findall(r"https?://[^\s<>\"]+[^\s<>\".,;:!?')\]]", one["text"]), *filter(None, [one["link"]])}
        if len(addresses) > 5:
            raise GraphError(
                100, "THREADS_API__LINK_LIMIT_EXCEEDED", title="Too many links", user="The post has more than 5 links."
            )
        if one["kind"] == "TEXT" and not (one["text"] or one["link"] or one["quote"]):
            raise GraphError(100, "(#100) The parameter text is required.")
        if one["kind"] != "TEXT" and (one["link"] or one["poll"]):
            raise GraphError(100, "(#100) link_attachment and poll_attachment are only for text posts.")
        if one["link"] and one["poll"]:
            raise GraphError(100, "(#100) link_attachment cannot be used with poll_attachment.")
        if one["link"] and not one["link"].startswith(("http://", "https://")):
            raise GraphError(100, "(#100) Param link_attachment must be a valid URL.")
        if one["reply_control"] not in REPLY_AUDIENCES:
            raise GraphError(100, f"(#100) Param reply_control must be one of {{{', '.join(REPLY_AUDIENCES)}}}")
        if len(one["topic"]) > 50 or re.search(r"[.&]", one["topic"]):
            raise GraphError(100, "(#100) Param topic_tag must be 1 to 50 characters long, without '.' and '&'.")
        if len(one["alt"]) > 1000:
            raise GraphError(100, "(#100) Param alt_text must be at most 1000 characters long.")
        for name, key in (("reply_to_id", "reply_to"), ("quote_post_id", "quote")):
            if one[key] and self.store.get("post", one[key]) is None:
                raise GraphError(100, f"(#100) Param {name} is not a valid post.", sub=33)

    def _fill_carousel(self, ask: GraphRequest, container: Doc) -> None:
        children = [part for part in ask.params.get("children", "").split(",") if part]
        if not 2 <= len(children) <= 20:
            raise GraphError(100, "(#100) Param children must have 2 to 20 ids.")
        for child in children:
            doc = self.store.get("container", child)
            if doc is None or doc["account"] != container["account"] or not doc["item"]:
                raise GraphError(100, f"(#100) Param children has an id that is no carousel item: {child}")
        container["children"] = children
        container["ready"] = sandbox_time(self) + self.processing_seconds / 6

    def _start_fetch(self, container: Doc) -> None:
        task = asyncio.get_running_loop().create_task(self._fetch(container["id"]))
        self.fetching.add(task)
        task.add_done_callback(self.fetching.discard)

    async def _fetch(self, container_id: str) -> None:
        await asyncio.sleep(0)
        container = dict(self.store.get("container", container_id) or {})
        if not container:
            return
        video = container["kind"] == "VIDEO"
        most = MAX_VIDEO_BYTES if video else MAX_IMAGE_BYTES
        try:
            body = await self.fetch(container["source"], most)
            container["error"] = (
                await asyncio.to_thread(_video_error if video else _image_error, body)
                if len(body) <= most
                else "UNKNOWN"
            )
        except GraphError:
            container["error"], body = "FAILED_DOWNLOADING_VIDEO" if video else "UNKNOWN", b""
        if not container["error"]:
            mime = "video/mp4" if video else _image_mime(body)
            file = self.keep(body, mime)
            container["files"] = [
                {
                    "id": self.new_id(),
                    "kind": container["kind"].lower(),
                    "alt": container["alt"],
                    "file": file["id"],
                    "sha256": file["sha256"],
                    "mime": mime,
                }
            ]
        container["ready"] = sandbox_time(self) + self.processing_seconds / (1 if video else 6)
        self.store.put("container", container_id, container)

    # States

    def state_of(self, container: Doc) -> tuple[str, str]:
        """The status, and why where it is ERROR."""
        now = sandbox_time(self)
        if container["post"]:
            return "PUBLISHED", ""
        if container["at"] + DAY_SECONDS <= now:
            return "EXPIRED", ""
        for child in container["children"]:
            state, told = self.state_of(self.store.get("container", child) or container)
            if state != "FINISHED":
                return state, told
        if container["error"]:
            return "ERROR", container["error"]
        if not container["ready"]:
            if not self.fetching:  # a restart came between
                self._start_fetch(container)
            return "IN_PROGRESS", ""
        return ("FINISHED" if container["ready"] <= now else "IN_PROGRESS"), ""

    def container_view(self, doc: Doc) -> dict[str, Callable[[], Any]]:
        state, told = self.state_of(doc)
        return {"id": lambda: doc["id"], "status": lambda: state, "error_message": lambda: told or None}

    # Publishing

    def publish(self, ask: GraphRequest, account: str) -> Doc:
        container = self.store.get("container", str(ask.integer("creation_id")))
        if container is None or container["account"] != account or container["item"]:
            raise no_container_error(ask.params["creation_id"])
        if self.state_of(container)[0] != "FINISHED":
            raise no_container_error(container["id"])
        return {"id": self._publish(ask, container)["id"]}

    def _publish(self, ask: GraphRequest, container: Doc) -> Doc:
        name = "replies" if container["reply_to"] else "posts"
        self.count(name, container["account"], self.per_day[name])
        self.meter(ask.token["app"], f"{name}-24h")
        files = container["files"]
        for child in container["children"]:
            files = [*files, *(self.store.get("container", child) or {"files": []})["files"]]
        kind = {"TEXT": "TEXT_POST", "CAROUSEL": "CAROUSEL_ALBUM"}.get(container["kind"], container["kind"])
        post_id = self.new_id()
        kept = ("account", "text", "reply_to", "reply_control", "topic", "link", "poll", "quote", "spoiler")
        post = {name: container[name] for name in kept}
        post |= {
            "id": post_id,
            "type": kind,
            "files": files,
            "code": shortcode_of(int(post_id)),
            "at": sandbox_time(self),
        }
        self.store.put("shortcode", post["code"], {"post": post_id})
        self.store.put("container", container["id"], {**container, "post": post_id})
        return self.store.put("post", post_id, post)

    def plan_exhausted(self, request: web.Request) -> web.Response:
        """Threads sells no plans; what runs out is the quota of posts."""
        refused = quota_error()
        return web.json_response(refused.body, status=refused.status)


def count_characters(text: str) -> int:
    """Characters, where those that emoji are made of count as many as their UTF-8 bytes."""
    return sum(len(one.encode("utf-8", "replace")) if EMOJI_PATTERN.match(one) else 1 for one in text)


def _first_tag(text: str) -> str:
    found = re.search(r"(?<![\w&#/])#(\w{1,50})\b", text)
    return found[1] if found else ""


def quota_error() -> GraphError:
    return GraphError(
        9,
        "Application request limit reached",
        sub=2207042,
        title="Cannot publish",
        user="You reached maximum number of posts that is allowed to be published by Content Publishing API.",
    )


def no_container_error(container: str) -> GraphError:
    return GraphError(
        24,
        "The requested resource does not exist",
        sub=4279009,
        title="Media Not Found",
        user=f"The media with id {container} cannot be found.",
    )


def shortcode_of(number: int) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    code = ""
    while number:
        number, rest = divmod(number, 64)
        code = letters[rest] + code
    return code


def _image_mime(body: bytes) -> str:
    return "image/png" if body.startswith(b"\x89PNG") else "image/jpeg"


def _image_error(body: bytes) -> str:
    try:
        with Image.open(io.BytesIO(body)) as image:
            form, aspect = image.format, image.width / image.height
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, ValueError, ZeroDivisionError):
        return "UNKNOWN"
    if form not in ("JPEG", "PNG"):
        return "UNKNOWN"
    return "" if 0.099 <= aspect <= 10.01 else "INVALID_ASPEC_RATIO"


def _video_error(body: bytes) -> str:
    """What is wrong with a video, in the words of the container's error_message; "" where nothing is."""
    try:
        with av.open(io.BytesIO(body), mode="r") as container:
            if not container.streams.video or "mp4" not in container.format.name:
                return "FAILED_PROCESSING_VIDEO"
            track = container.streams.video[0]
            seconds = float(container.duration or 0) / 1_000_000
            rate, codec = float(track.average_rate or 0), track.codec_context.name
    except (av.FFmpegError, ValueError):
        return "FAILED_PROCESSING_VIDEO"
    if seconds > 300.5:
        return "INVALID_DURATION"
    if not 22.9 <= rate <= 60.1:
        return "INVALID_FRAME_RATE"
    return "" if codec in ("h264", "hevc") else "FAILED_PROCESSING_VIDEO"
