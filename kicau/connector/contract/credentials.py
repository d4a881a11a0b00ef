"""Credentials: sign-in, renewal, revocation, and what they cost."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import aiohttp
import pytest

from kicau.connector import errors
from kicau.connector.content import Charge
from kicau.connector.contract.case import ContractCase
from kicau.connector.contract.session import ContractSession, consent_at_sandbox, open_test_session, sign_in_at_sandbox
from kicau.connector.protocol import (
    AppKeysRole,
    RevokesCredentials,
    SignInRedirect,
    check_credentials,
    sign_in_charges,
)
from kicau.connector.sandbox.server import OrderedFault, Sandbox


class CredentialContract(ContractCase):
    async def test_a_revoked_token_asks_for_a_reconnect(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        sandbox.faults.append(OrderedFault(effect="revoke-token"))
        with pytest.raises(errors.AuthExpired):
            await self.publish_until_error(session, delivery)

    async def test_a_dead_token_is_noticed_when_asked(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        await check_credentials(self.connector, session)
        sandbox.faults.append(OrderedFault(effect="revoke-token"))
        with pytest.raises(errors.AuthExpired):
            await self.publish_until_error(session, delivery)
        with pytest.raises(errors.AuthExpired):
            await check_credentials(self.connector, session)

    async def test_what_signing_in_takes_is_foretold(self, sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
        lent = open_test_session(self.connector, sandbox, client)
        await sign_in_at_sandbox(self.connector, lent, self.answers, self.account)
        assert {one.meter for one in lent.spent if one.units} == {
            one.meter for one in sign_in_charges(self.connector.auth)
        }

    async def test_revoked_credentials_have_ended(self, session: ContractSession, sandbox: Sandbox) -> None:
        auth = self.connector.auth
        if not isinstance(auth, RevokesCredentials):
            return
        await check_credentials(self.connector, session)
        await auth.revoke(session)
        if session.credentials.refresh_token:
            with pytest.raises(errors.AuthExpired):
                await auth.refresh(session)
        if not self.access_outlives_revocation:
            with pytest.raises(errors.AuthExpired):
                await check_credentials(self.connector, session)
        with suppress(errors.AuthExpired):
            await auth.revoke(session)  # doing it again does no harm

    async def test_credentials_of_another_sign_in_stay(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        auth = self.connector.auth
        if not isinstance(auth, RevokesCredentials):
            return
        other = open_test_session(self.connector, sandbox, client)
        await sign_in_at_sandbox(self.connector, other, self.answers, self.account)
        await auth.revoke(other)
        await check_credentials(self.connector, session)

    async def test_refreshes_without_losing_the_refresh_token(self, session: ContractSession) -> None:
        before = session.credentials
        after = await self.connector.auth.refresh(session)
        assert after.access_token
        assert bool(after.refresh_token) == bool(before.refresh_token)

    async def test_a_renewal_that_stops_between_two_calls_can_be_done_again(self, session: ContractSession) -> None:
        """A process that ends begins no further call; the old credentials must work then."""
        calls, stops_at = 0, 0

        async def count(used: Charge) -> None:
            nonlocal calls
            calls += 1
            if calls == stops_at:
                raise errors.Unavailable("the process ends")

        session.http.pay = count
        for nth in range(1, 10):
            calls, stops_at = 0, nth
            try:
                await self.connector.auth.refresh(session)
            except errors.Unavailable:
                continue
            break
        assert stops_at == calls + 1, "in the end it was renewed"

    async def test_the_app_keys_are_tested_without_an_effect(
        self, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        """The network says whether it knows them, and the operator is guided to them."""
        role = self.connector.auth
        if not isinstance(role, AppKeysRole):
            return
        assert role.needs_keys, "there are keys to test"
        assert role.guide.url.startswith("https://")
        assert all(step.endswith(".") for step in role.guide.steps)
        lent = open_test_session(self.connector, sandbox, client)
        await role.check_keys(lent)
        app = lent.app
        for wrong in (replace(app, client_secret=app.client_id), replace(app, client_id="not-an-id")):
            lent = open_test_session(self.connector, sandbox, client)
            lent.app = wrong
            with pytest.raises(errors.Rejected) as refused:
                await role.check_keys(lent)
            assert "{" not in refused.value.problems[0].sentence
        lent = open_test_session(self.connector, sandbox, client)
        lent.app = replace(lent.app, endpoints=dict.fromkeys(lent.app.endpoints, "http://127.0.0.1:9"))
        with pytest.raises(errors.Unavailable):
            await role.check_keys(lent)

    async def test_declining_is_told_in_a_sentence(self, sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
        lent = open_test_session(self.connector, sandbox, client)
        begun = await self.connector.auth.begin(lent, self.answers)
        if isinstance(begun, SignInRedirect):
            returned = await consent_at_sandbox(client, begun.url, decision="deny")
            returned.pop("state", None)
            with pytest.raises(errors.Rejected) as told:
                await self.connector.auth.finish(lent, begun.memory, returned)
            assert told.value.problems[0].sentence
