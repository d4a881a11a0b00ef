"""A member's own posts may not be read back, so a lost answer is a question for a person, and never a second post."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from kicau.connector.content import Delivery, Draft, PendingStep, PublishedPost, PublishResult
from kicau.connector.contract import ConnectorContract, ContractSession, WorkerKilled
from kicau.connector.contract.faulty_http import FaultyHttp
from kicau.connector.errors import Uncertain
from kicau.connector.sandbox.server import OrderedFault, Sandbox
from kicau.networks.linkedin.connector import connector
from kicau.networks.linkedin.sandbox.server import Server
from kicau.networks.linkedin.tests.cast import DRAFTS, FILES
from kicau.networks.linkedin.tests.spec import validate
from kicau.networks.linkedin.tests.test_contract import BAD, quick


async def publish_once(session: ContractSession, delivery: Delivery) -> PublishedPost | None:
    """As the engine does it; None where a person is asked."""
    find = False
    for _ in range(40):
        result: PublishResult | None
        try:
            result = await (connector.find if find else connector.publish)(session, delivery)
        except Uncertain:
            if find:
                return None
            find = True
            continue
        except (WorkerKilled, Exception) as exc:
            if not isinstance(exc, WorkerKilled) and type(exc).__name__ != "Unavailable":
                raise
            find = True
            continue
        find = False
        if isinstance(result, PublishedPost):
            return result
        if isinstance(result, PendingStep):
            delivery = replace(delivery, progress=result.progress, begun_at=session.now())
    raise AssertionError("neither published nor handed to a person")


class TestMember(ConnectorContract):
    called = "kopi-senja"
    connector = connector
    server = staticmethod(quick)
    drafts = DRAFTS
    bad_drafts = BAD
    files = FILES
    choice = staticmethod(lambda account: account.kind == "person")
    validators = (validate,)

    @pytest.mark.parametrize("effect", ["drop", "drop-after", "status", "status-after", "malformed", "truncate"])
    @pytest.mark.parametrize("nth", range(5))
    async def test_a_broken_step_never_doubles_a_post(
        self, session: ContractSession, sandbox: Sandbox, effect: str, nth: int
    ) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        delivery = replace(delivery, begun_at=session.now())
        sandbox.faults.append(OrderedFault(effect=effect, skip=nth, status=502))
        done = await publish_once(session, delivery)
        asked_a_person = done is None
        assert asked_a_person == (nth == 2), "only the post's own request, the third, leaves a question"
        assert len(self.visible(sandbox)) == (0 if asked_a_person and effect in ("drop", "status") else 1)

    @pytest.mark.parametrize("nth", range(5))
    async def test_a_killed_worker_never_doubles_a_post(
        self, session: ContractSession, sandbox: Sandbox, nth: int
    ) -> None:
        delivery = replace(await self.delivery(session, next(iter(self.drafts.values()))), begun_at=session.now())
        original, sent = session.http._send, 0

        async def send(*args: object, **how: object) -> object:
            nonlocal sent
            sent += 1
            reply = await original(*args, **how)  # type: ignore[arg-type]
            if sent == nth + 1:
                raise WorkerKilled
            return reply

        session.http = FaultyHttp(session.http, send)
        done = await publish_once(session, delivery)
        assert (done is None) == (nth == 2)
        assert len(self.visible(sandbox)) == 1


async def test_a_lost_answer_is_not_guessed(sari: ContractSession, box: Server) -> None:
    post = connector.render(Draft(parts=DRAFTS["text"].parts), await connector.capabilities(sari))
    delivery = Delivery(key=uuid4(), post=post, begun_at=sari.now())
    box.faults.append(OrderedFault(effect="drop-after", method="POST", path="/rest/posts"))
    with pytest.raises(Uncertain):
        await connector.publish(sari, delivery)
    asked = len(box.requests)
    with pytest.raises(Uncertain, match="does not allow Kicau's app to read the posts"):
        await connector.find(sari, delivery)
    assert len(box.requests) == asked, "nothing is asked that may not be answered"
    assert len(list(box.public_posts())) == 1


async def test_with_the_closed_scope_a_member_is_looked_up_too(sari: ContractSession, box: Server) -> None:
    post = connector.render(Draft(parts=DRAFTS["text"].parts), await connector.capabilities(sari))
    delivery = Delivery(key=uuid4(), post=post, begun_at=sari.now())
    granted = {
        **box.store.get("token", sari.credentials.access_token),
        "scopes": ["w_member_social", "r_member_social"],
    }  # type: ignore[dict-item]
    box.store.put("token", sari.credentials.access_token, granted)
    sari.credentials = replace(sari.credentials, scopes=frozenset(granted["scopes"]))
    assert await connector.find(sari, delivery) is None
    sent = await connector.publish(sari, delivery)
    found = await connector.find(sari, delivery)
    assert isinstance(found, PublishedPost)
    assert isinstance(sent, PublishedPost)
    assert found.ids == sent.ids


async def test_a_scope_that_was_taken_away_makes_uncertain_not_nothing(firm: ContractSession, box: Server) -> None:
    delivery = Delivery(key=uuid4(), post=connector.render(DRAFTS["text"], connector.baseline), begun_at=firm.now())
    granted = {**box.store.get("token", firm.credentials.access_token), "scopes": ["w_organization_social"]}  # type: ignore[dict-item]
    box.store.put("token", firm.credentials.access_token, granted)
    with pytest.raises(Uncertain, match="does not let Kicau read"):
        await connector.find(firm, delivery)
