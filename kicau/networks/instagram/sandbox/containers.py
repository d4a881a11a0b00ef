"""The publishing side of the Instagram sandbox: containers, what is fetched into them, and the quota.

Error codes: https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/error-codes
(2026-06-02), read 2026-11-24.
"""

from __future__ import annotations

import asyncio
import io
import math
import re
from collections import deque
from collections.abc import Callable
from typing import Any

import av
from aiohttp import web
from PIL import Image, UnidentifiedImageError

from kicau.networks._meta.sandbox.calls import DAY_SECONDS, Doc, GraphError, GraphRequest, sandbox_time
from kicau.networks._meta.sandbox.login import FacebookLogin

MAX_IMAGE_BYTES, MAX_VIDEO_BYTES, MAX_STORY_BYTES = 8 << 20, 300_000_000, 100_000_000  # bytes
MIN_ASPECT, MAX_ASPECT = 0.8, 1.91  # width by height of a picture in the feed
MAX_CONTAINERS_PER_DAY = 400
STATUS_SENTENCES = {
    "EXPIRED": "Expired: Media was not published within 24 hours.",
    "FINISHED": "Finished: Media has been uploaded and it is ready to be published.",
    "IN_PROGRESS": "In Progress: Media is still being processed.",
    "PUBLISHED": "Published: Media has been successfully published.",
}


class InstagramContainerSandbox(FacebookLogin):
    """Containers by id; a video is fetched after the answer, a picture before it."""

    posts_per_day = 50
    published: dict[str, deque[float]]
    created: dict[str, deque[float]]
    account_media: dict[str, list[str]]
    fetching: set[asyncio.Task[None]]

    def application(self) -> web.Application:
        self.fetching = set()
        app = super().application()
        app.on_cleanup.append(self._stop_fetching)
        return app

    async def _stop_fetching(self, app: web.Application) -> None:
        for task in self.fetching:
            task.cancel()

    @staticmethod
    def may(ask: GraphRequest, what: str) -> None:
        """Whether the token has the permission, whichever of the two sign-ins it is from."""
        if not {f"instagram_business_{what}", f"instagram_{what}"} & set(ask.token["scopes"]):
            raise GraphError(10, "(#10) Application does not have permission for this action", status=403)

    def recent(self, times: dict[str, deque[float]], account: str, since: float) -> deque[float]:
        """The account's moments after `since`, oldest first."""
        row = times.setdefault(account, deque())
        while row and row[0] <= since:
            row.popleft()
        return row

    # Making one

    async def create_container(self, ask: GraphRequest, account: str) -> Doc:
        params = ask.params
        kind = params.get("media_type", "").upper() or "IMAGE"
        if kind not in ("IMAGE", "VIDEO", "REELS", "STORIES", "CAROUSEL"):
            raise GraphError(
                100, f"(#100) Param media_type must be one of CAROUSEL, REELS, STORIES, not {kind}", sub=2207023
            )
        self._check_caption(params.get("caption", ""))
        made = self.recent(self.created, account, sandbox_time(self) - DAY_SECONDS)
        if not self.limits_off and len(made) >= MAX_CONTAINERS_PER_DAY:
            raise self.too_many_calls(
                "instagram", account, math.ceil((made[0] + DAY_SECONDS - sandbox_time(self)) / 60)
            )
        container: Doc = {
            "id": self.new_id(),
            "account": account,
            "kind": kind,
            "caption": params.get("caption", "").strip(),
            "item": ask.flag("is_carousel_item"),
            "share": ask.flag("share_to_feed", default=True),
            "alt": params.get("alt_text", "") if "image_url" in params else "",
            "video_url": "",
            "cover": "",
            "cover_ms": None,
            "files": [],
            "children": [],
            "error": 0,
            "at": sandbox_time(self),
            "ready": 0.0,
            "media": "",
        }
        if kind == "CAROUSEL":
            self._fill_carousel(ask, container)
        elif "image_url" in params and kind in ("IMAGE", "STORIES"):
            await self._fill_image(container, params["image_url"])
        elif "video_url" in params and kind in ("VIDEO", "REELS", "STORIES"):
            if kind == "VIDEO" and not container["item"]:
                raise GraphError(
                    100,
                    "(#100) The media_type VIDEO is deprecated. Use the REELS media_type to publish a video to your Instagram feed.",
                    sub=2207067,
                )
            container["video_url"] = params["video_url"]
            if kind == "REELS":
                await self._take_cover(ask, container)
            self._start_fetch(container)
        else:
            name = "video_url" if kind in ("VIDEO", "REELS") else "image_url"
            raise GraphError(100, f"(#100) The parameter {name} is required")
        made.append(container["at"])
        self.store.put("container", container["id"], container)
        return {"id": container["id"]}

    def _check_caption(self, caption: str) -> None:
        if len(caption) > 2200:
            raise GraphError(
                36004,
                "The caption is too long.",
                sub=2207010,
                title="Caption is too long",
                user="The caption was too long. It should be less than 2200 characters.",
            )
        if len(re.findall(r"(?<!\w)@\w", caption)) > 20 or len(re.findall(r"#\w", caption)) > 30:
            raise GraphError(100, "Too many tags", sub=2207040, user="Cannot use more than 20 tags per media.")

    def _fill_carousel(self, ask: GraphRequest, container: Doc) -> None:
        children = [str(child) for child in ask.listed("children")]
        if not 2 <= len(children) <= 10:
            raise GraphError(
                100,
                "Invalid carousel",
                sub=2207028,
                user="Your post won't work as a carousel. Carousels need at least 2 photos/videos and no more than 10 photos/videos.",
            )
        for child in children:
            doc = self.store.get("container", child)
            if doc is None or doc["account"] != container["account"] or not doc["item"]:
                raise GraphError(100, f"(#100) Param children has an id that is no carousel item: {child}")
            if self.state_of(doc) != "FINISHED":
                raise not_ready_error()
            container["files"] += [doc["files"][0]]
        container["children"] = children
        container["ready"] = sandbox_time(self) + self.processing_seconds / 6

    async def _fill_image(self, container: Doc, url: str) -> None:
        body = await self.fetch(url, MAX_IMAGE_BYTES)
        if len(body) > MAX_IMAGE_BYTES:
            raise GraphError(
                36000,
                "The image size is too large.",
                sub=2207004,
                title="Image size too large",
                user="The image is too large to download. It should be less than 8 MiB.",
            )
        try:
            with Image.open(io.BytesIO(body)) as image:
                form, aspect = image.format, image.width / image.height
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError, ValueError, ZeroDivisionError):
            form, aspect = None, 0.0
        if form != "JPEG":
            raise GraphError(
                36001,
                "The image format is not supported.",
                sub=2207005,
                title="Invalid image format",
                user=f"The image format {form or 'unknown'} is not supported. Please use JPEG.",
            )
        if container["kind"] != "STORIES" and not MIN_ASPECT - 0.005 <= aspect <= MAX_ASPECT + 0.005:
            raise GraphError(
                36003,
                "The aspect ratio is not supported.",
                sub=2207009,
                title="Unsupported aspect ratio",
                user=f"The submitted image with aspect ratio ({aspect:.3f},) cannot be published. Please submit an image with a valid aspect ratio.",
            )
        self._hold(container, body, "image", "image/jpeg")
        container["ready"] = sandbox_time(self) + (0 if container["item"] else self.processing_seconds / 6)

    async def _take_cover(self, ask: GraphRequest, container: Doc) -> None:
        """A reel's cover: a picture to fetch, which counts before the offset of a frame."""
        if url := ask.params.get("cover_url"):
            body = await self.fetch(url, MAX_IMAGE_BYTES)
            if len(body) > MAX_IMAGE_BYTES or not body.startswith(b"\xff\xd8"):
                raise GraphError(
                    36001,
                    "The image format is not supported.",
                    sub=2207005,
                    title="Invalid image format",
                    user="The cover image is not supported. Please use a JPEG of at most 8 MiB.",
                )
            container["cover"] = self.keep(body, "image/jpeg")["id"]
        elif "thumb_offset" in ask.params:
            container["cover_ms"] = ask.integer("thumb_offset")

    def _hold(self, container: Doc, body: bytes, kind: str, mime: str) -> None:
        file = self.keep(body, mime)
        container["files"] = [
            {
                "id": self.new_id(),
                "kind": kind,
                "alt": container["alt"],
                "file": file["id"],
                "sha256": file["sha256"],
                "mime": mime,
            }
        ]

    def _start_fetch(self, container: Doc) -> None:
        task = asyncio.get_running_loop().create_task(self._fetch_video(container["id"]))
        self.fetching.add(task)
        task.add_done_callback(self.fetching.discard)

    async def _fetch_video(self, container_id: str) -> None:
        await asyncio.sleep(0)  # the container is stored first
        container = self.store.get("container", container_id)
        if container is None:
            return
        container = dict(container)
        most = MAX_VIDEO_BYTES if container["kind"] == "REELS" else MAX_STORY_BYTES
        try:
            body = await self.fetch(container["video_url"], most)
            container["error"] = (
                2207026 if len(body) > most else await asyncio.to_thread(_video_subcode, body, container["kind"])
            )
        except GraphError:
            container["error"], body = 2207052, b""
        if not container["error"]:
            self._hold(container, body, "video", "video/mp4")
            if container["cover_ms"] is not None:
                frame = await asyncio.to_thread(_frame_at, body, container["cover_ms"])
                container["cover"] = self.keep(frame, "image/jpeg")["id"]
            container["files"][0] |= {"cover": container["cover"], "cover_ms": container["cover_ms"]}
        container["ready"] = sandbox_time(self) + self.processing_seconds
        self.store.put("container", container_id, container)

    # States

    def state_of(self, container: Doc) -> str:
        now = sandbox_time(self)
        if container["media"]:
            return "PUBLISHED"
        if container["at"] + DAY_SECONDS <= now:
            return "EXPIRED"
        if container["error"]:
            return "ERROR"
        if not container["ready"]:
            if not self.fetching:  # a restart came between
                self._start_fetch(container)
            return "IN_PROGRESS"
        return "FINISHED" if container["ready"] <= now else "IN_PROGRESS"

    def container_view(self, doc: Doc) -> dict[str, Callable[[], Any]]:
        state = self.state_of(doc)
        told = (
            f"Error: Media upload has failed with error code {doc['error']}"
            if state == "ERROR"
            else STATUS_SENTENCES[state]
        )
        return {"id": lambda: doc["id"], "status_code": lambda: state, "status": lambda: told}

    # Publishing

    def publish(self, ask: GraphRequest, account: str) -> Doc:
        container = self.store.get("container", str(ask.integer("creation_id")))
        if container is None or container["account"] != account or container["item"]:
            raise _no_container_error(ask.params["creation_id"])
        state = self.state_of(container)
        if state in ("EXPIRED", "PUBLISHED", "ERROR"):
            raise _no_container_error(container["id"])
        if state != "FINISHED":
            raise not_ready_error()
        now = sandbox_time(self)
        if not self.limits_off and len(self.recent(self.published, account, now - DAY_SECONDS)) >= self.posts_per_day:
            raise quota_error()
        media = self._show(container, now)
        self.published.setdefault(account, deque()).append(now)
        self.store.put("publishing", media["id"], {"account": account, "at": now})
        self.store.put("container", container["id"], {**container, "media": media["id"]})
        self.meter(ask.token["app"], "posts-24h")
        return {"id": media["id"]}

    def _show(self, container: Doc, now: float) -> Doc:
        media_id, kind, files = self.new_id(), container["kind"], container["files"]
        story = kind == "STORIES"
        shown = "CAROUSEL_ALBUM" if kind == "CAROUSEL" else "VIDEO" if files[0]["kind"] == "video" else "IMAGE"
        product = "STORY" if story else "REELS" if kind == "REELS" else "FEED"
        code = _shortcode_of(int(media_id))
        media = {
            "id": media_id,
            "account": container["account"],
            "caption": "" if story else container["caption"],
            "type": shown,
            "product": product,
            "files": files,
            "code": code,
            "story": story,
            "share": container["share"],
            "at": now,
        }
        self.account_media.setdefault(container["account"], []).append(media_id)
        self.store.put("shortcode", code, {"media": media_id})
        return self.store.put("media", media_id, media)

    def plan_exhausted(self, request: web.Request) -> web.Response:
        """Instagram sells no plans; what runs out is the quota of posts."""
        refused = quota_error()
        return web.json_response(refused.body, status=refused.status)


def not_ready_error() -> GraphError:
    return GraphError(
        9007,
        "Media ID is not available",
        sub=2207027,
        title="The media is not ready for publishing, please wait for a moment",
        user="The media is not ready for publishing, please wait for a moment",
    )


def quota_error() -> GraphError:
    return GraphError(
        9,
        "Application request limit reached",
        sub=2207042,
        title="Cannot publish",
        user="You reached maximum number of posts that is allowed to be published by Content Publishing API.",
    )


def _no_container_error(container: str) -> GraphError:
    return GraphError(
        24,
        "The requested resource does not exist",
        sub=2207008,
        title="Media builder not found",
        user=f"The media builder with creation id = {container} does not exist.",
    )


def _shortcode_of(number: int) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    code = ""
    while number:
        number, rest = divmod(number, 64)
        code = letters[rest] + code
    return code


def _frame_at(body: bytes, at_ms: int) -> bytes:
    """The frame that is shown at this time, else the last, as a JPEG."""
    shown, out = None, io.BytesIO()
    with av.open(io.BytesIO(body), mode="r") as container:
        for frame in container.decode(video=0):
            if shown is not None and (frame.time or 0) * 1000 > at_ms + 0.5:
                break
            shown = frame
    if shown is not None:
        shown.to_image().save(out, "JPEG")  # type: ignore[no-untyped-call]
    return out.getvalue()


def _video_subcode(body: bytes, kind: str) -> int:
    """The subcode of what is wrong with a video; 0 where nothing is."""
    try:
        with av.open(io.BytesIO(body), mode="r") as container:
            if not container.streams.video or "mp4" not in container.format.name:
                return 2207026
            track = container.streams.video[0]
            seconds = float(container.duration or 0) / 1_000_000
            rate, codec = float(track.average_rate or 0), track.codec_context.name
    except (av.FFmpegError, ValueError):
        return 2207026
    longest = 900 if kind == "REELS" else 60
    fits = 2.9 <= seconds <= longest + 0.5 and 22.9 <= rate <= 60.1 and codec in ("h264", "hevc")
    return 0 if fits else 2207026
