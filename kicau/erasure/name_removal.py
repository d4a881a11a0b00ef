"""Where the name of who acted was written into a text: erased with the account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from kicau.rights.models import ActivityEntry
from kicau.workspaces.models import Membership, Person
from kicau.workspaces.names import DELETED_PERSON


@dataclass(frozen=True, slots=True)
class NameColumns:
    """Columns of a model that hold a name: alone or at the beginning of a sentence, or as a value in JSON."""

    model: str
    workspace: str  # path to the workspace's id; "" where the rows belong to the whole instance
    texts: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


NAME_COLUMNS = (
    NameColumns("channels.Channel", "workspace_id", ("reason",)),
    NameColumns("publishing.Delivery", "workspace_id", ("reason",), ("said",)),
    NameColumns("publishing.Attempt", "delivery__workspace_id", ("sentence",), ("detail",)),
    NameColumns("publishing.Review", "draft__workspace_id", ("name",)),
    NameColumns("publishing.Draft", "workspace_id", (), ("extras",)),
    NameColumns("training_sets.Recipient", "version__set__workspace_id", ("acknowledged_by",)),
    NameColumns("notifications.Notification", "workspace_id", (), ("details",)),
    NameColumns("rights.Terms", "", ("reviewed_by",)),
)


def erase_names(person: Person) -> None:
    """In the workspaces in which they acted or are a member; also the names that they had earlier."""
    entries = ActivityEntry.objects.filter(actor_id=person.id)
    names = {person.name, person.email, *entries.order_by().values_list("actor", flat=True).distinct()} - {""}
    workspaces = {
        *entries.exclude(workspace_id=None).order_by().values_list("workspace_id", flat=True).distinct(),
        *Membership.objects.filter(person=person).values_list("workspace_id", flat=True),
    }
    for copy in NAME_COLUMNS:
        rows = apps.get_model(copy.model)._base_manager.all()
        if copy.workspace:
            rows = rows.filter(**{f"{copy.workspace}__in": workspaces})
        for field in copy.texts:
            _erase_texts(rows, field, names)
        for field in copy.values:
            _erase_values(rows, field, names)


def replace_names(value: Any, names: Iterable[str]) -> Any:
    """JSON in which the names are replaced: values that are one, or sentences that begin with one."""
    if isinstance(value, dict):
        return {key: replace_names(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [replace_names(one, names) for one in value]
    return _replace_in_text(value, names) if isinstance(value, str) else value


def _replace_in_text(text: str, names: Iterable[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        if text == name or text.startswith(f"{name} "):
            return DELETED_PERSON + text[len(name) :]
    return text


def _erase_texts(rows: Any, field: str, names: Iterable[str]) -> None:
    begins = Q()
    for name in names:
        begins |= Q(**{field: name}) | Q(**{f"{field}__startswith": f"{name} "})
    for row in rows.filter(begins).only("pk", field).iterator():
        rows.filter(pk=row.pk).update(**{field: _replace_in_text(getattr(row, field), names)})


def _erase_values(rows: Any, field: str, names: Iterable[str]) -> None:
    holds = Q()
    for name in names:
        holds |= Q(as_text__contains=name)
    for row in rows.annotate(as_text=Cast(field, TextField())).filter(holds).only("pk", field).iterator():
        rows.filter(pk=row.pk).update(**{field: replace_names(getattr(row, field), names)})
