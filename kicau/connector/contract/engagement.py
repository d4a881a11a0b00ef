"""Comments and metrics: each comes once, and a refused request says why."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest

from kicau.connector import errors
from kicau.connector.capabilities import Ability
from kicau.connector.content import Draft, Part
from kicau.connector.contract.case import ContractCase
from kicau.connector.contract.session import ContractSession, run_to_end
from kicau.connector.roles import engagement
from kicau.connector.sandbox.server import OrderedFault, Sandbox


class EngagementContract(ContractCase):
    async def test_answers_come_once_each(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        reader = self.reader()
        if reader is None:
            return
        assert await reader.answers(session, "") == engagement.IncomingPostPage(items=(), cursor="")
        (post,) = await self.posted(session, 1)
        first = await self.answered(sandbox, client, post, "the first answer")
        got = await reader.answers(session, "")
        (one,) = got.items
        assert (one.id, one.answers) == (first, post if self.threads_answers else "")
        assert "the first answer" in one.text
        assert one.author not in ("", session.account_id)
        assert one.handle or one.name, "people want to know who answered"
        assert abs(one.at - session.now()) < timedelta(minutes=2)
        later = [await self.answered(sandbox, client, post, f"answer {n}") for n in range(3)]
        more = await reader.answers(session, got.cursor)
        assert [one.id for one in more.items] == later, "what is new, each once, oldest first"
        assert await reader.answers(session, more.cursor) == engagement.IncomingPostPage(items=(), cursor=more.cursor)

    async def test_an_answer_is_answered_once_whatever_is_lost(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        reader, can = self.reader(), await self.connector.capabilities(session)
        if reader is None or not can.can(Ability.REPLY):
            return
        (post,) = await self.posted(session, 1)
        await self.answered(sandbox, client, post, "a question")
        (asked,) = (await reader.answers(session, "")).items
        for n, effect in enumerate(("", "drop", "drop-after", "status-after", "truncate")):
            said = f"Reply number {n}, with thanks"
            if effect:
                sandbox.faults[:] = [OrderedFault(effect=effect, status=502, method="POST")]
            delivery = await self.delivery(session, Draft(parts=(Part(text=asked.begins + said),), reply_to=asked.id))
            assert not delivery.post.problems
            done = await run_to_end(self.connector, session, delivery)
            sandbox.faults.clear()
            assert sum(said in text for text in self.said_under(sandbox, asked.id)) == 1, effect
            assert done.ids
        if await self.deletes(session):
            await self.connector.delete(session, done.ids[0])
            assert not any(said in text for text in self.said_under(sandbox, asked.id))
        assert [one.id for one in (await reader.answers(session, "")).items] == [asked.id], (
            "our own words are no answer"
        )
        assert isinstance(await reader.numbers(session, list(done.ids)), dict)

    async def test_an_answer_that_is_gone_is_left_out(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        reader = self.reader()
        if reader is None or not await self.deletes(session):
            return
        (post,) = await self.posted(session, 1)
        gone, stays, last = [await self.answered(sandbox, client, post, f"answer {n}") for n in range(3)]
        seen = (await reader.answers(session, "")).cursor
        await self.taken_back(sandbox, client, gone)
        await self.taken_back(sandbox, client, last)
        assert [one.id for one in (await reader.answers(session, "")).items] == [stays]
        after = await self.answered(sandbox, client, post, "one more")
        assert [one.id for one in (await reader.answers(session, seen)).items] == [after], "its cursor is gone"

    async def test_numbers_come_in_batches_without_what_is_gone(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        reader = self.reader()
        if reader is None:
            return
        assert reader.batch >= 1
        ids = await self.posted(session, min(3, reader.batch))
        there = ids
        if await self.deletes(session):
            await self.connector.delete(session, ids[-1])
            there = ids[:-1]
        before = len(sandbox.requests)
        found = await reader.numbers(session, ids)
        asked = len(sandbox.requests) - before
        assert set(found) == set(there)
        assert all(counts and all(type(n) is int and n >= 0 for n in counts.values()) for counts in found.values())
        assert asked <= self.number_calls(len(ids)), "one call serves many"

    def number_calls(self, posts: int) -> int:
        """The most requests that reading so many posts' numbers takes."""
        return 1

    async def test_a_refused_reading_says_why(self, session: ContractSession, sandbox: Sandbox) -> None:
        reader = self.reader()
        if reader is None:
            return
        ids = await self.posted(session, 1)
        for effect, seconds, wanted in (
            ("drop", 0.0, errors.Unavailable),
            ("truncate", 0.0, errors.Unavailable),
            ("malformed", 0.0, errors.Unavailable),
            ("rate-limit", 90.0, errors.RateLimited),
            ("revoke-token", 0.0, errors.AuthExpired),
        ):
            for read in (reader.answers(session, ""), reader.numbers(session, ids)):
                sandbox.faults[:] = [OrderedFault(effect=effect, seconds=seconds, times=-1)]
                with pytest.raises(wanted):
                    await read
