"""`kicau doctor --deep` does what it speaks of: a letter arrives, tokens are tried, a dead one is told."""

import asyncio
import threading

import pytest

from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel
from kicau.cli.server import doctor_deep
from kicau.connector.sandbox.server import start_sandbox
from kicau.connector.session import Credentials
from kicau.notifications.tests.conftest import sink
from tests.stranger.sandbox import Server

__all__ = ["sink"]


@pytest.fixture
def network(stranger, tmp_path):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = Server(folder=tmp_path)
    runner = asyncio.run_coroutine_threadsafe(start_sandbox(made), loop).result(10)
    yield made
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_it_sends_writes_and_asks(kicau, actor, network, channel, sink, settings, owner):
    settings.KICAU_MAIL_HOST = "127.0.0.1"
    living, dead = channel("ana"), channel("budi")
    living.app.endpoints = network.endpoints()
    living.app.save()
    network.store.put("token", "alive", {"app": "app", "account": "ana"})
    Channel.objects.filter(id=living.id).update(credentials=to_stored(Credentials(access_token="alive")))
    Channel.objects.filter(id=dead.id).update(credentials=to_stored(Credentials(access_token="gone")))
    said = kicau("doctor", "--deep", "--json")
    found = {f["what"]: f for f in said.json}
    assert found["ana"]["state"] == "ok", found["ana"]
    assert (found["budi"]["state"], "no longer accepts" in found["budi"]["says"]) == ("wrong", True)
    assert Channel.objects.get(id=dead.id).state == "expired"
    assert found["media folder"]["state"] == "ok"
    assert found["mail"]["state"] == "ok"
    assert sink.letters[0]["To"] == owner.email
    assert found["database: fsync"]["do"]  # the suite's own cluster is careless on purpose
    assert "mail" not in {f["what"] for f in kicau("doctor", "--json").json}

    sink.refuses = True
    settings.KICAU_ALERT_WEBHOOK = "http://127.0.0.1:9/"
    found = {f["what"]: f for f in kicau("doctor", "--deep", "--json").json}
    assert "come back later" in found["mail"]["says"]
    assert "could not be reached" in found["alert webhook"]["says"]


def test_a_media_folder_that_cannot_be_written_is_told(settings, tmp_path):
    (tmp_path / "media").write_text("no folder")
    settings.KICAU_DATA = tmp_path
    assert [f.state for f in doctor_deep.check_media_folder()] == ["wrong"]
