"""A query as it is kept with what is made of it: plain values by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kicau.archive.search import Query
from kicau.base.errors import unacceptable

TIMES = ("since", "until")
QUERY = ("words", "networks", "authors", "kinds", "acquired", "own", "since", "until", "language", "with_media")


def query_of(told: Mapping[str, Any]) -> Query:
    """A stored query as the archive asks it: names as in QUERY, times in ISO 8601. Raises Unacceptable."""
    unknown = set(told) - set(QUERY)
    if unknown:
        raise unacceptable("query", "A query knows {known}, not {name}.", known=", ".join(QUERY), name=", ".join(sorted(unknown)))  # fmt: skip
    values = dict(told)
    for name in TIMES:
        if values.get(name):
            try:
                values[name] = datetime.fromisoformat(str(values[name]))
            except ValueError as wrong:
                raise unacceptable(f"query.{name}", "{said!r} is no time in ISO 8601.", said=str(told[name])) from wrong
            if values[name].tzinfo is None:
                raise unacceptable(f"query.{name}", "{said!r} lacks its time zone.", said=str(told[name]))
    return Query(**{name: value for name, value in values.items() if value not in (None, "", [])})
