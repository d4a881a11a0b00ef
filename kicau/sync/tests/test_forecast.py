"""The month's forecast knows reading that was just switched on, by the policy and what was published."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kicau.base import clock
from kicau.channels.actions import register_app
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel
from kicau.connector.session import Credentials
from kicau.cost_reports import forecast
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery
from kicau.sync import sync_settings
from kicau.sync.tests.conftest import BILLS
from kicau.workspaces.actions import actor_for, create_workspace

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
        credentials=to_stored(Credentials(access_token="t")),
    )
    draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text="Kopi"),)))
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
    assert forecast.forecast(actor).total == ()
    figure = sync_settings.sync_option(actor, BILLS).estimate
    assert (figure.posts, figure.readings, figure.micro) == (30, 210, 210 * 5_000)  # seven days of each post's life
    sync_settings.switch_sync(actor, BILLS, True, accepts=figure.micro)
    month = forecast.forecast(actor)
    left = (month.ends_at - clock.now()) / timedelta(days=1)
    assert month.total[0].sync == pytest.approx(figure.micro / 30 * left, rel=0.01)
    sync_settings.switch_sync(actor, BILLS, False)
    assert forecast.forecast(actor).total == ()


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
            credentials=to_stored(Credentials(access_token="t")),
        )

    chosen("kopi", "1")
    sync_settings.switch_sync(actor, BILLS, True, accepts=0)
    with django_assert_num_queries(4):  # choices, channels, parts that went out, answers that were read
        sync_settings.new_sync_costs([actor.workspace.id])
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
        credentials=to_stored(Credentials(access_token="t")),
    )
    sync_settings.switch_sync(theirs, BILLS, True, accepts=0)
    with django_assert_num_queries(4):
        assert set(sync_settings.new_sync_costs([actor.workspace.id, other.id])) == {
            (actor.workspace.id, BILLS, "USD"),
            (other.id, BILLS, "USD"),
        }
