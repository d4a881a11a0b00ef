"""The operator leaves a network, or one of its apps, for every workspace of the instance; and goes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from kicau.base.errors import Conflict, NotAllowed, NotFound
from kicau.base.ids import as_uuid, new_id
from kicau.base.sentences import Sentence
from kicau.channels.models import Channel, NetworkApp
from kicau.connector import registry
from kicau.offboarding import actions, restore_network
from kicau.offboarding.actions import CONNECTED_STATES, start_offboarding
from kicau.offboarding.announcements import network_label
from kicau.offboarding.models import OPEN_STATES, Offboarding, OffboardingCause, OffboardingState
from kicau.workspaces.actors import Actor
from kicau.workspaces.models import Person, Role, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class AppUsage:
    """How much of the instance uses one app, and its open decision."""

    app: NetworkApp
    workspaces: int
    channels: int


def app_usages(person: Person) -> list[AppUsage]:
    """Every app with what hangs on it. Raises NotAllowed."""
    _require_operator(person)
    using = Q(channels__state__in=CONNECTED_STATES)
    rows = NetworkApp.objects.annotate(
        c=Count("channels", filter=using, distinct=True), w=Count("channels__workspace", filter=using, distinct=True)
    )
    return [AppUsage(app=row, channels=row.c, workspaces=row.w) for row in rows.order_by("network", "name")]


def open_decisions(person: Person) -> list[Offboarding]:
    """What was decided or proposed for several workspaces and is still open: one row for each decision."""
    _require_operator(person)
    rows = (
        Offboarding.objects.filter(state__in=OPEN_STATES).exclude(decision_id=None).select_related("workspace", "app")
    )
    found: dict[UUID | None, Offboarding] = {}
    for row in rows.order_by("announced_at", "id"):
        found.setdefault(row.decision_id, row)
    return list(found.values())


@transaction.atomic
def announce_everywhere(
    person: Person,
    network: str,
    *,
    app_name: str = "",
    effective_at: datetime | None = None,
    reason: str = "",
    cause: str = OffboardingCause.CHOICE,
    via: str = "page",
) -> list[Offboarding]:
    """Leave a network (or, with `app_name`, what came in through that app) in every workspace at `effective_at`; None:
    now. From then on nothing new is connected there. Only an operator takes it back.

    Raises NotAllowed, UnknownNetwork, NotFound, ValidationFailed, or Conflict where nothing is connected there.
    """
    _require_operator(person)
    registry.get_connector(network)
    app = None
    if app_name:
        app = NetworkApp.objects.filter(network=network, name=app_name).first()
        if app is None:
            raise NotFound("app", f"{network} ({app_name})")
    using = Channel.objects.filter(network=network, state__in=CONNECTED_STATES, **({"app": app} if app else {}))
    decision_id, made = new_id(), []
    for workspace in Workspace.objects.filter(id__in=using.values("workspace")).order_by("id"):
        actor = _operator_actor(person, workspace, via)
        made.append(
            start_offboarding(
                actor,
                network,
                effective_at,
                reason=reason,
                cause=cause,
                app=app,
                decision_id=decision_id,
                by_operator=True,
            )
        )
    if not made:
        raise Conflict(
            Sentence(
                "No workspace has channels on {network}, so you do not need to stop using this network.",
                network=network_label(network),
            )
        )
    _apps(network, app).update(offboarded_at=made[0].effective_at)
    return made


@transaction.atomic
def resume_everywhere(person: Person, decision_id: UUID | str, *, via: str = "page") -> list[Offboarding]:
    """Cancel or take back one decision in every workspace. What is past its time waits there for a person.

    Raises NotAllowed, NotFound.
    """
    _require_operator(person)
    rows = list(
        Offboarding.objects.filter(decision_id=as_uuid(decision_id))
        .select_related("workspace", "app")
        .order_by("workspace")
    )
    if not rows:
        raise NotFound("decision", decision_id)
    _apps(rows[0].network, rows[0].app).update(offboarded_at=None)
    for row in rows:
        actor = _operator_actor(person, row.workspace, via)
        if row.state == OffboardingState.ANNOUNCED:
            actions.cancel_offboarding(actor, row.id)
        elif row.state in OPEN_STATES:
            restore_network.resume(actor, row.id)
    return list(Offboarding.objects.filter(decision_id=as_uuid(decision_id)).order_by("workspace"))


def _apps(network: str, app: NetworkApp | None) -> QuerySet[NetworkApp]:
    return NetworkApp.objects.filter(network=network, **({"id": app.id} if app else {}))


def _require_operator(person: Person | None) -> None:
    if person is None or not person.is_operator:
        raise NotAllowed("Only the server administrator can decide to stop using a network in all workspaces.")


def _operator_actor(person: Person, workspace: Workspace, via: str) -> Actor:
    """The operator in a workspace, whether or not they are a member of it."""
    return Actor(workspace=workspace, person=person, role=Role.OWNER, via=via)
