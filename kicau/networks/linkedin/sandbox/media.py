"""Images, documents and videos of the LinkedIn sandbox: uploads, processing states, and the files themselves."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from aiohttp import web
from PIL import Image, UnidentifiedImageError

from kicau.networks.linkedin.sandbox import errors as refusals
from kicau.networks.linkedin.sandbox.base import Doc, LinkedInSandboxBase
from kicau.networks.linkedin.sandbox.errors import LinkedInApiError, with_response_headers

UPLOAD_PART_BYTES = 4_194_304  # bytes of each part of a video
VIDEO_SIZE_BOUNDS = (75_000, 500_000_000)
MAX_DOCUMENT_BYTES = 100_000_000
MAX_PIXELS = 36_152_320  # an image has fewer
UPLOAD_LIFETIME_SECONDS = 86_400
MEDIA_NAMES = {"images": "image", "documents": "document", "videos": "video"}
ASSET_ID_PREFIXES = {"images": "D4E10AQ", "documents": "D4E1FAQ", "videos": "D4E05AQ"}
DOCUMENT_SIGNATURES = (b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


class LinkedInFileStore:
    """The bytes, in a folder where there is one, else in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / "files" if folder else None
        self._held: dict[str, bytes] = {}
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)

    def open(self, name: str, mode: str) -> BinaryIO:
        """To read or write whole; in memory a write is kept by `close`."""
        if self._folder:
            path = self._folder / name
            return path.open("wb") if mode == "w" else path.open("rb")
        return _MemoryFile(self._held, name, mode)

    def remove(self, name: str) -> None:
        self._held.pop(name, None)
        if self._folder:
            (self._folder / name).unlink(missing_ok=True)


class _MemoryFile(io.BytesIO):
    def __init__(self, held: dict[str, bytes], name: str, mode: str) -> None:
        super().__init__(held[name] if mode == "r" else b"")
        self._keep, self._name, self._writes = held, name, mode == "w"

    def close(self) -> None:
        if self._writes and not self.closed:
            self._keep[self._name] = self.getvalue()
        super().close()


class LinkedInMediaApi:
    def __init__(self, box: LinkedInSandboxBase, folder: Path | None) -> None:
        self.box, self.files = box, LinkedInFileStore(folder)

    def routes(self) -> list[web.RouteDef]:
        made = []
        for resource in MEDIA_NAMES:
            batch = {"BATCH_GET": self.show_one}
            made.append(web.post(f"/rest/{resource}", self.box.guarded(self.act, query="action", batch=batch)))
            made.append(web.get(f"/rest/{resource}", self.box.guarded(self.show_nothing, batch=batch)))
            made.append(web.get(f"/rest/{resource}/{{urn}}", self.box.guarded(self.show)))
        return [
            *made,
            web.put("/dms-uploads/{id}/{part}", self.put),
            web.get("/dms/{id}", self.serve),
            web.get("/dms/{id}/thumbnail", self.serve_cover),
        ]

    async def act(self, request: web.Request, token: Doc) -> web.Response:
        resource = request.path.rsplit("/", 1)[-1]
        body = await self.box.body(request)
        match request.query.get("action"):
            case "initializeUpload":
                return self._initialise(resource, token, body, request)
            case "finalizeUpload" if resource == "videos":
                return self._finalise(token, body)
        raise refusals.illegal_argument_error(f"Unknown action for {resource}: {request.query.get('action')}")

    def _initialise(self, resource: str, token: Doc, body: Doc, request: web.Request) -> web.Response:
        allowed = {"owner"} | (
            {"fileSizeBytes", "uploadCaptions", "uploadThumbnail"} if resource == "videos" else set()
        )
        asked = _action_object(
            body, "initializeUploadRequest", allowed, {"owner"} | ({"fileSizeBytes"} if resource == "videos" else set())
        )
        self.box.must_write(token, str(asked["owner"]), "owner", f"{resource}.ACTION-initializeUpload", request)
        size = asked.get("fileSizeBytes", 0)
        low, high = VIDEO_SIZE_BOUNDS
        if resource == "videos" and not (isinstance(size, int) and low <= size <= high):
            raise refusals.bad_input_error(
                f"fileSizeBytes must be between {low} and {high}",
                "VALUE_OUT_OF_RANGE",
                "/initializeUploadRequest/fileSizeBytes",
            )
        name = ASSET_ID_PREFIXES[resource] + secrets.token_urlsafe(12)
        urn, until = f"urn:li:{MEDIA_NAMES[resource]}:{name}", self.box.stamp() + UPLOAD_LIFETIME_SECONDS
        self.box.store.put(
            "asset",
            name,
            {
                "urn": urn,
                "resource": resource,
                "owner": asked["owner"],
                "state": "WAITING_UPLOAD",
                "size": size,
                "token": secrets.token_urlsafe(16),
                "until": until,
                "etags": {},
            },
        )
        value: Doc = {MEDIA_NAMES[resource]: urn}
        if resource != "videos":
            return _value_response(value | {"uploadUrlExpiresAt": int(until * 1000), "uploadUrl": self._url(name, 0)})
        parts = range(0, size, UPLOAD_PART_BYTES)
        value |= {
            "uploadUrlsExpireAt": int(until * 1000),
            "uploadToken": self._asset(name)["token"],
            "uploadInstructions": [
                {"uploadUrl": self._url(name, n), "firstByte": at, "lastByte": min(at + UPLOAD_PART_BYTES, size) - 1}
                for n, at in enumerate(parts)
            ],
        }
        if asked.get("uploadThumbnail"):
            value["thumbnailUploadUrl"] = self._url(name, "thumbnail")
        return _value_response(value)

    def _url(self, name: str, part: int | str) -> str:
        return f"{self.box.base_url}/dms-uploads/{name}/{part}?ut={self._asset(name)['token']}"

    def _asset(self, name: str) -> Doc:
        found = self.box.store.get("asset", name)
        if found is None:
            raise refusals.not_found_error(f"No asset {name}")
        return found

    async def put(self, request: web.Request) -> web.Response:
        """One part of a video, or a whole image or document; the signed address is the permission."""
        name, part = request.match_info["id"], request.match_info["part"]
        asset = self.box.store.get("asset", name)
        if (
            asset is None
            or asset["token"] != request.query.get("ut")
            or asset["until"] <= self.box.stamp()
            or asset["state"] != "WAITING_UPLOAD"
        ):
            return refusals.upload_error(403, "the upload address is not valid, or no longer").response()
        if request.content_length is None:
            return refusals.upload_error(411, "Content-Length is required").response()
        digest, size = hashlib.sha256(), 0
        with self.files.open(f"{name}.{part}", "w") as file:
            async for block in _body_chunks(request):
                digest.update(block)
                size += len(block)
                file.write(block)
        if size != request.content_length:
            return refusals.upload_error(400, "the body is shorter than its Content-Length").response()
        if part == "thumbnail":
            return self._cover(name, asset, request)
        if asset["resource"] == "videos":
            asset["etags"][part] = digest.hexdigest()[:32]
            self.box.store.put("asset", name, asset)
            return web.Response(status=200, headers={"ETag": f'"{asset["etags"][part]}"', **with_response_headers()})
        self._complete(name, asset, [f"{name}.0"])
        return web.Response(status=201, headers=with_response_headers())

    def _cover(self, name: str, asset: Doc, request: web.Request) -> web.Response:
        """The picture that a video shows first."""
        if request.headers.get("media-type-family") != "STILLIMAGE":
            return refusals.upload_error(400, "media-type-family must be STILLIMAGE").response()
        try:
            with self.files.open(f"{name}.thumbnail", "r") as file, Image.open(file, formats=("JPEG", "PNG")) as image:
                mime = Image.MIME[str(image.format)]
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
            return refusals.upload_error(400, "the thumbnail must be a JPEG or PNG").response()
        self.box.store.put("asset", name, {**asset, "cover": mime})
        return web.Response(status=201, headers=with_response_headers())

    def _complete(self, name: str, asset: Doc, parts: list[str]) -> None:
        digest, size, head = hashlib.sha256(), 0, b""
        with self.files.open(name, "w") as whole:
            for part in parts:
                with self.files.open(part, "r") as file:
                    while block := file.read(1 << 20):
                        head = head or block[:16]
                        digest.update(block)
                        size += len(block)
                        whole.write(block)
                self.files.remove(part)
        good, mime = self._judge(name, asset["resource"], head, size)
        made = {
            "state": "PROCESSING",
            "done_at": self.box.stamp() + self.box.processing_seconds,
            "good": good,
            "mime": mime,
            "bytes": size,
            "sha256": digest.hexdigest(),
        }
        self.box.store.put("asset", name, {**asset, **made})

    def _judge(self, name: str, resource: str, head: bytes, size: int) -> tuple[bool, str]:
        """Whether processing will succeed, by what the file is; and its type."""
        if resource == "videos":
            return head[4:8] == b"ftyp" and size == self._asset(name)["size"], "video/mp4"
        if resource == "documents":
            return head.startswith(
                DOCUMENT_SIGNATURES
            ) and size <= MAX_DOCUMENT_BYTES, "application/pdf" if head.startswith(
                b"%PDF"
            ) else "application/octet-stream"
        try:
            with self.files.open(name, "r") as file, Image.open(file, formats=("JPEG", "PNG", "GIF")) as image:
                return image.width * image.height < MAX_PIXELS, Image.MIME[str(image.format)]
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
            return False, "application/octet-stream"

    def _finalise(self, token: Doc, body: Doc) -> web.Response:
        names = {"video", "uploadToken", "uploadedPartIds"}
        asked = _action_object(body, "finalizeUploadRequest", names, names)
        name = str(asked["video"]).rsplit(":", 1)[-1]
        asset = self._asset(name)
        self.box.must_own(token, asset["owner"], "video")
        if asset["state"] != "WAITING_UPLOAD":
            raise refusals.illegal_argument_error(f"{asset['urn']} is already finalized")
        count = -(-asset["size"] // UPLOAD_PART_BYTES)
        wanted = [asset["etags"].get(str(n)) for n in range(count)]
        given = asked["uploadedPartIds"]  # each as the ETag header gave it, in its quotes or without
        sent = [str(one).removeprefix('"').removesuffix('"') for one in given] if isinstance(given, list) else None
        if asked["uploadToken"] != asset["token"] or None in wanted or sent != wanted:
            raise refusals.bad_input_error(
                "uploadedPartIds do not match the uploaded parts",
                "INVALID_VALUE",
                "/finalizeUploadRequest/uploadedPartIds",
            )
        self._complete(name, asset, [f"{name}.{n}" for n in range(count)])
        return web.Response(status=200, headers=with_response_headers())

    def status(self, asset: Doc) -> str:
        if asset["state"] != "PROCESSING":
            return str(asset["state"])
        if asset["done_at"] > self.box.stamp():
            return "PROCESSING"
        return "AVAILABLE" if asset["good"] else "PROCESSING_FAILED"

    async def show(self, request: web.Request, token: Doc) -> web.Response:
        return web.json_response(
            self.show_one(request, token, request.match_info["urn"]), headers=with_response_headers()
        )

    async def show_nothing(self, request: web.Request, token: Doc) -> web.Response:
        raise refusals.no_method_error("GET", request.path)

    def show_one(self, request: web.Request, token: Doc, urn: str) -> Doc:
        """Its status. A member's picture or document may not be read with w_member_social alone, a video may."""
        resource = request.path.split("/")[2]
        asset = self._asset(urn.rsplit(":", 1)[-1])
        scopes = set(token["scopes"])
        person = asset["owner"].startswith("urn:li:person:")
        reads = {"r_member_social"} if person else {"r_organization_social", "r_organization_social_feed"}
        if resource == "videos":
            reads |= (
                {"w_member_social", "w_member_social_feed"}
                if person
                else {"w_organization_social", "w_organization_social_feed"}
            )
        if not reads & scopes:
            raise refusals.access_denied_error(f"{resource}.GET", request.headers["LinkedIn-Version"])
        self.box.must_own(token, asset["owner"], MEDIA_NAMES[resource])
        status = self.status(asset)
        shown: Doc = {"id": asset["urn"], "owner": asset["owner"], "status": status}
        if status == "AVAILABLE":
            shown |= {"downloadUrl": self.link(asset["urn"]), "downloadUrlExpiresAt": int(asset["until"] * 1000)}
        return shown

    def usable(self, urn: str, owner: str, resource: str) -> Doc:
        """The asset for a new post. Raises LinkedInApiError where it is not the author's, not there yet, or spoilt."""
        asset = self.box.store.get("asset", urn.rsplit(":", 1)[-1])
        if asset is None or asset["urn"] != urn or asset["owner"] != owner or asset["resource"] != resource:
            raise LinkedInApiError(
                403,
                {
                    "message": f"Accessing this {MEDIA_NAMES[resource]} resource is forbidden. Please check your permissions for this resource",
                    "status": 403,
                },
            )
        status = self.status(asset)
        if status == "PROCESSING_FAILED":
            raise refusals.bad_input_error(
                f"The media asset {urn} failed processing", "MEDIA_ASSET_PROCESSING_FAILED", "/content"
            )
        if status == "WAITING_UPLOAD" or (status == "PROCESSING" and resource != "images"):
            raise refusals.bad_input_error(
                f"The media asset {urn} is in status {status}", f"MEDIA_ASSET_{status}", "/content"
            )
        return asset

    def link(self, urn: str) -> str:
        return f"{self.box.base_url}/dms/{urn.rsplit(':', 1)[-1]}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        asset = self.box.store.get("asset", name)
        if asset is None or asset["state"] != "PROCESSING":
            return web.Response(status=404)
        with self.files.open(name, "r") as file:
            return web.Response(body=file.read(), content_type=asset["mime"])

    async def serve_cover(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        asset = self.box.store.get("asset", name)
        if asset is None or "cover" not in asset:
            return web.Response(status=404)
        with self.files.open(f"{name}.thumbnail", "r") as file:
            return web.Response(body=file.read(), content_type=asset["cover"])


async def _body_chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body piece by piece, or whole where it was read already (to hold it against the specification)."""
    if request.content.at_eof():
        yield await request.read()
        return
    async for block in request.content.iter_chunked(1 << 18):
        yield block


def _value_response(value: Doc) -> web.Response:
    return web.json_response({"value": value}, headers=with_response_headers())


def _action_object(body: Doc, name: str, allowed: set[str], needed: set[str]) -> Doc:
    """The one object of an action's body, its fields checked as Rest.li does."""
    asked = body.get(name)
    if set(body) != {name} or not isinstance(asked, dict):
        raise refusals.invalid_body_error([f"/{name} :: field is required but not found and has no default value"])
    faults = [f"/{name}/{field} :: unrecognized field found but not allowed" for field in asked if field not in allowed]
    faults += [
        f"/{name}/{field} :: field is required but not found and has no default value"
        for field in sorted(needed)
        if field not in asked
    ]
    if faults:
        raise refusals.invalid_body_error(faults)
    return asked
