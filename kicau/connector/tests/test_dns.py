"""Name servers that hang hold up nobody else: neither other hosts' look-ups nor what the loop's own threads do."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter

import pytest

from kicau.connector.transport import dns
from kicau.connector.transport.ssrf import GuardedResolver, InternalAddress

PUBLIC = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))


async def test_hosts_that_hang_delay_no_other_host_and_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, asked = threading.Event(), Counter[str]()

    def resolver(host: str, *how: object, **more: object) -> list[tuple[object, ...]]:
        asked[host] += 1
        if host.startswith("hangs"):
            answers.wait()
        return [PUBLIC]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    hanging = [f"hangs-{n}.example" for n in range(dns.MAX_PARALLEL_LOOKUPS - 2)]
    # Several clients, as webhooks and networks have them, and several requests of each.
    waiting = [asyncio.create_task(GuardedResolver().resolve(host, 443)) for host in hanging for _ in range(5)]
    try:
        async with asyncio.timeout(20):
            while len(asked) < len(hanging):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            (found,) = await GuardedResolver().resolve("answers.example", 443)
            assert (found["host"], found["port"]) == ("93.184.215.14", 443)
            await asyncio.gather(*(asyncio.to_thread(str) for _ in range(20)))
        assert set(asked.values()) == {1}, "a host that hangs is asked for once"
        waiting[0].cancel()  # one request gives up; the others of its host still get the answer
    finally:
        answers.set()
    got = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(got[0], asyncio.CancelledError)
    assert all(isinstance(one, list) for one in got[1:])
    await GuardedResolver().resolve(hanging[0], 443)
    assert asked[hanging[0]] == 2, "what was answered is asked again the next time"


async def test_what_the_system_says_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    (found, *_) = await dns.ThreadedResolver().resolve("localhost", 80, socket.AF_INET)
    assert (found["hostname"], found["host"], found["port"]) == ("localhost", "127.0.0.1", 80)
    with pytest.raises(InternalAddress):
        await GuardedResolver().resolve("localhost", 80)
    with pytest.raises(OSError, match="is no host's name"):
        await GuardedResolver().resolve("a" * 300 + ".example", 80)

    def nobody(*how: object, **more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(OSError, match="not known"):
        await GuardedResolver().resolve("nobody.example", 80)
