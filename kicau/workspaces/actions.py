"""People, workspaces, members and tokens: each act once."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.money import is_currency
from kicau.base.sentences import Sentence
from kicau.events.catalogue import PolicyChanged, RightsReduced
from kicau.events.dispatch import emit
from kicau.rights.models import ActivityEntry, check_ai_use, check_others_ai_use
from kicau.workspaces import account_security, address_verification, addresses, factors, names
from kicau.workspaces.actors import Actor, Permission, may_assign_role, weakest_role
from kicau.workspaces.models import ApiToken, Invitation, Membership, Person, Role, Workspace

POLICY_FIELDS = ("ai_use", "others_ai_use")
FIRST_VISIT_LOCK_ID = 7_215_001  # key of the lock that lets only one visitor be the first


def add_person(
    email: str,
    name: str,
    password: str | None = None,
    *,
    language: str = "en",
    timezone: str = "UTC",
    operator: bool = False,
    proved: bool = False,
) -> Person:
    """A new person; without a password they can't sign in by one. `proved`: whoever asks has shown that they read mail
    to the address. Raises ValidationFailed or Conflict."""
    email = addresses.clean_email(email)
    _check_timezone(timezone)
    person = Person(
        email=email,
        email_proved_at=clock.now() if proved else None,
        name=name.strip() or email.split("@")[0],
        language=language,
        timezone=timezone,
        is_operator=operator,
    )
    if password is not None:
        address_verification.set_password(person, password)
    else:
        person.set_unusable_password()
    try:
        with transaction.atomic():
            if Person.objects.filter(email__iexact=email).exists():
                raise IntegrityError
            person.save()
    except IntegrityError:
        raise Conflict(
            Sentence(
                "A person with the e-mail address {email} already has an account on this server. Enter another address, or use the existing account.",
                email=email,
            )
        ) from None
    ActivityEntry.objects.create(
        actor=person.name, actor_id=person.id, via="system", act="person.added", subject=str(person.id)
    )
    return person


def has_no_people() -> bool:
    """Whether nobody is here yet: the first visitor becomes the owner."""
    return not Person.objects.exists()


@transaction.atomic
def create_first_owner(
    email: str,
    name: str,
    password: str,
    workspace: str,
    *,
    language: str = "en",
    timezone: str = "UTC",
    proved: bool = False,
) -> Actor:
    """The person who sets the instance up, with a workspace. `proved`: whoever hosts it named the address at the shell.
    Raises Conflict where somebody is here already, ValidationFailed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FIRST_VISIT_LOCK_ID])
    if not has_no_people():
        raise Conflict("This server already has an owner. Sign in, or ask the owner for an invitation.")
    person = add_person(email, name, password, language=language, timezone=timezone, operator=True, proved=proved)
    made = create_workspace(person, workspace, timezone=timezone, language=language)
    return actor_for(person, made.id, "page")


def update_person(
    person: Person,
    *,
    name: str | None = None,
    language: str | None = None,
    timezone: str | None = None,
    password: str | None = None,
    end_tokens: bool = False,
) -> Person:
    """What people change about themselves. Another password ends their other sessions and, with `end_tokens`, their API
    tokens. Raises ValidationFailed."""
    if name is not None and not name.strip():
        raise validation_failed("name", "Enter the name of the person who will use this account.")
    if timezone is not None:
        _check_timezone(timezone)
    if language is not None and language not in dict(settings.LANGUAGES):
        raise validation_failed(
            "language",
            "Kicau is not available in the language {language!r}. Choose one of: {known}.",
            language=language,
            known=", ".join(dict(settings.LANGUAGES)),
        )
    new = {"name": name.strip()[:120] if name else None, "language": language, "timezone": timezone}
    for key, value in new.items():
        if value is not None:
            setattr(person, key, value)
    if password is not None:
        address_verification.set_password(person, password)
    with transaction.atomic():  # not around the hashing, which waits for its turn without a connection
        person.save()
        if end_tokens:
            account_security.revoke_tokens(person)
        letter = "person.password" if password is not None else ""
        account_security.record_security_change(person, "person.changed", letter=letter, password=password is not None)
    return person


@transaction.atomic
def create_workspace(
    owner: Person, name: str, *, timezone: str = "UTC", language: str = "en", via: str = "page"
) -> Workspace:
    """A workspace with `owner` as its first member. Raises ValidationFailed."""
    if not name.strip():
        raise validation_failed("name", "Enter a name for the workspace.")
    _check_timezone(timezone)
    workspace = Workspace.objects.create(name=name.strip()[:120], timezone=timezone, language=language)
    Membership.objects.create(workspace=workspace, person=owner, role=Role.OWNER)
    Actor(workspace=workspace, person=owner, role=Role.OWNER, via=via).record(
        "workspace.created", workspace.id, name=workspace.name
    )
    return workspace


@transaction.atomic
def update_workspace(
    actor: Actor,
    *,
    name: str | None = None,
    timezone: str | None = None,
    language: str | None = None,
    duplicate_hours: int | None = None,
    ai_use: dict[str, str] | None = None,
    others_ai_use: dict[str, str] | None = None,
    currency: str | None = None,
    terms_url: str | None = None,
    marks_media: bool | None = None,
) -> Workspace:
    """`currency`: what costs are shown in beside their own; "" for none. Raises NotAllowed, ValidationFailed."""
    actor.require(Permission.SETTINGS)
    workspace = Workspace.objects.select_for_update().get(id=actor.workspace.id)
    if name is not None and not name.strip():
        raise validation_failed("name", "Enter a name for the workspace.")
    if timezone is not None:
        _check_timezone(timezone)
    if currency and not is_currency(currency):
        raise validation_failed(
            "currency",
            "{currency} is not a valid currency code (ISO 4217). Enter a code of three letters, for example USD or IDR, or leave the field empty.",
            currency=currency[:20],
        )
    if terms_url and not (
        terms_url.startswith(("https://", "http://")) and len(terms_url) <= 500 and terms_url.isprintable()
    ):
        raise validation_failed(
            "terms_url",
            "The address of the page with your terms of use must begin with https:// or http:// and have at most 500 characters.",
        )
    new = {
        "name": name.strip()[:120] if name else None,
        "timezone": timezone,
        "language": language,
        "currency": currency,
        "duplicate_hours": duplicate_hours,
        "ai_use": None if ai_use is None else check_ai_use(ai_use),
        "others_ai_use": None if others_ai_use is None else check_others_ai_use(others_ai_use),
        "terms_url": terms_url,
        "marks_media": marks_media,
    }
    changed = {key: value for key, value in new.items() if value is not None}
    is_other_policy = any(name in changed and changed[name] != getattr(workspace, name) for name in POLICY_FIELDS)
    for key, value in changed.items():
        setattr(workspace, key, value)
    workspace.save(update_fields=list(changed) or None)
    actor.record("workspace.changed", workspace.id, **changed)
    if is_other_policy:
        emit(PolicyChanged(workspace=workspace))
    return workspace


@transaction.atomic
def require_second_factor(actor: Actor, required: bool) -> Workspace:
    """Whether members get into the workspace with a second factor only. Raises NotAllowed, and Conflict where the owner
    who asks has none."""
    if actor.role != Role.OWNER or actor.person is None or actor.scopes is not None:
        raise NotAllowed(
            "Only a signed-in owner of the workspace can require two-factor authentication. You cannot use an API token to require it."
        )
    workspace = Workspace.objects.select_for_update().get(id=actor.workspace.id)
    if required and not factors.has_any_second_factor(actor.person):
        raise Conflict(
            "Set up two-factor authentication for your own account first. Open the “You” page, then “Signing in”."
        )
    if workspace.requires_second_factor != required:
        workspace.requires_second_factor = required
        workspace.save(update_fields=["requires_second_factor"])
        actor.record("workspace.second_factor_on" if required else "workspace.second_factor_off", workspace.id)
    return workspace


def actor_for(person: Person, workspace_id: UUID | str, via: str) -> Actor:
    """`person` acting in a workspace of theirs. Raises NotFound."""
    member = (
        Membership.objects.select_related("workspace").filter(person=person, workspace_id=as_uuid(workspace_id)).first()
    )
    if member is None:
        raise NotFound("workspace", workspace_id)
    return Actor(workspace=member.workspace, person=person, role=member.role, via=via)


def workspaces_of(person: Person) -> list[Workspace]:
    return list(Workspace.objects.filter(memberships__person=person).order_by("created_at"))


@transaction.atomic
def set_member_role(actor: Actor, person: Person, role: str) -> Membership:
    """Add somebody or change their role. Only an owner makes owners; the last owner stays one.

    Somebody who is no member yet is added only where their address is proved; else an invitation is the way, since
    anybody could have made an account under the address. Raises NotAllowed, Conflict, ValidationFailed.
    """
    actor.require(Permission.MEMBERS)
    _require_role_assignable(actor, role)
    here = Membership.objects.filter(workspace=actor.workspace, person=person).exists()
    if not here and not person.is_proved:
        raise Conflict(
            Sentence(
                "You cannot add this person directly, because the e-mail address {email} is not confirmed yet. Send an invitation to this address.",
                email=person.email,
            )
        )
    return _set_role(actor, person, role)


@transaction.atomic
def create_member(
    actor: Actor, email: str, name: str, password: str, role: str, *, operator: bool = False
) -> Membership:
    """Somebody new, with a password that the actor hands to them, as a member. Raises as add_person and set_member."""
    actor.require(Permission.MEMBERS)
    _require_role_assignable(actor, role)
    here = actor.workspace
    person = add_person(email, name, password, timezone=here.timezone, language=here.language, operator=operator)
    return _set_role(actor, person, role)


def _require_role_assignable(actor: Actor, role: str) -> None:
    if role not in Role.values:
        raise validation_failed(
            "role",
            "Kicau does not know the role {role!r}. Choose one of: {roles}.",
            role=role,
            roles=", ".join(Role.values),
        )
    if role == Role.OWNER and actor.role != Role.OWNER:
        raise NotAllowed("Only an owner of the workspace can make another person an owner.")


def _set_role(actor: Actor, person: Person, role: str) -> Membership:
    members = Membership.objects.select_for_update().filter(workspace=actor.workspace)
    before = members.filter(person=person).first()
    if before and before.role == Role.OWNER and role != Role.OWNER:
        if actor.role != Role.OWNER:
            raise NotAllowed("Only an owner of the workspace can change another owner's role.")
        _require_other_owner(actor, person)
    member, _ = Membership.objects.update_or_create(workspace=actor.workspace, person=person, defaults={"role": role})
    actor.record("member.set", person.id, name=str(person), role=role, before=before.role if before else "")
    if before and weakest_role(before.role, role) != before.role:
        _reduce_rights(actor, person, role)
    return member


def _reduce_rights(actor: Actor, person: Person, role: str) -> None:
    """What `person` made and may no longer make ends with their right: invitations here, other things where they are made."""
    waiting = Invitation.objects.filter(workspace=actor.workspace, invited_by=person, accepted_at=None, revoked_at=None)
    ended = [one for one in waiting if not may_assign_role(role, one.role)]
    Invitation.objects.filter(id__in=[one.id for one in ended]).update(revoked_at=clock.now())
    for one in ended:
        actor.record("member.uninvited", one.id, name=one.email, invited_by=str(person))
    emit(RightsReduced(actor=actor, person=person, role=role))


@transaction.atomic
def transfer_ownership(actor: Actor, person: Person) -> Membership:
    """A member becomes owner, and the owner who acts becomes admin, both or neither. Raises NotAllowed, NotFound."""
    if actor.role != Role.OWNER or actor.person is None:
        raise NotAllowed("Only an owner of the workspace can transfer ownership.")
    actor.require(Permission.MEMBERS)
    members = Membership.objects.select_for_update().filter(workspace=actor.workspace)
    heir = members.select_related("person").filter(person=person).first()
    if heir is None or not heir.person.is_active:
        raise NotFound("member", person.id)
    if heir.person_id == actor.person.id:
        raise Conflict("You are already an owner of this workspace. To transfer ownership, choose another person.")
    members.filter(person=actor.person).update(role=Role.ADMIN)
    heir.role = Role.OWNER
    heir.save(update_fields=["role"])
    actor.record("member.owner", person.id, name=str(person))
    _reduce_rights(actor, actor.person, Role.ADMIN)
    return heir


@transaction.atomic
def remove_member(actor: Actor, person: Person) -> None:
    actor.require(Permission.MEMBERS)
    member = Membership.objects.select_for_update().filter(workspace=actor.workspace, person=person).first()
    if member is None:
        raise NotFound("member", person.id)
    if member.role == Role.OWNER:
        if actor.role != Role.OWNER:
            raise NotAllowed("Only an owner of the workspace can remove another owner.")
        _require_other_owner(actor, person)
    member.delete()
    ApiToken.objects.filter(workspace=actor.workspace, person=person, revoked_at=None).update(revoked_at=clock.now())
    actor.record("member.removed", person.id, name=str(person))
    _reduce_rights(actor, person, "")


class MemberName(NamedTuple):
    id: UUID
    name: str


def members(actor: Actor) -> list[Membership]:
    actor.require(Permission.READ)
    return list(actor.workspace.memberships.select_related("person").order_by("created_at"))


def member_names(actor: Actor) -> list[MemberName]:
    """The members' ids and names alone, in the order in which they came."""
    actor.require(Permission.READ)
    rows = actor.workspace.memberships.order_by("created_at")
    return [MemberName(*row) for row in rows.values_list("person_id", "person__name")]


def member_by_email(actor: Actor, email: str) -> Person:
    """A person of this workspace. Raises NotFound."""
    found = (
        Membership.objects.select_related("person")
        .filter(workspace=actor.workspace, person__email__iexact=email)
        .first()
    )
    if found is None:
        raise NotFound("member", email)
    return found.person


def activity_log(actor: Actor) -> QuerySet[ActivityEntry]:
    """Who did what in this workspace, newest first; for those who manage its members."""
    actor.require(Permission.MEMBERS)
    return names.with_person_names(ActivityEntry.objects.filter(workspace_id=actor.workspace.id).order_by("-id"))


def _require_other_owner(actor: Actor, leaving: Person) -> None:
    if not Membership.objects.filter(workspace=actor.workspace, role=Role.OWNER).exclude(person=leaving).exists():
        raise Conflict("A workspace needs at least one owner. Make another person an owner first.")


def _check_timezone(name: str) -> None:
    try:
        clock.find_zone(name)
    except LookupError as exc:
        raise validation_failed("timezone", str(exc).replace("{", "(").replace("}", ")")) from None


__all__ = [
    "activity_log",
    "actor_for",
    "add_person",
    "create_first_owner",
    "create_member",
    "create_workspace",
    "has_no_people",
    "member_by_email",
    "members",
    "remove_member",
    "require_second_factor",
    "set_member_role",
    "transfer_ownership",
    "update_person",
    "update_workspace",
    "workspaces_of",
]
