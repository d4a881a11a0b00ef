"""What guards a sign-in changes only after what is present was shown, and the person hears of it (issue 18, item 27)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from kicau.base import clock
from kicau.notifications import account_emails, emails
from kicau.rights.models import ActivityEntry
from kicau.workspaces import account_security, api_tokens, factors
from kicau.workspaces.models import Passkey, ProviderIdentity
from kicau.workspaces.tests.test_invitations import code_of

PASSWORD = "hujan-di-bandung-41"
OTHER = "kebun-teh-di-puncak-8"


@pytest.fixture
def sari(owner, workspace, settings) -> Client:
    """Just signed in, by the page."""
    settings.KICAU_SENDS_MAIL = True
    client = Client(headers={"accept-language": "en"})
    client.post(reverse("sign-in"), {"email": owner.email, "password": PASSWORD})
    return client


@pytest.fixture
def app(owner) -> Client:
    """The authenticator app, set up a minute ago."""
    with clock.freeze_clock(clock.now() - timedelta(minutes=1)):
        made = factors.begin_totp_setup(owner)
        factors.confirm_totp_setup(owner, code_of(made))
    return made


def key_of(person) -> Passkey:
    return Passkey.objects.create(person=person, name="Phone", credential_id=b"k", credential=b"k")


def changes(key: Passkey) -> dict[str, tuple[str, dict[str, str]]]:
    return {
        "password": (reverse("password-change"), {"before": "", "password": OTHER}),
        "app": (reverse("set-up-authenticator"), {"code": "000000"}),
        "off": (reverse("turn-off-two-factor"), {}),
        "codes": (reverse("recovery-codes"), {}),
        "passkey begin": (reverse("passkey-registration-begin"), {}),
        "passkey finish": (reverse("passkey-registration-finish"), {}),
        "passkey remove": (reverse("passkey-remove", args=[key.id]), {}),
        "connect": (reverse("oidc-connect"), {}),
    }


def test_a_sign_in_of_a_moment_ago_is_not_enough_for_any_change(sari, owner, app, provider):
    owner.refresh_from_db()
    sari.force_login(owner)
    key = key_of(owner)
    for name, (path, data) in changes(key).items():
        answer = sari.post(path, data)
        assert answer.status_code in (302, 422), name
        assert not answer.get("Location", "").startswith(provider.url), name
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
    assert (factors.is_second_factor_on(owner), owner.passkeys.count()) == (True, 1)
    assert not ActivityEntry.objects.filter(act__in=("person.changed", "person.passkey_removed")).exists()


def test_where_a_code_is_on_the_password_alone_changes_nothing(sari, owner, app):
    sari.force_login(owner)
    assert sari.post(reverse("verify-identity"), {"password": PASSWORD}).status_code == 422
    assert sari.post(reverse("verify-identity"), {"password": PASSWORD, "code": "000000"}).status_code == 422
    sari.post(reverse("turn-off-two-factor"))
    asked = {"before": PASSWORD, "password": OTHER}
    assert sari.post(reverse("password-change"), asked).status_code == 422
    assert factors.is_second_factor_on(owner)
    assert sari.post(reverse("verify-identity"), {"password": PASSWORD, "code": code_of(app)}).status_code == 302
    sari.post(reverse("turn-off-two-factor"))
    assert not factors.is_second_factor_on(owner)


def test_what_was_shown_is_good_for_one_change(sari, owner):
    first, second = key_of(owner), Passkey.objects.create(person=owner, name="b", credential_id=b"b", credential=b"b")
    sari.post(reverse("verify-identity"), {"password": PASSWORD})
    sari.post(reverse("passkey-remove", args=[first.id]))
    sari.post(reverse("passkey-remove", args=[second.id]))
    assert list(owner.passkeys.all()) == [second]


def test_guesses_of_the_present_password_have_an_end_whatever_form_they_come_by(sari, owner, settings):
    for n in range(settings.KICAU_SIGN_IN_RATE):
        form = (
            ("verify-identity", {"password": "wrong"})
            if n % 2
            else ("password-change", {"before": "x", "password": OTHER})
        )
        assert sari.post(reverse(form[0]), form[1]).status_code == 422
    assert sari.post(reverse("verify-identity"), {"password": PASSWORD}).status_code == 429
    answer = sari.post(reverse("password-change"), {"before": PASSWORD, "password": OTHER})
    assert (answer.status_code, "Too many sign-in attempts" in answer.content.decode()) == (429, True)
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_another_password_ends_other_sessions_and_where_asked_tokens(sari, owner, actor):
    elsewhere = Client()
    elsewhere.force_login(owner)
    kept = api_tokens.create_token(actor, "a", ["read"]).secret
    sari.post(reverse("password-change"), {"before": PASSWORD, "password": OTHER})
    assert (sari.get("/").status_code, elsewhere.get("/").status_code) == (200, 302)
    assert api_tokens.actor_by_token(kept, None)
    sari.post(reverse("password-change"), {"before": OTHER, "password": PASSWORD, "end_tokens": "1"})
    assert api_tokens.actor_by_token(kept, None) is None


def test_all_other_access_ends_by_one_button(sari, owner, actor, member):
    other = Client()
    other.force_login(member("editor").person)
    elsewhere = Client()
    elsewhere.force_login(owner)
    token = api_tokens.create_token(actor, "a", ["read"], personal=True).secret
    assert sari.get(reverse("end-other-access")).status_code == 405
    sari.post(reverse("end-other-access"))
    assert [client.get("/").status_code for client in (sari, elsewhere, other)] == [200, 302, 200]
    assert api_tokens.actor_by_token(token, None) is None


def test_a_letter_tells_of_each_change(sari, owner, app):
    owner.refresh_from_db()
    key = key_of(owner)

    now = clock.now()
    sari.force_login(owner)
    for n, name in enumerate(("passkey-remove", "recovery-codes", "turn-off-two-factor")):
        with clock.freeze_clock(now + timedelta(minutes=n)):  # a code counts once
            sari.post(reverse("verify-identity"), {"password": PASSWORD, "code": code_of(app)})
            sari.post(reverse(name, args=[key.id] if n == 0 else []))
    with clock.freeze_clock(now + timedelta(minutes=4)):
        sari.post(reverse("password-change"), {"before": PASSWORD, "password": OTHER})
    with clock.freeze_clock(now + timedelta(minutes=5)):
        sari.post(reverse("end-other-access"))
        emails.send_due_emails()
    subjects = [one.subject for one in mail.outbox if one.to == [owner.email]]
    assert subjects == [
        "Kicau: An authenticator app was set up for your account",
        "Kicau: A passkey was removed from your account: Phone",
        "Kicau: New recovery codes were created for your account",
        "Kicau: The authenticator app of your account was turned off",
        "Kicau: Your password was changed",
        "Kicau: Your API tokens were revoked, and your devices except the one in use were signed out",
    ]
    assert OTHER not in "".join(one.body for one in mail.outbox)
    assert "/settings/sign-in" in mail.outbox[0].body


def test_the_letter_is_in_the_persons_language_and_needs_a_mail_server(owner, settings):
    owner.language = "id"
    account_security.record_security_change(owner, "person.two_factor_off")
    settings.KICAU_SENDS_MAIL = True
    account_security.record_security_change(owner, "person.two_factor_off")
    emails.send_due_emails()
    (letter,) = mail.outbox
    assert letter.subject == "Kicau: Aplikasi autentikator akun Anda dimatikan"
    assert set(account_emails.SECURITY_CHANGE_SUBJECTS) >= {
        "person.password",
        "person.passkey_added",
        "person.identity_added",
    }


def test_who_has_neither_password_nor_passkey_shows_a_new_sign_in(guest, owner, workspace, provider):
    ProviderIdentity.objects.create(person=owner, issuer=provider.url, subject="u-1")
    owner.set_unusable_password()
    owner.save()
    away = guest.get(reverse("oidc"))
    guest.get(reverse("oidc-callback"), provider.consent(away["Location"]))
    assert guest.post(reverse("password-change"), {"password": OTHER}).status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(OTHER)
    assert guest.post(reverse("password-change"), {"password": PASSWORD}).status_code == 422, "the next one asks"
