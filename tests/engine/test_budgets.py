"""Hard budgets: never passed, nothing lost, released in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.base.errors import Conflict
from kicau.channels.models import Channel
from kicau.connector.sandbox.server import OrderedFault
from kicau.costs import actions as plans
from kicau.costs import pricing
from kicau.costs.models import Charge, Reservation
from kicau.notifications.models import Notification
from kicau.publishing.budget import held_deliveries
from kicau.publishing.delivery import outcomes
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.edits import post_edits
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import actions
from tests.engine import squeeze
from tests.engine.conftest import claimed
from tests.stranger.connector import Stranger

pytestmark = pytest.mark.django_db(transaction=True)
PRICE = 15_000


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(outcomes, "LOOKUP_DELAY", timedelta(seconds=0.2))


def budget(actor, amount, **more):
    wanted = plans.BudgetValues(name="Kedai", amount=amount, **{"period": "total", **more})
    return plans.set_budget(actor, wanted)


async def all_of(rows):
    return await sync_to_async(list)(rows)


def texts(network):
    return [p.text for p in network.public_posts()]


async def test_what_does_not_fit_is_held_in_words_and_goes_out_in_order_when_the_budget_is_raised(
    actor, post, shop, state, network
):
    made = await sync_to_async(budget)(actor, 2 * PRICE + 5_000)
    rows = [await sync_to_async(post)(f"kopi {n}", after=n / 1000) for n in range(6)]
    await shop.work(lambda: {state(r) for r in rows} == {"published", "held"})
    held = await all_of(Delivery.objects.filter(state="held").order_by("due_at"))
    assert len(held) == 4
    assert (
        held[0].reason
        == "The budget “Kedai” has $0.005 left, but publishing this post on Stranger needs $0.015. Kicau publishes the post when you raise the budget. You can also cancel the post."
    )
    assert await all_of(Notification.objects.filter(event="budget.near"))
    await sync_to_async(actions.cancel)(actor, held[1].id)  # dropped by a person
    await sync_to_async(plans.set_budget)(
        actor, plans.BudgetValues(name="Kedai", amount=10 * PRICE, period="total"), budget_id=made.id
    )
    assert await sync_to_async(held_deliveries.release_held)() == 3
    await shop.work(lambda: {state(r) for r in rows} == {"published", "canceled"})
    order = [h.rendered["parts"][0]["text"] for h in (held[0], held[2], held[3])]
    assert [t for t in texts(network) if t in order] == order
    assert not await all_of(Reservation.objects.all())
    [told] = await sync_to_async(plans.budget_balances)([made])
    assert told.used == 5 * PRICE == sum(c.micro for c in await all_of(Charge.objects.all()))


async def test_a_lost_answer_keeps_its_money_set_aside_until_it_is_known(actor, post, shop, state, network, client):
    await sync_to_async(budget)(actor, PRICE + 5_000)  # one post and one look-up
    network.faults.append(OrderedFault(effect="drop-after", method="POST", path="^/posts"))
    first = await sync_to_async(post)("satu")
    await shop.work(lambda: state(first) == "published")
    assert {(c.purpose, c.micro) for c in await all_of(Charge.objects.all())} == {("publish", PRICE), ("find", 5_000)}
    second = await sync_to_async(post)("dua")
    await shop.work(lambda: state(second) == "held")
    assert texts(network) == ["satu"]


async def test_a_budget_covers_what_it_names_and_begins_anew(actor, post, shop, state):
    [ana] = await all_of(Channel.objects.filter(key="ana"))
    await sync_to_async(budget)(actor, 0, channel_id=ana.id, period="day", timezone="Asia/Jakarta")
    rows = [await sync_to_async(post)("tahan"), await sync_to_async(post)("jalan", to="budi")]
    await shop.work(lambda: [state(r) for r in rows] == ["held", "published"])
    [row] = await all_of(Delivery.objects.filter(id=rows[0].id))
    local = row.next_at.astimezone(clock.find_zone("Asia/Jakarta"))
    assert (local.hour, local.minute) == (0, 0)
    assert "Kicau publishes the post when the budget resets on" in row.reason


async def test_deleting_is_held_by_a_budget_too_and_is_whose_who_deletes(
    actor, member, post, shop, state, network, client
):
    row = await sync_to_async(post)("satu", "dua")
    await shop.work(lambda: state(row) == "published")
    made = await sync_to_async(budget)(actor, 1, meter="delete")
    editor = await sync_to_async(member)("editor")
    with pytest.raises(
        Conflict, match=r"Kicau sent no request to Stranger: the budget “Kedai” has .* of 1 delete left"
    ):
        await actions.delete_from_network(editor, row.id, client=client)
    assert texts(network) == ["satu", "dua"]
    assert not await all_of(Reservation.objects.all())
    await sync_to_async(plans.set_budget)(
        actor, plans.BudgetValues(name="Kedai", amount=2, period="total", meter="delete"), budget_id=made.id
    )
    await actions.delete_from_network(editor, row.id, client=client)
    assert texts(network) == []
    assert {c.person_id for c in await all_of(Charge.objects.filter(purpose="delete"))} == {editor.person_id}
    [told] = await sync_to_async(plans.budget_balances)([made])
    assert told.used == 2
    assert not await all_of(Reservation.objects.all())


async def test_what_a_broken_look_up_may_have_read_is_not_deleted_before_it_is_counted(
    actor, post, shop, state, network, client, monkeypatch
):
    monkeypatch.setattr(actions, "LOOKUP_WAIT_SECONDS", 0.5)
    monkeypatch.setattr(
        Stranger, "price_lists", tuple(replace(one, daily=frozenset({"read"})) for one in Stranger.price_lists)
    )
    pricing.clear_cache()
    row, other = await sync_to_async(post)("satu"), await sync_to_async(post)("dua", after=600)
    await shop.work(lambda: state(row) == "published")
    doubtful = Delivery.objects.filter(id=other.id)
    await doubtful.aupdate(state="publishing", broken_at=clock.now())
    with pytest.raises(Conflict, match=r"whether another post of this channel was published, and"):
        await actions.delete_from_network(actor, row.id, client=client)
    assert texts(network) == ["satu"]
    await doubtful.aupdate(state="scheduled", broken_at=None)
    await actions.delete_from_network(actor, row.id, client=client)
    assert texts(network) == []


async def test_changing_is_refused_where_a_budget_has_no_room_and_leaves_no_change_open(
    actor, post, shop, state, network, client
):
    row = await sync_to_async(post)("satu")
    await shop.work(lambda: state(row) == "published")
    made = await sync_to_async(budget)(actor, 0, meter="read")
    with pytest.raises(Conflict, match="Kicau sent no request to Stranger: the budget"):
        await post_edits.apply_edit(actor, row.id, post_edits.PostEditInput(texts={0: "dua"}), client=client)
    assert texts(network) == ["satu"]
    await sync_to_async(plans.set_budget)(
        actor, plans.BudgetValues(name="Kedai", amount=1, period="total", meter="read"), budget_id=made.id
    )
    await post_edits.apply_edit(actor, row.id, post_edits.PostEditInput(texts={0: "dua"}), client=client)
    assert texts(network) == ["dua"]
    assert not await all_of(Reservation.objects.all())


async def test_a_budget_made_while_a_post_is_under_way_has_room_for_it_and_no_other(
    actor, post, shop, state, network, client
):
    first = await sync_to_async(post)("sedang jalan")
    work = DeliverySource(client)
    items = await claimed(work, "first")
    await sync_to_async(budget)(actor, PRICE)
    second = await sync_to_async(post)("sesudahnya")
    await shop.work(lambda: state(second) == "held")
    await sync_to_async(work.settle)("first", [await work.step(items[0])])
    assert await sync_to_async(state)(first) == "published"
    assert await sync_to_async(held_deliveries.release_held)() == 0
    assert [(c.purpose, c.micro) for c in await all_of(Charge.objects.all())] == [("publish", PRICE)]
    assert not await Reservation.objects.aexists()
    assert texts(network) == ["sedang jalan"]


async def test_the_budget_holds_whatever_happens_to_workers_and_answers(actor, pair, network, client, monkeypatch):
    monkeypatch.setattr(outcomes, "LOOKUP_DELAY", timedelta(0))
    for seed in range(2):
        told = await squeeze.run(seed, actor, pair, network, client)
        assert told.most_billed <= 0, told
        assert (told.published, told.lost, told.in_order) == (12, 0, True), told
        assert told.ledger - told.uncertain <= told.billed <= told.ledger, told
