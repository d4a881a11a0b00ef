"""Connecting and asking what a channel can do stay within hard budgets: refused or put off before a call, with the reason."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from importlib import import_module

import pytest
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.channels import actions, token_refresh
from kicau.channels.channel_session import new_client
from kicau.channels.models import Channel, PendingSignIn
from kicau.connector import registry
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import start_sandbox
from kicau.costs import actions as plans
from kicau.costs.call_budgets import BudgetExceeded
from kicau.costs.models import Charge, Reservation

pytestmark = pytest.mark.django_db(transaction=True)
EACH = 10_000  # micro-dollars for an account that is read: X's list of 2026-04-20


@pytest.fixture
async def client():
    async with new_client() as session:
        yield session


@pytest.fixture
async def server():
    """X's sandbox, where an account that is read costs once a UTC day."""
    made = import_module(f"{registry.network_package('x')}.sandbox").Server()
    runner, app = await start_sandbox(made), made.default_app
    await sync_to_async(actions.register_app)(
        "x", app.client_id, app.client_secret, endpoints=made.endpoints(), is_sandbox=True
    )
    yield made
    await runner.cleanup()


@pytest.fixture
def budget(actor):
    """Makes a hard budget of so many readings of an account, or changes it."""
    known = []

    def make(readings: int, **more):
        wanted = plans.BudgetValues(
            name="Kedai", amount=readings * EACH, **{"period": "total", "sync_share_percent": 100, **more}
        )
        known[:] = [plans.set_budget(actor, wanted, budget_id=known[0].id if known else None)]

    return sync_to_async(make)


def asked(server) -> list[str]:
    """Paths of the API that were called; what a browser does at the consent page is not ours."""
    return [one["path"] for one in server.requests if one["path"].startswith("/2/")]


async def rows(model, **wanted):
    return await sync_to_async(lambda: list(model.objects.filter(**wanted).order_by("pk")))()


async def test_connecting_is_refused_before_any_call_and_says_what_to_do(actor, server, client, budget):
    await budget(0)
    with pytest.raises(BudgetExceeded) as told:
        await actions.begin_sign_in(actor, "x", client=client)
    assert str(told.value) == (
        "Kicau sent no request to X: the budget “Kedai” has $0.00 of $0.00 left, but the request needs $0.01. Raise the budget, then try again."
    )
    assert not await rows(PendingSignIn)
    await budget(1)
    begun = await actions.begin_sign_in(actor, "x", client=client)
    returned = await consent_at_sandbox(client, begun.url)
    await budget(0, period="month")
    with pytest.raises(BudgetExceeded, match="or try again after it resets at"):
        await actions.finish_sign_in(actor, returned, client=client)
    assert asked(server) == []
    await budget(1)
    assert (await actions.finish_sign_in(actor, returned, client=client)).accounts  # the code was not used up
    [paid] = await rows(Charge)
    assert (paid.purpose, paid.micro, paid.person_id) == ("connect", EACH, actor.person_id)
    assert not await rows(Reservation)


async def test_two_who_connect_together_do_not_pass_the_budget(actor, server, client, budget):
    returned = []
    for account in server.accounts()[:2]:
        begun = await actions.begin_sign_in(actor, "x", client=client)
        returned.append(await consent_at_sandbox(client, begun.url, account.id))
    await budget(1)
    server.latency = 0.2
    done = await asyncio.gather(
        *(actions.finish_sign_in(actor, one, client=client) for one in returned), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["BudgetExceeded", "SignInStep"]
    assert sum(c.micro for c in await rows(Charge)) == EACH
    assert sum(row["units"] for row in server.usage() if row["meter"] == "user-read") == 1


async def test_what_a_channel_can_do_is_put_off_with_the_reason_and_asked_when_there_is_room(
    actor, server, client, budget
):
    begun = await actions.begin_sign_in(actor, "x", client=client)
    await actions.finish_sign_in(actor, await consent_at_sandbox(client, begun.url), client=client)
    await budget(0)
    server.requests.clear()
    [made] = await actions.connect(actor, begun.state, client=client)
    assert asked(server) == []
    [kept] = await rows(Channel)
    assert (kept.state, kept.capabilities, kept.capabilities_at) == ("active", {}, None)
    assert kept.capabilities_delay_reason.startswith(
        "Kicau sent no request to X: the budget “Kedai” has $0.00 of $0.00 left"
    )
    assert await sync_to_async(token_refresh.due_for_capabilities)("x") == []
    later = clock.now() + timedelta(minutes=16)
    with clock.freeze_clock(later):
        assert [c.id for c in await sync_to_async(token_refresh.due_for_capabilities)("x")] == [made.id]
        await budget(1)
        [due] = await sync_to_async(token_refresh.due_for_capabilities)("x")
        await token_refresh.update_capabilities(due, client)
    [kept] = await rows(Channel)
    assert (kept.capabilities_at, kept.capabilities_delayed_until, kept.capabilities_delay_reason) == (later, None, "")
    assert kept.capabilities
    assert not await rows(Reservation)
