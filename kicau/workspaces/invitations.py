"""Invitations: a one-time link by which the owner of an address joins a workspace.

A link that was mailed and shown to nobody proves the address of whoever uses it. One that was shown (there is no mail
server, or the inviter asked for it) does not: the inviter could use it himself. See proofs.py.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.workspaces import actions, address_verification, addresses
from kicau.workspaces.actors import ROLES_BY_RANK, Actor, Permission, may_assign_role
from kicau.workspaces.models import Invitation, Membership, Person, Role

INVITATION_LIFETIME = timedelta(days=7)
MAX_OPEN_INVITATIONS = 200  # invitations of one workspace that wait at once
log = structlog.get_logger("kicau.workspaces")


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation just made. Its link is mailed, or else given here once; it is kept nowhere."""

    invitation: Invitation
    link: str  # "" where it was mailed
    mailed: bool

    def __repr__(self) -> str:
        return f"Invited({self.invitation.email})"


def invite(actor: Actor, email: str, role: str, *, show: bool = False) -> NewInvitation:
    """Make a link for `email` that lasts a week. It is mailed where a mail server is set, and then shown to nobody;
    `show`: not mailed but given back, for the inviter to pass on. An earlier invitation of the same address ends.

    Raises NotAllowed, ValidationFailed, Conflict.
    """
    invitation, link = _create_invitation(actor, email, role)
    mailed = not show and _send_email(actor, invitation, link)
    return NewInvitation(invitation, "" if mailed else link, mailed)


@transaction.atomic
def _create_invitation(actor: Actor, email: str, role: str) -> tuple[Invitation, str]:
    actor.require(Permission.MEMBERS)
    email = addresses.clean_email(email)
    if role not in Role.values:
        raise validation_failed(
            "role",
            "Kicau does not know the role {role!r}. Choose one of: {roles}.",
            role=role,
            roles=", ".join(Role.values),
        )
    if not may_assign_role(actor.role, role):
        raise NotAllowed("Only an owner of the workspace can make another person an owner.")
    if Membership.objects.filter(workspace=actor.workspace, person__email__iexact=email).exists():
        raise Conflict(
            Sentence(
                "{email} is already a member of this workspace. To change the member's role, open the list of members.",
                email=email,
            )
        )
    waiting = _usable_invitations(actor)
    waiting.filter(email__iexact=email).update(revoked_at=clock.now())
    if waiting.count() >= MAX_OPEN_INVITATIONS:
        raise Conflict(
            Sentence(
                "This workspace already has {most} unused invitations, which is the limit. Revoke some of them, then invite people again.",
                most=MAX_OPEN_INVITATIONS,
            )
        )
    secret = secrets.token_urlsafe(32)
    made = Invitation.objects.create(
        workspace=actor.workspace,
        email=email,
        role=role,
        digest=_digest(secret),
        invited_by=actor.person,
        expires_at=clock.now() + INVITATION_LIFETIME,
    )
    actor.record("member.invited", made.id, name=email, role=role)
    return made, settings.KICAU_PUBLIC_URL + reverse("accept-invitation", args=[secret])


def _send_email(actor: Actor, invitation: Invitation, link: str) -> bool:
    """Whether it was sent. Where the mail server fails the link is shown to the inviter instead, and proves nothing."""
    if not settings.KICAU_SENDS_MAIL:
        return False
    with translation.override(actor.workspace.language):
        what = {"who": actor.name, "workspace": actor.workspace.name, "link": link, "days": INVITATION_LIFETIME.days}
        subject = _("%(who)s invited you to the workspace %(workspace)s on Kicau") % what
        body = _(
            "%(who)s invited you to join the workspace %(workspace)s on Kicau, where its members write and schedule social media posts.\n\nOpen this link to join. The link works once and expires after %(days)s days:\n%(link)s\n\nIf you do not know %(who)s, ignore this e-mail."
        )
    try:
        EmailMessage(" ".join(subject.split()), body % what, to=[invitation.email]).send()
    except OSError as exc:  # smtplib's errors are OSErrors
        log.warning("an invitation could not be sent", invitation=str(invitation.id), why=str(exc)[:200])
        return False
    invitation.mailed_at, invitation.is_shown = clock.now(), False
    invitation.save(update_fields=["mailed_at", "is_shown"])
    return True


def open_invitations(actor: Actor) -> QuerySet[Invitation]:
    """Invitations that can still be used, newest first; for those who manage members."""
    actor.require(Permission.MEMBERS)
    return _usable_invitations(actor).select_related("invited_by").order_by("-id")


def _usable_invitations(actor: Actor) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        workspace=actor.workspace, accepted_at=None, revoked_at=None, expires_at__gt=clock.now()
    )


@transaction.atomic
def revoke_invitation(actor: Actor, invitation_id: UUID | str) -> Invitation:
    """The link stops working at once. Raises NotFound where it was used or has lapsed."""
    found = open_invitations(actor).select_for_update(of=("self",)).filter(id=as_uuid(invitation_id)).first()
    if found is None:
        raise NotFound("invitation", invitation_id)
    found.revoked_at = clock.now()
    found.save(update_fields=["revoked_at"])
    actor.record("member.uninvited", found.id, name=found.email)
    return found


def invitation_by_link(secret: str) -> Invitation:
    """The invitation behind a link, while it counts. Raises Conflict with what to do."""
    found = (
        Invitation.objects.select_related("workspace", "invited_by")
        .filter(digest=_digest(secret), accepted_at=None, revoked_at=None, expires_at__gt=clock.now())
        .first()
    )
    if found is None or not _may_inviter_invite(found):
        raise Conflict(
            "This invitation is no longer valid. It was used, was revoked or is older than 7 days, or the person who sent it may no longer invite people. Ask for a new invitation."
        )
    return found


def _may_inviter_invite(invitation: Invitation) -> bool:
    """Whether who invited could invite with this role today."""
    member = Membership.objects.filter(
        workspace=invitation.workspace, person=invitation.invited_by, person__is_active=True
    ).first()
    return member is not None and may_assign_role(member.role, invitation.role)


def person_of_address(invitation: Invitation) -> Person | None:
    """Whose address the invitation is for, where the link proves that its user reads that mailbox; else None: a link
    that its maker has seen does not tell him whether an address is known here."""
    return addresses.find_person_by_email(invitation.email) if invitation.proves_address else None


@transaction.atomic
def accept_invitation(secret: str, person: Person) -> Actor:
    """`person` joins, under the address that was invited; somebody who is a member already keeps the higher of both
    roles. Raises Conflict, NotAllowed (it is for another address)."""
    invitation = _lock_invitation(secret)
    if not addresses.is_same_email(invitation.email, person.email):
        raise NotAllowed(
            Sentence(
                "This invitation is for {email}, but you are signed in as {other}. Sign out and use the other account, or ask for an invitation to your own address.",
                email=invitation.email,
                other=person.email,
            )
        )
    return _join_workspace(invitation, person)


@transaction.atomic
def accept_as_new_person(
    secret: str, name: str, password: str | None, *, language: str, timezone: str = "", proved: bool = False
) -> Actor:
    """Somebody new joins under the invited address; without a password they sign in by the provider. `proved`: the
    provider has verified the address. Raises Conflict, ValidationFailed (a weak password)."""
    invitation = _lock_invitation(secret)
    if addresses.find_person_by_email(invitation.email):
        raise Conflict(
            "Kicau could not create an account with this e-mail address. If you already have an account on this server, sign in first."
        )
    person = actions.add_person(
        invitation.email,
        name,
        password,
        language=language,
        timezone=timezone or invitation.workspace.timezone,
        proved=proved or invitation.proves_address,
    )
    return _join_workspace(invitation, person)


@transaction.atomic
def accept_with_unproved_account(secret: str, password: str) -> Actor:
    """Who reads the invited mailbox joins by an account that somebody made under their address, and it is theirs alone
    from now on. Raises Conflict, ValidationFailed (a weak password)."""
    invitation = _lock_invitation(secret)
    person = person_of_address(invitation)
    if person is None or person.is_proved or not person.is_active:
        raise Conflict(
            "Kicau could not create an account with this e-mail address. If you already have an account on this server, sign in first."
        )
    address_verification.assign_proved_address(person, password, by="invitation")
    return _join_workspace(invitation, person)


def _lock_invitation(secret: str) -> Invitation:
    invitation = invitation_by_link(secret)
    Invitation.objects.select_for_update(of=("self",)).get(id=invitation.id)
    return invitation_by_link(secret)  # nobody was faster


def _join_workspace(invitation: Invitation, person: Person) -> Actor:
    member = Membership.objects.select_for_update().filter(workspace=invitation.workspace, person=person).first()
    role = max(
        invitation.role, member.role if member else Role.VIEWER, key=lambda name: ROLES_BY_RANK.index(Role(name))
    )
    Membership.objects.update_or_create(workspace=invitation.workspace, person=person, defaults={"role": role})
    Invitation.objects.filter(id=invitation.id).update(accepted_at=clock.now(), accepted_by=person)
    actor = Actor(workspace=invitation.workspace, person=person, role=role, via="page")
    actor.record("member.joined", person.id, role=role, invited_by=str(invitation.invited_by or ""))
    return actor


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
