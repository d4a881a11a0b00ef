"""The pages on which the operator enters app keys."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from kicau.channels.actions import register_app
from kicau.channels.models import NetworkApp
from kicau.connector import registry

KEYED = [slug for slug, one in registry.installed_connectors().items() if one.auth.needs_keys]


@pytest.fixture
def admins(member) -> Client:
    """An admin of the workspace who does not host the server."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(member("admin").person)
    return client


def text(answer) -> str:
    return answer.content.decode()


def test_every_network_says_how_it_stands(page, settings):
    settings.KICAU_PUBLIC_URL = "http://testserver"
    register_app(KEYED[0], "the-app-of-sari", "secret")
    said = text(page.get(reverse("app-keys")))
    assert "Kicau uses the app the-app-of-sari." in said
    assert said.count("Keys missing") == len(KEYED) - 1
    assert said.count("No keys are needed.") == len(registry.installed_slugs()) - len(KEYED)
    assert "KICAU_PUBLIC_URL" not in said


@pytest.mark.parametrize("slug", KEYED)
def test_the_guide_has_the_callback_the_steps_and_the_prices(page, settings, slug):
    settings.KICAU_PUBLIC_URL = "https://kicau.example"
    said = text(page.get(reverse("network-app-keys", args=[slug])))
    guide = registry.get_connector(slug).auth.guide
    assert "https://kicau.example/channels/callback" in said
    assert guide.url in said
    assert said.count("<li>") >= len(guide.steps)
    for name in guide.key_names:
        assert name in said
    assert "You opened Kicau at http://testserver" in said


def test_wrong_input_is_told_beside_its_field_and_keeps_the_rest_but_the_secret(page):
    answer = page.post(
        reverse("network-app-keys", args=[KEYED[0]]), {"client_id": "two words", "client_secret": "hidden-secret"}
    )
    assert answer.status_code == 422
    assert 'value="two words"' in text(answer)
    assert "keys have at most 300 letters and digits, without spaces" in text(answer)
    assert "hidden-secret" not in text(answer)
    assert not NetworkApp.objects.exists()


def test_a_network_that_cannot_be_asked_is_said_and_the_keys_are_saved(page):
    nowhere = dict.fromkeys(registry.get_connector(KEYED[0]).endpoints, "http://127.0.0.1:9")
    register_app(KEYED[0], "old", "old", endpoints=nowhere)
    answer = page.post(
        reverse("network-app-keys", args=[KEYED[0]]), {"client_id": "new", "client_secret": "new-secret"}, follow=True
    )
    assert answer.redirect_chain[-1][0] == reverse("channels-connect", args=[KEYED[0]])
    assert "saved the keys without testing them" in text(answer)
    assert NetworkApp.objects.get().client_id == "new"


def test_members_are_told_whom_to_ask(admins):
    assert admins.get(reverse("network-app-keys", args=[KEYED[0]])).status_code == 403
    assert admins.post(reverse("network-app-keys", args=[KEYED[0]]), {"client_id": "a"}).status_code == 403
    said = text(admins.get(reverse("app-keys")))
    assert "Only the server administrator can enter app keys." in said
    assert reverse("network-app-keys", args=[KEYED[0]]) not in said
    refused = text(admins.get(reverse("channels-connect", args=[KEYED[0]])))
    assert "Ask the server administrator to enter them on the page “App keys”" in refused


def test_a_missing_key_is_said_before_a_form_is_filled_in(page):
    said = text(page.get(reverse("channels")))
    assert said.count("Needs app keys") == len(KEYED)
    for slug in registry.installed_slugs():
        way = "network-app-keys" if slug in KEYED else "channels-connect"
        assert f'class="tile" href="{reverse(way, args=[slug])}"' in said
