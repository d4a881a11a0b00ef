"""A fresh instance does not belong to whoever comes first (issue 18, item 22)."""

from __future__ import annotations

import pytest
from django.urls import reverse

from kicau.base.keys import first_visit_code
from kicau.web.account import setup_code
from kicau.workspaces.models import Person

WELCOME = {"name": "Sari", "email": "sari@kopisenja.example", "password": "hujan-di-bandung-41", "workspace": "Kopi"}


@pytest.fixture
def code(settings) -> str:
    return first_visit_code(settings.SECRET_KEY)


ELSEWHERE = {
    "another machine": {"REMOTE_ADDR": "203.0.113.9"},
    "another machine, IPv6": {"REMOTE_ADDR": "2001:db8::1"},
    "a proxy here": {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    "a proxy here that names nobody": {"headers": {"Via": "1.1 proxy"}},
    "a proxy's own header": {"headers": {"X-Real-IP": "127.0.0.1"}},
    "the standard's header": {"headers": {"Forwarded": "for=127.0.0.1"}},
    "no address": {"REMOTE_ADDR": ""},
}


@pytest.mark.parametrize("way", ELSEWHERE)
def test_who_is_not_at_the_machine_needs_the_code_from_the_log(guest, way, code):
    more = ELSEWHERE[way]
    assert 'name="code"' in guest.get(reverse("welcome"), **more).content.decode()
    for wrong in ("", "AAAA-AAAA-AAAA-AAAA", code[:-1], f"{code}A", "é"):
        answer = guest.post(reverse("welcome"), WELCOME | {"code": wrong}, **more)
        assert (answer.status_code, "This setup code is wrong. Enter the code that" in answer.content.decode()) == (
            422,
            True,
        )
    assert not Person.objects.exists()
    assert guest.post(reverse("welcome"), WELCOME | {"code": f" {code.lower()} "}, **more)["Location"] == "/"
    assert Person.objects.get().is_operator


def test_who_sits_at_the_machine_needs_none(guest, code):
    assert 'name="code"' not in guest.get(reverse("welcome")).content.decode()
    assert guest.post(reverse("welcome"), WELCOME)["Location"] == "/"


@pytest.mark.parametrize("address", ["https://kicau.example", "http://192.0.2.7:8000"])
def test_an_instance_with_a_public_address_always_asks(guest, settings, address):
    """A proxy on this machine may hand on no header at all."""
    settings.KICAU_PUBLIC_URL = address
    assert guest.post(reverse("welcome"), WELCOME).status_code == 422
    assert not Person.objects.exists()


def test_an_old_proxys_protocol_is_not_this_machine(rf):
    request = rf.get("/welcome")
    assert setup_code.is_local(request)
    request.scope = {"http_version": "1.0"}
    assert not setup_code.is_local(request)
    request.scope = {"http_version": "1.1"}
    assert setup_code.is_local(request)


def test_the_code_comes_by_the_link_and_cannot_be_guessed(guest, settings, code):
    html = guest.get(f"{reverse('welcome')}?code={code}", REMOTE_ADDR="203.0.113.9").content.decode()
    assert f'value="{code}"' in html
    settings.KICAU_SIGN_IN_RATE = 2
    for _ in range(2):
        answer = guest.post(reverse("welcome"), WELCOME | {"code": "x"}, REMOTE_ADDR="203.0.113.9")
        assert answer.status_code == 422
    assert guest.post(reverse("welcome"), WELCOME | {"code": code}, REMOTE_ADDR="203.0.113.9").status_code == 429
    assert not Person.objects.exists()
    answer = guest.post(reverse("welcome"), WELCOME | {"code": code}, REMOTE_ADDR="203.0.113.10")
    assert answer["Location"] == "/", "who guesses keeps nobody else out"


def test_the_code_is_the_instances_own_and_is_in_the_log_once_a_process(guest, code, capsys, monkeypatch):
    assert first_visit_code("another key") != code
    said = []
    monkeypatch.setattr(setup_code.log, "warning", lambda event, **facts: said.append(facts))
    monkeypatch.setattr(setup_code.log_setup_code, "__defaults__", ([],))
    for _ in range(3):
        guest.get(reverse("welcome"), REMOTE_ADDR="203.0.113.9")
    assert [facts["first_visit"] for facts in said] == [code]
