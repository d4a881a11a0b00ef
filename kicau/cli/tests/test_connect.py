"""Connecting from the shell, through a real sandbox's sign-in page, by each way in which the browser may come back."""

import asyncio
import threading
import urllib.request
from urllib.parse import urlencode

import pytest

from kicau.channels import actions
from kicau.channels.models import Channel
from kicau.cli import channels
from kicau.cli.server import up
from kicau.connector.sandbox.server import start_sandbox
from kicau.publishing.models import Delivery
from kicau.sandbox.all_networks import is_free, server_class
from kicau.sandbox.visitor import fill_consent_page


@pytest.fixture(scope="module")
def sandbox():
    """LinkedIn's: one sign-in there gives a person and an organisation."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = server_class("linkedin")()
    runner = asyncio.run_coroutine_threadsafe(start_sandbox(made), loop).result(10)
    yield made
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    made.store.close()


@pytest.fixture
def network(kicau, actor, sandbox):
    assert kicau("apps", "add", "linkedin", "--sandbox", sandbox.base_url).code == 0
    return "linkedin"


@pytest.fixture
def browser(monkeypatch):
    """Whoever begins a sign-in is followed to the consent page; `browser.returned` is what comes back."""

    class Browser:
        returned = None
        by_page = False

        async def begin(self, actor, network, answers=None, **how):
            import aiohttp

            begun = await real(actor, network, answers, **how)
            async with aiohttp.ClientSession() as client:
                self.returned = await fill_consent_page(client, begun.url)
            if self.by_page:
                await actions.finish_sign_in(actor, self.returned)
            return begun

    real, made = actions.begin_sign_in, Browser()
    monkeypatch.setattr(actions, "begin_sign_in", made.begin)
    monkeypatch.setattr(up, "is_web_ready", lambda: made.by_page)
    return made


@pytest.fixture
def paste(monkeypatch, browser):
    monkeypatch.setattr(
        channels.click,
        "prompt",
        lambda *_, **__: f"http://127.0.0.1:8000/channels/callback?{urlencode(browser.returned)}",
    )


def test_the_address_is_pasted_and_all_identities_are_taken(kicau, network, paste):
    said = kicau("channels", "connect", network, "--paste", "--all")
    assert said.code == 0, said.err
    assert "/authorization?" in said.out
    assert set(Channel.objects.values_list("kind", flat=True)) == {"person", "organisation"}


def test_one_identity_is_chosen_and_named(kicau, network, paste):
    unclear = kicau("channels", "connect", network, "--paste")
    assert unclear.code == 2
    assert "--account urn:li:organization:5012346" in unclear.err
    wrong = kicau("channels", "connect", network, "--paste", "--account", "urn:li:organization:1")
    assert wrong.code == 1
    said = kicau(
        "channels",
        "connect",
        network,
        "--paste",
        "--account",
        "urn:li:organization:5012346",
        "--key",
        "li-kopi",
        "--json",
    )
    assert [c["key"] for c in said.json] == ["li-kopi"]
    assert "/authorization?" in said.err


def test_the_page_took_the_return(kicau, network, browser):
    browser.by_page = True
    assert kicau("channels", "connect", network, "--all").code == 0
    assert Channel.objects.count() == 2


def test_the_shell_listens_itself_where_no_web_server_runs(kicau, network, browser, monkeypatch):
    monkeypatch.setattr(channels, "_listen_for_callback", lambda port: browser.returned)
    monkeypatch.setattr("kicau.sandbox.all_networks.is_free", lambda port: True)
    assert kicau("channels", "connect", network, "--all").code == 0


def test_the_listener_takes_one_return():
    port = next(p for p in range(18_500, 18_600) if is_free(p))
    found = {}
    thread = threading.Thread(target=lambda: found.update(channels._listen_for_callback(port)))
    thread.start()
    for path in ("/favicon.ico", "/channels/callback?state=s1&code=c1"):
        for _ in range(50):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                    assert b"terminal" in answer.read()
                break
            except OSError:
                threading.Event().wait(0.05)
    thread.join(10)
    assert found == {"state": "s1", "code": "c1"}


def test_a_refusal_and_a_stale_return_are_told(kicau, network, paste, browser):
    kicau("channels", "connect", network, "--paste", "--all")
    browser.returned = {"state": "stale", "code": "x"}

    async def begin(*_, **__):
        return actions.SignInStep(state="s", url="http://127.0.0.1:9/authorization?x=1")

    actions.begin_sign_in = begin
    said = kicau("channels", "connect", network, "--paste", "--all")
    assert said.code == 1
    assert "Connect the channel again." in said.err


def test_what_is_gone_already_is_deleted_without_complaint(kicau, network, paste, actor):
    kicau("channels", "connect", network, "--paste", "--account", "urn:li:organization:5012346", "--key", "li-kopi")
    made = kicau("post", "Halo", "--to", "li-kopi", "--confirm", "--json").json["deliveries"][0]
    Delivery.objects.update(state="published", remote_ids=["urn:li:share:7000000000000000001"])
    said = kicau("delete", made["id"], "--yes")
    assert said.code == 0, said.err
    assert Delivery.objects.get().state == "deleted"


def test_an_app_without_keys_says_how_to_add_them(kicau, actor):
    said = kicau("channels", "connect", "linkedin")
    assert said.code == 1
    assert "kicau apps add linkedin" in said.err
    assert kicau("channels", "connect", "myspace").code == 3
    assert kicau("channels", "connect", "linkedin", "--answer", "nonsense").code == 2
