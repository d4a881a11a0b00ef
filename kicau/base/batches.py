"""Many rows, read a batch at a time by their ids. No cursor stays open between two batches, so the connection may go back
to the pool while somebody takes their time over what was read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Model, QuerySet


def in_batches[M: Model](rows: QuerySet[M], size: int) -> Iterator[list[M]]:
    """Lists of at most `size` rows, by ascending id. Rows added meanwhile behind the last one are read, too."""
    ordered, last = rows.order_by("pk"), None
    while True:
        some: list[Any] = list((ordered if last is None else ordered.filter(pk__gt=last))[:size])
        if some:
            yield some
        if len(some) < size:
            return
        last = some[-1].pk
