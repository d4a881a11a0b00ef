"""Who is mentioned: spelled for each network, offered again, looked up for its price, and told where nobody is there."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import aiohttp
import pytest
from asgiref.sync import async_to_sync

from kicau.base import clock
from kicau.base.errors import Conflict, ValidationFailed
from kicau.channels.actions import register_app
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.contract import open_test_session, sign_in_at_sandbox
from kicau.connector.sandbox.server import start_sandbox
from kicau.costs.actions import BudgetValues, set_budget
from kicau.costs.models import Charge
from kicau.publishing.content import compositions, contacts, mentions
from kicau.publishing.content.compositions import Composition, PartContent
from kicau.publishing.models import KnownAccount
from kicau.publishing.scheduling import schedule


@pytest.fixture
def connected(workspace):
    """A channel on each of these networks."""

    def make(*networks: str) -> list[Channel]:
        return [
            Channel.objects.create(
                workspace=workspace,
                network=slug,
                app=register_app(slug, "id", "secret"),
                key=slug,
                account_id="1",
                handle="senja",
                name="Kopi Senja",
            )
            for slug in networks
        ]

    return make


def seen(actor, channels, text: str) -> dict[str, schedule.PostPreview]:
    draft = compositions.create_draft(actor, Composition(parts=(PartContent(text=text),)))
    shown = schedule.preview_posts(actor, compositions.one_draft(actor, draft.id), channels)
    return {one.channel.network: one for one in shown}


def test_one_person_has_the_right_handle_on_each_network(actor, connected, member):
    channels = connected("x", "mastodon", "linkedin", "bluesky")
    budi = contacts.save_contact(
        actor,
        "@Budi",
        {
            "x": "budi_k",
            "mastodon": "@budi@kopi.example",
            "linkedin": "@[Budi Kurnia](urn:li:person:bK1)",
            "bluesky": " ",
        },
    )
    shown = seen(actor, channels, "Terima kasih @budi, dan surat@budi.id; @budi@lain.example tidak")
    text = {network: one.rendered.parts[0].text for network, one in shown.items()}
    assert text["x"].startswith("Terima kasih @budi_k, dan surat@budi.id; @budi@lain")
    assert text["mastodon"].startswith("Terima kasih @budi@kopi.example, dan")
    assert text["linkedin"].startswith("Terima kasih Budi Kurnia, dan")
    assert text["bluesky"].startswith("Terima kasih Budi, dan")
    assert [w.sentence for w in shown["bluesky"].warnings if w.code == "contact-without-handle"] == [
        "The contact Budi has no handle for Bluesky, so the post shows the name without a link to an account."
    ]
    assert contacts.save_contact(actor, "budi", {"x": "@budi2"}).id == budi.id
    for name, given in (("dua kata", {"x": "@a"}), ("Budi", {}), ("Budi", {"nowhere": "@a"})):
        with pytest.raises(ValidationFailed):
            contacts.save_contact(actor, name, given)
    contacts.delete_contact(actor, budi.id)
    assert "@budi," in seen(actor, channels, "Hai @budi, apa kabar")["x"].rendered.parts[0].text


def test_hashtags_that_a_network_does_not_make_are_told(actor, connected):
    shown = seen(actor, connected("x", "mastodon"), "Pagi #kopi-senja #2026 #1 https://kopi.id/#bagian #kopi!")
    assert [w.sentence for w in shown["x"].warnings] == [
        "On X, only #kopi becomes a hashtag, not the whole text #kopi-senja."
    ]
    assert mentions.suggest_tags(actor, "KO") == ["#kopi-senja", "#kopi"]


def test_an_account_is_looked_up_for_its_price_and_within_the_budget(actor, connected):
    (channel,) = connected("x")

    async def story() -> None:
        sandbox = import_module(f"{registry.network_package('x')}.sandbox").Server()
        runner = await start_sandbox(sandbox)
        async with aiohttp.ClientSession() as client:
            session = open_test_session(registry.get_connector("x"), sandbox, client)
            account = (await sign_in_at_sandbox(registry.get_connector("x"), session))[0]
            channel.credentials, channel.app.endpoints = to_stored(account.credentials), sandbox.endpoints()
            assert [h.mention for h in await mentions.look_up_accounts(actor, channel, "@KopiSenja")] == ["@kopisenja"]
            assert await mentions.look_up_accounts(actor, channel, "tiadaorang") == []
        await runner.cleanup()

    async_to_sync(story)()
    charge = Charge.objects.get()
    assert (charge.meter, charge.micro, charge.purpose) == ("user-read", 10_000, "read")
    assert charge.person_id == actor.person_id
    shown = seen(actor, [channel], "@kopisenja @tiadaorang @belumtahu")["x"]
    assert [(m.text, m.state) for m in shown.mentioned] == [
        ("@kopisenja", "there"),
        ("@tiadaorang", "missing"),
        ("@belumtahu", "unknown"),
    ]
    assert [w.sentence for w in shown.warnings] == [
        "There is no account @tiadaorang on X. Check the spelling of the handle."
    ]
    assert [h.handle for h in mentions.suggest_handles(actor, ["x"], "kop")] == ["kopisenja"]

    set_budget(actor, BudgetValues(name="Kecil", amount=10_000, currency="USD", period="month"))
    with pytest.raises(Conflict, match="Kicau sent no request to X: the budget “Kecil” has"):
        async_to_sync(mentions.look_up_accounts)(actor, channel, "siapa")
    assert not KnownAccount.objects.filter(target="siapa").exists()
    channel.sync_paused_until = clock.now() + timedelta(minutes=15)
    with pytest.raises(Conflict, match="Kicau has used most of the API requests that X allows"):
        async_to_sync(mentions.look_up_accounts)(actor, channel, "siapa")
    with pytest.raises(Conflict, match="does not let apps such as Kicau search for accounts"):
        async_to_sync(mentions.look_up_accounts)(actor, connected("threads")[0], "siapa")

    draft = compositions.create_draft(actor, Composition(parts=(PartContent(text="Untuk @belumtahu"),)))
    schedule.schedule(actor, compositions.one_draft(actor, draft.id), ["x"], clock.now() + timedelta(hours=1))
    assert [h.is_there for h in mentions.suggest_handles(actor, ["x"], "belum")] == [None]
