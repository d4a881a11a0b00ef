"""Nobody gets into another person's account by an address that they never proved (issue 18, item 15).

Mallory manages members of a workspace of his own on the same instance; the boss owns an address and Sari the workspace
that Mallory wants into. Every walk goes through the pages, the REST API and a real OpenID provider.
"""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from kicau.api.tests.conftest import Caller, caller_for
from kicau.base.errors import Conflict, ValidationFailed
from kicau.publishing.approval import review_links
from kicau.publishing.content import compositions
from kicau.web.tests.conftest import _static_folder, guest
from kicau.web.tests.provider import _serving, come_back, provider
from kicau.workspaces import actions, address_verification, addresses, api_tokens, invitations, oidc
from kicau.workspaces.models import Invitation, Membership, Passkey, Person, ProviderIdentity
from kicau.workspaces.tests.test_invitations import secret_in

BOSS = "boss@alpha.example"
MINE = "jalan-braga-malam-77"  # the password that Mallory chose
HIS = "kebun-teh-di-puncak-8"  # the boss's
__all__ = ["_serving", "_static_folder", "guest", "provider"]  # fixtures


@pytest.fixture
def mallory(db):
    person = actions.add_person("mallory@evil.example", "Mallory", MINE, proved=True)
    return actions.actor_for(person, actions.create_workspace(person, "Beta").id, "page")


@pytest.fixture
def boss_claims(provider):
    provider.person = {"sub": "boss-1", "email": BOSS, "email_verified": True, "name": "The boss"}
    return provider


def browser() -> Client:
    return Client(headers={"accept-language": "en"})


def squat(mallory) -> tuple[Client, Person]:
    """Mallory invites the boss's address, opens the shown link himself, and sets a password."""
    made = caller_for(mallory).post("/invitations", {"email": BOSS, "role": "viewer"}).json()
    mallorys = browser()
    page = mallorys.post(way(made["link"]), {"name": "Boss", "password": MINE})
    assert page["Location"] == "/", "he may make an account in his own workspace; it is worth nothing elsewhere"
    person = Person.objects.get(email=BOSS)
    assert not person.is_proved
    return mallorys, person


def way(link: str) -> str:
    return link[link.index("/accept-invitation/") :]


def is_in(client: Client, workspace) -> bool:
    """Whether the client reaches the workspace at all."""
    client.post(reverse("switch-workspace"), {"workspace": str(workspace.id)})
    return client.session.get("workspace") == str(workspace.id)


def test_the_four_steps_end_in_a_refusal(mallory, actor, boss_claims):
    mallorys, person = squat(mallory)
    bosses = browser()
    refused = come_back(bosses, boss_claims)
    assert refused.status_code == 422
    assert "already exists, but the address is not confirmed. If" in refused.content.decode()
    assert bosses.get("/").status_code == 302, "the boss is not signed in to Mallory's account"
    assert not ProviderIdentity.objects.exists()
    added = caller_for(actor).post("/members", {"email": BOSS, "role": "admin"})
    assert added.status_code == 202
    assert not Membership.objects.filter(workspace=actor.workspace, person=person).exists()
    assert browser().post(reverse("sign-in"), {"email": BOSS, "password": MINE}).status_code == 302
    assert not is_in(mallorys, actor.workspace)
    assert mallorys.get(reverse("team")).status_code == 200, "his own"
    assert "sari@kopisenja.example" not in mallorys.get(reverse("team")).content.decode()


def test_without_a_provider_the_shell_and_the_act_refuse_too(mallory, actor):
    _, person = squat(mallory)
    with pytest.raises(Conflict, match="cannot add this person directly, because the e-mail address"):
        actions.set_member_role(actor, person, "admin")
    assert not Membership.objects.filter(workspace=actor.workspace, person=person).exists()


def test_an_invitation_of_a_victim_is_not_for_another_account_of_the_provider(mallory, provider):
    made = invitations.invite(mallory, BOSS, "viewer")
    provider.person = {"sub": "m-1", "email": "attacker@evil.example", "email_verified": True, "name": "A"}
    refused = come_back(browser(), provider, join=made.link.rsplit("/", 1)[1])
    assert (refused.status_code, "is for boss@alpha.example" in refused.content.decode()) == (422, True)
    provider.person["email"] = ""
    assert come_back(browser(), provider, join=made.link.rsplit("/", 1)[1]).status_code == 422
    assert not Person.objects.filter(email__in=(BOSS, "attacker@evil.example")).exists()


def test_a_claim_that_nobody_verified_makes_an_unproved_account_that_is_never_merged(mallory, provider):
    made = invitations.invite(mallory, BOSS, "viewer")
    provider.person = {"sub": "m-1", "email": BOSS, "email_verified": False, "name": "A"}
    assert come_back(browser(), provider, join=made.link.rsplit("/", 1)[1])["Location"] == "/"
    assert not Person.objects.get(email=BOSS).is_proved
    provider.person = {"sub": "boss-1", "email": BOSS, "email_verified": True, "name": "The boss"}
    assert come_back(browser(), provider).status_code == 422
    assert ProviderIdentity.objects.get().subject == "m-1"


def test_nobody_takes_an_invitation_that_is_for_another_address(mallory, actor):
    made = invitations.invite(actor, BOSS, "admin")
    mallorys = browser()
    mallorys.force_login(mallory.person)
    page = mallorys.get(way(made.link)).content.decode()
    assert "This invitation is for boss@alpha.example, but you are signed in as mallory@evil.example." in page
    assert 'class="button first wide-button">Join' not in page
    assert mallorys.post(way(made.link)).status_code == 422
    assert not is_in(mallorys, actor.workspace)
    assert Invitation.objects.get().accepted_at is None, "the boss can still use it"


@pytest.mark.parametrize("email", ["boſſ@alpha.example", "boss@alpha.example\n", "BOSS@alpha.example"])
def test_an_address_that_only_looks_the_same_is_not_the_same(email, mallory, boss_claims):
    """ "ſ" in upper case is "S": a database that compares without case finds the boss."""
    boss = actions.add_person(BOSS, "The boss", HIS, proved=True)
    boss_claims.person = {"sub": "m-1", "email": email, "email_verified": True, "name": "A"}
    answer = come_back(browser(), boss_claims)
    assert ProviderIdentity.objects.filter(person=boss).exists() == (answer.status_code == 302) == ("ſ" not in email)
    assert addresses.find_person_by_email(email) == (None if "ſ" in email else boss)
    if "ſ" in email:
        with pytest.raises(ValidationFailed):
            invitations.invite(mallory, email, "viewer")


def test_the_first_owner_and_an_operators_password_prove_nothing(guest, provider, db):
    actions.create_first_owner(BOSS, "Mallory", MINE, "Alpha")
    person = Person.objects.get()
    actions.update_person(person, password=HIS)
    provider.person = {"sub": "boss-1", "email": BOSS, "email_verified": True, "name": "The boss"}
    assert come_back(guest, provider).status_code == 422
    with pytest.raises(Conflict):
        oidc.find_person(claims_of(provider))


def claims_of(provider) -> oidc.IdClaims:
    return oidc.IdClaims(issuer=provider.url, subject="boss-1", email=BOSS, email_verified=True, name="The boss")


def test_another_address_needs_another_proof(db):
    boss = actions.add_person(BOSS, "The boss", HIS, proved=True)
    boss.email = "other@alpha.example"
    boss.save()
    assert not Person.objects.get(id=boss.id).is_proved
    assert not boss.is_proved


def test_a_team_without_mail_invites_works_and_is_proved_by_its_operator(actor, guest, provider):
    """The link can only be shown: the account stays unproved, and works where it was invited."""
    made = invitations.invite(actor, BOSS, "editor")
    assert guest.post(way(made.link), {"name": "Boss", "password": HIS})["Location"] == "/"
    person = Person.objects.get(email=BOSS)
    assert (person.is_proved, is_in(guest, actor.workspace)) == (False, True)
    assert b"E-mail address not confirmed yet" in guest.get(reverse("sign-in-settings")).content
    other = actions.create_workspace(actor.person, "Second")
    again = invitations.invite(actions.actor_for(actor.person, other.id, "page"), BOSS, "viewer")
    guest.post(way(again.link))
    assert is_in(guest, other), "whom they hand the link to takes it, under the same address"
    provider.person = {"sub": "boss-1", "email": BOSS, "email_verified": True, "name": "The boss"}
    assert come_back(browser(), provider).status_code == 422
    address_verification.vouch_for_address(person, actor.person)
    assert come_back(browser(), provider)["Location"] == "/"


def test_who_is_signed_in_connects_the_provider_and_is_alone_in_the_account(mallory, boss_claims):
    """Mallory gave the boss an account to use. Once the boss proves the address, Mallory is out."""
    mallorys, person = squat(mallory)
    token = api_tokens.create_token(
        actions.actor_for(person, mallory.workspace.id, "page"), "spy", ["read"], personal=True
    )
    Passkey.objects.create(person=person, name="Mallory's", credential_id=b"m", credential=b"m")
    bosses = browser()
    bosses.post(reverse("sign-in"), {"email": BOSS, "password": MINE})
    boss_claims.person["email"] = "somebody@alpha.example"
    assert connect(bosses, boss_claims).endswith(
        "has not confirmed the e-mail address boss@alpha.example. Confirm the address in that service, then sign in again."
    )
    boss_claims.person["email"] = BOSS
    assert "You can now sign in to Kicau with Kopi ID." in connect(bosses, boss_claims)
    person.refresh_from_db()
    assert (person.is_proved, person.has_usable_password(), person.passkeys.count()) == (True, False, 0)
    assert bosses.get(reverse("sign-in-settings")).status_code == 200
    assert mallorys.get("/").status_code == 302, "signed out"
    assert Caller(token.secret).get("/me").status_code == 401
    assert browser().post(reverse("sign-in"), {"email": BOSS, "password": MINE}).status_code == 422
    assert come_back(browser(), boss_claims)["Location"] == "/"


def connect(client: Client, provider) -> str:
    """What the page says after the way to the provider and back."""
    client.post(reverse("verify-identity"), {"password": MINE})
    away = client.post(reverse("oidc-connect"))
    back = client.get(reverse("oidc-callback"), provider.consent(away["Location"]), follow=True)
    return " ".join(str(m) for m in back.context["messages"])


def test_an_answer_of_the_provider_connects_only_in_the_session_that_asked(mallory, boss_claims, owner, workspace):
    mallorys, _ = squat(mallory)
    mallorys.post(reverse("verify-identity"), {"password": MINE})
    away = mallorys.post(reverse("oidc-connect"))
    sari = browser()
    sari.force_login(owner)
    assert sari.get(reverse("oidc-callback"), boss_claims.consent(away["Location"])).status_code == 422
    mallorys.post(reverse("sign-out"))
    mallorys.post(reverse("sign-in"), {"email": "mallory@evil.example", "password": MINE})
    answer = mallorys.get(reverse("oidc-callback"), boss_claims.consent(away["Location"]))
    assert answer.status_code in (302, 422)
    assert not ProviderIdentity.objects.exists()


def test_a_mailed_invitation_gives_the_account_to_who_reads_the_mailbox(mallory, actor, settings):
    mallorys, person = squat(mallory)
    settings.KICAU_SENDS_MAIL = True
    assert caller_for(actor).post("/members", {"email": BOSS, "role": "admin"}).json()["link"] is None
    link = f"/accept-invitation/{secret_in(mail.outbox[-1].body)}"
    bosses = browser()
    assert "Set a new password and join the workspace" in bosses.get(link).content.decode()
    assert bosses.post(link, {"password": HIS})["Location"] == "/"
    assert is_in(bosses, actor.workspace)
    person.refresh_from_db()
    assert person.is_proved
    assert mallorys.get("/").status_code == 302
    assert browser().post(reverse("sign-in"), {"email": BOSS, "password": MINE}).status_code == 422


def test_a_mailed_link_proves_an_address_and_ends_every_other_way_in(mallory, settings):
    mallorys, person = squat(mallory)
    assert (
        "This server cannot send e-mail." in mallorys.post(reverse("send-verification"), follow=True).content.decode()
    )
    settings.KICAU_SENDS_MAIL = True
    mallorys.post(reverse("send-verification"))
    (letter,) = mail.outbox
    assert letter.to == [BOSS]
    secret = secret_in(letter.body)
    assert secret not in mallorys.get(reverse("sign-in-settings")).content.decode(), "shown to nobody"
    link, bosses = reverse("verify-address", args=[secret]), browser()
    assert bosses.post(link, {"password": "short"}).status_code == 422
    assert bosses.post(link, {"password": HIS})["Location"] == "/"
    assert bosses.get(link).status_code == 410
    person.refresh_from_db()
    assert person.is_proved
    assert mallorys.get("/").status_code == 302
    for _ in range(3):
        assert re.search(
            "Your e-mail address is already confirmed",
            bosses.post(reverse("send-verification"), follow=True).content.decode(),
        )
    assert len(mail.outbox) == 1


def test_a_stranger_is_not_flooded_with_links(mallory, settings):
    settings.KICAU_SENDS_MAIL = True
    person = actions.add_person(BOSS, "x", MINE)
    for _ in range(address_verification.MAX_LINKS_PER_DAY):
        address_verification.send_link(person)
    with pytest.raises(Conflict, match="in the past 24 hours"):
        address_verification.send_link(person)
    first, last = mail.outbox[0], mail.outbox[-1]
    with pytest.raises(Conflict):
        address_verification.proof_by_link(secret_in(first.body))
    assert address_verification.proof_by_link(secret_in(last.body)).person == person


def test_a_shown_invitation_does_not_tell_whether_an_address_is_known(mallory):
    def page(email: str) -> str:
        html = browser().get(way(invitations.invite(mallory, email, "viewer").link)).content.decode()
        return re.sub(
            r'accept-invitation(/|=|%2F)[\w-]+|value="[\w]{64}"|"X-CSRFToken": "\w+"', "", html.replace(email, "")
        )

    actions.add_person(BOSS, "The boss", HIS, proved=True)
    actions.add_person("unproved@alpha.example", "x", HIS)
    assert page(BOSS) == page("unproved@alpha.example") == page("nobody@alpha.example")


def test_an_invitation_ends_with_the_right_of_who_made_it(actor, member):
    admin = member("admin")
    asked = caller_for(admin).post("/invitations", {"email": "sleeper@evil.example", "role": "admin"}).json()
    assert caller_for(actor).delete(f"/members/{admin.person.id}").status_code == 204
    assert browser().get(way(asked["link"])).status_code == 410
    assert browser().post(way(asked["link"]), {"name": "S", "password": MINE}).status_code == 410
    assert not Person.objects.filter(email="sleeper@evil.example").exists()
    assert not invitations.open_invitations(actor).exists()


def test_an_invitation_ends_when_its_maker_is_demoted_closed_or_no_owner_any_more(actor, member):
    admin = member("admin")
    demoted = invitations.invite(admin, "a@evil.example", "viewer").link
    actions.set_member_role(actor, admin.person, "editor")
    assert browser().get(way(demoted)).status_code == 410
    actions.set_member_role(actor, admin.person, "admin")
    assert browser().get(way(demoted)).status_code == 410, "it does not come back"
    closed = invitations.invite(admin, "b@evil.example", "viewer").link
    Person.objects.filter(id=admin.person.id).update(is_active=False)
    assert browser().get(way(closed)).status_code == 410
    Person.objects.filter(id=admin.person.id).update(is_active=True)
    owners = invitations.invite(actor, "c@evil.example", "owner").link
    still = invitations.invite(actor, "d@evil.example", "viewer").link
    actions.transfer_ownership(actor, admin.person)
    assert browser().get(way(owners)).status_code == 410
    assert browser().get(way(still)).status_code == 200, "an admin may still invite viewers"


def test_a_review_link_ends_with_the_right_of_who_made_it(actor, member):
    editor = member("editor")
    draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text="Halo"),)))
    made = [review_links.create_link(who, draft.id, "Ratna").link for who in (editor, editor, actor)]
    paths = [link[link.index("/review/") :] for link in made]
    assert [browser().get(path).status_code for path in paths] == [200, 200, 200]
    actions.set_member_role(actor, editor.person, "contributor")
    assert [browser().get(path).status_code for path in paths] == [410, 410, 200]
    actions.set_member_role(actor, editor.person, "editor")
    again = review_links.create_link(editor, draft.id, "Ratna").link
    assert browser().get(paths[0]).status_code == 410, "it does not come back"
    actions.remove_member(actor, editor.person)
    assert browser().get(again[again.index("/review/") :]).status_code == 410
    assert [row.name for row in review_links.active_links(actor, draft.id)] == ["Ratna"]
