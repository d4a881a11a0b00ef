"""Who was given a version; asking them to confirm that they use what was taken back no more, by a link of their own."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.rights.models import ActivityEntry
from kicau.training_sets.actions import check_copies_reviewed
from kicau.training_sets.models import Recipient, TrainingSetVersion, VersionState
from kicau.workspaces.actors import Actor, Permission


@dataclass(frozen=True, slots=True)
class ConfirmationLink:
    """A link just made; it is told once and kept nowhere."""

    recipient: Recipient
    link: str

    def __repr__(self) -> str:
        return f"Asked({self.recipient.name})"


def list_recipients(actor: Actor) -> QuerySet[Recipient]:
    """All of the workspace's, with `version` and its set."""
    actor.require(Permission.READ)
    return (
        Recipient.objects.filter(version__set__workspace=actor.workspace)
        .select_related("version__set")
        .defer("version__delta", "version__excluded", "version__reasons")
    )


def get_recipient(actor: Actor, recipient_id: UUID | str) -> Recipient:
    """Raises NotFound."""
    found = list_recipients(actor).filter(id=as_uuid(recipient_id)).first()
    if found is None:
        raise NotFound("recipient", recipient_id)
    return found


def unconfirmed_recipients(actor: Actor) -> QuerySet[Recipient]:
    """Those who have something that was taken back, and have not confirmed that they use it no more."""
    return list_recipients(actor).filter(owes__gt=0, acknowledged_at=None)


def add_recipient(actor: Actor, version: TrainingSetVersion, *, name: str, contact: str = "") -> Recipient:
    """Notes who was given a version, so that they are told when something in it is taken back."""
    actor.require(Permission.SETTINGS)
    if version.state != VersionState.READY:
        raise Conflict(
            "You can give a version of the training set to a recipient only when Kicau has finished creating the version. Try again later."
        )
    check_copies_reviewed(version.set)
    if not name.strip():
        raise validation_failed("name", "Enter the name of the person or organization that receives the training set.")
    with transaction.atomic():
        made = Recipient.objects.create(version=version, name=name.strip()[:200], contact=contact.strip()[:300])
        actor.record("dataset.given", version.id, name=version.set.name, to=made.name)
    return made


@transaction.atomic
def create_confirmation_link(actor: Actor, recipient_id: UUID | str) -> ConfirmationLink:
    """A link by which they read what was taken back and confirm it; an older one of theirs stops working. Raises
    NotFound, Conflict where they owe nothing."""
    actor.require(Permission.SETTINGS)
    found = get_recipient(actor, recipient_id)
    if not found.owes:
        raise Conflict(
            "This recipient does not need to confirm anything, because nothing was removed from their version of the training set."
        )
    secret = secrets.token_urlsafe(32)
    found.ask_digest, found.told_at = _secret_digest(secret), clock.now()
    found.save(update_fields=["ask_digest", "told_at"])
    actor.record("dataset.asked", found.id, name=found.version.set.name, to=found.name, version=found.owes)
    return ConfirmationLink(found, settings.KICAU_PUBLIC_URL + reverse("retractions", args=[secret]))


@transaction.atomic
def acknowledge(actor: Actor, recipient_id: UUID | str) -> Recipient:
    """They have said, elsewhere, that they use what was taken back no more. Raises NotFound."""
    actor.require(Permission.SETTINGS)
    found = get_recipient(actor, recipient_id)
    _set_acknowledged(found, actor.name)
    actor.record("dataset.acknowledged", found.id, name=found.version.set.name, to=found.name, version=found.owes)
    return found


# The recipient's side


def open_confirmation_link(secret: str) -> Recipient:
    """The recipient behind a link, with version, set and workspace. Raises Conflict with what to do."""
    found = (
        Recipient.objects.select_related("version__set__workspace").filter(ask_digest=_secret_digest(secret)).first()
    )
    if found is None:
        raise Conflict(
            "This link is no longer valid, because it was revoked or replaced by a newer link. Ask the person who sent you the link for the newer one."
        )
    return found


def open_deltas(recipient: Recipient) -> list[TrainingSetVersion]:
    """The versions that took something back from what they have, the oldest first; each with its signed `delta`."""
    rows = TrainingSetVersion.objects.filter(
        set=recipient.version.set, number__gt=recipient.version.number, number__lte=recipient.owes
    )
    return [row for row in rows.order_by("number") if row.delta]


@transaction.atomic
def confirm_by_link(recipient: Recipient, name: str) -> Recipient:
    """They say so themselves, by their link. Raises ValidationFailed without a name."""
    if not name.strip():
        raise validation_failed(
            "name", "Enter your name to confirm that you no longer use the content removed from the training set."
        )
    _set_acknowledged(recipient, name.strip()[:200])
    ActivityEntry.objects.create(
        workspace_id=recipient.version.set.workspace_id,
        actor=recipient.acknowledged_by,
        via="link",
        act="dataset.acknowledged",
        subject=str(recipient.id),
        detail={"to": recipient.name, "version": recipient.owes},
    )
    return recipient


def version_delta(version: TrainingSetVersion) -> Mapping[str, Any]:
    """What a version is without: the signed list. Raises NotFound where it takes nothing back."""
    if not version.delta:
        raise NotFound("delta", version.number)
    return dict(version.delta)


def _set_acknowledged(recipient: Recipient, by: str) -> None:
    recipient.acknowledged_at, recipient.acknowledged_by = clock.now(), by[:200]
    recipient.save(update_fields=["acknowledged_at", "acknowledged_by"])


def _secret_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
