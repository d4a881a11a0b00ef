"""Where networks tell by webhook is switched, and said of each channel, among the costs."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from kicau.base import clock
from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.channels.channel_session import to_stored as sealed
from kicau.channels.models import Channel, NetworkApp
from kicau.connector.session import Credentials
from kicau.sync.models import WebhookSubscription


def test_a_network_is_asked_to_tell_and_says_of_each_channel_whether_it_does(page, workspace, settings):
    app = NetworkApp.objects.create(network="threads", client_id="1", client_secret="hush")
    channel = Channel.objects.create(
        workspace=workspace,
        network="threads",
        app=app,
        key="threads-kopi",
        account_id="9",
        handle="kopisenja",
        name="Kopi Senja",
        credentials=sealed(Credentials(access_token="t")),
    )
    settings.KICAU_PUBLIC_URL = "http://127.0.0.1:8000"
    shown = page.get(reverse("costs")).content.decode()
    assert "Threads sends updates only to https:// addresses" in shown
    assert 'name="on" value="on">Turn on instant updates</button>' not in shown
    settings.KICAU_PUBLIC_URL = "https://kicau.example.org"
    shown = page.get(reverse("costs")).content.decode()
    assert "Kicau checks each channel for new replies 12 times a day instead of 288 times" in shown
    page.post(reverse("switch-webhooks"), {"network": "threads", "on": "on"})
    row = WebhookSubscription.objects.get(channel=channel)
    assert row.is_wanted
    assert row.next_at
    assert "Kopi Senja: Kicau is turning on instant updates" in page.get(reverse("costs")).content.decode()
    why = Sentence(
        "{network} does not send webhooks (instant updates) for this channel ({why}). Reconnect the channel and allow this access when the network asks for it.",
        network="Threads",
        why="threads_read_replies",
    )
    WebhookSubscription.objects.update(reason=why, said=to_stored_pieces(why))
    page.post(reverse("choose-language"), {"language": "id", "next": "/drafts"})
    assert (
        "Threads tidak mengirim webhook (pembaruan langsung) untuk saluran ini"
        in page.get(reverse("costs")).content.decode()
    )
    WebhookSubscription.objects.update(
        reason="", said=[], made_at=clock.now(), told_at=clock.now() - timedelta(minutes=12)
    )
    assert (
        "Kicau menerima pembaruan langsung terakhir 12\xa0menit yang lalu"
        in page.get(reverse("costs")).content.decode()
    )
    page.post(reverse("switch-webhooks"), {"network": "threads", "on": "off"})
    assert not WebhookSubscription.objects.get(channel=channel).is_wanted
