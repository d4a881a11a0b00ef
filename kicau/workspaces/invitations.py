"""Invitations: a one-time link by which somebody new, or somebody who is here already, joins a workspace."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, unacceptable
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.workspaces import acts
from kicau.workspaces.actors import RANK, Actor, Permission
from kicau.workspaces.models import Invitation, Membership, Person, Role

LASTS = timedelta(days=7)
MOST_OPEN = 200  # invitations of one workspace that wait at once
log = structlog.get_logger("kicau.workspaces")


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation just made; its link is told once and kept nowhere."""

    invitation: Invitation
    link: str
    mailed: bool

    def __repr__(self) -> str:
        return f"Invited({self.invitation.email})"


def invite(actor: Actor, email: str, role: str) -> Invited:
    """Make a link for `email` that lasts a week, and send it where a mail server is set.

    An earlier invitation of the same address stops counting. Raises NotAllowed, Unacceptable, Conflict.
    """
    invitation, link = _make(actor, email.strip(), role)
    mailed = _mail(actor, invitation, link)
    return Invited(invitation, link, mailed)


@transaction.atomic
def _make(actor: Actor, email: str, role: str) -> tuple[Invitation, str]:
    actor.require(Permission.MEMBERS)
    try:
        validate_email(email)
    except ValidationError:
        raise unacceptable("email", "{email!r} is not an e-mail address.", email=email) from None
    if role not in Role.values:
        raise unacceptable(
            "role", "There is no role {role!r}; the roles are: {roles}.", role=role, roles=", ".join(Role.values)
        )
    if role == Role.OWNER and actor.role != Role.OWNER:
        raise NotAllowed("Only an owner can make somebody an owner.")
    if Membership.objects.filter(workspace=actor.workspace, person__email__iexact=email).exists():
        raise Conflict(Sentence("{email} is a member already; change the role in the list.", email=email))
    waiting = _open(actor)
    waiting.filter(email__iexact=email).update(revoked_at=clock.now())
    if waiting.count() >= MOST_OPEN:
        raise Conflict(
            Sentence("There are {most} invitations that nobody has used yet; take some back first.", most=MOST_OPEN)
        )
    secret = secrets.token_urlsafe(32)
    made = Invitation.objects.create(
        workspace=actor.workspace,
        email=email,
        role=role,
        digest=_digest(secret),
        invited_by=actor.person,
        expires_at=clock.now() + LASTS,
    )
    actor.record("member.invited", made.id, name=email, role=role)
    return made, settings.KICAU_PUBLIC_URL + reverse("join", args=[secret])


def _mail(actor: Actor, invitation: Invitation, link: str) -> bool:
    """Whether it was sent. A mail server that fails costs the inviter nothing: the link is shown to them."""
    if not settings.KICAU_SENDS_MAIL:
        return False
    with translation.override(actor.workspace.language):
        what = {"who": actor.name, "workspace": actor.workspace.name, "link": link, "days": LASTS.days}
        subject = _("%(who)s invites you to %(workspace)s on Kicau") % what
        body = _(
            "%(who)s invites you to write and schedule posts in %(workspace)s.\n\nOpen this link to join; it works once, for %(days)s days:\n%(link)s\n\nIf you do not know %(who)s, do nothing."
        )
    try:
        EmailMessage(" ".join(subject.split()), body % what, to=[invitation.email]).send()
    except OSError as exc:  # smtplib's errors are OSErrors
        log.warning("an invitation could not be sent", invitation=str(invitation.id), why=str(exc)[:200])
        return False
    Invitation.objects.filter(id=invitation.id).update(mailed_at=clock.now())
    return True


def waiting(actor: Actor) -> QuerySet[Invitation]:
    """Invitations that can still be used, newest first; for those who manage members."""
    actor.require(Permission.MEMBERS)
    return _open(actor).select_related("invited_by").order_by("-id")


def _open(actor: Actor) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        workspace=actor.workspace, accepted_at=None, revoked_at=None, expires_at__gt=clock.now()
    )


@transaction.atomic
def revoke(actor: Actor, invitation_id: UUID | str) -> Invitation:
    """The link stops working at once. Raises NotFound where it was used or has lapsed."""
    found = waiting(actor).select_for_update(of=("self",)).filter(id=as_uuid(invitation_id)).first()
    if found is None:
        raise NotFound("invitation", invitation_id)
    found.revoked_at = clock.now()
    found.save(update_fields=["revoked_at"])
    actor.record("member.uninvited", found.id, name=found.email)
    return found


def by_link(secret: str) -> Invitation:
    """The invitation behind a link, while it counts. Raises Conflict with what to do."""
    found = (
        Invitation.objects.select_related("workspace", "invited_by")
        .filter(digest=_digest(secret), accepted_at=None, revoked_at=None, expires_at__gt=clock.now())
        .first()
    )
    if found is None:
        raise Conflict("This invitation has been used, taken back, or is older than 7 days. Ask for another one.")
    return found


@transaction.atomic
def accept(secret: str, person: Person) -> Actor:
    """`person` joins; somebody who is a member already keeps the higher of both roles. Raises Conflict."""
    invitation = by_link(secret)
    Invitation.objects.select_for_update(of=("self",)).get(id=invitation.id)
    by_link(secret)  # nobody was faster
    member = Membership.objects.select_for_update().filter(workspace=invitation.workspace, person=person).first()
    role = max(invitation.role, member.role if member else Role.VIEWER, key=lambda name: RANK.index(Role(name)))
    Membership.objects.update_or_create(workspace=invitation.workspace, person=person, defaults={"role": role})
    Invitation.objects.filter(id=invitation.id).update(accepted_at=clock.now(), accepted_by=person)
    actor = Actor(workspace=invitation.workspace, person=person, role=role, via="page")
    actor.record("member.joined", person.id, role=role, invited_by=str(invitation.invited_by or ""))
    return actor


@transaction.atomic
def accept_as_new(secret: str, name: str, password: str, *, language: str, timezone: str = "") -> Actor:
    """Somebody new joins under the invited address. Raises Conflict, Unacceptable (a weak password)."""
    invitation = by_link(secret)
    workspace = invitation.workspace
    person = acts.add_person(
        invitation.email, name, password, language=language, timezone=timezone or workspace.timezone
    )
    return accept(secret, person)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
