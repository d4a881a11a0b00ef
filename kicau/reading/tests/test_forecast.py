"""The month's forecast knows reading that was just switched on, by the policy and what was published."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kicau.base import clock
from kicau.channels.acts import register_app
from kicau.channels.live import stored
from kicau.channels.models import Channel
from kicau.connector.session import Credentials
from kicau.publishing import compose, forecasting
from kicau.publishing.models import Delivery
from kicau.reading import choosing
from kicau.reading.tests.conftest import BILLS
from kicau.workspaces.acts import actor_for, create_workspace

pytestmark = pytest.mark.django_db


def test_what_was_just_switched_on_is_foretold_from_the_policy(actor):
    app = register_app(BILLS, "id", "secret")
    channel = Channel.objects.create(
        workspace=actor.workspace,
        network=BILLS,
        app=app,
        key="kopi",
        account_id="1",
        handle="kopi",
        name="Kopi",
        credentials=stored(Credentials(access_token="t")),
    )
    draft = compose.create_draft(actor, compose.Composition(parts=(compose.PartInput(text="Kopi"),)))
    now = clock.now()
    Delivery.objects.bulk_create(
        Delivery(
            workspace=actor.workspace,
            draft_id=draft.id,
            channel=channel,
            network=BILLS,
            state="published",
            due_at=now,
            next_at=now,
            rendered={"parts": []},
            remote_ids=[str(n)],
            published_at=now - timedelta(hours=n),
        )
        for n in range(28)
    )
    assert forecasting.forecast(actor).total == ()
    figure = choosing.one(actor, BILLS).estimate
    assert (figure.posts, figure.readings, figure.micro) == (30, 210, 210 * 5_000)  # seven days of each post's life
    choosing.switch(actor, BILLS, True, accepts=figure.micro)
    month = forecasting.forecast(actor)
    left = (month.ends_at - clock.now()) / timedelta(days=1)
    assert month.total[0].reading == pytest.approx(figure.micro / 30 * left, rel=0.01)
    choosing.switch(actor, BILLS, False)
    assert forecasting.forecast(actor).total == ()


def test_what_many_networks_will_cost_is_counted_at_once(actor, django_assert_num_queries):
    def chosen(key: str, account: str) -> None:
        app = register_app(BILLS, "id", "secret")
        Channel.objects.create(
            workspace=actor.workspace,
            network=BILLS,
            app=app,
            key=key,
            account_id=account,
            handle=key,
            name=key,
            credentials=stored(Credentials(access_token="t")),
        )

    chosen("kopi", "1")
    choosing.switch(actor, BILLS, True, accepts=0)
    with django_assert_num_queries(4):  # choices, channels, parts that went out, answers that were read
        choosing.begun([actor.workspace.id])
    other = create_workspace(actor.person, "Kabar")
    theirs = actor_for(actor.person, other.id, "page")
    app = register_app(BILLS, "id", "secret")
    Channel.objects.create(
        workspace=other,
        network=BILLS,
        app=app,
        key="kabar",
        account_id="2",
        handle="kabar",
        name="Kabar",
        credentials=stored(Credentials(access_token="t")),
    )
    choosing.switch(theirs, BILLS, True, accepts=0)
    with django_assert_num_queries(4):
        assert set(choosing.begun([actor.workspace.id, other.id])) == {
            (actor.workspace.id, BILLS, "USD"),
            (other.id, BILLS, "USD"),
        }
