"""Publishing: each part once, whatever breaks, and what readers see is the preview."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kicau.connector import errors
from kicau.connector.content import Charge, Draft, Part, SpanKind
from kicau.connector.contract.case import ContractCase
from kicau.connector.contract.faulty_http import FaultyHttp
from kicau.connector.contract.malformed_responses import PROXY_ERROR_PAGE, REJECTED_LOOKUP_RESPONSES
from kicau.connector.contract.session import ContractSession, WorkerKilled, run_to_end
from kicau.connector.roles.account_search import AccountSearch
from kicau.connector.sandbox.server import OrderedFault, Sandbox


class PublishingContract(ContractCase):
    async def test_publishes_each_part_once(self, session: ContractSession, sandbox: Sandbox, draft: Draft) -> None:
        delivery = await self.delivery(session, draft)
        done = await run_to_end(self.connector, session, delivery)
        assert len(self.visible(sandbox)) == len(draft.parts) == len(done.ids)
        assert done.url.startswith("http")

    async def test_the_preview_is_what_readers_see(
        self, session: ContractSession, sandbox: Sandbox, draft: Draft
    ) -> None:
        delivery = await self.delivery(session, draft)
        await run_to_end(self.connector, session, delivery)
        assert self.visible(sandbox) == [part.text for part in delivery.post.parts]
        covers = [sum(one.cover is not None for one in part.media) for part in delivery.post.parts]
        assert [sum(bool(one.get("cover")) for one in post.media) for post in sandbox.public_posts()] == covers

    async def test_finds_who_is_there_and_nobody_else(self, session: ContractSession) -> None:
        if not isinstance(self.connector, AccountSearch):
            assert not self.called
            return
        found = await self.connector.people(session, self.called)
        assert self.called in [one.handle for one in found]
        assert len(found) <= 10
        one = next(one for one in found if one.handle == self.called)
        written = self.connector.render(Draft(parts=(Part(text=f"Halo {one.mention}!"),)), self.connector.baseline)
        assert [s.target.casefold() for s in written.parts[0].spans if s.kind is SpanKind.MENTION] == [
            one.target.casefold()
        ]
        assert await self.connector.people(session, "nobody4711") == ()

    @pytest.mark.parametrize(
        "effect", ["drop", "drop-after", "status", "status-after", "malformed", "truncate", "page"]
    )
    @pytest.mark.parametrize("nth", range(8))
    async def test_a_broken_step_never_doubles_a_post(
        self, session: ContractSession, sandbox: Sandbox, effect: str, nth: int
    ) -> None:
        draft = next(iter(self.drafts.values()))
        delivery = await self.delivery(session, draft)
        page = OrderedFault(effect="status", skip=nth, status=403, text=PROXY_ERROR_PAGE)
        sandbox.faults.append(page if effect == "page" else OrderedFault(effect=effect, skip=nth, status=502))
        await run_to_end(self.connector, session, delivery)
        assert len(self.visible(sandbox)) == len(draft.parts)

    @pytest.mark.parametrize("nth", range(8))
    async def test_a_killed_worker_never_doubles_a_post(
        self, session: ContractSession, sandbox: Sandbox, nth: int
    ) -> None:
        draft = next(iter(self.drafts.values()))
        delivery = await self.delivery(session, draft)
        original, sent = session.http._send, 0

        async def send(*args: object, **how: object) -> object:
            nonlocal sent
            sent += 1
            reply = await original(*args, **how)  # type: ignore[arg-type]
            if sent == nth + 1:
                raise WorkerKilled
            return reply

        session.http = FaultyHttp(session.http, send)
        await run_to_end(self.connector, session, delivery)
        assert len(self.visible(sandbox)) == len(draft.parts)

    async def test_the_budget_is_asked_before_the_network(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        before = len(sandbox.requests)

        def refuse(charge: Charge) -> None:
            raise errors.PlanExceeded(charge.meter)

        session.http.spend = refuse
        with pytest.raises(errors.PlanExceeded):
            await self.connector.publish(session, replace(delivery, begun_at=session.now()))
        assert len(sandbox.requests) == before

    async def test_a_limit_names_when_to_return(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        sandbox.faults.append(OrderedFault(effect="rate-limit", seconds=90, times=-1))
        with pytest.raises(errors.RateLimited) as told:
            await self.publish_until_error(session, delivery)
        assert timedelta(0) < told.value.until - session.now() <= timedelta(minutes=20)

    async def test_an_unreachable_network_is_unavailable(self, session: ContractSession) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        session.app = replace(session.app, endpoints=dict.fromkeys(session.app.endpoints, "http://127.0.0.1:9"))
        with pytest.raises(errors.Unavailable):
            await self.connector.publish(session, replace(delivery, begun_at=session.now()))

    async def test_deletes_a_post_and_accepts_that_it_is_already_gone(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        done = await run_to_end(self.connector, session, delivery)
        if "delete" not in self.connector.baseline.abilities:
            with pytest.raises(errors.Rejected):
                await self.connector.delete(session, done.ids[0])
            return
        for post_id in [*done.ids, done.ids[0]]:
            await self.connector.delete(session, post_id)
        assert self.visible(sandbox) == []

    async def test_a_refused_deletion_is_no_deletion(self, session: ContractSession, sandbox: Sandbox) -> None:
        """What is refused and still there is not taken for gone."""
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        done = await run_to_end(self.connector, session, delivery)
        for status, body in (*self.refused_look_ups, *REJECTED_LOOKUP_RESPONSES):
            if status not in (400, 403) and not (status == 404 and body == PROXY_ERROR_PAGE):
                continue  # 404 in the network's own form is its word that there is no such post
            sandbox.faults[:] = [OrderedFault(effect="status", status=status, text=body)]
            with pytest.raises(errors.ConnectorError):
                await self.connector.delete(session, done.ids[0])
        sandbox.faults.clear()
        assert len(self.visible(sandbox)) == len(delivery.post.parts)

    async def test_charges_foretold_are_charges_spent(self, session: ContractSession, draft: Draft) -> None:
        delivery = await self.delivery(session, draft)
        session.spent.clear()
        await run_to_end(self.connector, session, delivery)
        priced = {m for listed in self.connector.price_lists for m in listed.prices}
        assert _sum_charges(session.spent, priced) == _sum_charges(delivery.post.charges, priced)


def _sum_charges(charges: object, priced: set[str]) -> dict[str, int]:
    total: dict[str, int] = {}
    for charge in charges:  # type: ignore[attr-defined]
        if charge.meter in priced:
            total[charge.meter] = total.get(charge.meter, 0) + charge.units
    return total
