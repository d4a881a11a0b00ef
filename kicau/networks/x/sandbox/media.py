"""Uploads in X's three forms (whole, initialize/append/finalize, and the older command=…), and their processing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from PIL import Image, UnidentifiedImageError

from kicau.connector.sandbox.server import read_form
from kicau.networks.x.sandbox.errors import XApiError as Refused
from kicau.networks.x.sandbox.errors import invalid_request_error, not_found_problem, plain_error
from kicau.networks.x.sandbox.oauth import XCaller
from kicau.networks.x.sandbox.shapes import split_words

if TYPE_CHECKING:
    from kicau.networks.x.sandbox.server import Server

MEDIA_MIMES = split_words(
    "video/mp4 video/webm video/mp2t video/quicktime text/srt text/vtt image/jpeg image/gif image/bmp image/png image/webp "
    "image/pjpeg image/tiff model/gltf-binary model/vnd.usdz+zip"
)
MEDIA_CATEGORIES = split_words("amplify_video tweet_gif tweet_image tweet_video dm_gif dm_image dm_video subtitles")
MAX_BYTES_BY_KIND = {"image": 5_000_000, "gif": 15_000_000, "video": 512_000_000}
MAX_PREMIUM_VIDEO_BYTES = 16_000_000_000
MEDIA_KEY_PREFIXES = {"image": "3", "gif": "16", "video": "7"}  # of a media key
SESSION_LIFETIME_SECONDS, READY_LIFETIME_SECONDS = 1_295_999, 86_400  # seconds
MAX_SEGMENT_INDEX = 999


class XUploadsApi:
    def __init__(self, server: Server, folder: Path | None) -> None:
        self._server = server
        self._folder = folder / "x-media" if folder else None
        self._bytes: dict[str, bytes] = {}
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)

    # The three forms

    async def initialize(self, request: web.Request, who: XCaller) -> web.Response:
        body = _read_json(await request.read())
        _reject_unknown(body, {"media_type", "total_bytes", "media_category", "shared", "additional_owners"})
        return _data_response(self._begun(self._begin(who, body)))

    async def append(self, request: web.Request, who: XCaller) -> web.Response:
        body = await _read_fields(request)
        _reject_unknown(body, {"media", "segment_index"})
        return _data_response(self._appended(who, request.match_info["id"], body))

    async def finalize(self, request: web.Request, who: XCaller) -> web.Response:
        return _data_response(self._finalized(who, request.match_info["id"]))

    async def upload(self, request: web.Request, who: XCaller) -> web.Response:
        """A whole file, or one command of the older form."""
        body = await _read_fields(request)
        match body.get("command"):
            case None:
                _reject_unknown(body, {"media", "media_category", "additional_owners", "media_type", "shared"})
                return _data_response(self._whole(who, body))
            case "INIT":
                return _data_response(
                    self._begun(self._begin(who, {**body, "total_bytes": _read_int(body, "total_bytes")}))
                )
            case "APPEND":
                self._appended(who, str(body.get("media_id", "")), body)
                return web.Response(status=204)
            case "FINALIZE":
                return _data_response(self._finalized(who, str(body.get("media_id", ""))))
            case other:
                raise invalid_request_error(
                    f"The command [{other}] is not one of [INIT,APPEND,FINALIZE]", command=str(other)
                )

    async def status(self, request: web.Request, who: XCaller) -> web.Response:
        for name, value in request.query.items():
            if name not in ("media_id", "command"):
                raise invalid_request_error(
                    f"The query parameter [{name}] is not one of [command,media_id]", **{name: value}
                )
        if request.query.get("command", "STATUS") != "STATUS":
            raise invalid_request_error(
                "The `command` query parameter value is not one of [STATUS]", command=request.query["command"]
            )
        doc = self._own(who, request.query.get("media_id", ""))
        return _data_response(self._told(doc) if doc["finished"] else self._begun(doc))

    async def describe(self, request: web.Request, who: XCaller) -> web.Response:
        body = _read_json(await request.read())
        _reject_unknown(body, {"id", "metadata"})
        doc = self._own(who, str(body.get("id", "")))
        given = body.get("metadata") or {}
        alt = (given.get("alt_text") or {}).get("text") if isinstance(given, dict) else None
        self._describe(who, doc, alt)
        return _data_response({"id": doc["id"], "associated_metadata": given})

    async def upload_1_1(self, request: web.Request, who: XCaller) -> web.Response:
        """The first API's upload, which X retired in 2025 and older clients still speak: other names, no `data`."""
        if request.method == "GET":
            return web.json_response(_fields_1_1(self._told(self._own(who, request.query.get("media_id", "")))))
        body = await _read_fields(request)
        match body.get("command"):
            case "INIT":
                total = _read_int(body, "total_bytes")
                return web.json_response(
                    _fields_1_1(self._begun(self._begin(who, {**body, "total_bytes": total}))), status=202
                )
            case "APPEND":
                self._appended(who, str(body.get("media_id", "")), body)
                return web.Response(status=204)
            case "FINALIZE":
                return web.json_response(_fields_1_1(self._finalized(who, str(body.get("media_id", "")))), status=201)
            case _:
                return web.json_response(_fields_1_1(self._whole(who, {"media_category": "tweet_image", **body})))

    async def describe_1_1(self, request: web.Request, who: XCaller) -> web.Response:
        body = _read_json(await request.read())
        self._describe(who, self._own(who, str(body.get("media_id", ""))), (body.get("alt_text") or {}).get("text"))
        return web.Response()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A file as the public page shows it."""
        doc = self._server.store.get("media", request.match_info["id"])
        if doc is None or not doc["finished"]:
            raise web.HTTPNotFound
        return web.Response(body=self._load(doc["id"]), content_type=doc["type"])

    # What posts ask

    def ready(self, who: XCaller, media_ids: list[str]) -> list[dict[str, Any]]:
        """The files of a post to be. Raises the 400 for one that is unknown, another's, forgotten or unfinished."""
        docs = [self._server.store.get("media", one) for one in media_ids]
        found = [doc for doc in docs if doc and doc["account"] == who.account and doc["until"] > self._now()]
        if len(found) != len(docs) or any(
            self._state(doc) not in ("", "succeeded") or not doc["finished"] for doc in found
        ):
            raise invalid_request_error("Your media IDs are invalid.", **{"media.media_ids": ",".join(media_ids)})
        kinds = {doc["kind"] for doc in found}
        if (len(found) > 1 and kinds != {"image"}) or not kinds <= set(MAX_BYTES_BY_KIND):
            raise invalid_request_error(
                "Attach up to 4 photos, 1 animated GIF or 1 video.", **{"media.media_ids": ",".join(media_ids)}
            )
        return found

    # Inside

    def _now(self) -> float:
        return self._server.now().timestamp()

    def _own(self, who: XCaller, media_id: str) -> dict[str, Any]:
        doc = self._server.store.get("media", media_id)
        if doc is None or doc["account"] != who.account:
            raise Refused(404, not_found_problem("media", media_id, "media_id"))
        return doc

    def _begin(self, who: XCaller, body: dict[str, Any]) -> dict[str, Any]:
        mime, category = str(body.get("media_type", "")), str(body.get("media_category") or "")
        if mime not in MEDIA_MIMES:
            raise invalid_request_error(
                f"The media_type [{mime}] is not one of [{','.join(sorted(MEDIA_MIMES))}]", media_type=mime
            )
        category = category or (
            "tweet_gif" if mime == "image/gif" else "tweet_video" if mime.startswith("video/") else "tweet_image"
        )
        if category not in MEDIA_CATEGORIES:
            raise invalid_request_error(
                f"The media_category [{category}] is not one of [{','.join(sorted(MEDIA_CATEGORIES))}]",
                media_category=category,
            )
        kind = category.rsplit("_", 1)[-1]
        total = body.get("total_bytes")
        if not isinstance(total, int) or isinstance(total, bool) or total <= 0:
            raise invalid_request_error("total_bytes must be a whole number above 0", total_bytes=str(total))
        self._check_size(who, kind, total)
        media_id = self._server.next_id()
        doc = {
            "id": media_id,
            "account": who.account,
            "app": who.app,
            "type": mime,
            "kind": kind,
            "total": total,
            "segments": {},
            "finished": 0.0,
            "until": self._now() + SESSION_LIFETIME_SECONDS,
            "alt": "",
            "sha256": "",
        }
        return self._server.store.put("media", media_id, doc)

    def _check_size(self, who: XCaller, kind: str, total: int) -> None:
        premium = self._server.premium(who.account)
        limit = (
            MAX_PREMIUM_VIDEO_BYTES
            if kind == "video" and premium
            else MAX_BYTES_BY_KIND.get(kind, MAX_BYTES_BY_KIND["video"])
        )
        if total > limit:
            raise invalid_request_error(f"File size exceeds {limit} bytes.", total_bytes=str(total))

    def _appended(self, who: XCaller, media_id: str, body: dict[str, Any]) -> dict[str, Any]:
        doc = self._own(who, media_id)
        segment = _read_int(body, "segment_index")
        if not 0 <= segment <= MAX_SEGMENT_INDEX:
            raise invalid_request_error(f"segment_index must be 0 to {MAX_SEGMENT_INDEX}", segment_index=str(segment))
        if doc["finished"]:
            raise invalid_request_error("The upload is already finalized.", media_id=media_id)
        piece = _file_content(body)
        self._save(f"{media_id}.{segment}", piece)
        doc["segments"][str(segment)] = len(piece)
        self._server.store.put("media", media_id, doc)
        return {"expires_at": int(doc["until"])}

    def _finalized(self, who: XCaller, media_id: str) -> dict[str, Any]:
        doc = self._own(who, media_id)
        if doc["finished"]:
            raise invalid_request_error("The upload is already finalized.", media_id=media_id)
        order = sorted(doc["segments"], key=int)
        if order != [str(n) for n in range(len(order))] or sum(doc["segments"].values()) != doc["total"]:
            raise invalid_request_error("Segments do not add up to provided total file size.", media_id=media_id)
        self._save(media_id, b"")
        digest = hashlib.sha256()
        for segment in order:  # one at a time: a video may be larger than memory
            piece = self._load(f"{media_id}.{segment}")
            digest.update(piece)
            self._save(media_id, piece, onto=True)
            self._drop(f"{media_id}.{segment}")
        return self._told(self._finish(doc, digest.hexdigest()))

    def _whole(self, who: XCaller, body: dict[str, Any]) -> dict[str, Any]:
        content = _file_content(body)
        found = detect_type(content)
        if found is None:
            raise invalid_request_error("media type unrecognized.", media="")
        if not body.get("media_category"):
            raise invalid_request_error("The required body parameter [media_category] is missing", media_category="")
        doc = self._begin(
            who, {"media_type": found, "media_category": body["media_category"], "total_bytes": len(content)}
        )
        self._save(doc["id"], content)
        return self._told(self._finish(doc, hashlib.sha256(content).hexdigest()))

    def _finish(self, doc: dict[str, Any], sha256: str) -> dict[str, Any]:
        head = self._load(doc["id"], most=64)
        found = detect_type(head)
        doc |= {
            "segments": {},
            "finished": self._now(),
            "until": self._now() + READY_LIFETIME_SECONDS,
            "sha256": sha256,
            "broken": found is None or (doc["kind"] == "video") != found.startswith("video/"),
            "size": doc["total"],
        }
        if doc["kind"] in ("image", "gif"):
            doc |= _read_dimensions(self._load(doc["id"]))
            if doc["broken"] and doc["kind"] == "image":
                raise invalid_request_error("media type unrecognized.", media="")
        return self._server.store.put("media", doc["id"], doc)

    def _describe(self, who: XCaller, doc: dict[str, Any], alt: Any) -> None:
        if not isinstance(alt, str) or len(alt) > 1000:
            raise invalid_request_error(
                "alt_text.text must be a text of at most 1000 characters", **{"metadata.alt_text.text": str(alt)[:50]}
            )
        self._server.billing.check()
        self._server.store.put("media", doc["id"], {**doc, "alt": alt})
        self._server.billing.charge(who.app, "media-metadata")

    def _state(self, doc: dict[str, Any]) -> str:
        """The processing state; "" for what needs none."""
        if doc["kind"] == "image" or not doc["finished"]:
            return ""
        share = (self._now() - doc["finished"]) / max(self._server.processing_seconds, 1e-6)
        if share < 0.25:
            return "pending"
        if share < 1:
            return "in_progress"
        return "failed" if doc["broken"] else "succeeded"

    def _begun(self, doc: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": doc["id"],
            "media_key": media_key(doc),
            "expires_after_secs": max(0, int(doc["until"] - self._now())),
        }

    def _told(self, doc: dict[str, Any]) -> dict[str, Any]:
        told = {**self._begun(doc), "size": doc.get("size", 0)}
        if doc.get("width"):
            told["image"] = {"image_type": doc["type"], "w": doc["width"], "h": doc["height"]}
        state = self._state(doc)
        if not state:
            return told
        left = self._server.processing_seconds - (self._now() - doc["finished"])
        done = 100 - round(100 * max(0.0, left) / max(self._server.processing_seconds, 1e-6))
        info: dict[str, Any] = {"state": state, "progress_percent": done}
        if state in ("pending", "in_progress"):
            info["check_after_secs"] = max(1, round(left))
        elif doc["kind"] == "video" and state == "succeeded":
            told["video"] = {"video_type": doc["type"]}
        return {**told, "processing_info": info}

    def _save(self, name: str, content: bytes, *, onto: bool = False) -> None:
        if self._folder is None:
            self._bytes[name] = self._bytes.get(name, b"") + content if onto else content
            return
        with (self._folder / name).open("ab" if onto else "wb") as file:
            file.write(content)

    def _load(self, name: str, *, most: int = -1) -> bytes:
        if self._folder is None:
            content = self._bytes.get(name, b"")  # lost by a restart without a folder
            return content if most < 0 else content[:most]
        with (self._folder / name).open("rb") as file:
            return file.read(most)

    def _drop(self, name: str) -> None:
        if self._folder:
            (self._folder / name).unlink(missing_ok=True)
        else:
            self._bytes.pop(name, None)


def media_key(doc: dict[str, Any]) -> str:
    return f"{MEDIA_KEY_PREFIXES.get(doc['kind'], '3')}_{doc['id']}"


def detect_type(content: bytes) -> str | None:
    """What a file is, by its first bytes; None for what X takes nowhere."""
    if content[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return "video/quicktime" if content[8:10] == b"qt" else "video/mp4"
    return None


def _read_dimensions(content: bytes) -> dict[str, Any]:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return {"width": picture.width, "height": picture.height}
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return {"broken": True}


def _data_response(data: dict[str, Any]) -> web.Response:
    return web.json_response({"data": data})


def _fields_1_1(told: dict[str, Any]) -> dict[str, Any]:
    return {"media_id": int(told["id"]), "media_id_string": told["id"], **{k: v for k, v in told.items() if k != "id"}}


def _reject_unknown(body: dict[str, Any], allowed: set[str]) -> None:
    for name in body:
        if name not in allowed:
            raise invalid_request_error(
                f"The body parameter [{name}] is not one of [{','.join(sorted(allowed))}]",
                **{name: str(body[name])[:50]},
            )


def _read_json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise plain_error(400, "The request body is no JSON object.")
    return found


def _file_content(body: dict[str, Any]) -> bytes:
    """The file of a body: raw from a form, base64 from JSON."""
    media = body.get("media", body.get("media_data"))
    if isinstance(media, bytes):
        return media
    try:
        return base64.b64decode(str(media or ""), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_request_error("media must be the file, or its base64 in JSON", media="") from None


def _read_int(body: dict[str, Any], name: str) -> int:
    try:
        return int(body[name])
    except (KeyError, TypeError, ValueError):
        raise invalid_request_error(f"{name} must be a whole number", **{name: str(body.get(name))}) from None


async def _read_fields(request: web.Request) -> dict[str, Any]:
    """A body's fields, from JSON, an urlencoded form or a multipart one (whose files are bytes)."""
    content = await request.read()
    kind = request.content_type
    if kind == "application/json":
        return _read_json(content)
    if kind == "multipart/form-data":
        return read_multipart(request.headers["Content-Type"], content)
    return dict(request.query) if not content else await read_form(request)


def read_multipart(content_type: str, content: bytes) -> dict[str, Any]:
    """The fields of a multipart body that has been read whole: a part with a file name is bytes, others are text."""
    head = Message()
    head["Content-Type"] = content_type
    boundary = str(head.get_param("boundary") or "").encode()
    found: dict[str, Any] = {}
    for piece in content.split(b"--" + boundary)[1:-1]:
        raw, _, value = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        about = Message()
        for line in raw.decode("utf-8", "replace").split("\r\n"):
            name, _, rest = line.partition(":")
            about[name] = rest.strip()
        name = str(about.get_param("name", "", "Content-Disposition"))
        value = value.removesuffix(b"\r\n")
        is_file = about.get_param("filename", None, "Content-Disposition") is not None or name == "media"
        found[name] = value if is_file else value.decode("utf-8", "replace")
    return found
