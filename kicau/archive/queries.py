"""A query as it is kept with what is made of it: plain values by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kicau.archive.language import CODES
from kicau.archive.models import Standing
from kicau.archive.search import Query
from kicau.base.errors import Unacceptable, unacceptable
from kicau.connector import registry
from kicau.rights.models import Origin
from kicau.workspaces.actors import Actor

TIMES = ("since", "until")
KINDS = ("post", "reply", "repost", "quote", "comment", "article", "message")
QUERY = ("words", "networks", "authors", "kinds", "acquired", "own", "since", "until", "language", "with_media")


def check_query(actor: Actor, told: Mapping[str, Any]) -> None:
    """That a query that somebody makes can find something: what it names is known here. Raises Unacceptable, of a field
    such as query.networks. What was kept once is not asked again (`query_of`): what it names may have gone since."""
    query = query_of(told)
    here = list(Standing.objects.filter(workspace=actor.workspace).values_list("network", "author", "author_handle"))
    networks = sorted({*registry.slugs(), *(network for network, _, _ in here if network)})
    wrong: list[Unacceptable] = []
    for name in query.networks:
        if name not in networks:
            wrong.append(
                unacceptable(
                    "query.networks",
                    "There is no network {name!r} here; there are: {known}.",
                    name=name,
                    known=", ".join(networks),
                )
            )
    for name in query.kinds:
        if name not in KINDS:
            wrong.append(
                unacceptable(
                    "query.kinds",
                    "There is no kind {name!r}; the kinds are: {known}.",
                    name=name,
                    known=", ".join(KINDS),
                )
            )
    for name in query.acquired:
        if name not in Origin.values:
            wrong.append(
                unacceptable(
                    "query.acquired",
                    "There is no way {name!r} by which posts come; the ways are: {known}.",
                    name=name,
                    known=", ".join(Origin.values),
                )
            )
    people = {name.casefold() for _, key, handle in here for name in (key, handle)}
    for author in query.authors:
        if author.removeprefix("@").casefold() not in people:
            wrong.append(
                unacceptable(
                    "query.authors",
                    "Nobody in the archive is called {name!r}; give a handle as the archive shows it.",
                    name=author,
                )
            )
    if query.language:
        try:
            check_languages("query.language", [query.language])
        except Unacceptable as exc:
            wrong.append(exc)
    if query.since and query.until and query.until <= query.since:
        wrong.append(unacceptable("query.until", "It ends before it begins, so no post can be in it."))
    if wrong:
        raise Unacceptable(problem for one in wrong for problem in one.problems)


def check_languages(field: str, codes: Iterable[str]) -> None:
    """Raises Unacceptable."""
    for code in codes:
        if code not in CODES:
            raise unacceptable(
                field, "{name!r} is no language; give its code of two letters, such as id or en.", name=code
            )


def query_of(told: Mapping[str, Any]) -> Query:
    """A stored query as the archive asks it: names as in QUERY, times in ISO 8601. Raises Unacceptable."""
    unknown = set(told) - set(QUERY)
    if unknown:
        raise unacceptable(
            "query", "A query knows {known}, not {name}.", known=", ".join(QUERY), name=", ".join(sorted(unknown))
        )
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
