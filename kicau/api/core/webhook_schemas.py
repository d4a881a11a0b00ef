"""What webhooks send, in the OpenAPI description: the objects of the REST API, and what each event tells beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from kicau.api.schemas.channels import ConnectedChannel
from kicau.api.schemas.deliveries import Delivery
from kicau.api.schemas.offboarding import Offboarding
from kicau.api.schemas.webhooks import Outage
from kicau.events.catalogue import PUBLIC_EVENTS, ObjectType, PublicEvent

OBJECT_SCHEMAS: Mapping[ObjectType, type[BaseModel]] = {
    ObjectType.DELIVERY: Delivery,
    ObjectType.CHANNEL: ConnectedChannel,
    ObjectType.OFFBOARDING: Offboarding,
    ObjectType.OUTAGE: Outage,
}
_JSON_TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "UUID": {"type": "string", "format": "uuid"},
    "datetime": {"type": "string", "format": "date-time"},
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "tuple[int, ...]": {"type": "array", "items": {"type": "integer"}},
    "tuple[str, ...]": {"type": "array", "items": {"type": "string"}},
}


def object_schemas() -> dict[str, Any]:
    """The components that events refer to."""
    found: dict[str, Any] = {}
    for model in OBJECT_SCHEMAS.values():
        made = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        found |= made.pop("$defs", {}) | {model.__name__: made}
    return found


def webhook_descriptions() -> dict[str, Any]:
    """The section `webhooks` of the description."""
    return {name: {"post": _operation(kind)} for name, kind in PUBLIC_EVENTS.items()}


def message_schema(kind: type[PublicEvent]) -> dict[str, Any]:
    """One message about an event of this kind."""
    details = {field.name: _JSON_TYPES[str(field.type)] for field in kind.detail_fields()}
    properties = {
        "id": {"type": "string", "format": "uuid"},
        "event": {"const": kind.name},
        "at": {"type": "string", "format": "date-time"},
        "data": {"$ref": f"#/components/schemas/{OBJECT_SCHEMAS[kind.object_type].__name__}"},
        "details": _closed_object(details),
    }
    return _closed_object(properties)


def _closed_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _operation(kind: type[PublicEvent]) -> dict[str, Any]:
    return {
        "summary": kind.description,
        "tags": ["Webhooks"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": message_schema(kind)}}},
        "responses": {"2XX": {"description": "Accepted. Anything else is retried for a day."}},
    }
