"""The first visit, signing in and out, and those who guess."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from kicau.base import clock
from kicau.workspaces import hashing
from kicau.workspaces.models import Person, Throttle, Workspace
from kicau.workspaces.tests.test_invitations import code_of

PASSWORD = "hujan-di-bandung-41"
FIRST = {
    "name": "Sari",
    "email": "sari@kopisenja.example",
    "password": PASSWORD,
    "workspace": "Kopi Senja",
    "timezone": "Asia/Jakarta",
}


def sign_in(client, password=PASSWORD, email="sari@kopisenja.example", **more):
    return client.post(reverse("sign-in"), {"email": email, "password": password, **more})


def test_the_first_visitor_becomes_the_owner_and_nobody_after(guest):
    assert guest.get("/", follow=True).redirect_chain[-1][0] == reverse("welcome")
    answer = guest.post(reverse("welcome"), FIRST)
    assert answer["Location"] == "/"
    person = Person.objects.get()
    assert (person.is_operator, person.timezone) == (True, "Asia/Jakarta")
    assert guest.get("/").status_code == 200
    guest.logout()
    assert guest.post(reverse("welcome"), {**FIRST, "email": "eve@example.org"})["Location"] == "/"
    assert (Person.objects.count(), Workspace.objects.count()) == (1, 1)


def test_a_first_visit_with_a_weak_password_says_so_and_keeps_what_was_typed(guest):
    answer = guest.post(reverse("welcome"), {**FIRST, "password": "zq7"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "at least 10 characters" in html
    assert 'value="sari@kopisenja.example"' in html
    assert "zq7" not in html
    assert not Person.objects.exists()


def test_who_signs_in_comes_where_they_wanted_to_but_not_elsewhere(guest, owner, workspace):
    assert guest.get("/drafts")["Location"] == "/sign-in?next=%2Fdrafts"
    assert sign_in(guest, next="/drafts")["Location"] == "/drafts"
    guest.logout()
    assert sign_in(guest, next="https://evil.example/")["Location"] == "/"


def test_a_wrong_password_and_an_unknown_address_read_the_same(guest, owner):
    wrong, unknown = sign_in(guest, "wrong"), sign_in(guest, email="nobody@example.org")
    assert wrong.status_code == unknown.status_code == 422
    assert wrong.context["error"] == unknown.context["error"]


def test_who_guesses_has_to_wait_and_the_right_password_does_not_help(guest, owner, settings):
    settings.KICAU_SIGN_IN_RATE = 2
    for _ in range(2):
        assert sign_in(guest, "wrong").status_code == 422
    assert sign_in(guest).status_code == 429
    assert sign_in(guest, email="SARI@kopisenja.example").status_code == 429


def test_guessing_many_addresses_from_one_place_has_an_end(guest, owner, settings):
    settings.KICAU_SIGN_IN_RATE = 1
    for n in range(5):
        assert sign_in(guest, "wrong", email=f"n{n}@example.org").status_code == 422
    assert sign_in(guest, "wrong", email="last@example.org").status_code == 429


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_counted_before_they_are_tried(guest, owner, settings):
    settings.KICAU_SIGN_IN_RATE = 4
    statuses: list[int] = []

    def guess() -> None:
        statuses.append(sign_in(Client(), "wrong").status_code)
        connection.close()

    threads = [threading.Thread(target=guess) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [422] * 4 + [429] * 6


def test_guesses_from_everywhere_are_counted_for_the_account_and_do_not_lock_its_owner_out(guest, owner, settings):
    settings.KICAU_SIGN_IN_RATE = 2
    sign_in(guest)
    guest.post(reverse("sign-out"))
    for n in range(10):
        assert sign_in(Client(REMOTE_ADDR=f"192.0.2.{n}"), "wrong").status_code == 422
    later = sign_in(Client(REMOTE_ADDR="192.0.2.99"))
    assert (later.status_code, int(later["Retry-After"]) > 0) == (429, True)
    assert sign_in(guest).status_code == 302, "their own browser is known"


def test_a_known_browser_may_not_guess_without_end(guest, owner, settings):
    settings.KICAU_SIGN_IN_RATE = 2
    sign_in(guest)
    guest.post(reverse("sign-out"))
    assert [sign_in(guest, "wrong").status_code for _ in range(3)] == [422, 422, 429]


def test_addresses_of_one_ipv6_network_count_as_one(guest, owner, settings):
    settings.KICAU_SIGN_IN_RATE = 2
    statuses = [sign_in(Client(REMOTE_ADDR=f"2001:db8::{n}"), "wrong").status_code for n in range(1, 4)]
    assert statuses == [422, 422, 429]


def test_the_present_password_may_not_be_guessed_either_way(page, settings):
    settings.KICAU_SIGN_IN_RATE = 3
    session = page.session
    session.pop("proved_at", None)
    session.save()
    change = {"before": "wrong", "password": "kabut-di-lembang-77"}
    assert page.post(reverse("password-change"), change).status_code == 422
    assert page.post(reverse("verify-identity"), {"password": "wrong"}).status_code == 422
    assert page.post(reverse("password-change"), change).status_code == 422
    answer = page.post(reverse("password-change"), {**change, "before": PASSWORD})
    assert (answer.status_code, "Retry-After" in answer) == (429, True)
    assert page.post(reverse("verify-identity"), {"password": PASSWORD}).status_code == 429


def test_a_password_that_is_hashed_again_ends_no_session(page, owner, monkeypatch):
    from kicau.workspaces.hashing import LimitedArgon2PasswordHasher

    monkeypatch.setattr(LimitedArgon2PasswordHasher, "time_cost", 2)
    assert page.post(reverse("verify-identity"), {"password": PASSWORD}).status_code == 302
    assert page.get(reverse("sign-in-settings")).status_code == 200
    owner.refresh_from_db()
    assert ",t=2," in owner.password


def test_too_many_sign_ins_at_once_are_asked_to_come_again(guest, owner, monkeypatch):
    monkeypatch.setattr(hashing, "hashing_slots", hashing.HashingSlots(at_once=0, waiting=0))
    answer = sign_in(guest)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_signing_out_is_a_post_and_ends_it(page):
    assert page.get(reverse("sign-out")).status_code == 405
    page.post(reverse("sign-out"))
    assert page.get("/").status_code == 302


def test_somebody_without_a_workspace_is_told_what_to_do(guest, owner, db):
    guest.force_login(owner)
    answer = guest.get("/", follow=True)
    assert "You are not a member of any workspace" in answer.content.decode()
    assert guest.post(reverse("no-workspace"), {"name": "Kopi Senja"})["Location"] == "/"
    assert guest.get("/").status_code == 200


def test_htmx_is_told_of_a_lost_session_without_losing_the_page(guest, owner):
    answer = guest.post(reverse("compose-preview"), {}, headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer["HX-Retarget"] == "#notices"


def test_the_second_factor_is_set_up_asked_for_and_turned_off(guest, owner, workspace, settings):
    settings.KICAU_SIGN_IN_RATE = 3
    guest.force_login(owner)
    assert guest.get(reverse("set-up-authenticator"))["Location"] == reverse("sign-in-settings"), "the password first"
    assert guest.post(reverse("verify-identity"), {"password": "wrong"}).status_code == 422
    guest.post(reverse("verify-identity"), {"password": PASSWORD})
    assert b'class="qr' in guest.get(reverse("set-up-authenticator")).content
    assert guest.post(reverse("set-up-authenticator"), {"code": "12"}).status_code == 422
    now = clock.now()
    with clock.freeze_clock(now):
        shown = guest.post(reverse("set-up-authenticator"), {"code": code_of(owner.authenticator)})
    codes = shown.context["codes"]
    assert codes[9] in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    guest.logout()

    assert sign_in(guest, next="/drafts")["Location"] == reverse("sign-in-code")
    assert guest.get("/drafts").status_code == 302, "half is not in"
    with clock.freeze_clock(now + timedelta(seconds=30)):
        assert guest.post(reverse("sign-in-code"), {"code": code_of(owner.authenticator)})["Location"] == "/drafts"
    guest.logout()
    sign_in(guest)
    for _ in range(3):
        assert guest.post(reverse("sign-in-code"), {"code": "000000"}).status_code == 422
    assert guest.post(reverse("sign-in-code"), {"code": codes[0]}).status_code == 429
    Throttle.objects.all().delete()
    with clock.freeze_clock(now + timedelta(minutes=11)):
        assert guest.post(reverse("sign-in-code"), {"code": codes[0]})["Location"] == reverse("sign-in"), "too late"
    assert guest.post(reverse("sign-in-code"), {"code": codes[0]})["Location"] == "/"
    assert "You have 9 recovery codes left." in guest.get(reverse("sign-in-settings")).content.decode()
    guest.post(reverse("turn-off-two-factor"))
    assert sign_in(guest, next="/")["Location"] == "/", "signed in still"
    guest.post(reverse("verify-identity"), {"password": PASSWORD, "code": codes[1]})
    guest.post(reverse("turn-off-two-factor"))
    guest.logout()
    assert sign_in(guest)["Location"] == "/"


def test_a_password_is_judged_while_it_is_typed(guest):
    said = guest.post(reverse("password-feedback"), {"password": "aaaaaaaaaaaa"}).content.decode()
    assert "This password repeats the same characters or words." in said
    assert "aaaaaaaaaaaa" not in said
