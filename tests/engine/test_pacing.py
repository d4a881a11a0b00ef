"""What a network says beside its answers of how much is used up: reading waits first, then sending, and nothing fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.channels import actions as channels
from kicau.channels import rate_limit_backoff, token_refresh
from kicau.channels.models import Channel, NetworkApp
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import start_sandbox
from kicau.connector.transport.rate_limit_headers import RateAllowance
from kicau.networks._meta.sandbox.calls import HOUR_SECONDS
from kicau.networks._meta.sandbox.usage_windows import CallWindow
from kicau.networks.facebook.sandbox.server import Server
from kicau.publishing.content import compositions
from kicau.publishing.models import Attempt, Delivery
from kicau.publishing.scheduling import schedule

pytestmark = pytest.mark.django_db(transaction=True)


@pytest_asyncio.fixture
async def facebook(tmp_path) -> AsyncIterator[Server]:
    server = Server(folder=tmp_path)
    runner = await start_sandbox(server)
    yield server
    await runner.cleanup()


@pytest_asyncio.fixture
async def page(facebook, actor, client) -> Channel:
    app = facebook.default_app
    await sync_to_async(channels.register_app)(
        "facebook", app.client_id, app.client_secret, endpoints=facebook.endpoints(), is_sandbox=True
    )
    begun = await channels.begin_sign_in(actor, "facebook", client=client)
    await channels.finish_sign_in(actor, await consent_at_sandbox(client, begun.url), client=client)
    return (await channels.connect(actor, begun.state, client=client))[0]


@pytest.fixture
def post(actor, page):
    def make(text: str, after: float = 0) -> Delivery:
        draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text=text),)))
        at = clock.now() + timedelta(seconds=after)
        return schedule.schedule(actor, compositions.one_draft(actor, draft.id), [page.key], at).deliveries[0]

    return make


def shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def used(window: CallWindow, calls: int) -> None:
    window.hours = {int(clock.now().timestamp() // HOUR_SECONDS): calls}


async def test_sending_slows_with_its_reason_where_the_network_says_that_little_is_left(
    page, facebook, post, shop, state
):
    facebook.calls_per_day = 1000
    used(facebook.windows.setdefault(page.account_id, CallWindow()), 960)
    begun = clock.now()
    first, second = await sync_to_async(post)("satu"), await sync_to_async(post)("dua", after=40)
    await shop.work(lambda: state(first) == "published")

    def look():
        channel = Channel.objects.select_related("app").get(id=page.id)
        assert timedelta(seconds=50) < channel.paused_until - begun < timedelta(seconds=60) + (clock.now() - begun)
        said = f"Kicau has used 96% of the requests that Facebook allows for this channel. Kicau continues publishing on the channel at {shown(channel.paused_until)}."
        assert Attempt.objects.get(delivery=first).sentence == f"The post is published on Facebook. {said}"
        waiting = Delivery.objects.get(id=second.id)
        assert (waiting.state, waiting.reason) == ("scheduled", said)
        assert (
            rate_limit_backoff.sync_resumes_at(channel, clock.now()) == channel.sync_paused_until > channel.paused_until
        )
        Channel.objects.update(capabilities_at=clock.now() - timedelta(days=2))
        assert page not in token_refresh.due_for_capabilities("facebook")
        Channel.objects.update(sync_paused_until=clock.now(), paused_until=clock.now())
        assert page in token_refresh.due_for_capabilities("facebook")
        Delivery.objects.filter(id=second.id).update(due_at=clock.now())

    await sync_to_async(look)()
    await shop.work(lambda: state(second) == "published")


async def test_where_it_names_the_time_nothing_is_sent_until_then_and_nothing_is_refused(
    page, facebook, post, shop, state
):
    facebook.calls_per_day = 1000
    used(facebook.windows.setdefault(page.account_id, CallWindow()), 999)
    first, second = await sync_to_async(post)("satu"), await sync_to_async(post)("dua", after=40)
    await shop.work(lambda: state(first) == "published")
    await Delivery.objects.filter(id=second.id).aupdate(due_at=clock.now())
    await shop.work(lambda: True)

    def look():
        until = Channel.objects.get(id=page.id).paused_until
        assert timedelta(hours=22) < until - clock.now() < timedelta(hours=24)
        waiting = Delivery.objects.get(id=second.id)
        said = f"Kicau has used 100% of the requests that Facebook allows for this channel. Kicau continues publishing on the channel at {shown(until)}."
        assert (waiting.state, waiting.reason, waiting.tries) == ("scheduled", said, 0)
        assert not Attempt.objects.filter(delivery=second).exists()

    await sync_to_async(look)()


async def test_what_the_whole_app_may_do_is_spared_in_all_its_channels(page, facebook, post, shop, state):
    facebook.app_calls_per_hour = 1000
    used(facebook.app_window, 970)
    begun = clock.now()
    first, second = await sync_to_async(post)("satu"), await sync_to_async(post)("dua", after=40)
    await shop.work(lambda: state(first) == "published")

    def look():
        until = NetworkApp.objects.get(id=page.app_id).paused_until
        assert timedelta(seconds=50) < until - begun < timedelta(seconds=60) + (clock.now() - begun)
        assert Channel.objects.get(id=page.id).paused_until is None
        said = f"The developer app that connects Kicau to Facebook has used 97% of its request limit. Kicau continues publishing on all channels of this app at {shown(until)}."
        assert Delivery.objects.get(id=second.id).reason == said

    await sync_to_async(look)()


async def test_reading_waits_before_sending_does(page, facebook, post, shop, state):
    facebook.calls_per_day = 1000
    used(facebook.windows.setdefault(page.account_id, CallWindow()), 800)
    rows = [await sync_to_async(post)(text) for text in ("satu", "dua", "tiga")]
    await shop.work(lambda: all(state(row) == "published" for row in rows))
    channel = await Channel.objects.select_related("app").aget(id=page.id)
    assert channel.paused_until is None
    assert rate_limit_backoff.sync_resumes_at(channel, clock.now())


def test_a_networks_own_time_goes_before_ours_and_an_answer_that_says_nothing_changes_nothing():
    now = clock.now()
    later = now + timedelta(minutes=20)
    [wait] = rate_limit_backoff.rate_limit_pauses(
        [RateAllowance(used=40, until=later), RateAllowance(used=10, whole_app=True)], now
    )
    assert (wait.used, wait.reading, wait.sending, wait.whole_app) == (40, later, later, False)
    assert (
        rate_limit_backoff.rate_limit_pauses([RateAllowance(used=40, until=now - timedelta(minutes=1))], now)
        == rate_limit_backoff.rate_limit_pauses([], now)
        == []
    )
