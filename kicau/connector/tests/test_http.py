"""The door to the outside: paid before it opens, and with one way to fail."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from kicau.connector import clock, errors
from kicau.connector.content import Charge
from kicau.connector.transport.http import (
    HttpClient,
    HttpResponse,
    classify_error,
    is_from_proxy,
    retry_after,
)


@pytest.fixture
async def server():
    """A server that answers as its path says."""

    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/slow":
                await asyncio.sleep(5)
            case "/cut":
                request.transport.abort()
            case "/html":
                return web.Response(text="<html>", content_type="text/html")
            case path:
                return web.json_response(
                    {"seen": await request.text()}, status=int(path[1:]), headers={"Retry-After": "7"}
                )
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{any}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def door():
    async with aiohttp.ClientSession() as client:
        yield HttpClient(client)


async def test_a_good_answer_comes_back_and_is_noted_without_its_query(door, server):
    reply = await door.call("GET", server + "/200", params={"access_token": "secret"}, charge=Charge("read"))
    assert reply.json() == {"seen": ""}
    call = door.calls[0]
    assert (call.method, call.path, call.status, call.charge) == ("GET", "/200", 200, Charge("read"))
    assert "secret" not in repr(call)


@pytest.mark.parametrize(
    ("path", "repeatable", "error"),
    [
        ("/401", False, errors.AuthExpired),
        ("/429", False, errors.RateLimited),
        ("/400", False, errors.Rejected),
        ("/503", True, errors.Unavailable),
        ("/503", False, errors.Uncertain),
        ("/cut", True, errors.Unavailable),
        ("/cut", False, errors.Uncertain),
        ("/slow", True, errors.Unavailable),
        ("/slow", False, errors.Uncertain),
    ],
)
async def test_each_failure_has_its_name(door, server, path, repeatable, error):
    with pytest.raises(error):
        await door.call("POST", server + path, repeatable=repeatable, timeout=0.3)


async def test_a_get_is_repeatable_and_a_post_is_not_unless_said(door, server):
    with pytest.raises(errors.Unavailable):
        await door.call("GET", server + "/cut")
    with pytest.raises(errors.Uncertain):
        await door.call("POST", server + "/cut")


async def test_what_was_never_reached_is_unavailable_whatever_it_was(door):
    with pytest.raises(errors.Unavailable):
        await door.call("POST", "http://127.0.0.1:9/", repeatable=False)


@pytest.mark.parametrize(("repeatable", "error"), [(True, errors.Unavailable), (False, errors.Uncertain)])
async def test_a_success_that_cannot_be_read_is_a_lost_answer(door, server, repeatable, error):
    reply = await door.call("POST", server + "/html", repeatable=repeatable)
    with pytest.raises(error):
        reply.json()


async def test_the_budget_is_asked_before_the_socket_opens(door, server):
    def refuse(charge: Charge) -> None:
        raise errors.PlanExceeded(charge.meter)

    door.spend = refuse
    with pytest.raises(errors.PlanExceeded):
        await door.call("GET", server + "/200", charge=Charge("post"))
    assert door.calls == []


def test_a_limit_says_until_when():
    with clock.freeze_clock(clock.now()):
        told = classify_error(HttpResponse(429, {"retry-after": "120"}, b""))
        assert isinstance(told, errors.RateLimited)
        assert told.until == clock.now() + timedelta(seconds=120)


@pytest.mark.parametrize("value", ["", "soon", "-5", "9" * 400, "Wed, 99 Foo 2026"])
def test_an_unreadable_wait_is_no_wait(value):
    found = retry_after(HttpResponse(429, {"retry-after": value}, b""))
    assert found is None or found - datetime.now(UTC) <= timedelta(days=7)


def test_an_http_date_is_read():
    assert retry_after(HttpResponse(429, {"retry-after": "Tue, 24 Nov 2026 10:00:00 GMT"}, b"")) == datetime(
        2026, 11, 24, 10, tzinfo=UTC
    )


def test_what_no_database_keeps_does_not_come_in():
    reply = HttpResponse(500, {}, b'{"said": ["half \\ud83d", "whole \\ud83d\\ude00", "nul \\u0000"], "\\u0000": 1}')
    assert reply.json() == reply.peek() == {"said": ["half \ufffd", "whole \U0001f600", "nul \ufffd"], "\ufffd": 1}
    assert HttpResponse(502, {}, b"\x00<html>\xff").text == "\ufffd<html>\ufffd"
    assert HttpResponse(200, {}, b"[NaN, -Infinity, 1e999, 1.5, 2]").json() == [None, None, None, 1.5, 2]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a": "\xff"}', b"", b"\x00"])
def test_no_answer_is_a_fault_of_ours(body):
    with pytest.raises(errors.Uncertain):
        HttpResponse(200, {}, body, repeatable=False).json()
    assert HttpResponse(200, {}, body).peek() == {}


@pytest.mark.parametrize("body", [b"<html>Bad gateway", b'{"error": "RecordNotF'])
def test_a_page_from_in_between_is_no_refusal(body):
    assert isinstance(is_from_proxy(HttpResponse(403, {}, body, repeatable=True)), errors.Unavailable)
    assert isinstance(is_from_proxy(HttpResponse(403, {}, body, repeatable=False)), errors.Uncertain)
    assert is_from_proxy(HttpResponse(401, {}, body)) is None


@pytest.mark.parametrize("body", [b'{"error": "NotAllowed"}', b"[]", b"", b" "])
def test_what_may_be_the_networks_own_refusal_is_left_to_its_reading(body):
    assert is_from_proxy(HttpResponse(403, {}, body)) is None
