"""What a request may send and a reader may hold, over real HTTP to our own server."""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import RequestAborted
from django.db import connection
from django.test import Client

from kicau.api.models import IdempotentResponse
from kicau.api.root import api as mounted
from kicau.api.tests.conftest import api, caller_for, png, world
from kicau.base import outbound
from kicau.base.errors import ServerBusy
from kicau.config import request_limits, request_queues
from kicau.connector.content import Media, RenderedMedia
from kicau.connector.transport import ssrf
from kicau.media import library
from kicau.media.actions import add_medium

__all__ = ["api", "world"]
pytestmark = pytest.mark.django_db(transaction=True)
HUGE = 300_000_000
BIG = 8 << 20  # more than the system keeps between a server and a reader who reads nothing
PATHS = ("/healthz", "/sign-in", "/nowhere", "/api/v1/posts", "/witness/add-checkpoint", "/library/upload")


def others() -> int:
    """Connections to the database besides the test's own; the database itself needs a moment to notice that one ended."""
    found = 1
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            found = int(cursor.fetchone()[0])
        if not found:
            break
        time.sleep(0.01)
    return found


class Raw:
    """A connection on which only what a test says is sent and read."""

    def __init__(self, here: str) -> None:
        place = urlsplit(here)
        self.host = f"{place.hostname}:{place.port}"
        self.socket = socket.create_connection((place.hostname, place.port), timeout=20)
        self.file = self.socket.makefile("rb")

    def ask(self, method: str, path: str, body: bytes = b"", **headers: object) -> None:
        lines = {"Host": self.host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)

    def status(self) -> tuple[int, dict[str, str]]:
        """Of the answer, and its headers; its body is not read."""
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def raw(here) -> Iterator[Callable[[], Raw]]:
    with ExitStack() as stack:

        def made() -> Raw:
            one = Raw(here)
            stack.callback(one.close)
            return one

        yield made


@pytest.fixture
def cookie(owner, workspace) -> str:
    browser = Client()
    browser.force_login(owner)
    return f"kicau={browser.cookies['kicau'].value}"


@pytest.fixture
def big(actor, tmp_path) -> Any:
    """A picture of the library whose file is large."""
    (tmp_path / "a.png").write_bytes(png())
    medium = add_medium(actor, tmp_path / "a.png", "a.png")
    library.original_path(medium.ref).write_bytes(bytes(BIG))
    type(medium).objects.filter(id=medium.id).update(size=BIG)
    return medium


# What is held while somebody reads slowly, or while a server outside is slow


def streams(big, actor, cookie) -> dict[str, dict[str, str]]:
    token = f"Bearer {caller_for(actor).secret}"
    ticket = library.public_url(RenderedMedia(media=Media(ref=big.ref, kind="image", mime=big.mime, size=BIG)))
    return {
        f"/library/originals/{big.sha256}": {"Cookie": cookie},
        f"/api/v1/media/{big.id}/file": {"Authorization": token},
        urlsplit(ticket).path: {},
    }


def test_a_slow_reader_keeps_no_connection_to_the_database(raw, big, actor, cookie):
    for path, headers in streams(big, actor, cookie).items():
        for _ in range(3):
            reader = raw()
            reader.ask("GET", path, **headers)
            assert reader.status()[0] == 200
        assert others() == 0, path


def test_an_export_that_is_made_while_it_is_read_comes_whole(here, raw, actor, world):
    reader = raw()
    reader.ask(
        "GET", "/api/v1/archive/export/zip", Authorization=f"Bearer {caller_for(actor).secret}", Connection="close"
    )
    status, headers = reader.status()
    assert (status, others()) == (200, 0)
    body = unchunked(reader.file) if headers.get("transfer-encoding") == "chunked" else reader.file.read()
    assert {"items.jsonl", "statements.jsonl", "sources.json"} <= set(zipfile.ZipFile(BytesIO(body)).namelist())


def unchunked(file: Any) -> bytes:
    parts = []
    while size := int(file.readline(), 16):
        parts.append(file.read(size))
        file.readline()
    return b"".join(parts)


@contextmanager
def slow_server() -> Iterator[tuple[str, threading.Semaphore, threading.Event]]:
    """An address that answers when it is let; each request that it gets is counted."""
    asked, answer = threading.Semaphore(0), threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.release()
            answer.wait(30)
            self.send_response(404)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"127.0.0.1:{server.server_port}"
    ssrf.ALLOWED_HOSTS.add(place)
    try:
        yield f"http://{place}/x", asked, answer
    finally:
        answer.set()
        ssrf.ALLOWED_HOSTS.discard(place)
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("keyed", [False, True], ids=["", "with an Idempotency-Key"])
def test_a_slow_server_outside_keeps_no_connection_and_has_few_of_our_requests(raw, actor, keyed):
    secret = caller_for(actor).secret
    with slow_server() as (url, asked, answer):
        readers = []
        for path in ("/api/v1/media/fetch", "/api/v1/media/link-preview", "/api/v1/rights/declarations/read"):
            readers.append(raw())
            post(readers[-1], path, {"url": url}, secret, **({"Idempotency_Key": path} if keyed else {}))
            assert asked.acquire(timeout=20), path
        assert others() == 0
        one_more = raw()
        post(one_more, "/api/v1/media/fetch", {"url": url}, secret)
        status, headers = one_more.status()
        assert (status, "retry-after" in headers) == (503, True)
        if keyed:
            again = raw()
            post(again, "/api/v1/media/fetch", {"url": url}, secret, Idempotency_Key="/api/v1/media/fetch")
            assert again.status()[0] == 409
            assert IdempotentResponse.objects.filter(status=0).count() == 3
        answer.set()
        assert [reader.status()[0] for reader in readers] == [422, 200, 422]
    assert IdempotentResponse.objects.filter(status=0).count() == 0


def test_what_waits_for_a_server_outside_takes_no_place_from_other_requests(raw, actor, monkeypatch):
    monkeypatch.setattr(request_limits, "api_queue", request_queues.RequestQueue(1))
    secret = caller_for(actor).secret
    with slow_server() as (url, asked, answer):
        waiting = [raw(), raw()]
        for reader in waiting:
            post(reader, "/api/v1/media/fetch", {"url": url}, secret)
            assert asked.acquire(timeout=20)
        for _ in range(3):  # nor is a place given back that was not taken
            asking = raw()
            asking.ask("GET", "/api/v1/me", Authorization=f"Bearer {secret}")
            assert asking.status()[0] == 200
        answer.set()
        assert [reader.status()[0] for reader in waiting] == [422, 422]
    queue = next(iter(request_limits.api_queue._queues.values()))
    assert (queue._free, len(queue._waiting)) == (1, 0)


def post(reader: Raw, path: str, body: object, secret: str, **headers: object) -> None:
    data = json.dumps(body).encode()
    reader.ask(
        "POST",
        path,
        data,
        Authorization=f"Bearer {secret}",
        Content_Type="application/json",
        Content_Length=len(data),
        **headers,
    )


def test_one_person_has_a_share_of_what_waits_outside_and_a_lane_has_an_end():
    lane = outbound.RequestSlots(most=3, each=2)
    with lane.place("a"), lane.place("a"):
        with pytest.raises(ServerBusy), lane.place("a"):
            pass
        with lane.place("b"), pytest.raises(ServerBusy), lane.place("c"):
            pass
    with lane.place("a"):
        pass


def test_who_takes_nothing_of_an_answer_is_cut_off(monkeypatch):
    monkeypatch.setattr(request_limits, "RESPONSE_PIECE_TIMEOUT_SECONDS", 0.01)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}

    class Transport:
        aborted = False

        def abort(self) -> None:
            self.aborted = True

    class Cycle:
        transport = Transport()

        async def send(self, message: dict[str, Any]) -> None:
            await asyncio.Event().wait()

    async def go() -> None:
        cycle = Cycle()
        with request_limits.RequestThread() as thread:
            limits = request_limits.RequestLimits(scope, cycle.send, cycle.send, thread)
            with pytest.raises(RequestAborted):
                await limits.send({"type": "http.response.body", "body": b"x", "more_body": True})
        assert cycle.transport.aborted

    asyncio.run(go())


# What may be sent


@pytest.mark.parametrize("path", PATHS)
def test_a_large_body_from_nobody_is_refused_before_a_byte_of_it_is_read(raw, owner, path):
    sender = raw()
    sender.ask("POST", path, Content_Length=HUGE)
    status, headers = sender.status()
    assert status == (401 if path.startswith("/api/") else 413)
    assert headers["connection"] == "close"


@pytest.mark.parametrize("path", PATHS)
def test_a_body_without_a_length_is_read_to_the_limit_and_no_further(raw, owner, path):
    sender = raw()
    sender.ask("POST", path, Transfer_Encoding="chunked", Cookie="kicau=abc", Authorization="Bearer kicau_x")
    piece = bytes(1 << 14)
    for _ in range(request_limits.MAX_ANONYMOUS_BYTES // len(piece)):
        sender.socket.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
    sender.socket.sendall(b"1\r\nx\r\n")
    assert sender.status()[0] == (401 if path.startswith("/api/") else 413)


@pytest.mark.parametrize("path", PATHS)
def test_a_body_without_a_length_and_without_credentials_is_refused_before_it_is_read(raw, owner, path):
    sender = raw()
    sender.ask("POST", path, Transfer_Encoding="chunked")
    status, headers = sender.status()
    assert status == (401 if path.startswith("/api/") else 411)
    assert headers["connection"] == "close"


def test_what_strangers_send_never_reaches_the_application(raw, owner, monkeypatch):
    class Reached:
        def __init__(self, *args: Any) -> None:
            raise AssertionError("the application was asked")

    monkeypatch.setattr(request_limits, "RequestLimits", Reached)
    for headers in ({"Content_Length": HUGE}, {"Transfer_Encoding": "chunked"}, {"content_LENGTH": f" {HUGE}"}):
        for path in PATHS:
            sender = raw()
            sender.ask("POST", path, **headers)
            assert sender.status()[0] in (401, 411, 413), (path, headers)


@pytest.mark.parametrize(
    "head",
    [
        b"POST /library/upload HTTP/1.1\r\nContent-Length: 300000000\r\nCookie: a=b; kicau=c\r\n\r\n",
        b"POST /api/v1/media HTTP/1.1\r\nContent-Length: 300000000\r\nAuthorization: Bearer x\r\n\r\n",
        b"POST /%61pi/v1/media HTTP/1.1\r\nContent-Length: 300000000\r\nAuthorization: Bearer x\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\nContent-Length: 60\r\n\r\nx\r\nContent-Length: 300000000\r\n",
        b"POST /sign-in HTTP/1.1\r\nContent-Length: 3000000",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_nothing_is_refused_at_once_that_might_be_somebody_s(head):
    assert request_limits.reject_by_head(head) is None


def test_a_made_up_session_or_token_is_nobody_s(raw, owner):
    for headers in ({"Cookie": "kicau=abc"}, {"Cookie": "kicau=\x00;;="}, {"Authorization": "Bearer kicau_x"}):
        for path in ("/library/upload", "/api/v1/media"):
            sender = raw()
            sender.ask("POST", path, Content_Length=HUGE, **headers)
            assert sender.status()[0] in (400, 401, 413)


def test_large_bodies_are_taken_at_upload_addresses_only_and_from_those_who_may(raw, actor, member, cookie):
    writes, reads = f"Bearer {caller_for(actor).secret}", f"Bearer {caller_for(member('viewer'), 'read').secret}"
    expected = [
        ("/library/upload", {"Cookie": cookie}, 100),
        ("/archive/imports/start", {"Cookie": cookie}, 100),
        ("/drafts", {"Cookie": cookie}, 413),
        ("/api/v1/media", {"Authorization": writes}, 100),
        ("/api/v1/posts", {"Authorization": writes}, 413),
        ("/api/v1/media", {"Authorization": reads}, 413),
        ("/api/v1/media", {"Cookie": cookie}, 401),
        ("/library/upload", {"Authorization": writes}, 413),
    ]
    for path, headers, status in expected:
        sender = raw()
        sender.ask("POST", path, Content_Length=HUGE, Expect="100-continue", **headers)
        assert sender.status()[0] == status, (path, headers)


def test_a_json_body_above_the_anonymous_limit_is_taken_with_a_token(api, here, raw, actor):
    text = "a" * (request_limits.MAX_ANONYMOUS_BYTES + 10)
    sender = raw()
    post(sender, "/api/v1/desk/texts", {"kind": "template", "name": "x", "text": text}, api.secret)
    assert sender.status()[0] not in (401, 413)


def test_uploads_together_take_a_limited_space_and_give_it_back(raw, cookie, settings):
    settings.KICAU_UPLOAD_SPACE = 2 * HUGE - 1
    first, second = raw(), raw()
    first.ask("POST", "/library/upload", Content_Length=HUGE, Expect="100-continue", Cookie=cookie)
    assert first.status()[0] == 100
    second.ask("POST", "/library/upload", Content_Length=HUGE, Expect="100-continue", Cookie=cookie)
    status, headers = second.status()
    assert (status, "retry-after" in headers) == (503, True)
    first.close()
    for _ in range(1000):  # the server notices that the first has gone
        if not request_limits.upload_space.used:
            break
        time.sleep(0.01)
    third = raw()
    third.ask("POST", "/library/upload", Content_Length=HUGE, Expect="100-continue", Cookie=cookie)
    assert third.status()[0] == 100


def test_small_bodies_are_taken_while_others_send_as_much_as_anybody_may(raw, owner, monkeypatch):
    monkeypatch.setattr(request_limits, "MAX_ANONYMOUS_TOTAL_BYTES", 0)
    large, small = raw(), raw()
    large.ask("POST", "/healthz", bytes(10_000), Content_Length=10_000)
    assert large.status()[0] == 503
    small.ask("POST", "/nowhere", bytes(1000), Content_Length=1000)
    assert small.status()[0] in (403, 404)


def test_a_body_that_never_comes_is_waited_for_no_longer_than_its_time(raw, owner, monkeypatch):
    monkeypatch.setattr(request_limits, "GRACE_SECONDS", 0.05)
    sender = raw()
    sender.ask("POST", "/sign-in", Content_Length=1000)
    assert sender.status()[0] == 408
    assert (request_limits.anonymous_space.used, request_limits.upload_space.used) == (0, 0)


@pytest.mark.parametrize(("language", "word"), [("en", "too large"), ("id", "terlalu besar")])
def test_a_person_reads_why_in_their_language(raw, cookie, language, word):
    sender = raw()
    sender.ask("POST", "/drafts", Content_Length=HUGE, Cookie=cookie, Accept_Language=language)
    headers = sender.status()[1]
    assert word in sender.file.read(int(headers["content-length"])).decode()


def test_no_body_is_left_on_the_disk(raw, owner, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    test_a_body_without_a_length_is_read_to_the_limit_and_no_further(raw, owner, "/sign-in")
    assert list(tmp_path.iterdir()) == []


def test_every_address_that_takes_files_has_a_limit():
    """A view that reads files, or an endpoint that has one among its parameters."""
    taking = set()
    for router in mounted._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                if any(getattr(m, "__ninja_param_source__", "") == "file" for m in operation.models):
                    taking.add(f"api/v1{path}")
    assert taking == {route for route in request_limits.UPLOADS if route.startswith("api/")}
    routes = {str(pattern.pattern) for pattern in import_module("kicau.web.urls").urlpatterns}
    pages = {route for route in request_limits.UPLOADS if not route.startswith("api/")}
    assert pages <= routes
    small = {"dataset-audits/canaries/<uuid:canary_id>/test"}  # a table of scores is smaller than any body may be
    reading = {
        str(pattern.pattern)
        for pattern in import_module("kicau.web.urls").urlpatterns
        if any("request.FILES" in inspect.getsource(one) for one in functions_of(pattern.callback))
    }
    assert reading <= pages | small
    assert len(reading) >= 6


def functions_of(view: Any, depth: int = 3) -> Iterator[Any]:
    """A view's function, and those of its module that it calls."""
    while hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    if hasattr(view, "__code__"):
        yield view
        inner = [view.__globals__.get(name) for name in view.__code__.co_names] if depth else []
        for one in inner:
            if getattr(one, "__module__", None) == view.__module__:
                yield from functions_of(one, depth - 1)


def test_an_endpoint_that_waits_outside_says_so():
    """Else a request with an Idempotency-Key would wait with a transaction open."""
    for router in mounted._get_bound_routers():
        for view in router.path_operations.values():
            for operation in view.operations:
                waits = any("outbound" in one.__code__.co_names for one in functions_of(operation.view_func))
                assert waits == hasattr(operation.view_func, "asks_outside"), operation.view_func


def test_many_visitors_delay_nobody_who_is_signed_in(raw, actor, cookie, monkeypatch):
    entered, go = threading.Semaphore(0), threading.Event()

    def blocks() -> bool:
        entered.release()
        go.wait(30)
        return False

    monkeypatch.setattr("kicau.web.account.sign_in.actions.has_no_people", blocks)
    visitors = [raw() for _ in range(7)]
    for visitor in visitors:
        visitor.ask("GET", "/sign-in")
    for _ in range(4):
        assert entered.acquire(timeout=20)
    token = f"Bearer {caller_for(actor).secret}"
    for path, headers in (("/drafts", {"Cookie": cookie}), ("/api/v1/me", {"Authorization": token}), ("/readyz", {})):
        asking = raw()
        asking.ask("GET", path, **headers)
        assert asking.status()[0] == 200, path
    assert not entered.acquire(blocking=False), "four are worked on at once"
    go.set()
    assert [visitor.status()[0] for visitor in visitors] == [200] * 7
