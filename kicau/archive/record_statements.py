"""Saying what may be done with what, taking it back, and reviewing the networks' terms: what people do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from kicau.archive.models import Item, file_digests
from kicau.archive.policy_decisions import items_with_files
from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, validation_failed
from kicau.base.ids import as_uuid, id_among
from kicau.connector import registry
from kicau.events.catalogue import PermissionsChanged
from kicau.events.dispatch import emit
from kicau.rights import statements
from kicau.rights.models import Origin, Statement, Subject, Terms
from kicau.rights.statements import NewStatement, check_conditions, check_values
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Workspace


def notify_permission_change(workspaces: Iterable[Workspace], items: Collection[UUID] | None) -> None:
    """In the transaction of what changed permissions."""
    emit(*(PermissionsChanged(workspace=workspace, items=items) for workspace in workspaces))


@transaction.atomic
def add_statements(actor: Actor, given: Sequence[NewStatement]) -> list[Statement]:
    """Keep statements that a person makes or passes on. Of single items everybody who writes may say something; what
    reaches further needs the right to change settings. Raises ValidationFailed or NotFound; then none is kept."""
    for one in given:
        actor.require(Permission.WRITE if one.subject == Subject.ITEM else Permission.SETTINGS)
        statements.check_validity_end(one, clock.now())
    wanted = {one.item for one in given if one.item}
    here = set(Item.objects.filter(workspace=actor.workspace, id__in=id_among(wanted)).values_list("id", flat=True))
    if missing := wanted - here:
        raise NotFound("item", next(iter(missing)))
    kept = statements.record_statements(actor.workspace.id, given, by=actor.person_id)
    files = {one.key for one in given if one.subject == Subject.FILE}
    about = here | (set(items_with_files(actor.workspace.id, files).values_list("id", flat=True)) if files else set())
    Item.objects.filter(id__in=id_among(about), said=False).update(said=True)
    for row in kept[:100]:
        actor.record("rights.said", row.id, layer=row.layer, says=row.says, item=str(row.item or ""))
    is_single = all(one.subject in (Subject.ITEM, Subject.FILE) for one in given)
    notify_permission_change([actor.workspace], about if is_single else None)
    return kept


@transaction.atomic
def bind_by_files(workspace: Workspace, items: Collection[UUID]) -> None:
    """Files have just come to these items: where somebody says something about one of them, it binds the item from now."""
    rows = list(Item.objects.filter(workspace=workspace, id__in=id_among(items)).values_list("id", "media"))
    digests = {digest for _, media in rows for digest in file_digests(media)}
    known = set(
        Statement.objects.filter(workspace_id=workspace.id, subject=Subject.FILE, key__in=digests).values_list(
            "key", flat=True
        )
    )
    bound = {id_ for id_, media in rows if known & set(file_digests(media))}
    if bound:
        Item.objects.filter(id__in=id_among(bound), said=False).update(said=True)
        notify_permission_change([workspace], bound)


@transaction.atomic
def end_statement(actor: Actor, statement_id: UUID | str, at: datetime | None = None) -> Statement:
    """From now (or `at`) on it says nothing any more; it stays in the story of what it was about."""
    row = get_statement(actor, statement_id)
    actor.require(Permission.WRITE if row.item else Permission.SETTINGS)
    if not statements.end_statements(actor.workspace.id, [row.id], at):
        raise Conflict("This rights statement has already ended. You do not need to do anything.")
    actor.record("rights.ended", row.id, layer=row.layer)
    row.refresh_from_db()
    notify_permission_change([actor.workspace], [row.item] if row.item else None)
    return row


def list_statements(actor: Actor, *, item: UUID | str | None = None) -> QuerySet[Statement]:
    """Newest first: of one item itself, or all that reach further than one."""
    actor.require(Permission.READ)
    rows = Statement.objects.defer("raw").filter(workspace_id=actor.workspace.id)
    return rows.filter(item=as_uuid(item) if item else None).order_by("-id")


def get_statement(actor: Actor, statement_id: UUID | str) -> Statement:
    """Raises NotFound."""
    actor.require(Permission.READ)
    row = Statement.objects.filter(workspace_id=actor.workspace.id, id=as_uuid(statement_id)).first()
    if row is None:
        raise NotFound("statement", statement_id)
    return row


def list_network_terms(actor: Actor) -> list[Terms]:
    """The table of all networks' terms, by network and way, the newest first."""
    actor.require(Permission.READ)
    return list(Terms.objects.order_by("network", "acquired", "-since"))


@transaction.atomic
def review_terms(
    actor: Actor,
    terms_id: int,
    *,
    says: Mapping[str, str] | None = None,
    conditions: Mapping[str, str] | None = None,
    note: str = "",
) -> Terms:
    """The operator has read the source and holds that this is what it says; `says` corrects the proposal."""
    _require_operator(actor)
    row = Terms.objects.select_for_update().filter(id=terms_id).first()
    if row is None:
        raise NotFound("row of terms", terms_id)
    if says is not None:
        row.says = check_values(says)
    if conditions is not None:
        row.conditions = check_conditions(conditions)
    row.note, row.reviewed_by, row.reviewed_at = note or row.note, actor.name, clock.now()
    row.save()
    actor.record("rights.terms_reviewed", row.id, name=row.network, says=row.says)
    notify_permission_change(Workspace.objects.all(), None)
    return row


@transaction.atomic
def add_terms(
    actor: Actor,
    *,
    network: str,
    acquired: str,
    since: date,
    says: Mapping[str, str],
    summary: str,
    source: str,
    conditions: Mapping[str, str] | None = None,
    note: str = "",
) -> Terms:
    """New terms from a day on, reviewed by who enters them; what was in force before ends on that day."""
    _require_operator(actor)
    if network not in registry.installed_slugs():
        raise validation_failed(
            "network",
            "Kicau does not know the social network {network!r}. Check the spelling of its name.",
            network=network,
        )
    if acquired not in ("", *Origin.values):
        raise validation_failed(
            "acquired",
            "{acquired!r} is not a known origin of content in the archive. Choose one of these origins: {known}.",
            acquired=acquired,
            known=", ".join(Origin.values),
        )
    if not source.startswith(("https://", "http://")):
        raise validation_failed("source", "Enter the web address of the page that contains the network's terms of use.")
    if not summary.strip():
        raise validation_failed("summary", "Summarize the network's terms of use in one sentence.")
    row, made = Terms.objects.get_or_create(
        network=network,
        acquired=acquired,
        since=since,
        defaults={
            "says": check_values(says),
            "conditions": check_conditions(conditions or {}),
            "summary": summary.strip(),
            "source": source[:1000],
            "seen_on": clock.now().date(),
            "reviewed_by": actor.name,
            "reviewed_at": clock.now(),
            "note": note,
        },
    )
    if not made:
        raise Conflict(
            "Kicau already has an entry with this date for the network's terms of use. Review that entry instead of adding another one."
        )
    Terms.objects.filter(network=network, acquired=acquired, since__lt=since, until=None).update(until=since)
    actor.record("rights.terms_added", row.id, name=network, says=row.says)
    notify_permission_change(Workspace.objects.all(), None)
    return row


def _require_operator(actor: Actor) -> None:
    actor.require(Permission.SETTINGS)
    if actor.person is None or not actor.person.is_operator:
        raise NotAllowed(
            "A network's terms of use apply to every workspace on this server. Only the server administrator can add and review them."
        )
