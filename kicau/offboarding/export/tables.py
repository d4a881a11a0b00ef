"""Which rows go into an export, and how each is written: a table for every model that tells of the channels that are
left. What another room keeps about a channel, a delivery or a post (answers, numbers) is found by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, QuerySet

from kicau.base.encrypted_fields import EncryptedJSONField
from kicau.base.spreadsheets import escape_formula
from kicau.channels.models import Channel, Slot
from kicau.costs.models import Budget, Charge
from kicau.media.models import Medium
from kicau.offboarding.actions import channels_of
from kicau.offboarding.export.media import media_ids
from kicau.offboarding.models import Offboarding
from kicau.publishing.models import (
    RENDERED_COLUMNS,
    Attempt,
    Campaign,
    Delivery,
    Draft,
    DraftState,
    Part,
    PartMedium,
    Variant,
)
from kicau.sync.models import Comment, MetricsChange, PostMetrics

INTERNAL_COLUMNS = {
    "worker",
    "lease_until",
    "next_at",
    "lease",
    "leased_until",
    "version",
    "search",
    "embedding",
}  # of use to this instance only
REDUNDANT_COLUMNS = frozenset(RENDERED_COLUMNS) - {"rendered"}  # columns of a delivery that say again what is rendered
TRANSIENT_MODELS = (
    "publishing.writer",
    "costs.reservation",
    "sync.standing",
    "sync.named",
)  # what is so at this moment only
EXCLUDED_APPS = (
    "workspaces",
    "engine",
    "offboarding",
    "api",
    "notifications",
    "rights",
)  # rooms that hold nothing of a post


@dataclass(frozen=True, slots=True)
class ExportScope:
    """What is exported: the channels that are left, their deliveries, and every post that goes there or nowhere yet."""

    row: Offboarding
    channels: tuple[UUID, ...]
    drafts: tuple[UUID, ...]
    deliveries: tuple[UUID, ...]
    media: tuple[UUID, ...]


def export_scope(row: Offboarding) -> ExportScope:
    channels = tuple(c.id for c in channels_of(row))
    deliveries = Delivery.objects.filter(workspace=row.workspace, channel__in=channels)
    waiting = Q(state__in=[DraftState.DRAFT, DraftState.SUBMITTED], deliveries=None)
    drafts = Draft.objects.filter(workspace=row.workspace).filter(Q(id__in=deliveries.values("draft")) | waiting)
    ids = tuple(drafts.order_by("id").values_list("id", flat=True))
    return ExportScope(
        row=row,
        channels=channels,
        drafts=ids,
        deliveries=tuple(deliveries.order_by("id").values_list("id", flat=True)),
        media=tuple(media_ids(row.workspace_id, ids, channels)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportTable:
    """Rows of one kind. `fields` are the columns, in order."""

    name: str
    about: str
    rows: QuerySet[Any]
    fields: tuple[models.Field[Any, Any], ...]

    @property
    def columns(self) -> list[str]:
        return [f.attname for f in self.fields]

    def each(self) -> Iterator[dict[str, Any]]:
        """Rows as JSON values, a few hundred in memory at once."""
        columns = self.columns
        for values in self.rows.values_list(*columns).iterator(chunk_size=500):
            yield {name: to_json_value(value) for name, value in zip(columns, values, strict=True)}

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the table's file."""
        properties = {f.attname: _field_schema(f) for f in self.fields}
        item = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "description": self.about,
            "type": "array",
            "items": item,
        }


def export_tables(scope: ExportScope) -> list[ExportTable]:
    """In an order in which each refers to those before it."""
    found = [*_channel_tables(scope), *_post_tables(scope), *_cost_tables(scope), *_engagement_tables(scope)]
    taken = {table.rows.model for table in found}
    return found + [
        t for model in apps.get_models() if model not in taken and (t := _table_of_related_model(model, scope))
    ]


def _channel_tables(scope: ExportScope) -> list[ExportTable]:
    return [
        _table(
            "channels",
            "The channels that are left; without what signs in to them.",
            Channel.objects.filter(id__in=scope.channels),
        ),
        _table("slots", "Weekly times of their queues.", Slot.objects.filter(channel__in=scope.channels)),
        _table(
            "campaigns",
            "Campaigns of the posts.",
            Campaign.objects.filter(id__in=Draft.objects.filter(id__in=scope.drafts).values("campaign")),
        ),
        _table(
            "media",
            "Files of the posts; each lies under its sha256 in the folder media.",
            Medium.objects.filter(id__in=scope.media),
        ),
    ]


def _post_tables(scope: ExportScope) -> list[ExportTable]:
    drafts, deliveries = scope.drafts, scope.deliveries
    parts = Part.objects.filter(draft__in=drafts)
    return [
        _table("posts", "Posts as their authors wrote them.", Draft.objects.filter(id__in=drafts)),
        _table("variants", "What differs for one channel or one network.", Variant.objects.filter(draft__in=drafts)),
        _table(
            "parts",
            "Texts: one of each post, several of a thread; those with a variant_id are that variant's own.",
            parts,
        ),
        _table(
            "part_media",
            "Which file stands where in a part, with its description there.",
            PartMedium.objects.filter(part__in=parts),
        ),
        _table(
            "deliveries",
            "Each post on its way to one channel, what was or would be sent, and what came of it.",
            Delivery.objects.filter(id__in=deliveries),
        ),
        _table(
            "attempts",
            "Every step of a delivery, and every decision of a person about it.",
            Attempt.objects.filter(delivery__in=deliveries),
        ),
    ]


def _cost_tables(scope: ExportScope) -> list[ExportTable]:
    named = Q(channel_id__in=scope.channels)
    if scope.row.channel_id is None:
        named |= Q(channel_id=None, network=scope.row.network)
    return [
        _table(
            "charges",
            "What calls to the network used up: millionths of a currency.",
            Charge.objects.filter(channel_id__in=scope.channels),
        ),
        _table(
            "budgets",
            "What could be spent: each budget that names the network or one of the channels.",
            Budget.objects.filter(workspace=scope.row.workspace).filter(named),
        ),
    ]


def _engagement_tables(scope: ExportScope) -> list[ExportTable]:
    return [
        _table(
            "numbers",
            "Each published post's numbers as they were last read, by the network's names.",
            PostMetrics.objects.filter(channel__in=scope.channels),
        ),
        _table(
            "readings",
            "What had changed in a post's numbers each time they were read.",
            MetricsChange.objects.filter(post__channel__in=scope.channels),
        ),
        _table(
            "answers",
            "What others wrote to the channels; their words are theirs.",
            Comment.objects.filter(channel__in=scope.channels),
        ),
    ]


def _table_of_related_model(model: type[models.Model], scope: ExportScope) -> ExportTable | None:
    """Whatever else points to a channel, a delivery or a post: answers, numbers, …"""
    if (
        not model.__module__.startswith("kicau.")
        or model._meta.app_label in EXCLUDED_APPS
        or model._meta.label_lower in TRANSIENT_MODELS
    ):
        return None
    names = {
        f.attname
        for f in model._meta.concrete_fields
        if isinstance(f, models.ForeignKey | models.UUIDField | models.OneToOneField)
    }
    for column, ids in (("delivery_id", scope.deliveries), ("channel_id", scope.channels), ("draft_id", scope.drafts)):
        if column in names:
            name = f"{model._meta.app_label}_{model._meta.verbose_name_plural}".replace(" ", "_")
            about = (model.__doc__ or name).strip().split("\n")[0]
            return _table(name, about, model._default_manager.filter(**{f"{column}__in": ids}))
    return None


def _table(name: str, about: str, rows: QuerySet[Any]) -> ExportTable:
    fields = tuple(f for f in rows.model._meta.concrete_fields if not _is_excluded(f))
    return ExportTable(name=name, about=about, rows=rows.order_by("pk"), fields=fields)


def _is_excluded(field: models.Field[Any, Any]) -> bool:
    """Secrets, and what only this instance has a use for."""
    known = isinstance(field, EncryptedJSONField | models.ForeignKey) or type(field).__module__.startswith(
        ("django.db.models", "django.contrib.postgres.fields")
    )
    return (
        isinstance(field, EncryptedJSONField)
        or field.name in INTERNAL_COLUMNS
        or (field.model is Delivery and field.name in REDUNDANT_COLUMNS)
        or not known
        or type(field).__name__ == "SearchVectorField"
    )


def to_json_value(value: Any) -> Any:
    """As JSON has it: times in UTC, ids as text."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date() | UUID():
            return str(value)
        case bytes() | memoryview():
            return bytes(value).hex()
        case None | bool() | int() | float() | str() | dict():
            return value
        case list() | tuple():
            return [to_json_value(one) for one in value]
    return str(value)


def to_csv_cell(value: Any) -> str:
    """As CSV has it: nothing for null, JSON for what has parts, and no formula in a text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case int() | float():
            return str(value)
    return escape_formula(str(value))


JSON_SCHEMA_TYPES: Sequence[tuple[type[models.Field[Any, Any]], dict[str, Any]]] = (
    (models.DateTimeField, {"type": "string", "format": "date-time"}),
    (models.UUIDField, {"type": "string", "format": "uuid"}),
    (models.BooleanField, {"type": "boolean"}),
    (models.IntegerField, {"type": "integer"}),
    (models.FloatField, {"type": "number"}),
    (models.JSONField, {}),
    (ArrayField, {"type": "array", "items": {"type": "string"}}),
)


def _field_schema(field: models.Field[Any, Any]) -> dict[str, Any]:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    found: dict[str, Any] = next(
        (dict(said) for kind, said in JSON_SCHEMA_TYPES if isinstance(target, kind)), {"type": "string"}
    )
    if field.null and "type" in found:
        found["type"] = [found["type"], "null"]
    if field.choices and not field.null and found.get("type") == "string":
        found["enum"] = [str(value) for value, _ in field.flatchoices] + ([""] if field.blank else [])
        found["enum"] = list(dict.fromkeys(found["enum"]))
    if isinstance(field, models.ForeignKey):
        found["description"] = f"The id of one of the {field.related_model._meta.verbose_name_plural}."
    return found
