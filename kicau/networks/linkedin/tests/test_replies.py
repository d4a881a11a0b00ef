"""Answering under one's own posts: once, whatever answer is lost; where it may not be read back, a person is asked."""

from __future__ import annotations

import pytest

from kicau.connector.content import Draft, Part
from kicau.connector.contract import ContractSession, run_to_end
from kicau.connector.errors import Uncertain
from kicau.connector.sandbox.server import OrderedFault
from kicau.networks.linkedin.connector import connector
from kicau.networks.linkedin.render import render
from kicau.networks.linkedin.sandbox.server import Server
from kicau.networks.linkedin.tests.test_publish import delivery


def said(box: Server) -> list[str]:
    return [one["message"]["text"] for one in box.store.all("comment")]


async def posted(session: ContractSession) -> str:
    return (await run_to_end(connector, session, delivery(Draft(parts=(Part(text="Panen baru"),))))).ids[0]


@pytest.mark.parametrize("effect", ["", "drop", "drop-after", "status-after"])
async def test_under_a_post_and_under_a_comment_it_stands_once(firm: ContractSession, box: Server, effect: str) -> None:
    box.comment_seconds = 0
    target = await posted(firm)
    for words in ("Terima kasih, Bima!", "Dan sampai jumpa."):
        if effect:
            box.faults.append(OrderedFault(effect=effect, status=502, method="POST", path="comments"))
        done = await run_to_end(connector, firm, delivery(Draft(parts=(Part(text=words),), reply_to=target)))
        target = done.ids[0]
        assert target.startswith("urn:li:comment:(urn:li:")
    assert said(box) == ["Terima kasih, Bima!", "Dan sampai jumpa."]
    assert [bool(one.get("parentComment")) for one in box.store.all("comment")] == [False, True]
    for _ in range(2):
        await connector.delete(firm, target)
    assert said(box) == ["Terima kasih, Bima!"]


async def test_the_same_words_said_before_are_not_taken_for_it(firm: ContractSession, box: Server) -> None:
    box.comment_seconds = 0
    target = await posted(firm)
    draft = Draft(parts=(Part(text="Terima kasih!"),), reply_to=target)
    await run_to_end(connector, firm, delivery(draft))
    for one in box.store.all("comment"):
        box.store.put(
            "comment", one["id"], {**one, "created": {**one["created"], "time": one["created"]["time"] - 3_600_000}}
        )
    box.faults.append(OrderedFault(effect="drop", method="POST", path="comments"))
    await run_to_end(connector, firm, delivery(draft))
    assert said(box) == ["Terima kasih!", "Terima kasih!"]


async def test_where_a_member_s_may_not_be_read_back_a_person_is_asked(sari: ContractSession, box: Server) -> None:
    target = await posted(sari)
    lost = delivery(Draft(parts=(Part(text="Terima kasih!"),), reply_to=target))
    with pytest.raises(Uncertain):
        await connector.find(sari, lost)


def test_an_answer_has_a_comment_s_length() -> None:
    told = render(Draft(parts=(Part(text="a" * 1251),), reply_to="urn:li:share:1"), connector.baseline)
    assert [(p.code, p.limit) for p in told.problems] == [("too-long", 1250)]
