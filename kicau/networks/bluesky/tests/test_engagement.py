"""Answers and numbers where the contract's suite does not look: why one is told, servers alone, what is left unseen."""

from __future__ import annotations

import pytest
import pytest_asyncio

from kicau.connector.content import Draft, Part
from kicau.connector.contract import ContractSession, run_to_end, select_identity, sign_in_at_sandbox
from kicau.connector.errors import AuthExpired, Rejected
from kicau.networks.bluesky import wire
from kicau.networks.bluesky.connector import connector
from kicau.networks.bluesky.engagement import METRICS_BATCH_SIZE
from kicau.networks.bluesky.tests.cast import KABAR, KOPI
from kicau.networks.bluesky.tests.conftest import lent
from kicau.networks.bluesky.tests.test_publish import delivery

LIST = "app.bsky.notification.listNotifications"


@pytest_asyncio.fixture
async def kabar(box, http):
    session = lent(box, http)
    return select_identity(
        session, (await sign_in_at_sandbox(connector, session, {"handle": "kabarpagi.test"}, KABAR))[0]
    )


async def said(session: ContractSession, text: str, **more: object) -> str:
    made = delivery(session, Draft(parts=(Part(text=text),), **more))  # type: ignore[arg-type]
    return (await run_to_end(connector, session, made)).ids[0]


async def test_each_reason_tells_what_it_answers(box, kopi, kabar):
    post = await said(kopi, "Buka jam berapa?")
    mention = await said(kabar, "Halo @kopisenja.test")
    reply = await said(kabar, "Jam tujuh", reply_to=post)
    quote = await said(kabar, "Lihat ini", options={"quote": post})
    await said(kabar, "Tidak untuk siapa pun")
    got = await connector.answers(kopi, "")
    assert [(one.id, one.answers, one.raw["reason"]) for one in got.items] == [
        (mention, "", "mention"),
        (reply, post, "reply"),
        (quote, post, "quote"),
    ]
    assert {(one.author, one.raw["handle"]) for one in got.items} == {(KABAR, "kabarpagi.test")}
    numbers = await connector.numbers(kopi, [post])
    assert numbers == {post: {"replyCount": 1, "repostCount": 0, "likeCount": 0, "quoteCount": 1, "bookmarkCount": 0}}
    assert all(one["method"] == "GET" for one in box.requests if "app.bsky.notification" in one["path"])


async def test_what_is_listed_late_under_an_earlier_time_is_not_missed(box, kopi, kabar):
    post = await said(kopi, "Halo semua")
    await said(kabar, "Satu", reply_to=post)
    seen = await connector.answers(kopi, "")
    late = await said(kabar, "Tertahan di jalan", reply_to=post)
    doc = box.store.get("record", late.removeprefix("at://"))
    box.store.put(
        "record",
        late.removeprefix("at://"),
        {**doc, "at": seen.items[0].at.replace(microsecond=0).isoformat().replace("+00:00", ".000Z")},
    )
    more = await connector.answers(kopi, seen.cursor)
    assert [one.id for one in more.items] == [late]
    assert (await connector.answers(kopi, more.cursor)).items == ()


async def test_a_server_that_stands_alone_is_no_fault_of_the_channel(box, kopi):
    post = await said(kopi, "Sendiri")
    box.shows_profiles = False
    for read in (connector.answers(kopi, ""), connector.numbers(kopi, [post])):
        with pytest.raises(Rejected) as told:
            await read
        (problem,) = told.value.problems
        assert problem.code == "no-reading"
        assert (
            problem.sentence
            == "Kicau cannot read comments and metrics of this Bluesky account, because the account is on an independent server that does not provide them. You can still publish posts."
        )
    assert await said(kopi, "Dan tetap terbit")


async def test_a_sign_in_without_the_scope_names_it(box, http):
    session = lent(box, http)
    select_identity(session, (await sign_in_at_sandbox(connector, session, {"handle": "@kopisenja.test"}))[0])
    assert session.account_id == KOPI
    session.credentials = _narrowed(box, session.credentials)
    with pytest.raises(AuthExpired) as told:
        await connector.answers(session, "")
    assert told.value.missing == {"transition:generic"}


def _narrowed(box, credentials):
    """The same sign-in, with a token of which the person took back all but who they are."""
    from dataclasses import replace

    from kicau.networks.bluesky.sandbox import jws

    header, claims = jws.read_token(box.tokens.secret, credentials.access_token)
    return replace(credentials, access_token=jws.sign_token(box.tokens.secret, header, {**claims, "scope": "atproto"}))


async def test_the_sandbox_refuses_what_the_network_refuses(box, kopi):
    at, held = box.base_url, kopi.credentials
    for asked in (f"{LIST}?limit=101", f"{LIST}?seenAt=2026-11-26T05:00:00.000Z", "app.bsky.feed.getPosts"):
        with pytest.raises(Rejected):
            await wire.call_xrpc(kopi, "GET", asked, at=at, held=held)
    box.violations.clear()  # asked on purpose
    with pytest.raises(Rejected):
        await connector.numbers(
            kopi, [f"at://{KOPI}/app.bsky.feed.post/3n32ye4jrkk{n:02}" for n in range(METRICS_BATCH_SIZE + 1)]
        )
