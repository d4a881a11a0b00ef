"""What a person names is fetched from outside only."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from kicau.connector.transport import ssrf
from kicau.connector.transport.ssrf import guarded_session, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "172.20.1.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "224.0.0.1",
        "100.64.0.1",
        "no address",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.8",
        "64:ff9b:1::808:808",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo: 127.0.0.1 behind the client's address
        "2001:0:a00:8:8000:63bf:a247:28de",  # Teredo: 10.0.0.8 as its server
        "fec0::1",
        "ff02::1",
    ],
)
def test_internal_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"]
)
def test_public_addresses_are(address):
    assert is_public(address)


@pytest.fixture
async def inside():
    async def secret(request: web.Request) -> web.Response:
        return web.Response(text="secret")

    async def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://localhost:1/"})

    app = web.Application()
    app.router.add_get("/", secret)
    app.router.add_get("/away", away)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "127.1"])
async def test_no_spelling_of_an_internal_address_is_reached(inside, host):
    async with guarded_session() as client:
        with pytest.raises((aiohttp.ClientError, OSError)):
            await client.get(f"http://{host}:{inside}/")


async def test_the_operators_own_list_is_reached_and_a_redirect_from_there_is_not_followed_inside(inside, monkeypatch):
    monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", {f"127.0.0.1:{inside}"})
    async with guarded_session() as client:
        async with client.get(f"http://127.0.0.1:{inside}/") as answer:
            assert await answer.text() == "secret"
        with pytest.raises((aiohttp.ClientError, OSError)):
            await client.get(f"http://127.0.0.1:{inside}/away")


async def test_a_connectors_client_reaches_the_operators_endpoints_and_nothing_else_inside(inside, monkeypatch):
    allowed: set[str] = set()
    async with aiohttp.ClientSession(connector=ssrf.GuardedConnector(also=allowed)) as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(f"http://127.0.0.1:{inside}/")
        allowed.add(f"127.0.0.1:{inside}")
        async with client.get(f"http://127.0.0.1:{inside}/") as answer:
            assert answer.status == 200
