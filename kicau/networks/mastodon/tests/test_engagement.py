"""Answers and numbers where the contract's suite does not look: pages, letters, scopes, servers that lack a part."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from kicau.connector.contract import ContractSession
from kicau.connector.errors import AuthExpired, Rejected
from kicau.networks.mastodon import wire
from kicau.networks.mastodon.connector import connector
from kicau.networks.mastodon.engagement import METRICS_BATCH_SIZE, PAGE_SIZE
from kicau.networks.mastodon.sandbox import Server
from kicau.networks.mastodon.tests.spec import answer_faults


async def said(session: ContractSession, text: str, **more: str) -> str:
    form = {"status": text, **more}
    return str((await wire.call_api(session, "POST", "/api/v1/statuses", json=dict(form))).json()["id"])


async def test_more_than_a_page_is_read_whole(box: Server, kopi: ContractSession, kabar: ContractSession) -> None:
    box.limits_off = True
    await said(kabar, "@kopisenja halo")
    first = await connector.answers(kopi, "")
    later = [await said(kabar, f"@kopisenja {n}") for n in range(PAGE_SIZE + 5)]
    kopi.spent.clear()
    more = await connector.answers(kopi, first.cursor)
    assert [one.id for one in more.items] == later
    assert [(charge.meter, charge.units) for charge in kopi.spent] == [("calls", 1)] * 2
    assert (await connector.answers(kopi, more.cursor)).items == ()


async def test_a_server_without_pages_gives_nothing_twice(
    box: Server, kopi: ContractSession, kabar: ContractSession
) -> None:
    box.lacks = frozenset({"notification-pages"})
    out = [await said(kabar, f"@kopisenja {n}") for n in range(3)]
    first = await connector.answers(kopi, "")
    assert [one.id for one in first.items] == out
    new = await said(kabar, "@kopisenja lagi")
    more = await connector.answers(kopi, first.cursor)
    assert [one.id for one in more.items] == [new]


async def test_what_is_read_is_an_answer_in_public(box: Server, kopi: ContractSession, kabar: ContractSession) -> None:
    post = await said(kopi, "Buka jam berapa?")
    await said(kabar, "@kopisenja sebuah surat", visibility="direct")
    await said(kabar, "tanpa nama", in_reply_to_id=post)  # Mastodon tells nobody of it
    answer = await said(kabar, "@kopisenja <b>jam tujuh</b> & seterusnya", in_reply_to_id=post, visibility="unlisted")
    (one,) = (await connector.answers(kopi, "")).items
    assert (one.id, one.answers, one.author) == (answer, post, kabar.account_id)
    assert one.text == "@kopisenja <b>jam tujuh</b> & seterusnya"
    assert (one.raw["acct"], one.raw["visibility"]) == ("kabarpagi", "unlisted")
    assert (await connector.numbers(kopi, [post])) == {
        post: {"replies_count": 2, "reblogs_count": 0, "favourites_count": 0, "quotes_count": 0}
    }


async def test_a_sign_in_without_the_scope_names_it(box: Server, kopi: ContractSession) -> None:
    token = kopi.credentials.access_token
    known = box.store.get("token", token)
    assert known is not None
    narrow = [one for one in known["scopes"] if one != "read:notifications"]
    box.store.put("token", token, {**known, "scopes": narrow})
    kopi.credentials = replace(kopi.credentials, scopes=frozenset(narrow))
    with pytest.raises(AuthExpired) as told:
        await connector.answers(kopi, "")
    assert told.value.missing == {"read:notifications"}
    assert await connector.numbers(kopi, [await said(kopi, "Masih boleh")])


async def test_the_largest_batch_is_one_call_and_no_larger_one_is_taken(box: Server, kopi: ContractSession) -> None:
    ids = [await said(kopi, f"kopi {n}") for n in range(METRICS_BATCH_SIZE + 1)]
    before = len(box.requests)
    assert list(await connector.numbers(kopi, ids[:METRICS_BATCH_SIZE])) == ids[:METRICS_BATCH_SIZE]
    assert len(box.requests) - before == 1
    asked = urlencode([("id[]", one) for one in ids])
    with pytest.raises(Rejected, match="ValidationError"):
        await wire.call_api(kopi, "GET", f"/api/v1/statuses?{asked}")


async def test_the_sandbox_answers_as_described(box: Server, kopi: ContractSession, kabar: ContractSession) -> None:
    post = await said(kabar, "@kopisenja halo")
    rows = (await wire.call_api(kopi, "GET", "/api/v1/notifications?limit=5")).json()
    assert answer_faults("GET", "/api/v1/notifications", 200, rows) == []
    one = (await wire.call_api(kopi, "GET", f"/api/v1/notifications/{rows[0]['id']}")).json()
    assert one == rows[0]
    many = (await wire.call_api(kopi, "GET", f"/api/v1/statuses?{urlencode([('id[]', post)])}")).json()
    assert answer_faults("GET", "/api/v1/statuses", 200, many) == []
