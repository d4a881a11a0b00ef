"""Lists in pages that stay right while rows come and go: a page begins after the last row of the one before.

Nothing is counted and nothing is skipped over, so the last page of 100,000 rows costs as little as the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Model, Q, QuerySet

from kicau.api.core.problems import field_error
from kicau.api.schemas.base import PageQuery

_CURSOR_SALT = "kicau.api.cursor"


def paginate[M: Model, S](
    rows: QuerySet[M], by: Sequence[str], asked: PageQuery, show: Callable[[M], S]
) -> dict[str, Any]:
    """`rows` by `by`: fields that together are unique, all ascending or all (with "-") descending."""
    found = list(_rows_after(rows.order_by(*by), by, asked.cursor)[: asked.limit + 1])
    shown = found[: asked.limit]
    following = cursor_after(shown[-1], by) if len(found) > asked.limit else None
    return {"items": [show(row) for row in shown], "next": following}


def cursor_after(row: Model, by: Sequence[str]) -> str:
    """Where the page after `row` begins."""
    values = [getattr(row, name.lstrip("-")) for name in by]
    return signing.dumps(
        [v.isoformat() if isinstance(v, datetime) else str(v) for v in values], salt=_cursor_salt(type(row), by)
    )


def _rows_after[M: Model](rows: QuerySet[M], by: Sequence[str], cursor: str) -> QuerySet[M]:
    if not cursor:
        return rows
    values = parse_cursor(rows.model, by, cursor)
    way = "lt" if by[0].startswith("-") else "gt"
    names = [name.lstrip("-") for name in by]
    if len(names) == 1:
        return rows.filter(**{f"{names[0]}__{way}": values[0]})
    first, second = names
    further = Q(**{f"{first}__{way}": values[0]}) | Q(**{first: values[0], f"{second}__{way}": values[1]})
    return rows.filter(further, **{f"{first}__{way}e": values[0]})  # the plain bound lets the index be used


def parse_cursor(model: type[Model], by: Sequence[str], cursor: str) -> list[Any]:
    """The values behind a cursor. Raises the field's problem where it is none of this list."""
    try:
        said = signing.loads(cursor, salt=_cursor_salt(model, by))
        return [model._meta.get_field(name.lstrip("-")).to_python(value) for name, value in zip(by, said, strict=True)]  # type: ignore[union-attr]
    except (signing.BadSignature, ValueError, ValidationError, FieldDoesNotExist):
        raise field_error(
            "cursor",
            "unknown-cursor",
            "This page cursor is not valid for this list. Use the `next` value of the previous page unchanged.",
        ) from None


def _cursor_salt(model: type[Model], by: Sequence[str]) -> str:
    return f"{_CURSOR_SALT}:{model._meta.label_lower}:{','.join(by)}"
