"""Cookies, caches, the list of devices, and second factors that a workspace requires."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed
from kicau.rights.models import ActivityEntry
from kicau.web.urls import urlpatterns
from kicau.workspaces import actions, factors
from kicau.workspaces.models import BrowserSession, Passkey, Role
from kicau.workspaces.tests.test_invitations import code_of

PASSWORD = "hujan-di-bandung-41"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"


def signed_in(owner, user_agent: str = FIREFOX, address: str = "203.0.113.7") -> Client:
    client = Client(headers={"accept-language": "en", "user-agent": user_agent}, REMOTE_ADDR=address)
    client.post(reverse("sign-in"), {"email": owner.email, "password": PASSWORD})
    return client


def set_up_app(person) -> object:
    with clock.freeze_clock(clock.now() - timedelta(minutes=1)):
        made = factors.begin_totp_setup(person)
        factors.confirm_totp_setup(person, code_of(made))
    return made


# Cookies and caches


@pytest.mark.parametrize(
    ("public", "expected"),
    [
        (
            "https://kicau.example.org",
            ["__Host-kicau", "__Host-kicau_csrf", "__Host-kicau_passkey", "__Host-kicau_oidc", True, True],
        ),
        ("http://127.0.0.1:8000", ["kicau", "kicau_csrf", "kicau_passkey", "kicau_oidc", False, True]),
    ],
)
def test_cookies_belong_to_this_host_alone_under_https(public, expected, tmp_path):
    names = (
        "SESSION_COOKIE_NAME",
        "CSRF_COOKIE_NAME",
        "PASSKEY_COOKIE_NAME",
        "OIDC_COOKIE_NAME",
        "CSRF_COOKIE_SECURE",
        "CSRF_COOKIE_HTTPONLY",
    )
    ask = f"import json; from kicau.config import settings as s; print(json.dumps([getattr(s, n) for n in {names!r}]))"
    env = {"KICAU_PUBLIC_URL": public, "KICAU_DATA": str(tmp_path), "DATABASE_URL": "postgres://x@127.0.0.1:1/x"}
    got = subprocess.run([sys.executable, "-c", ask], env=env, capture_output=True, text=True, check=True)
    assert json.loads(got.stdout.splitlines()[-1]) == expected


def test_no_script_can_read_a_cookie_that_signs_anything(owner, workspace):
    client = signed_in(owner)
    client.get(reverse("workspace-settings"))
    client.post(reverse("passkey-sign-in-begin"))
    assert {"kicau", "kicau_csrf", "kicau_passkey"} <= set(client.cookies)
    assert all(one["httponly"] for one in client.cookies.values())


def test_a_form_is_taken_with_the_token_of_the_page(owner, workspace):
    client = signed_in(owner)
    client.handler.enforce_csrf_checks = True
    body = client.get(reverse("personal-settings")).content.decode()
    token = body.partition('"X-CSRFToken": "')[2].partition('"')[0]
    assert (
        client.post(reverse("choose-language"), {"language": "en"}, headers={"x-csrftoken": token}).status_code == 302
    )
    assert client.post(reverse("choose-language"), {"language": "en"}).status_code == 403


def test_no_page_without_an_argument_is_kept_by_a_cache(page, workspace):
    """What says itself that it may be kept is public: no page of somebody's."""
    kept = {}
    for one in urlpatterns:
        if isinstance(one, URLPattern) and "<" not in str(one.pattern) and one.name != "sign-out":
            answer = page.get("/" + str(one.pattern))
            if "no-store" not in answer["Cache-Control"]:
                kept[one.name] = answer["Cache-Control"]
    assert not {name: how for name, how in kept.items() if not how.startswith("public, max-age=")}
    assert "home" not in kept


# Devices


def test_devices_are_listed_in_plain_words_with_their_last_use(owner, workspace):
    here = signed_in(owner, FIREFOX, "203.0.113.7")
    signed_in(owner, IPHONE, "198.51.100.9")
    signed_in(owner, EDGE, "2001:db8::5")
    signed_in(owner, "curl/8.16", "198.51.100.10")
    for name in ("sign-in-settings", "account"):
        body = here.get(reverse(name)).content.decode()
        for words in (
            "Firefox on Linux",
            "Safari on iPhone",
            "Edge on Windows",
            "Unknown device",
            "198.51.100.9",
            "2001:db8::5",
        ):
            assert words in body, (name, words)
        assert body.count("this device") == 1
        assert body.index("Firefox on Linux") < body.index("Edge on Windows")
        assert not [key for key in BrowserSession.objects.values_list("session_key", flat=True) if key in body]


def test_a_device_is_signed_out_and_others_stay(owner, workspace):
    here, lost, third = signed_in(owner), signed_in(owner, IPHONE), signed_in(owner, EDGE)
    handle = BrowserSession.objects.get(user_agent=IPHONE).handle
    answer = here.post(reverse("session-end", args=[handle]), {"next": reverse("account")})
    assert answer["Location"] == reverse("account")
    assert [one.get(reverse("personal-settings")).status_code for one in (here, lost, third)] == [200, 302, 200]
    here.post(reverse("sessions-end-others"))
    assert [one.get(reverse("personal-settings")).status_code for one in (here, lost, third)] == [200, 302, 302]
    assert ActivityEntry.objects.filter(act__in=("person.session_ended", "person.sessions_ended")).count() == 2


def test_nobody_ends_somebody_elses_session(owner, member):
    theirs = signed_in(owner)
    other = Client()
    other.force_login(member(Role.ADMIN).person)
    handle = BrowserSession.objects.get(person=owner).handle
    assert other.post(reverse("session-end", args=[handle])).status_code == 404
    assert theirs.get(reverse("personal-settings")).status_code == 200


# Passkeys


def test_questions_for_passkeys_make_no_rows(guest):
    for _n in range(40):
        assert guest.post(reverse("passkey-sign-in-begin")).status_code == 200
    assert BrowserSession.objects.count() == 0
    cookie = guest.cookies["kicau_passkey"]
    assert (cookie["max-age"], cookie["samesite"], bool(cookie["httponly"])) == (300, "Strict", True)


def test_a_question_for_a_passkey_that_was_changed_counts_as_none(guest, owner, workspace):
    guest.post(reverse("passkey-sign-in-begin"))
    guest.cookies["kicau_passkey"] = guest.cookies["kicau_passkey"].value[:-2] + "xx"
    answer = guest.post(reverse("passkey-sign-in-finish"), b"{}", content_type="application/json")
    assert answer.status_code == 422
    assert BrowserSession.objects.count() == 0


# A second factor that a workspace requires


def test_only_an_owner_with_a_second_factor_requires_one(actor, owner, member):
    for other in (member(Role.ADMIN), member(Role.EDITOR)):
        set_up_app(other.person)
        with pytest.raises(NotAllowed):
            actions.require_second_factor(other, True)
    with pytest.raises(Conflict):
        actions.require_second_factor(actor, True)
    set_up_app(owner)
    assert actions.require_second_factor(actor, True).requires_second_factor
    assert ActivityEntry.objects.filter(act="workspace.second_factor_on").count() == 1
    assert not actions.require_second_factor(actor, False).requires_second_factor


@pytest.fixture
def strict(actor, owner, workspace):
    """The workspace requires a second factor; its owner has an app."""
    set_up_app(owner)
    actions.require_second_factor(actor, True)
    workspace.refresh_from_db()
    return workspace


@pytest.fixture
def editor(member):
    person = member(Role.EDITOR).person
    person.set_password(PASSWORD)
    person.save()
    return person


def test_who_has_none_is_led_to_set_one_up_before_the_workspace(strict, editor):
    client = signed_in(editor)
    for name in ("home", "channels", "workspace-settings", "activity", "compose", "library"):
        assert client.get(reverse(name))["Location"] == reverse("second-factor-required"), name
    partial = client.get(reverse("channels"), headers={"hx-request": "true"})
    assert (partial.status_code, partial["HX-Redirect"]) == (403, reverse("second-factor-required"))
    assert "Set up two-factor authentication" in client.get(reverse("second-factor-required")).content.decode()
    client.post(reverse("verify-identity"), {"password": PASSWORD})
    assert client.get(reverse("set-up-authenticator")).status_code == 200
    answer = client.post(reverse("set-up-authenticator"), {"code": code_of(factors.begin_totp_setup(editor))})
    assert answer.status_code == 200
    assert client.get(reverse("home")).status_code == 200


def test_a_password_alone_does_not_do_where_the_account_has_a_passkey(strict, editor):
    Passkey.objects.create(person=editor, name="Phone", credential_id=b"k", credential=b"k")
    client = signed_in(editor)
    assert client.get(reverse("home"))["Location"] == reverse("second-factor-required")
    assert "but you signed in without it" in client.get(reverse("second-factor-required")).content.decode()


def test_the_second_factor_goes_and_so_does_the_way_in(strict, owner, editor):
    made = set_up_app(editor)
    client = signed_in(editor)
    client.post(reverse("sign-in-code"), {"code": code_of(made)})
    assert client.get(reverse("home")).status_code == 200
    factors.turn_off_second_factor(editor)
    assert client.get(reverse("home"))["Location"] == reverse("second-factor-required")


def test_another_workspace_is_open_meanwhile(strict, editor, owner):
    other = actions.create_workspace(editor, "Catatan Sendiri")
    client = signed_in(editor)
    assert "Catatan Sendiri" in client.get(reverse("second-factor-required")).content.decode()
    client.post(reverse("switch-workspace"), {"workspace": str(other.id)})
    assert client.get(reverse("home")).status_code == 200


@pytest.mark.parametrize(("methods", "lets_in"), [(["pwd", "mfa"], True), (["pwd"], False), (None, False)])
def test_the_providers_word_counts_where_it_says_mfa(strict, editor, provider, guest, methods, lets_in):
    provider.person = {**provider.person, "email": editor.email, "sub": "u-9"}
    provider.twist = {"amr": methods} if methods else {}
    editor.email_proved_at = clock.now()
    editor.save()
    away = guest.get(reverse("oidc"))["Location"]
    guest.get(reverse("oidc-callback"), provider.consent(away))
    answer = guest.get(reverse("home"))
    assert (answer.status_code == 200) is lets_in
    assert factors.has_any_second_factor(editor) is lets_in
