"""What a network is lent carries the workspace's rule, where the workspace wants it."""

from __future__ import annotations

import io

import pytest
from asgiref.sync import sync_to_async
from PIL import Image

from kicau.channels.actions import register_app
from kicau.channels.channel_session import ChannelSession, new_client, to_stored
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.content import Recipe, RenderedMedia
from kicau.connector.session import Credentials
from kicau.media.actions import add_medium
from kicau.vocabularies import containers, iptc
from kicau.workspaces import actions as workspaces


async def unpaid(used: object) -> None:
    """Nothing is sent."""


@pytest.mark.django_db(transaction=True)
async def test_a_lent_picture_carries_the_rule(workspace, actor, tmp_path):
    def prepare():
        Image.new("RGB", (60, 40), "#a05030").save(tmp_path / "cup.png")
        slug = registry.installed_slugs()[0]
        app = register_app(slug, "id", "secret")
        channel = Channel.objects.create(
            workspace=workspace,
            network=slug,
            app=app,
            key="one",
            account_id="1",
            handle="kopi",
            name="Kopi",
            kind="person",
            credentials=to_stored(Credentials(access_token="none")),
        )
        return channel, add_medium(actor, tmp_path / "cup.png", "cup.png")

    channel, medium = await sync_to_async(prepare)()
    async with new_client() as client:
        live = ChannelSession(channel, client, unpaid)
        one = RenderedMedia(media=medium.value(), recipe=Recipe(mime="image/jpeg", max_width=30))
        plain = await live.file(one)
        assert containers.find_metadata(io.BytesIO(plain.path.read_bytes())).xmp == b""
        await sync_to_async(workspaces.update_workspace)(actor, ai_use={"train_gen": "deny"}, marks_media=True)
        file = await live.file(one)
        assert "/m/" in await live.public_url(one)
    data = file.path.read_bytes()
    assert iptc.read_packet(containers.find_metadata(io.BytesIO(data)).xmp).declarations[0].says == {
        "train_gen": "deny"
    }
    assert (file.size, file.name, file.mime) == (len(data), plain.name, plain.mime)
    with Image.open(file.path) as marked, Image.open(plain.path) as before:
        assert marked.tobytes() == before.tobytes()
