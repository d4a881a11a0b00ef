"""Answers since the last one seen, and numbers a hundred at a time, billed as X bills them."""

from __future__ import annotations

from kicau.connector.content import Draft, Part
from kicau.connector.contract import ContractSession, run_to_end
from kicau.connector.roles.engagement import EngagementRole
from kicau.networks.x.connector import connector
from kicau.networks.x.sandbox import Server
from kicau.networks.x.tests.test_publishing_steps import delivery


async def say(session: ContractSession, words: str) -> str:
    return (await run_to_end(connector, session, delivery(session, Draft(parts=(Part(text=words),))))).ids[0]


def billed(sandbox: Server) -> dict[str, int]:
    return {row["meter"]: row["units"] for row in sandbox.usage()}


async def test_answers_come_once_each_and_nothing_new_costs_nothing(
    kopi: ContractSession, kabar: ContractSession, sandbox: Server
) -> None:
    assert isinstance(connector, EngagementRole)
    first = await say(kabar, "halo @kopisenja")
    before = billed(sandbox).get("post-read", 0)
    got = await connector.answers(kopi, "")
    assert [(one.id, one.author, one.text) for one in got.items] == [(first, "1790000000000000002", "halo @kopisenja")]
    assert [(one.handle, one.name) for one in got.items] == [("kabarpagi", "Kabar Pagi")]
    sandbox.vocabularies = ("old",)  # X may know the old names only
    second = await say(kabar, "dan lagi @kopisenja")
    more = await connector.answers(kopi, got.cursor)
    assert [(one.id, one.handle) for one in more.items] == [(second, "")]  # an account would be paid for there
    again = await connector.answers(kopi, more.cursor)
    assert (again.items, again.cursor) == ((), second)
    assert billed(sandbox)["post-read"] - before == 2
    sandbox.violations[:] = [one for one in sandbox.violations if "tweet.fields" not in one]  # of 2.166
    assert [call.charge.resources for call in kopi.http.calls if "mentions" in call.path and call.status == 200] == [
        (first,),
        (second,),
        (),
    ]


async def test_numbers_of_many_posts_in_one_call_leave_out_what_is_gone(kopi: ContractSession, sandbox: Server) -> None:
    out = [await say(kopi, f"kopi {n}") for n in range(3)]
    await connector.delete(kopi, out[1])
    before = billed(sandbox).get("post-read", 0)
    for _ in range(2):  # the second reading of the day is free
        found = await connector.numbers(kopi, out)
        assert set(found) == {out[0], out[2]}
        assert found[out[0]]["like_count"] == 0
    assert billed(sandbox)["post-read"] - before == 2
    assert kopi.http.calls[-1].charge.resources == (out[0], out[2])
