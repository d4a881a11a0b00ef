"""Requests wait in queues in which kinds and senders take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from kicau.config import request_limits, request_queues


async def places_given(waiting: Sequence[tuple[str, str]], *, canceled: int | None = None) -> list[tuple[str, str]]:
    """In which order requests, each by its kind and sender, get the one place of a queue."""
    queue, order = request_queues.FairQueue(1), list[tuple[str, str]]()

    async def asks(kind: str, sender: str) -> None:
        await queue.acquire(kind, sender)
        order.append((kind, sender))
        await asyncio.sleep(0)
        queue.release()

    await queue.acquire("first", "first")
    tasks = [asyncio.create_task(asks(*request)) for request in waiting]
    await asyncio.sleep(0)
    if canceled is not None:
        tasks[canceled].cancel()
        await asyncio.sleep(0)
    queue.release()
    await asyncio.gather(*tasks, return_exceptions=True)
    await queue.acquire("last", "last")  # whose place was cancelled is lost to nobody
    return order


async def test_many_requests_of_one_sender_delay_no_other_sender():
    order = await places_given(
        [("posts", sender) for sender in ("many",) * 4 + ("one", "other", "one")],
        canceled=0,
    )
    assert [sender for _, sender in order] == ["one", "other", "many", "one", "many", "many"]


async def test_many_requests_of_one_kind_from_many_senders_delay_no_other_kind():
    uploads = [("media", f"sender {n}") for n in range(10)]
    order = await places_given([*uploads, ("posts", "one"), ("posts", "one"), ("channels", "other")])
    assert order[:5] == [uploads[0], ("posts", "one"), ("channels", "other"), uploads[1], ("posts", "one")]
    assert order[5:] == uploads[2:], "within a kind, in the order in which they came"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/drafts", "drafts"),
        ("/", ""),
        ("/nowhere/at/all", ""),
        ("/api/v1/posts", "posts"),
        ("/api/v1/posts/0190c3a0-0000-7000-8000-000000000000", "posts"),
        ("/api/v1/media/fetch", "media"),
        ("/api/v1/made-up-1", ".*$"),
        ("/api/v1/made-up-2/x", ".*$"),
    ],
)
def test_addresses_that_do_not_exist_are_one_kind(path, kind):
    assert request_limits.kind_of(path) == kind
