"""Invitations and second factors: what counts, and for how long."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.core import mail
from django.utils import translation

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from kicau.rights.models import ActivityEntry
from kicau.workspaces import actions, factors, invitations, passwords
from kicau.workspaces.models import Invitation, Person, Role


def code_of(authenticator, steps: int = 0) -> str:
    totp = TOTP(base64.b32decode(authenticator.secret), 6, SHA1(), 30)
    return totp.generate(int(clock.now().timestamp()) + 30 * steps).decode()


def secret_in(text: str) -> str:
    """Of the link in a mailed invitation or proof."""
    found = re.search(r"/(?:accept-invitation|verify-address)/([\w-]+)", text)
    assert found
    return found[1]


def test_an_invitation_counts_once_for_a_week_and_until_it_is_taken_back(actor, member, settings):
    made = invitations.invite(actor, "budi@kopisenja.example", "editor")
    secret = made.link.rsplit("/", 1)[1]
    assert (made.mailed, secret in repr(made)) == (False, False)
    assert not Invitation.objects.filter(digest=secret).exists()
    with clock.freeze_clock(clock.now() + timedelta(days=7, seconds=1)), pytest.raises(Conflict):
        invitations.invitation_by_link(secret)
    with pytest.raises(ValidationFailed):
        invitations.accept_as_new_person(secret, "Budi", "1212121212", language="id")
    joined = invitations.accept_as_new_person(secret, "Budi", "hujan-di-bandung-41", language="id")
    assert (joined.role, joined.person.email) == ("editor", "budi@kopisenja.example")
    with pytest.raises(Conflict):
        invitations.accept_invitation(secret, joined.person)
    with pytest.raises(Conflict, match=r"is already a member of this workspace. To change"):
        invitations.invite(actor, "BUDI@kopisenja.example", "viewer")

    first = invitations.invite(actor, "dewi@kopisenja.example", "admin")
    settings.KICAU_SENDS_MAIL = True
    second = invitations.invite(actor, "dewi@kopisenja.example", "viewer")
    assert (second.mailed, second.link) == (True, ""), "what was mailed is shown to nobody"
    mailed = secret_in(mail.outbox[0].body)
    assert invitations.invitation_by_link(mailed).proves_address
    assert [i.id for i in invitations.open_invitations(actor)] == [second.invitation.id]
    with pytest.raises(Conflict):
        invitations.invitation_by_link(first.link.rsplit("/", 1)[1])
    invitations.revoke_invitation(actor, second.invitation.id)
    with pytest.raises(NotFound):
        invitations.revoke_invitation(actor, second.invitation.id)
    with pytest.raises(Conflict):
        invitations.invitation_by_link(mailed)
    acts_done = set(ActivityEntry.objects.values_list("act", flat=True))
    assert {"member.invited", "member.uninvited", "member.joined"} <= acts_done


def test_nobody_invites_above_themselves_and_nobody_loses_a_role_by_joining(actor, member):
    admin = member("admin")
    with pytest.raises(NotAllowed):
        invitations.invite(admin, "eve@example.org", "owner")
    with pytest.raises(NotAllowed):
        invitations.invite(member("editor"), "eve@example.org", "viewer")
    made = invitations.invite(actor, "Admin2@KopiSenja.example", "viewer")
    admin.person.email = "admin2@kopisenja.example"
    admin.person.save()
    assert invitations.accept_invitation(made.link.rsplit("/", 1)[1], admin.person).role == "admin"


def test_the_ownership_changes_hands_whole(actor, member):
    admin = member("admin")
    with pytest.raises(NotAllowed):
        actions.transfer_ownership(admin, admin.person)
    actions.transfer_ownership(actor, admin.person)
    roles = dict(actor.workspace.memberships.values_list("person_id", "role"))
    assert (roles[admin.person.id], roles[actor.person.id]) == (Role.OWNER, Role.ADMIN)


def test_a_code_counts_once_and_a_recovery_code_stands_in(owner):
    app = factors.begin_totp_setup(owner)
    assert factors.begin_totp_setup(owner).secret == app.secret
    assert "otpauth://totp/Kicau:sari%40kopisenja.example" in factors.otpauth_url(owner, app)
    with pytest.raises(ValidationFailed):
        factors.confirm_totp_setup(owner, "000000" if code_of(app) != "000000" else "111111")
    assert not factors.is_second_factor_on(owner)
    codes = factors.confirm_totp_setup(owner, code_of(app))
    assert (len(set(codes)), factors.is_second_factor_on(owner), factors.count_recovery_codes(owner)) == (10, True, 10)
    assert not factors.check_code(owner, code_of(app)), "the code that confirmed it was used"
    with clock.freeze_clock(clock.now() + timedelta(seconds=60)):
        assert factors.check_code(owner, code_of(app, 1)), "the phone's clock is a little ahead"
        assert not factors.check_code(owner, code_of(app)), "older than the last one that was used"
    assert factors.check_code(owner, f" {codes[0].upper()} ")
    assert not factors.check_code(owner, codes[0])
    assert not factors.check_code(owner, "٣٣٣٣٣٣")
    assert factors.count_recovery_codes(owner) == 9
    again = factors.new_recovery_codes(owner)
    assert not factors.check_code(owner, codes[1])
    factors.turn_off_second_factor(owner)
    assert not factors.check_code(owner, again[0])


def test_a_password_is_judged_in_a_sentence(db):
    for weak in ("short", "password123", "aaaaaaaaaaaa", "abcdefghijklm", "9876543210", "sari@kopisenja"):
        judged = passwords.check_password(weak, email="sari@kopisenja.example", name="Sari")
        assert not judged.good, weak
        assert judged.sentence.endswith(".")
    with translation.override("en"):
        assert passwords.check_password("hujan-di-bandung-41").sentence == "This password is strong."
    assert passwords.check_password("kopi-braga7").good
    assert not Person.objects.exists()
