"""Webhooks of a network: they report what polling reports, and nonsense reports nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest

from kicau.connector.contract.engagement import EngagementContract
from kicau.connector.contract.session import ContractSession, record_webhooks
from kicau.connector.roles import engagement, webhooks
from kicau.connector.sandbox.server import Sandbox


class WebhookContract(EngagementContract):
    def told_of(self, sandbox: Sandbox, post: str) -> str:
        """By which id a webhook names a post."""
        return post

    async def set_up_webhooks(self, sandbox: Sandbox, address: str, token: str) -> None:
        """What the operator does at the network itself, where `webhook_setup` names something."""

    async def test_webhooks_tell_what_reading_tells(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        teller = self.connector
        assert isinstance(teller, webhooks.WebhookRole) == self.tells
        if not isinstance(teller, webhooks.WebhookRole):
            return
        assert isinstance(teller, engagement.EngagementRole)
        async with record_webhooks(teller, "a token") as heard:
            await self.set_up_webhooks(sandbox, heard.address, "a token")
            for _ in range(2):
                await teller.subscribe(session, heard.address, "a token")
            (post,) = await self.posted(session, 1)
            answer = await self.answered(sandbox, client, post, "the first answer")
            headers, body = await heard.next()
            while [one.answer.author for one in teller.happenings(body) if one.answer] == [session.account_id]:
                headers, body = await heard.next()  # the account's own first comment
            assert teller.is_genuine(headers, body, session.app)
            for forged in (
                {},
                {**headers, "x-hub-signature-256": "sha256="},
                {**headers, "x-hub-signature-256": "sha256=é"},
            ):
                assert not teller.is_genuine(forged, body, session.app)
            assert not teller.is_genuine(headers, body + b" ", session.app)
            assert not teller.is_genuine(headers, body, replace(session.app, client_secret=session.app.client_id))
            assert not teller.is_genuine(headers, body, replace(session.app, client_secret=""))
            (told,) = teller.happenings(body)
            (read,) = (await teller.answers(session, "")).items
            assert told.account == session.account_id
            assert told.answer is not None
            assert [told.answer.id, told.answer.text, told.answer.author, told.answer.handle, told.answer.name] == [
                answer,
                read.text,
                read.author,
                read.handle,
                read.name,
            ]
            assert told.answer.answers == self.told_of(sandbox, read.answers)
            assert abs(told.answer.at - read.at) <= timedelta(seconds=2)
            await teller.unsubscribe(session)
            await teller.unsubscribe(session)

    async def test_an_address_that_is_not_ours_is_not_confirmed(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        teller = self.connector
        if not isinstance(teller, webhooks.WebhookRole):
            return
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "a token"}
        assert teller.verification(asked, "a token") == "1158201444"
        for wrong in ({}, {**asked, "hub.verify_token": "ä token"}, {**asked, "hub.mode": "unsubscribe"}):
            assert teller.verification(wrong, "a token") is None

    @pytest.mark.parametrize(
        "junk",
        [
            b"",
            b"\xff",
            b"{",
            b"[" * 100_000,
            b"3",
            b"[]",
            b"{}",
            b'{"object":"page","entry":[3,{"id":1},{"changes":[3,{"value":[]},{"field":"feed","value":{}}]}]}',
            b'{"values":[{"value":{"id":1,"timestamp":[]},"field":"replies"}],"time":"x"}',
        ],
    )
    def test_nonsense_tells_nothing(self, junk: bytes) -> None:
        if isinstance(self.connector, webhooks.WebhookRole):
            with suppress(ValueError):
                assert self.connector.happenings(junk) in ((), [])
