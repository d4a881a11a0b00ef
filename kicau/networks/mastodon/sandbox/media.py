"""Files of the Mastodon sandbox: uploads, processing, descriptions, and the bytes themselves."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from PIL import Image, UnidentifiedImageError

from kicau.networks.mastodon.sandbox.errors import MastodonApiError, not_found_error, validation_error
from kicau.networks.mastodon.sandbox.oauth import MastodonCaller
from kicau.networks.mastodon.sandbox.params import read_params

if TYPE_CHECKING:
    from kicau.networks.mastodon.sandbox.server import Server

type Doc = dict[str, Any]

IMAGE_FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
FILE_SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
}
MAX_GIF_PIXELS = 921_600
UNREADABLE_MESSAGE = "Error processing thumbnail for uploaded media"


class MastodonFileStore:
    """The bytes, in a folder where there is one, else in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / "mastodon-files" if folder else None
        self._held: dict[str, bytes] = {}
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, content: bytes) -> None:
        if self._folder:
            (self._folder / name).write_bytes(content)
        else:
            self._held[name] = content

    def get(self, name: str) -> bytes | None:
        if self._folder:
            path = self._folder / name
            return path.read_bytes() if path.is_file() else None
        return self._held.get(name)


class MastodonMediaApi:
    def __init__(self, box: Server, folder: Path | None) -> None:
        self.box, self.files = box, MastodonFileStore(folder)

    def routes(self) -> list[web.RouteDef]:
        guarded, scopes = self.box.guarded, ("write:media",)
        return [
            web.post("/api/v2/media", guarded(self.upload, scopes)),
            web.post("/api/v1/media", guarded(self.upload, scopes)),
            web.get("/api/v1/media/{id}", guarded(self.show, scopes, part="media-get")),
            web.put("/api/v1/media/{id}", guarded(self.update, scopes)),
            web.delete("/api/v1/media/{id}", guarded(self.delete, scopes)),
            web.get("/system/media_attachments/files/{id}/original/{name}", self.serve),
            web.get("/system/media_attachments/files/{id}/small/{name}", self.serve_cover),
        ]

    async def upload(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        """200 for a picture; 202 for a video by the newer call, which is worked on afterwards."""
        form = await read_params(request)
        content = form.get("file")
        if not isinstance(content, bytes):
            raise validation_error("File can't be blank")
        found = self._judge(content)
        media = {
            "id": str(self.box.new_id()),
            "account": caller.account,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "description": self._description(form),
            "focus": _parse_focus(form.get("focus")),
            "status": "",
            "ready_at": 0.0,
            **found,
        }
        if found["kind"] == "video" and request.path.startswith("/api/v2/"):
            media["ready_at"] = self.box.stamp() + self.box.processing_seconds
        self.files.put(media["id"], content)
        if isinstance(cover := form.get("thumbnail"), bytes):
            if self._judge(cover)["kind"] != "image" or found["kind"] != "video":
                raise validation_error("Thumbnail content type is invalid", "Thumbnail is invalid")
            media["cover"] = hashlib.sha256(cover).hexdigest()[:16]
            self.files.put(f"{media['id']}-cover", cover)
        self.box.store.put("media", media["id"], media)
        return web.json_response(self.shape(media), status=202 if self.is_waiting(media) else 200)

    def _judge(self, content: bytes) -> Doc:
        """What a file is, by its content. Raises MastodonApiError where no server takes it."""
        if content[4:8] == b"ftyp" or content[:4] == b"\x1aE\xdf\xa3":
            mime = (
                "video/webm"
                if content[:4] == b"\x1aE\xdf\xa3"
                else "video/quicktime"
                if content[8:12] == b"qt  "
                else "video/mp4"
            )
            self._fits(len(content), self.box.video_limit)
            return {"kind": "video", "mime": mime, "width": 0, "height": 0, "good": b"broken" not in content[:64]}
        try:
            with Image.open(io.BytesIO(content)) as image:
                mime = IMAGE_FORMATS[str(image.format)]
                width, height, frames = image.width, image.height, getattr(image, "n_frames", 1)
        except (UnidentifiedImageError, OSError, KeyError, Image.DecompressionBombError):
            raise validation_error("File content type is invalid", "File is invalid") from None
        self._fits(len(content), self.box.image_limit)
        if width * height > (MAX_GIF_PIXELS if mime == "image/gif" else self.box.image_pixels):
            raise MastodonApiError(422, f"{width}x{height} images are not supported")
        kind = "gifv" if mime == "image/gif" and frames > 1 else "image"
        return {"kind": kind, "mime": mime, "width": width, "height": height, "good": True}

    @staticmethod
    def _fits(size: int, limit: int) -> None:
        if size >= limit:
            raise validation_error(f"File file size must be less than {limit // 1_048_576} MB")

    def _description(self, form: Doc) -> str | None:
        said = form.get("description")
        if said and "alt-lines" in self.box.lacks:
            said = str(said).split("\n")[0]
        if said is None or not str(said).strip():
            return None
        if len(str(said)) > self.box.description_limit:
            raise validation_error(f"Description is too long (maximum is {self.box.description_limit} characters)")
        return str(said).strip()

    def is_waiting(self, media: Doc) -> bool:
        return bool(media["ready_at"] > self.box.stamp())

    def _unattached(self, request: web.Request, caller: MastodonCaller) -> Doc:
        media = self.box.store.get("media", request.match_info["id"])
        if media is None or media["account"] != caller.account or media["status"]:
            raise not_found_error()
        return media

    async def show(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        media = self._unattached(request, caller)
        if self.is_waiting(media):
            return web.json_response(self.shape(media), status=206)
        if not media["good"]:
            raise MastodonApiError(422, UNREADABLE_MESSAGE)
        return web.json_response(self.shape(media))

    async def update(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        media, form = self._unattached(request, caller), await read_params(request)
        return web.json_response(self.shape(self.describe(media, form)))

    def describe(self, media: Doc, form: Doc) -> Doc:
        """Update a file's description and focal point."""
        if "description" in form:
            media["description"] = self._description(form)
        if "focus" in form:
            media["focus"] = _parse_focus(form["focus"])
        return self.box.store.put("media", media["id"], media)

    async def delete(self, request: web.Request, caller: MastodonCaller) -> web.Response:
        media = self.box.store.get("media", request.match_info["id"])
        if media is None or media["account"] != caller.account:
            raise not_found_error()
        if media["status"]:
            raise MastodonApiError(422, "Media attachment is currently used by a status")
        self.box.store.remove("media", media["id"])
        return web.json_response({})

    async def serve(self, request: web.Request) -> web.Response:
        media = self.box.store.get("media", request.match_info["id"])
        content = self.files.get(media["id"]) if media else None
        if media is None or content is None:
            return web.Response(status=404)
        return web.Response(body=content, content_type=media["mime"])

    async def serve_cover(self, request: web.Request) -> web.Response:
        content = self.files.get(f"{request.match_info['id']}-cover") if request.match_info["id"].isdecimal() else None
        if content is None:
            return web.Response(status=404)
        with Image.open(io.BytesIO(content)) as image:
            return web.Response(body=content, content_type=IMAGE_FORMATS[str(image.format)])

    def cover_url(self, media: Doc) -> str:
        """Of its thumbnail, where one was sent; else of the file itself."""
        if not media.get("cover"):
            return self.url(media)
        return f"{self.box.base_url}/system/media_attachments/files/{media['id']}/small/{media['cover']}"

    def url(self, media: Doc) -> str:
        if "media-get" in self.box.lacks:  # as snac: one address for equal files of an account
            return (
                f"{self.box.base_url}/system/{media['account']}/{media['sha256'][:32]}.{FILE_SUFFIXES[media['mime']]}"
            )
        return f"{self.box.base_url}/system/media_attachments/files/{media['id']}/original/{media['sha256'][:16]}.{FILE_SUFFIXES[media['mime']]}"

    def shape(self, media: Doc) -> Doc:
        ready = not self.is_waiting(media)
        size: Doc = {}
        if media["width"]:
            w, h = media["width"], media["height"]
            size = {"width": w, "height": h, "size": f"{w}x{h}", "aspect": w / h}
        return {
            "id": media["id"],
            "type": media["kind"],
            "url": self.url(media) if ready else None,
            "preview_url": self.cover_url(media) if ready else None,
            "remote_url": None,
            "meta": {**({"focus": media["focus"]} if media["focus"] else {}), **({"original": size} if size else {})},
            "description": media["description"],
            "blurhash": None,
        }


def _parse_focus(given: Any) -> Doc | None:
    """Two numbers with a comma; what cannot be read is 0, as Ruby's to_f has it."""
    if given is None or not str(given).strip():
        return None
    x, _, y = str(given).partition(",")
    return {"x": _parse_float(x), "y": _parse_float(y)}


def _parse_float(given: str) -> float:
    try:
        return float(given)
    except ValueError:
        return 0.0
