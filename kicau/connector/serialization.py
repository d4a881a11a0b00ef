"""The seam's values as JSON and back, exactly: what is stored is what is sent."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter

from kicau.connector.content import JSON


@cache
def _type_adapter(of: Any) -> TypeAdapter[Any]:
    return TypeAdapter(of)


def to_json(value: object) -> JSON:
    """A seam value (dataclass) as JSON-ready data."""
    return cast(JSON, _type_adapter(cast(Any, type(value))).dump_python(value, mode="json"))


def to_compact_json(value: object) -> JSON:
    """The same without what stands at its default, for rows that are written by the thousand: `from_json` fills it in,
    and who reads the data itself asks with the default."""
    return cast(JSON, _type_adapter(cast(Any, type(value))).dump_python(value, mode="json", exclude_defaults=True))


def from_json[T](of: type[T], data: JSON) -> T:
    """The value again. Raises pydantic.ValidationError where `data` is not one."""
    return cast(T, _type_adapter(cast(Any, of)).validate_python(data))
