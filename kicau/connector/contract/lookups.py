"""Look-ups: a step whose response was lost, a refused look-up, and a restored backup never double or lose a post."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from kicau.connector import app_blocks, errors
from kicau.connector.capabilities import Ability
from kicau.connector.content import Delivery, Draft, Part, PendingStep, PublishedPost
from kicau.connector.contract.case import ContractCase
from kicau.connector.contract.faulty_http import FaultyHttp
from kicau.connector.contract.malformed_responses import (
    MALFORMED_ERROR_BODIES,
    PROXY_ERROR_PAGE,
    REJECTED_LOOKUP_RESPONSES,
)
from kicau.connector.contract.session import ContractSession, look_up_restored, run_to_end
from kicau.connector.sandbox.server import OrderedFault, Sandbox
from kicau.connector.transport.http import HttpResponse, classify_error


class LookupContract(ContractCase):
    async def test_a_refused_look_up_leaves_the_doubt(
        self, session: ContractSession, sandbox: Sandbox, draft: Draft
    ) -> None:
        """Whatever a look-up fails with, the post whose answer was lost is public once in the end, even with another
        post of the account between."""
        delivery = await self.delivery(session, draft)
        lost = await self._with_a_lost_answer(session, delivery, lambda: len(self.visible(sandbox)))
        lost, doubtful = await self._with_refused_look_ups(session, sandbox, lost)
        before = len(self.visible(sandbox))
        await self.posted(session, 1)
        between = len(self.visible(sandbox)) - before
        if doubtful and not self.connector.can_verify_posts:
            try:
                await self.connector.find(session, lost)
            except errors.Uncertain:  # and a person is asked
                assert len(self.visible(sandbox)) - between == 1
                return
        await run_to_end(self.connector, session, lost, doubtful=doubtful)
        assert len(self.visible(sandbox)) - between == len(draft.parts)

    async def test_a_refused_look_up_leaves_the_doubt_about_an_answer(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        reader, can = self.reader(), await self.connector.capabilities(session)
        if reader is None or not can.can(Ability.REPLY):
            return
        (post,) = await self.posted(session, 1)
        await self.answered(sandbox, client, post, "a question")
        (asked,) = (await reader.answers(session, "")).items
        said = Draft(parts=(Part(text=f"{asked.begins}Thank you for asking"),), reply_to=asked.id)

        def seen() -> int:
            return sum("Thank you for asking" in text for text in self.said_under(sandbox, asked.id))

        lost = await self._with_a_lost_answer(session, await self.delivery(session, said), seen)
        lost, doubtful = await self._with_refused_look_ups(session, sandbox, lost)
        await run_to_end(self.connector, session, lost, doubtful=doubtful)
        assert seen() == 1

    async def _with_a_lost_answer(
        self, session: ContractSession, delivery: Delivery, seen: Callable[[], int]
    ) -> Delivery:
        """The delivery, published until readers see more of it (`seen`) and the answer to that is lost."""
        original, before = session.http, seen()

        async def send(*args: object, **how: object) -> object:
            reply = await original._send(*args, **how)  # type: ignore[arg-type]
            if seen() > before:
                raise errors.Uncertain("the answer was lost")
            return reply

        session.http = FaultyHttp(original, send)
        try:
            for _ in range(80):
                delivery = replace(delivery, begun_at=session.now())
                try:
                    result = await self.connector.publish(session, delivery)
                except errors.Uncertain:
                    return delivery
                assert isinstance(result, PendingStep), "it is published, and no reader sees it"
                delivery = replace(delivery, progress=result.progress, steps=delivery.steps + 1)
                await asyncio.sleep(min(result.after.total_seconds(), 0.05))
        finally:
            session.http = original
        raise AssertionError("no part of it became visible")

    async def _with_refused_look_ups(
        self, session: ContractSession, sandbox: Sandbox, delivery: Delivery
    ) -> tuple[Delivery, bool]:
        """The delivery after every kind of refusal, and whether it is still in doubt: not where its network needs no
        look-up, or took an answer for its word."""
        for status, body in (*self.refused_look_ups, *REJECTED_LOOKUP_RESPONSES):
            sandbox.faults[:] = [OrderedFault(effect="status", status=status, text=body, times=-1)]
            try:
                found = await self.connector.find(session, delivery)
            except errors.ConnectorError:
                continue
            finally:
                sandbox.faults.clear()
            assert not isinstance(found, PublishedPost), f"{status} {body[:40]} does not show the post"
            progress = found.progress if found else delivery.progress
            return replace(delivery, progress=progress, steps=delivery.steps + 1), False
        return delivery, True

    async def test_a_page_from_something_in_between_is_no_word_of_the_network(self) -> None:
        """Neither of the post nor of the account: with every status that a proxy or a firewall may answer with."""
        saying = {401: errors.AuthExpired, 429: errors.RateLimited}  # these mean the same, whoever says them
        for status, repeatable in product(range(400, 500), (True, False)):
            reply = HttpResponse(status, {"content-type": "text/html"}, PROXY_ERROR_PAGE.encode(), repeatable)
            told = self.connector.read_error(reply) or classify_error(reply)
            if status == 413 or status in self.own_pages:
                continue  # too large for what is in between is too large; and some servers answer in pages themselves
            assert app_blocks.app_block_reader(self.connector)(reply) is None
            wanted = saying.get(status, errors.Unavailable if repeatable else errors.Uncertain)
            assert isinstance(told, wanted), (status, repeatable, told)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
    def test_an_error_of_any_form_is_read(self, status: int) -> None:
        """Also one that a proxy made up: nothing but the six errors comes of it, and its status keeps its meaning."""
        for body in MALFORMED_ERROR_BODIES:
            for repeatable in (True, False):
                reply = HttpResponse(status, {}, json.dumps(body).encode(), repeatable)
                found = self.connector.read_error(reply) or classify_error(reply)
                said = f"{type(found).__name__} of {body!r}"
                if isinstance(found, errors.Rejected):
                    assert found.problems, said
                    assert all(problem.sentence for problem in found.problems), said
                    assert status not in (401, 429), said
                    assert status < 500, said
                if status == 401:
                    assert isinstance(found, errors.AuthExpired), said
                if status == 429:
                    assert isinstance(found, errors.RateLimited), said
                if status >= 500:
                    assert type(found) is (errors.Unavailable if repeatable else errors.Uncertain), said

    async def test_nothing_found_where_nothing_was_sent(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        found = await self.connector.find(session, replace(delivery, begun_at=session.now()))
        assert found is None or isinstance(found, PendingStep)
        assert self.visible(sandbox) == []

    async def test_what_went_out_after_a_backup_is_found_whatever_is_known_of_it(
        self, session: ContractSession, sandbox: Sandbox, draft: Draft
    ) -> None:
        """After a restore, progress may be older than what happened, and the account may have other posts since."""
        delivery, began, kept = await self.delivery(session, draft), session.now(), [dict[str, Any]()]
        others = [
            replace(await self.delivery(session, one), key=uuid4()) for one in self.drafts.values() if one != draft
        ]
        await run_to_end(self.connector, session, replace(delivery, begun_at=began), kept=kept)
        for other in others[:2]:
            await run_to_end(self.connector, session, other)
        before, restored_at = self.visible(sandbox), session.now()
        for progress in (kept[0], kept[-1]):
            restored = replace(delivery, progress=progress, begun_at=began, restored_at=restored_at)
            try:
                found = await look_up_restored(self.connector, session, restored)
            except errors.Uncertain:
                assert not draft.parts[0].text or not self.connector.can_verify_posts or draft.reply_to, (
                    "its text could tell"
                )
                continue
            if not isinstance(found, PublishedPost):  # a first comment is still to come
                found = await run_to_end(self.connector, session, found)
            assert self.visible(sandbox) == before, f"published again with the progress {progress}"

    async def test_what_did_not_go_out_after_a_backup_goes_out_once(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        draft = next(iter(self.drafts.values()))
        delivery = await self.delivery(session, draft)
        restored = replace(delivery, begun_at=session.now() - timedelta(days=3), restored_at=session.now())
        try:
            found = await look_up_restored(self.connector, session, restored)
        except errors.Uncertain:
            return  # a person is asked
        assert isinstance(found, Delivery), "nothing was there to be found"
        await run_to_end(self.connector, session, found)
        assert len(self.visible(sandbox)) == len(draft.parts)
