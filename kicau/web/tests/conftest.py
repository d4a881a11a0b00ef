"""A browser's stand-in that is signed in, and a workspace with one channel on each network."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image

from kicau.base import clock
from kicau.channels.actions import register_app
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.session import Credentials
from kicau.media.actions import add_medium
from kicau.publishing.content import compositions
from kicau.publishing.scheduling import schedule
from kicau.web.tests.provider import _serving, provider

__all__ = ["_serving", "provider"]  # fixtures


@pytest.fixture(autouse=True)
def _static_folder() -> None:
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture
def page(owner, workspace) -> Client:
    """Sari at her browser."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(owner)
    return client


@pytest.fixture
def guest(db) -> Client:
    return Client(headers={"accept-language": "en"})


@pytest.fixture
def channels(workspace) -> dict[str, Channel]:
    """By network; as they are right after connecting."""
    made = {}
    for slug in registry.installed_slugs():
        app = register_app(slug, "id", "secret")
        made[slug] = Channel.objects.create(
            workspace=workspace,
            network=slug,
            app=app,
            key=f"{slug}-kopisenja",
            account_id="1",
            handle="kopisenja",
            name="Kopi Senja",
            kind="person",
            credentials=to_stored(Credentials(access_token="none")),
        )
    return made


@pytest.fixture
def post(actor, channels):
    """Write and schedule: post("text", to=["x-kopisenja"], hours=1)."""

    def make(text: str = "Halo dari Bandung", to: list[str] | None = None, hours: float = 1, **more):
        draft = compositions.create_draft(
            actor, compositions.Composition(parts=(compositions.PartContent(text=text),), **more)
        )
        return schedule.schedule(
            actor, compositions.one_draft(actor, draft.id), to or ["x-kopisenja"], clock.now() + timedelta(hours=hours)
        )

    return make


@pytest.fixture
def picture(actor, tmp_path) -> object:
    """A medium of the library."""
    file: Path = tmp_path / "cup.jpg"
    Image.new("RGB", (800, 600), "#a05030").save(file)
    return add_medium(actor, file, "cup.jpg", alt="A cup of coffee")
