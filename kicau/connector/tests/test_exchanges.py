"""What is sent and how answers are read, against a server that writes each byte itself."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import aiohttp
import pytest

from kicau.connector import errors
from kicau.connector.transport import expect_continue, ssrf
from kicau.connector.transport.http import MAX_RESPONSE_BYTES, HttpClient, without_automatic_retry


class Server:
    """Answers each request with `answer`, byte by byte as given, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer, self.asked, self.connections, self.then_close = b"", list[bytes](), 0, False
        self.answer_to_who_asked: bytes | None = None
        self.go_on: bytes | None = b"HTTP/1.1 100 Continue\r\n\r\n"  # to who waits for it; None: leaves it alone
        self.looked_for = asyncio.Event()  # by a HEAD
        self.waits_for_look = False  # before it says go on
        self.url, self.hang_up = "", lambda: None

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.hang_up = writer.transport.abort
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                told = {name: value for name, _, value in _fields(head)}
                if head.startswith(b"HEAD "):
                    self.looked_for.set()
                    await asyncio.sleep(0.05)
                if "expect" in told and self.go_on is not None:
                    if self.waits_for_look:
                        await self.looked_for.wait()
                    writer.write(self.go_on)
                length = int(told.get("content-length", 0))
                self.asked.append(head + await reader.readexactly(length))
                answer = self.answer_to_who_asked if "expect" in told and self.answer_to_who_asked else self.answer
                is_head = head.startswith(b"HEAD ")
                writer.write(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if is_head else answer)
                await writer.drain()
                if self.then_close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _fields(head: bytes) -> list[tuple[str, str, str]]:
    parts = (line.partition(": ") for line in head.decode().split("\r\n")[1:] if line)
    return [(name.lower(), colon, value) for name, colon, value in parts]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    listening = await asyncio.start_server(one.talk, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield one
    listening.close()


@pytest.fixture
async def door() -> AsyncIterator[HttpClient]:
    async with aiohttp.ClientSession(headers={"User-Agent": "Kicau/test"}) as client:
        yield HttpClient(client)


LARGE = 64 << 10
WHOLE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"a": 1}'
PACKED = gzip.compress(b'{"a": 1}')


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n5\r\n": 1}\r\n0\r\n\r\n',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(PACKED), PACKED),
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + WHOLE,
    ],
    ids=["whole", "in chunks", "packed", "after hints"],
)
async def test_each_form_of_answer_is_read_whole_and_the_connection_used_again(server, door, answer):
    server.answer = answer
    for _ in range(3):
        assert (await door.call("GET", server.url + "/x")).json() == {"a": 1}
    assert server.connections == 1


async def test_an_answer_that_ends_with_its_connection_is_read_to_its_end(server, door):
    server.answer, server.then_close = b'HTTP/1.1 200 OK\r\n\r\n{"a": 1}', True
    assert (await door.call("GET", server.url + "/x")).json() == {"a": 1}
    assert (await door.call("GET", server.url + "/x")).json() == {"a": 1}
    assert server.connections == 2


async def test_who_closes_is_not_asked_on_the_same_connection_again(server, door):
    server.answer = WHOLE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    await door.call("GET", server.url + "/x")
    await door.call("GET", server.url + "/x")
    assert server.connections == 2


async def test_what_is_sent_is_what_a_session_would_send(server, door):
    server.answer = WHOLE
    sent = {"Authorization": "Bearer s3"}
    await door.call("POST", server.url + "/a%2Fb?x=1", headers=sent, json={"text": "halo 🐦"}, repeatable=True)
    await door.call("POST", server.url + "/f", form={"status": "a b&c", "id": "1"}, params={"q": "ü"}, repeatable=True)
    await door.call("POST", server.url + "/empty", repeatable=True)
    await door.call("GET", server.url)
    first, form, empty, get = server.asked
    assert first.startswith(b"POST /a%2Fb?x=1 HTTP/1.1\r\n")
    assert first.endswith(b'\r\n\r\n{"text": "halo \\ud83d\\udc26"}')
    told = {name: value for name, _, value in _fields(first.partition(b"\r\n\r\n")[0])}
    assert told["host"] == server.url.removeprefix("http://")
    assert (told["authorization"], told["user-agent"]) == ("Bearer s3", "Kicau/test")
    assert (told["content-type"], told["content-length"]) == ("application/json", "29")
    assert form.startswith(b"POST /f?q=%C3%BC HTTP/1.1\r\n")
    assert b"content-type: application/x-www-form-urlencoded\r\n" in form.lower()
    assert form.endswith(b"\r\n\r\nstatus=a+b%26c&id=1")
    assert b"content-length: 0\r\n" in empty.lower()
    assert get.startswith(b"GET / HTTP/1.1\r\n")
    assert b"content-length" not in get.lower()


@pytest.mark.parametrize("said", ["a\r\nX-Role: owner", "a\nb", "a\x00b"])
async def test_a_header_cannot_carry_another(server, door, said):
    with pytest.raises(ValueError, match="in headers") as caught:
        await door.call("GET", server.url, headers={"Authorization": said})
    assert said not in str(caught.value)
    assert server.asked == []


@pytest.mark.parametrize("url", ["", "halo", "ftp://example.org/x", "http://", "http://[::1/x", "http://a:99999/"])
async def test_what_is_no_web_address_was_never_sent(door, url):
    with pytest.raises(errors.Unavailable):
        await door.call("POST", url)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", 0),
        (b"HTTP/1.1 200 OK\r\nContent-Le", 0),
        (b"220 smtp.example.org ESMTP\r\n", 0),
        (WHOLE[:-3], 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0),
    ],
    ids=["nothing", "half a head", "another protocol", "half a body", "no chunk"],
)
async def test_a_broken_answer_is_a_lost_one(server, door, answer, status):
    server.answer, server.then_close = answer, True
    with pytest.raises(errors.Uncertain):
        await door.call("POST", server.url + "/x")
    assert (door.calls[0].lost, door.calls[0].status) == (True, status)


async def test_an_answer_without_an_end_is_left_and_its_connection_with_it(server, door):
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * (MAX_RESPONSE_BYTES + (1 << 20))
    reply = await door.call("GET", server.url)
    assert MAX_RESPONSE_BYTES < len(reply.body) <= 2 * MAX_RESPONSE_BYTES + 1
    server.answer = WHOLE
    assert (await door.call("GET", server.url)).json() == {"a": 1}
    assert server.connections == 2


async def test_a_request_that_was_given_up_leaves_no_answer_to_the_next(server, door):
    server.answer = b""
    with pytest.raises(errors.Unavailable):
        await door.call("GET", server.url, timeout=0.2)
    server.answer = WHOLE
    assert (await door.call("GET", server.url)).json() == {"a": 1}
    assert server.connections == 2


@pytest.mark.parametrize("url", ["", "halo", "http://"])
async def test_what_is_no_web_address_asks_nobody(careful, url):
    door, noted = careful
    with pytest.raises(errors.Unavailable):
        await door.call("POST", url, json={"a": 1})
    assert noted == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_what_broke_on_a_kept_connection_is_not_sent_again(server, method):
    async with aiohttp.ClientSession(middlewares=(without_automatic_retry,)) as client:
        door, server.answer = HttpClient(client), WHOLE
        await door.call("GET", server.url)
        server.answer, server.then_close = b"", True
        with pytest.raises((errors.Unavailable, errors.Uncertain)):
            await door.call(method, server.url)
    assert (len(server.asked), server.connections) == (2, 1)
    assert door.calls[1].lost


@pytest.mark.parametrize("size", [LARGE, LARGE + 1])
async def test_a_body_of_any_size_arrives(server, door, size):
    server.answer = WHOLE
    await door.call("POST", server.url, body=b"x" * size, repeatable=True)
    assert server.asked[0].endswith(b"\r\n\r\n" + b"x" * size)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_what_is_inside_stays_out_of_reach(server, monkeypatch, host):
    monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", set())
    async with aiohttp.ClientSession(connector=ssrf.GuardedConnector()) as client:
        with pytest.raises(errors.Unavailable):
            await HttpClient(client).call("GET", server.url.replace("127.0.0.1", host))
    assert server.connections == 0


# Where nothing may leave that could be in doubt


@pytest.fixture
async def careful(door) -> tuple[HttpClient, list[str]]:
    """A door that notes before it sends what counts, and what it noted."""
    noted: list[str] = []

    async def note() -> None:
        noted.append("leaves")

    door.before_it_counts = note
    return door, noted


async def test_what_counts_leaves_when_the_server_says_that_it_takes_it(server, careful):
    door, noted = careful
    server.answer = WHOLE
    for _ in range(2):
        assert (await door.call("POST", server.url, json={"a": 1})).json() == {"a": 1}
    assert [b"expect: 100-continue" in asked.lower() and asked.endswith(b'{"a": 1}') for asked in server.asked] == [
        True
    ] * 2
    assert (noted, server.connections) == (["leaves"] * 2, 1)
    await door.call("POST", server.url, json={"a": 1}, repeatable=True)
    await door.call("POST", server.url)  # without a body there is nothing to wait with
    assert not any(b"expect" in asked.lower() for asked in server.asked[2:])
    assert noted == ["leaves"] * 3


@pytest.mark.parametrize("is_known", [False, True])
async def test_where_a_line_stands_still_nothing_that_counts_is_sent(server, careful, monkeypatch, is_known):
    door, noted = careful
    if is_known:  # with the usual patience: a busy machine may take a while to say "go on"
        server.answer = WHOLE
        await door.call("POST", server.url, json={"a": 1})
        noted.clear()
    monkeypatch.setattr(expect_continue, "FIRST_CONTINUE_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(expect_continue, "CONTINUE_TIMEOUT_SECONDS", 0.2)
    server.go_on, server.answer = None, b""
    with pytest.raises(errors.Unavailable):
        await door.call("POST", server.url, json={"a": 1})
    last = door.calls[-1]
    assert (last.status, last.lost, last.repeatable, last.refused) == (0, False, True, True)
    assert noted == []


async def test_a_server_that_leaves_it_alone_is_waited_for_once(server, careful, monkeypatch):
    monkeypatch.setattr(expect_continue, "FIRST_CONTINUE_TIMEOUT_SECONDS", 0.05)
    door, noted = careful
    server.answer, server.go_on = WHOLE, None
    for _ in range(2):
        assert (await door.call("POST", server.url, json={"a": 1})).json() == {"a": 1}
    assert noted == ["leaves"] * 2
    assert [asked.split()[0] for asked in server.asked] == [b"HEAD", b"POST", b"POST"]
    assert not any(
        b"expect" in asked.lower() for asked in server.asked
    )  # the one that was carries no body, and no weight


async def test_a_go_on_that_comes_too_late_sends_nothing(server, careful, monkeypatch):
    """It arrives while the server is asked whether it is there; the request then goes out once, without asking."""
    monkeypatch.setattr(expect_continue, "FIRST_CONTINUE_TIMEOUT_SECONDS", 0.05)
    door, noted = careful
    server.answer, server.waits_for_look = WHOLE, True
    assert (await door.call("POST", server.url, json={"a": 1})).json() == {"a": 1}
    await asyncio.sleep(0)
    assert [asked.split()[0] for asked in server.asked] == [b"HEAD", b"POST"]
    assert noted == ["leaves"]


@pytest.mark.parametrize("is_heard", [False, True], ids=["at once", "after it said go on"])
@pytest.mark.parametrize("status", [405, 417])
async def test_one_that_takes_it_ill_gets_it_without(server, careful, status, is_heard):
    door, noted = careful
    refusal = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status
    server.answer = WHOLE
    if is_heard:
        server.answer_to_who_asked = refusal
    else:
        server.go_on = refusal
    for _ in range(2):
        assert (await door.call("POST", server.url, json={"a": 1})).json() == {"a": 1}
    assert [b"expect" in asked.lower() for asked in server.asked] == [True] * is_heard + [False] * 2
    assert len(noted) == 2 + is_heard


@pytest.mark.parametrize(("status", "error"), [(401, errors.AuthExpired), (503, errors.Unavailable)])
async def test_an_answer_in_its_place_is_no_doubt(server, careful, status, error):
    door, noted = careful
    server.answer = WHOLE
    await door.call("POST", server.url, json={"a": 1})
    server.go_on = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status
    with pytest.raises(error):
        await door.call("POST", server.url, json={"a": 1})
    assert (noted, door.calls[1].status, door.calls[1].lost) == (["leaves"], status, False)
    server.go_on = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    assert (await door.call("POST", server.url, json={"a": 1})).ok
    assert server.connections == 2


async def test_what_answers_with_another_protocol_once_is_not_trusted_for_long(server, careful):
    door, noted = careful
    server.answer = WHOLE
    await door.call("POST", server.url, json={"a": 1})
    server.go_on = b"HTTP/1.1 100 Continue\rX\n\r\n"
    with pytest.raises(errors.Unavailable):
        await door.call("POST", server.url, json={"a": 1})
    assert (await door.call("POST", server.url, json={"a": 1})).ok  # it is there, so it is not asked
    assert noted == ["leaves"] * 2


async def test_a_line_that_breaks_just_before_the_body_leaves_no_doubt(server, careful):
    door, noted = careful
    server.answer, note = WHOLE, door.before_it_counts

    async def break_it() -> None:
        await note()
        server.hang_up()
        await asyncio.sleep(0.05)

    door.before_it_counts = break_it
    with pytest.raises(errors.Unavailable):
        await door.call("POST", server.url, json={"a": 1})
    assert (noted, server.asked, door.calls[0].lost) == (["leaves"], [], False)


async def test_what_may_not_leave_does_not(server, careful):
    door, _ = careful

    async def refuse() -> None:
        raise errors.Unavailable("not now")

    door.before_it_counts = refuse
    server.answer = WHOLE
    for body in ({"a": 1}, None):
        with pytest.raises(errors.Unavailable, match="not now"):
            await door.call("POST", server.url, json=body)
    with pytest.raises(errors.Unavailable, match="not now"):
        await door.call("POST", server.url, body=b"x" * (LARGE + 1))
    assert server.asked == []
    assert not any(call.lost for call in door.calls)
