"""How the web server is set up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn

from kicau.base import setting_definitions
from kicau.config.web import server_options

SENT = [(b"x-forwarded-for", b"192.0.2.1, 198.51.100.7"), (b"x-forwarded-proto", b"https")]


@pytest.mark.parametrize(
    ("proxies", "peer", "seen"),
    [
        ([], "127.0.0.1", "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1", "198.51.100.7"),
        (["172.18.0.0/16"], "172.18.0.5", "198.51.100.7"),
        (["172.18.0.0/16"], "127.0.0.1", "127.0.0.1"),
        (["127.0.0.1"], "198.51.100.9", "198.51.100.9"),
    ],
)
def test_whose_a_request_is_says_a_named_proxy_only(proxies, peer, seen):
    clients = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        clients.append(scope["client"][0])

    config = uvicorn.Config(application, **server_options(proxies))
    config.load()
    scope = {"type": "http", "headers": SENT, "client": (peer, 1), "scheme": "http"}
    asyncio.run(config.loaded_app(scope, None, None))  # type: ignore[arg-type]
    assert clients == [seen]


@pytest.mark.parametrize("value", ["*", "proxy", "10.0.0.0/99", "10.0.0.1/8"])
def test_a_proxy_is_named_by_its_address(value):
    with pytest.raises(setting_definitions.SettingError):
        setting_definitions.read_setting("KICAU_PROXIES", {"KICAU_PROXIES": value})
