"""How much a request may send, how fast, and who may send more: decided before its body is read.

Django writes a whole body to disk before it looks at the address or asks who sends it. So this comes before Django:

- Anybody may send MAX_ANONYMOUS_BYTES. A larger body needs a valid session or, for the API, a valid token. That is checked
  when the announced length is larger, or when more arrives.
- Who is signed in may send MAX_BODY_BYTES, and more only to the addresses of UPLOADS.
- A body that arrives too slowly is cut off, and so is a reader who takes an answer too slowly.
- All bodies together take a limited space on disk and in memory.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import RequestAborted
from django.db import DatabaseError, connections
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from kicau.api.core.problems import MEDIA_TYPE, PROBLEM_TYPES
from kicau.base.pool import waits
from kicau.config import early_limits
from kicau.config.request_queues import FairQueue, RequestQueue
from kicau.media.actions import MAX_FILE_BYTES
from kicau.web.core import body_limits
from kicau.web.core.views import actor_of
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.api_tokens import actor_by_token
from kicau.workspaces.models import Person

MAX_ANONYMOUS_BYTES = 64 << 10
MAX_UNCOUNTED_BYTES = 4 << 10  # of a body: a sign-in is never refused because others send much
MAX_ANONYMOUS_TOTAL_BYTES = 32 << 20  # of all bodies whose senders were not checked
MAX_BODY_BYTES = 10_000_000
MAX_FORM_BYTES = 1 << 20  # beside the file of an upload
MAX_CHECKS = 64  # of senders, waiting at once
GRACE_SECONDS = 15.0  # for the beginning of a body, and for any body that is small
MIN_BYTES_PER_SECOND = 4 << 10
RESPONSE_PIECE_TIMEOUT_SECONDS = 20.0  # for 64 KB of an answer: who takes longer is cut off
RETRY_AFTER_SECONDS = 10
LINGER_SECONDS = 1.0  # for a refused sender to read the refusal before the connection is closed
MAX_LINGERING = 500  # refused senders at once
MIN_FREE_DISK_BYTES = 500_000_000  # that uploads leave free on the disk

# By the route of an address: the largest body, and what its sender must be allowed. 0: as large as all uploads together.
UPLOADS: dict[str, tuple[int, Permission]] = {
    "library/upload": (0, Permission.WRITE),
    "compose/form": (0, Permission.WRITE),
    "import": (0, Permission.PUBLISH),
    "archive/imports/start": (0, Permission.WRITE),
    "dataset-audits/new": (0, Permission.WRITE),
    "dataset-audits/check": (257 << 20, Permission.READ),
    "rights/declarations/read": (64_000_000, Permission.READ),
    "api/v1/media": (MAX_FILE_BYTES, Permission.WRITE),
    "api/v1/imports": (0, Permission.PUBLISH),
    "api/v1/imports/check": (0, Permission.PUBLISH),
    "api/v1/archive/imports": (0, Permission.WRITE),
    "api/v1/rights/declarations/read-file": (64_000_000, Permission.READ),
    "api/v1/dataset-audits": (0, Permission.WRITE),
    "api/v1/evidence/verify": (257 << 20, Permission.READ),
}

type Message = dict[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class BodySpace:
    """Bytes of bodies that are under way, of which there is a limited total."""

    def __init__(self) -> None:
        self.used = 0

    def take(self, size: int, total: int) -> bool:
        if self.used + size > total:
            return False
        self.used += size
        return True


anonymous_space, upload_space = BodySpace(), BodySpace()
#: What waits for a server outside, a picture or the hash of a password keeps no place; that has limits of its own.
api_queue, member_queue, visitor_queue = RequestQueue(6), RequestQueue(6), RequestQueue(4)
UNLIMITED_PATHS = ("/healthz", "/readyz")
PUBLIC_PATHS = (
    "/sign-in",
    "/accept-invitation/",
    "/welcome",
    "/review/",
    "/m/",
)  # a made-up session changes nothing there
SESSION_COOKIE_PREFIX = f"{settings.SESSION_COOKIE_NAME}="
_check_executor = ThreadPoolExecutor(2, "sender")
_running_checks = 0


class RequestThread(ThreadPoolExecutor):
    """The thread of one request, which counts its jobs. It is started with the first one."""

    def __init__(self) -> None:
        super().__init__(1, "request")
        self.jobs = 0

    def submit[**P, T](self, job: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self.jobs += 1
        return super().submit(job, *args, **kwargs)


class RequestRejected(Exception):
    """Why a body is not read: the slug of one of the API's problems, and what the API says of it."""

    def __init__(self, status: int, slug: str, detail: str) -> None:
        self.status, self.slug, self.detail = status, slug, detail
        super().__init__(detail)


class RequestLimits:
    """The limits of one request: Django gets `receive` and `send` of this in place of the server's."""

    def __init__(self, scope: Message, receive: Receive, send: Send, thread: RequestThread) -> None:
        self._scope, self._receive, self._send, self._thread = scope, receive, send, thread
        self._api = scope["path"].startswith("/api/")
        self._size = 0  # bytes received
        self._limit = MAX_ANONYMOUS_BYTES
        self._checked = self._whole = self._answered = False
        self._anonymous = self._uploads = 0  # bytes taken of the two spaces
        self._jobs = 0  # of the thread, when its connections were last given back
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._place: FairQueue | None = None
        self.refusal: RequestRejected | None = None

    async def admit(self) -> bool:
        """Whether Django is asked at all: not where the announced length is too large. Then it is answered."""
        announced = _announced_length(self._scope)
        try:
            if refusal := head_rejection(self._scope):
                raise refusal
            if announced > self._limit:
                await self._check()
                self._require(announced)
                self._reserve(announced)
        except RequestRejected as refusal:
            self.refusal = refusal
            await self.refuse()
            return False
        return True

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # that the sender went away
        try:
            async with asyncio.timeout_at(self._began + GRACE_SECONDS + self._size / MIN_BYTES_PER_SECOND):
                message = await self._receive()
            if message["type"] == "http.request":
                self._size += len(message.get("body", b""))
                self._whole = not message.get("more_body", False)
                if self._size > self._limit and not self._checked:
                    await self._check()
                self._require(self._size)
                self._reserve(self._size)
        except TimeoutError:
            self.refusal = RequestRejected(408, "malformed", "The body arrived too slowly; send it again.")
        except RequestRejected as refusal:
            self.refusal = refusal
        if self.refusal:
            self._whole = True
            return {"type": "http.disconnect"}  # Django lets go of what it has read
        if self._whole and message["type"] == "http.request":
            await self._take_place()
        return message

    async def _take_place(self) -> None:
        """The body is here; Django begins when it has it."""
        path = self._scope["path"]
        if path in UNLIMITED_PATHS:
            return
        signed_in = SESSION_COOKIE_PREFIX in _header(self._scope, b"cookie") and not path.startswith(PUBLIC_PATHS)
        lane = api_queue if self._api else member_queue if signed_in else visitor_queue
        place = lane.queue
        await place.acquire(kind_of(path), self._sender())
        self._place = place
        waits.set(self._wait_elsewhere)

    def _sender(self) -> Hashable:
        """Who waits for a place, as far as the request says it."""
        credentials = _header(self._scope, b"authorization" if self._api else b"cookie")
        client = self._scope.get("client")
        return credentials or (client and client[0])

    def _wait_elsewhere(self) -> None:
        """In the request's thread."""
        self._loop.call_soon_threadsafe(self._leave_place)

    def _leave_place(self) -> None:
        if self._place is not None:
            self._place.release()
            self._place = None

    async def send(self, message: Mapping[str, Any]) -> None:
        """Sent on by a request that keeps no connection to the database, however slowly the reader takes it."""
        if message["type"] == "http.response.start" or message.get("more_body"):
            self._answered = True
            if self._thread.jobs != self._jobs:  # else that thread did nothing since
                await self._loop.run_in_executor(self._thread, connections.close_all)
                self._jobs = self._thread.jobs
            self._leave_place()  # however slowly the answer is read
        try:
            async with asyncio.timeout(RESPONSE_PIECE_TIMEOUT_SECONDS):
                await self._send(message)
        except TimeoutError:
            abort_connection(self._send)
            raise RequestAborted from None

    async def refuse(self) -> None:
        """Answer with the refusal, unless something was answered already."""
        if self.refusal is None or self._answered:
            return
        headers, body = _rejection_response(self._scope, self.refusal, self._limit)
        await self._send({"type": "http.response.start", "status": self.refusal.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        if lingering_senders.enter():
            try:
                await asyncio.sleep(LINGER_SECONDS)  # nothing more is read meanwhile
            finally:
                lingering_senders.leave()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def leave(self) -> None:
        """Django has let go of the body."""
        self._leave_place()
        anonymous_space.used -= self._anonymous
        upload_space.used -= self._uploads

    async def _check(self) -> None:
        """Ask the database who sends this. Raises RequestRejected."""
        global _running_checks
        self._checked = True
        if not _carries_credentials(self._scope):
            raise _unknown_sender_rejection(self._api, self._limit)
        if _running_checks >= MAX_CHECKS:
            raise _busy_rejection()
        _running_checks += 1
        try:
            limit = await self._loop.run_in_executor(_check_executor, max_body_bytes, self._scope)
        except DatabaseError:
            raise _busy_rejection() from None
        finally:
            _running_checks -= 1
        if not limit:
            raise _unknown_sender_rejection(self._api, self._limit)
        self._limit = max(self._limit, limit)

    def _require(self, size: int) -> None:
        """Raises RequestRejected."""
        if size > self._limit:
            detail = f"The body is too large; at most {_format_size(self._limit)} are taken at this address."
            raise RequestRejected(413, "too-large", detail)

    def _reserve(self, size: int) -> None:
        """Count the bytes, before they are written. Raises RequestRejected."""
        if not self._checked:
            more = max(0, size - MAX_UNCOUNTED_BYTES) - self._anonymous
            if more > 0 and not anonymous_space.take(more, MAX_ANONYMOUS_TOTAL_BYTES):
                raise _busy_rejection()
            self._anonymous += max(0, more)
            return
        more = size - self._uploads
        if more > 0 and not upload_space.take(more, _free_upload_bytes()):
            raise _busy_rejection()
        self._uploads += max(0, more)


def reject_by_head(data: bytes) -> bytes | None:
    """The answer to a request that its head refuses. None: the head isn't whole, or says nothing against it.

    For the server's protocol: what strangers send in great numbers costs no task and no ASGI application.
    """
    head, end, _body = data.partition(b"\r\n\r\n")
    line, _, fields = head.partition(b"\r\n")
    parts = line.split(b" ")
    if not end or len(parts) != 3 or not parts[1].startswith(b"/") or b"%" in parts[1]:
        return None
    named = [field.partition(b":") for field in fields.split(b"\r\n")]
    scope = {
        "type": "http",
        "method": parts[0].decode("latin-1"),
        "path": parts[1].partition(b"?")[0].decode("latin-1"),
        "headers": [(name.lower(), value.strip()) for name, _, value in named],
    }
    if early_limits.is_webhook_request(scope) or (refusal := head_rejection(scope)) is None:
        return None
    headers, body = _rejection_response(scope, refusal, MAX_ANONYMOUS_BYTES)
    status = f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\n".encode()
    return status + b"".join(b"%b: %b\r\n" % header for header in headers) + b"\r\n" + body


def head_rejection(scope: Message) -> RequestRejected | None:
    """Why nobody known sends this: what comes without credentials is small and says its length."""
    if _carries_credentials(scope):
        return None
    api = scope["path"].startswith("/api/")
    if _announced_length(scope) > MAX_ANONYMOUS_BYTES:
        return _unknown_sender_rejection(api, MAX_ANONYMOUS_BYTES)
    if any(name == b"transfer-encoding" for name, _value in scope["headers"]):
        return _unknown_sender_rejection(api, MAX_ANONYMOUS_BYTES, status=411)
    return None


class LingeringSenders:
    """Refused senders who may still read the refusal: closing at once would take it from who is still sending."""

    def __init__(self) -> None:
        self.count = 0

    def enter(self) -> bool:
        """Whether there is room for one more; then `leave` is called for it."""
        if self.count >= MAX_LINGERING:
            return False
        self.count += 1
        return True

    def leave(self) -> None:
        self.count -= 1


lingering_senders = LingeringSenders()


def kind_of(path: str) -> str:
    """Which part of Kicau is asked. Addresses that do not exist are one kind, however many somebody makes up."""
    parts = _route_name({"path": path}).split("/")  # "library", … or "api", "v1", "posts", …
    return parts[2] if path.startswith("/api/") and len(parts) > 2 else parts[0]


def _carries_credentials(scope: Message) -> bool:
    api = scope["path"].startswith("/api/")
    return bool(_header(scope, b"authorization") if api else SESSION_COOKIE_PREFIX in _header(scope, b"cookie"))


def _announced_length(scope: Message) -> int:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() and len(length) < 16 else 1 << 60


def _unknown_sender_rejection(api: bool, limit: int, *, status: int = 413) -> RequestRejected:
    detail = f"Without a valid token at most {_format_size(limit)} are taken, and their length is said first; this token is unknown, expired or revoked, or none was sent."
    return RequestRejected(401 if api else status, "no-token", detail)


def _rejection_response(
    scope: Message, refusal: RequestRejected, limit: int
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body."""
    if scope["path"].startswith("/api/"):
        shape = PROBLEM_TYPES[refusal.slug]
        problem = {"type": shape.type, "title": shape.title, "status": refusal.status, "detail": refusal.detail}
        body, kind = json.dumps(problem, ensure_ascii=False).encode(), MEDIA_TYPE
    else:
        language = _header(scope, b"accept-language"), _cookies(scope).get(settings.LANGUAGE_COOKIE_NAME, "")
        body, kind = _rejection_sentence(refusal.slug, _format_size(limit), *language), "text/plain; charset=utf-8"
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    if refusal.status == 503:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    if refusal.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="Kicau"'))
    return headers, body


@lru_cache(256)
def _rejection_sentence(slug: str, limit: str, accepted: str, chosen: str) -> bytes:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    request.COOKIES[settings.LANGUAGE_COOKIE_NAME] = chosen
    return (body_limits.body_limit_sentence(request, slug, limit) + "\n").encode()


def abort_connection(send: Send) -> None:
    """Close the connection behind uvicorn's `send` at once; closing it in order would wait for its reader."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


def max_body_bytes(scope: Message) -> int:
    """Bytes that the sender of a request may send to its address; 0 for somebody unknown."""
    try:
        actor = _find_sender(scope)
        if actor is None:
            return 0
        if isinstance(actor, Person):  # signed in, and a member of no workspace
            return MAX_BODY_BYTES
        route = _route_name(scope)
        if scope["method"] != "POST" or route not in UPLOADS:
            return MAX_BODY_BYTES
        limit, permission = UPLOADS[route]
        if not actor.may(permission):
            return MAX_BODY_BYTES
        return limit + MAX_FORM_BYTES if limit else _max_upload_bytes()
    finally:
        connections.close_all()


def _find_sender(scope: Message) -> Actor | Person | None:
    if scope["path"].startswith("/api/"):
        scheme, _space, secret = _header(scope, b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            return None
        return actor_by_token(secret.strip(), _header(scope, b"kicau-workspace") or None)
    key = _cookies(scope).get(settings.SESSION_COOKIE_NAME, "")
    if not key:
        return None
    request = _minimal_request(scope)
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    person = get_user(request)
    if not isinstance(person, Person):
        return None
    request.user = person
    return actor_of(request) or person


def _minimal_request(scope: Message) -> HttpRequest:
    """What Django's functions ask of a request, before there is one."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = _header(scope, b"accept-language")
    request.COOKIES.update(_cookies(scope))
    return request


def _route_name(scope: Message) -> str:
    try:
        return str(resolve(scope["path"]).route)
    except Resolver404:
        return ""


def _header(scope: Message, name: bytes) -> str:
    return str(next((value for known, value in scope["headers"] if known == name), b"").decode("latin-1"))


def _cookies(scope: Message) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(_header(scope, b"cookie")).items()}
    except CookieError:
        return {}


def _max_upload_bytes() -> int:
    return int(settings.KICAU_UPLOAD_SPACE)


def _free_upload_bytes() -> int:
    """What all uploads together may take now: the operator's setting, and never the last of the disk."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return min(_max_upload_bytes(), max(0, free - MIN_FREE_DISK_BYTES) // 2 + upload_space.used)


def _busy_rejection() -> RequestRejected:
    return RequestRejected(503, "unavailable", "The server is busy with other requests. Try again in a few seconds.")


def _format_size(size: int) -> str:
    return f"{size >> 10} KB" if size < 1 << 20 else f"{size // 1_000_000} MB"
