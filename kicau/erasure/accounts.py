"""An account's end: close it, give its data to its owner, erase it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.erasure import model_ownership, name_removal
from kicau.events.catalogue import RightsReduced
from kicau.events.dispatch import emit
from kicau.rights.models import ActivityEntry
from kicau.workspaces import account_security, sessions
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import ApiToken, Invitation, Membership, Person, Role, Workspace


def people_by_token(actor: Actor, person_id: UUID | str) -> tuple[Person, Person]:
    """(who asks, whose account it is) for a program's request. An account reaches over all workspaces, so the token has to
    be a personal one; others' accounts are for operators with the scope `members`. Raises NotAllowed, NotFound."""
    actor.require(Permission.TOKENS)
    if actor.person is None or not _is_personal(actor):
        raise NotAllowed(
            "This action applies to your account, not to one workspace, and needs a personal API token. Create one with: kicau tokens create --personal"
        )
    wanted = as_uuid(person_id)
    if wanted != actor.person.id:
        actor.require(Permission.MEMBERS)
    found = Person.objects.filter(id=wanted).first() if actor.person.is_operator else None
    if wanted == actor.person.id:
        found = actor.person
    if found is None:
        raise NotFound("person", person_id)
    return actor.person, found


def _is_personal(actor: Actor) -> bool:
    return actor.token_id is not None and ApiToken.objects.filter(id=actor.token_id, workspace=None).exists()


def export_person_data(by: Person, person: Person, via: str) -> dict[str, Any]:
    """All that Kicau has about a person, without secrets. Raises NotAllowed."""
    _require_permission(by, person)
    _record(by, person, via, "person.exported")
    data = {
        label: [model_ownership.readable_columns(row) for row in rows]
        for label, rows in model_ownership.rows_of_person(person)
    }
    return {
        "exported_at": clock.now(),
        "person": model_ownership.readable_columns(person),
        "data": {label: rows for label, rows in sorted(data.items()) if rows},
    }


def to_json(data: dict[str, Any]) -> str:
    return json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


@transaction.atomic
def close_account(by: Person, person: Person, via: str) -> None:
    """End somebody's account: sessions, tokens, memberships, and the invitations and review links that they made.

    What they wrote stays. Raises NotAllowed, and Conflict where a workspace or the instance would have no owner.
    """
    _require_permission(by, person)
    person = Person.objects.select_for_update().get(id=person.id)
    _require_other_owners(person)
    sessions.end_all_sessions(person)
    account_security.revoke_tokens(person)
    for member in Membership.objects.filter(person=person).select_related("workspace").order_by("id"):
        actor = Actor(workspace=member.workspace, person=by, role=Role.OWNER, via=via)
        member.delete()
        actor.record("member.removed", person.id)
        emit(RightsReduced(actor=actor, person=person, role=""))
    Invitation.objects.filter(invited_by=person, accepted_at=None, revoked_at=None).update(revoked_at=clock.now())
    person.is_active = False
    person.is_operator = False
    person.save(update_fields=["is_active", "is_operator"])
    _record(by, person, via, "person.closed")


@transaction.atomic
def erase_account(by: Person, person: Person, via: str, *, confirmation: str) -> None:
    """Close an account and erase who it was. What workspaces own, such as posts, stays without an author.

    `confirmation` is the account's address, typed. Raises NotAllowed, Conflict, ValidationFailed.
    """
    _require_permission(by, person)
    if confirmation.strip().casefold() != person.email.casefold():
        raise validation_failed(
            "confirmation",
            "To confirm that you want to delete this account, type its e-mail address: {email}.",
            email=person.email,
        )
    close_account(by, person, via)
    Invitation.objects.filter(email__iexact=person.email).filter(Q(accepted_at=None) | Q(accepted_by=person)).delete()
    _erase_names(person)
    _record(by, person, via, "person.erased")
    person.delete()


def _require_permission(by: Person, person: Person) -> None:
    if by.id != person.id and not by.is_operator:
        raise NotAllowed("Only the server administrator can export, close or delete another person's account.")


def _require_other_owners(person: Person) -> None:
    owned = Workspace.objects.filter(memberships__person=person, memberships__role=Role.OWNER).order_by("created_at")
    alone = [one.name for one in owned.select_for_update() if not _other_owner(one, person)]
    if alone:
        raise Conflict(
            Sentence(
                "{email} is the only owner of these workspaces: {workspaces}. First make another person an owner, or delete the workspaces.",
                email=person.email,
                workspaces=", ".join(alone),
            )
        )
    operators = Person.objects.filter(is_operator=True, is_active=True).exclude(id=person.id)
    if person.is_operator and not operators.exists():
        raise Conflict(
            Sentence(
                "{email} is the only server administrator. Make another person a server administrator first.",
                email=person.email,
            )
        )


def _other_owner(workspace: Workspace, person: Person) -> bool:
    others = Membership.objects.filter(workspace=workspace, role=Role.OWNER, person__is_active=True)
    return others.exclude(person=person).exists()


def _erase_names(person: Person) -> None:
    """The activity log keeps ids; names and addresses in it go, and so do copies of the name elsewhere."""
    name_removal.erase_names(person)
    ActivityEntry.objects.filter(actor_id=person.id).update(actor="")
    for entry in _entries_naming(person):
        entry.detail = name_removal.replace_names(entry.detail, {person.name, person.email} - {""})
        entry.save(update_fields=["detail"])


def _entries_naming(person: Person) -> Iterator[ActivityEntry]:
    about = Q(subject=str(person.id)) | Q(actor_id=person.id)
    for text in filter(None, (person.name, person.email)):
        about |= Q(detail_text__icontains=text)
    return ActivityEntry.objects.annotate(detail_text=Cast("detail", TextField())).filter(about).iterator()


def _record(by: Person, person: Person, via: str, act: str) -> None:
    own = by.id == person.id and act == "person.erased"
    ActivityEntry.objects.create(
        actor_id=by.id,
        actor="" if own else str(by),
        via=via,
        act=act,
        subject=str(person.id),
    )
