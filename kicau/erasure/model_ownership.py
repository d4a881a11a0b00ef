"""The rows that belong to a person or a workspace, found in Django's own list of models: a new model is never forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import Q

from kicau.base.encrypted_fields import EncryptedJSONField
from kicau.workspaces.models import Person, Workspace

SECRET_COLUMNS = ("password", "digest", "session_key", "session_data")
#: Models that have a plain id instead of a foreign key. The ledger and the activity log are kept when a workspace goes.
PLAIN_IDS = {
    "rights.Statement": "workspace_id",
    "costs.Reservation": "workspace_id",
    "api.IdempotentResponse": "workspace_id",
    "evidence.CanaryTest": "canary__workspace_id",
    "evidence.Canary": "workspace_id",
    "evidence.Salt": "leaf__workspace_id",  # the log keeps its hashes, which nobody can tie to a content any more
}
KEPT_PLAIN_IDS = {
    "costs.Charge",
    "rights.ActivityEntry",
    "evidence.Leaf",
    "channels.Revocation",  # until the network has ended the credentials, a week at most
}
#: What somebody wrote that lies in rows below those that name them.
AUTHOR_PATHS = {"publishing.Part": "draft__author", "rights.ActivityEntry": "actor_id"}


def rows_of_workspace(workspace_id: UUID) -> Iterator[tuple[str, models.QuerySet[Any]]]:
    """Each model's name with its rows of this workspace, children before their parents."""
    for label, path in PLAIN_IDS.items():
        yield label, apps.get_model(label)._base_manager.filter(**{path: workspace_id})
    paths = workspace_paths()
    for label in sorted(paths, key=lambda one: (-paths[one].count("__"), one)):
        yield label, apps.get_model(label)._base_manager.filter(**{paths[label]: workspace_id})


def workspace_paths() -> dict[str, str]:
    """For each model the shortest way to its workspace by foreign keys that are always set."""
    found: dict[type[models.Model], str] = {Workspace: ""}
    near: list[type[models.Model]] = [Workspace]
    while near:
        following: list[type[models.Model]] = []
        for model in apps.get_models(include_auto_created=True):
            if model in found:
                continue
            for field in model._meta.get_fields():
                target: Any = field.related_model
                if not isinstance(field, models.ForeignKey) or target not in near:
                    continue
                if field.null and target is not Workspace:
                    continue
                found[model] = f"{field.name}__{found[target]}" if found[target] else field.name
                following.append(model)
                break
        near = following
    return {model._meta.label: path for model, path in found.items() if path}


def rows_of_person(person: Person) -> Iterator[tuple[str, models.QuerySet[Any]]]:
    """Each model's name with the rows that name this person."""
    for model in apps.get_models(include_auto_created=True):
        names = [
            field.name
            for field in model._meta.get_fields()
            if isinstance(field, models.ForeignKey) and field.related_model is Person
        ]
        if names:
            named = Q()
            for name in names:
                named |= Q(**{name: person.id})
            yield model._meta.label, model._base_manager.filter(named)
    for label, path in AUTHOR_PATHS.items():
        yield label, apps.get_model(label)._base_manager.filter(**{path: person.id})


def readable_columns(row: models.Model) -> dict[str, Any]:
    """A row's columns without secrets, keys and what only programs read."""
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not isinstance(field, (EncryptedJSONField, models.BinaryField)) and field.name not in SECRET_COLUMNS
    }
