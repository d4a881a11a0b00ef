"""The video side of the Facebook sandbox: /videos in pieces, /video_reels by rupload, and states that take time."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable
from typing import Any

import av
from aiohttp import web
from PIL import Image, UnidentifiedImageError

from kicau.networks._meta.sandbox.calls import (
    DAY_SECONDS,
    FILES_KEY,
    PARAMS_KEY,
    Doc,
    GraphError,
    GraphRequest,
    graph_time,
    sandbox_time,
    unsupported_request_error,
)
from kicau.networks.facebook.sandbox.feed import FacebookFeedSandbox

MAX_VIDEO_BYTES = 4_000_000_000  # bytes
MAX_REELS_PER_DAY = 30
MAX_THUMBNAIL_BYTES = 10_000_000


class FacebookVideoSandbox(FacebookFeedSandbox):
    """Videos of a Page: `chunk` bytes are asked for at a time."""

    chunk = 4 << 20

    def video_routes(self) -> Iterable[web.RouteDef]:
        yield web.post(r"/video-upload/{version:v\d+\.\d+}/{video:\d+}", self._rupload)

    # /videos

    async def create_video(self, ask: GraphRequest, page: Doc) -> Doc:
        self.require(ask, "pages_manage_posts")
        match ask.params.get("upload_phase", ""):
            case "start":
                return self._start(ask, page)
            case "transfer":
                return self._transfer(ask)
            case "finish":
                await self._finish(ask, self._by_session(ask))
                return {"success": True}
            case "cancel":
                self._forget(self._by_session(ask))
                return {"success": True}
            case "":
                return await self._in_one(ask, page)
        raise GraphError(100, "(#100) Param upload_phase must be one of {CANCEL, FINISH, START, TRANSFER}")

    def _new(self, page: Doc, *, reel: bool, size: int) -> Doc:
        video = {
            "id": self.new_id(),
            "page": page["id"],
            "reel": reel,
            "size": size,
            "received": 0,
            "finished": 0.0,
            "ready": 0.0,
            "error": "",
            "title": "",
            "description": "",
            "post": "",
            "file": "",
            "sha256": "",
            "mime": "video/mp4",
            "at": sandbox_time(self),
        }
        return self.store.put("video", video["id"], video)

    def _start(self, ask: GraphRequest, page: Doc) -> Doc:
        size = ask.integer("file_size")
        if not 0 < size <= MAX_VIDEO_BYTES:
            raise GraphError(
                352, "(#352) The video file you selected is in a format that we don't support.", sub=1363024
            )
        video = self._new(page, reel=False, size=size)
        session = self.new_id()
        self.store.put("upload", session, {"id": session, "video": video["id"]})
        self._open(video["id"])
        return {
            "upload_session_id": session,
            "video_id": video["id"],
            "start_offset": "0",
            "end_offset": str(min(size, self.chunk)),
        }

    def _by_session(self, ask: GraphRequest) -> Doc:
        upload = self.store.get("upload", ask.params.get("upload_session_id", ""))
        video = self.store.get("video", upload["video"]) if upload else None
        if video is None:
            raise GraphError(6001, "(#6001) There was a problem uploading your video. Please try again.", sub=1363041)
        return video

    def _transfer(self, ask: GraphRequest) -> Doc:
        video = self._by_session(ask)
        part = ask.files.get("video_file_chunk")
        if part is None:
            raise GraphError(100, "(#100) The parameter video_file_chunk is required")
        start, expected = ask.integer("start_offset"), int(video["received"])
        if start != expected:
            data = {"start_offset": str(expected), "end_offset": str(min(video["size"], expected + self.chunk))}
            raise GraphError(
                6000,
                "(#6000) There was a problem uploading your video file. Please try again with another file.",
                sub=1363037,
                data=data,
            )
        received = self._append(video["id"], part.body)
        self.store.put("video", video["id"], {**video, "received": received})
        return {"start_offset": str(received), "end_offset": str(min(video["size"], received + self.chunk))}

    async def _in_one(self, ask: GraphRequest, page: Doc) -> Doc:
        """The whole video in one call: a file, or an address to fetch it from."""
        if ask.files:
            body = next(iter(ask.files.values())).body
        elif url := ask.params.get("file_url"):
            body = await self.fetch(url, MAX_VIDEO_BYTES)
        else:
            raise GraphError(389, "(#389) Unable to fetch video file from URL.")
        video = self._new(page, reel=False, size=len(body))
        self._open(video["id"])
        video = self.store.put("video", video["id"], {**video, "received": self._append(video["id"], body)})
        await self._finish(ask, video)
        return {"id": video["id"]}

    # /video_reels

    async def create_reel(self, ask: GraphRequest, page: Doc) -> Doc:
        self.require(ask, "pages_manage_posts")
        match ask.params.get("upload_phase", "").lower():
            case "start":
                video = self._new(page, reel=True, size=0)
                self._open(video["id"])
                return {
                    "video_id": video["id"],
                    "upload_url": f"{self.base_url}/video-upload/{ask.version}/{video['id']}",
                }
            case "finish":
                return await self._finish_reel(ask, page)
        raise GraphError(100, "(#100) Param upload_phase must be one of {START, FINISH}")

    async def _finish_reel(self, ask: GraphRequest, page: Doc) -> Doc:
        video = self.store.get("video", ask.params.get("video_id", ""))
        if video is None or video["page"] != page["id"] or not video["reel"]:
            raise GraphError(100, "(#100) Param video_id must be the id of a video of this session")
        state = ask.params.get("video_state", "PUBLISHED")
        if state not in ("PUBLISHED", "DRAFT", "SCHEDULED"):
            raise GraphError(100, "(#100) Param video_state must be one of {DRAFT, PUBLISHED, SCHEDULED}")
        if state != "PUBLISHED":
            raise unsupported_request_error("POST", f"video_reels with video_state={state}")
        day = sandbox_time(self) - DAY_SECONDS
        recent = (
            sum(1 for v in self.store.all("video") if v["reel"] and v["page"] == page["id"] and v["finished"] > day)
            if not self.limits_off
            else 0
        )
        if recent >= MAX_REELS_PER_DAY:
            raise GraphError(613, "(#613) Calls to this api have exceeded the rate limit.")
        video = await self._finish(ask, video)
        return {"success": True, "post_id": video["post"].rpartition("_")[2]}

    def add_thumbnail(self, ask: GraphRequest, video: Doc) -> Doc:
        """A picture as the video's cover, where `is_preferred` says so; only once the video is a Page's."""
        self.require(ask, "pages_manage_engagement")
        picture = ask.files.get("source")
        if picture is None or not video["post"]:
            raise GraphError(
                100,
                "(#100) The parameter source is required"
                if picture is None
                else "(#100) Thumbnails can only be created on Videos that have been associated with a Page",
            )
        try:
            with Image.open(io.BytesIO(picture.body)) as image:
                mime = Image.MIME[str(image.format)]
        except (UnidentifiedImageError, OSError, KeyError, Image.DecompressionBombError, ValueError):
            mime = ""
        if not mime or len(picture.body) > MAX_THUMBNAIL_BYTES:
            raise GraphError(100, "(#100) Invalid parameter: source must be an image file of at most 10 MB")
        if ask.flag("is_preferred"):
            self.store.put("video", video["id"], {**video, "cover": self.keep(picture.body, mime)["id"]})
        return {"success": True}

    async def _rupload(self, request: web.Request) -> web.Response:
        """The binary upload of a reel: headers offset and file_size, or file_url."""
        try:
            request[PARAMS_KEY], request[FILES_KEY] = {}, {}
            self.authenticate(request)
            video = self.store.get("video", request.match_info["video"])
            if video is None:
                raise GraphError(100, "Video not found", sub=33)
            await self._receive(request, video)
        except GraphError as refused:
            message = refused.body["error"]["message"]
            debug = {"debug_info": {"retriable": False, "type": "ProcessingFailedError", "message": message}}
            return web.json_response({**debug, **refused.body}, status=refused.status)
        return web.json_response({"success": True, "message": "Upload successful."})

    async def _receive(self, request: web.Request, video: Doc) -> None:
        if url := request.headers.get("file_url"):
            body = await self.fetch(url, MAX_VIDEO_BYTES)
            offset, size = 0, len(body)
        else:
            try:
                offset, size = int(request.headers["offset"]), int(request.headers["file_size"])
            except (KeyError, ValueError):
                raise GraphError(100, "The headers offset and file_size are required") from None
            body = await request.read()
        if offset > video["received"]:
            raise GraphError(100, f"Offset {offset} is past the {video['received']} bytes received")
        self._cut(video["id"], offset)
        received = self._append(video["id"], body)
        self.store.put("video", video["id"], {**video, "size": size, "received": received})
        if received != size:
            raise GraphError(100, f"Partial upload: {received} of {size} bytes")

    # Bytes on their way in

    def _open(self, video: str) -> None:
        if self.media_folder:
            (self.media_folder / f"{video}.part").touch()
        else:
            self.media_bytes[f"{video}.part"] = b""

    def _append(self, video: str, body: bytes) -> int:
        """Bytes now held."""
        name = f"{video}.part"
        if not self.media_folder:
            self.media_bytes[name] += body
            return len(self.media_bytes[name])
        with (self.media_folder / name).open("ab") as file:
            file.write(body)
            return file.tell()

    def _cut(self, video: str, size: int) -> None:
        if self.media_folder:
            with (self.media_folder / f"{video}.part").open("r+b") as file:
                file.truncate(size)
        else:
            self.media_bytes[f"{video}.part"] = self.media_bytes[f"{video}.part"][:size]

    def _forget(self, video: Doc) -> None:
        self.store.remove("video", video["id"])
        self.media_bytes.pop(f"{video['id']}.part", None)
        if self.media_folder:
            (self.media_folder / f"{video['id']}.part").unlink(missing_ok=True)

    # States

    async def _finish(self, ask: GraphRequest, video: Doc) -> Doc:
        """All bytes are here: look into them, and show the post once they are prepared. A second time changes nothing."""
        if video["finished"]:
            return video
        if not video["size"] or video["received"] != video["size"]:
            raise GraphError(6001, "(#6001) There was a problem uploading your video. Please try again.", sub=1363041)
        body = self.kept(f"{video['id']}.part")
        error, seconds = await asyncio.to_thread(_inspect_video, body, video["reel"])
        file = self.keep(body, "video/mp4")
        now = sandbox_time(self)
        done = {
            **video,
            "finished": now,
            "ready": now + self.processing_seconds,
            "error": error,
            "length": round(seconds, 3),
            "file": file["id"],
            "sha256": file["sha256"],
            "title": ask.params.get("title", ""),
            "description": ask.params.get("description", "").strip(),
        }
        self._forget(video)
        if not error:
            post = self.add_post(video["page"], message=done["description"], video=video["id"], at=done["ready"])
            done["post"] = post["id"]
            self.meter(ask.token["app"], "posts")
        return self.store.put("video", video["id"], done)

    def video_link(self, video: Doc) -> str:
        return f"/reel/{video['id']}/" if video["reel"] else f"/{video['page']}/videos/{video['id']}/"

    def video_view(self, doc: Doc) -> dict[str, Callable[[], Any]]:
        ready = bool(doc["finished"]) and doc["ready"] <= sandbox_time(self)
        return {
            "id": lambda: doc["id"],
            "title": lambda: doc["title"] or None,
            "description": lambda: doc["description"] or None,
            "created_time": lambda: graph_time(doc["at"]),
            "updated_time": lambda: graph_time(doc["finished"] or doc["at"]),
            "published": lambda: ready,
            "permalink_url": lambda: self.video_link(doc),
            "post_id": lambda: doc["post"].rpartition("_")[2] or None,
            "length": lambda: doc.get("length") if ready else None,
            "source": lambda: self.file_url(doc["file"]) if ready and doc["file"] else None,
            "status": lambda: self._status(doc, ready=ready),
        }

    def _status(self, doc: Doc, *, ready: bool) -> Doc:
        """The three phases as the network tells them."""
        whole = bool(doc["size"]) and doc["received"] == doc["size"]
        uploading: Doc = {"status": "complete" if whole else "in_progress", "bytes_transferred": doc["received"]}
        processing: Doc = {"status": "complete" if ready else "in_progress" if doc["finished"] else "not_started"}
        publishing: Doc = {"status": processing["status"]}
        if doc["finished"]:
            publishing |= {"publish_status": "published", "publish_time": graph_time(doc["ready"])}
        if doc["error"]:
            processing = {"status": "error", "errors": [{"code": 1363019, "message": doc["error"]}]}
            publishing = {"status": "not_started"}
        overall = "error" if doc["error"] else "ready" if ready else "processing" if doc["finished"] else "uploading"
        return {
            "video_status": overall,
            "uploading_phase": uploading,
            "processing_phase": processing,
            "publishing_phase": publishing,
        }


def _inspect_video(body: bytes, reel: bool) -> tuple[str, float]:
    """What is wrong with a video, in the network's words, "" where nothing is; and how many seconds it runs."""
    try:
        with av.open(io.BytesIO(body), mode="r") as container:
            if not container.streams.video:
                return "The file holds no video.", 0.0
            track = container.streams.video[0]
            seconds = float(container.duration or 0) / 1_000_000
            width, height = int(track.codec_context.width), int(track.codec_context.height)
    except (av.FFmpegError, ValueError):
        return "The video file you selected is in a format that we don't support.", 0.0
    if reel and not 2.9 <= seconds <= 90.5:
        return "The video must run 3 to 90 seconds to be a reel.", seconds
    if reel and (width < 540 or height < 960):
        return "The video must have at least 540 x 960 pixels to be a reel.", seconds
    return "", seconds
