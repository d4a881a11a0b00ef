"""A query as it is kept with what is made of it: plain values by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kicau.archive.language import LANGUAGE_CODES
from kicau.archive.models import RightsContext
from kicau.archive.search import ArchiveQuery
from kicau.base.errors import ValidationFailed, validation_failed
from kicau.connector import registry
from kicau.rights.models import Origin
from kicau.workspaces.actors import Actor

TIME_FIELDS = ("since", "until")
ITEM_KINDS = ("post", "reply", "repost", "quote", "comment", "article", "message")
QUERY_FIELDS = ("words", "networks", "authors", "kinds", "acquired", "own", "since", "until", "language", "with_media")


def check_query(actor: Actor, told: Mapping[str, Any]) -> None:
    """That a query that somebody makes can find something: what it names is known here. Raises ValidationFailed, of a field
    such as query.networks. What was kept once is not asked again (`parse_query`): what it names may have gone since."""
    query = parse_query(told)
    here = list(
        RightsContext.objects.filter(workspace=actor.workspace).values_list("network", "author", "author_handle")
    )
    networks = sorted({*registry.installed_slugs(), *(network for network, _, _ in here if network)})
    wrong: list[ValidationFailed] = []
    for name in query.networks:
        if name not in networks:
            wrong.append(
                validation_failed(
                    "query.networks",
                    "Kicau does not know the social network {name!r}. Choose one of these: {known}.",
                    name=name,
                    known=", ".join(networks),
                )
            )
    for name in query.kinds:
        if name not in ITEM_KINDS:
            wrong.append(
                validation_failed(
                    "query.kinds",
                    "Kicau does not know the content type {name!r}. Choose one of: {known}.",
                    name=name,
                    known=", ".join(ITEM_KINDS),
                )
            )
    for name in query.acquired:
        if name not in Origin.values:
            wrong.append(
                validation_failed(
                    "query.acquired",
                    "{name!r} is not a known origin of content in the archive. Choose one of these origins: {known}.",
                    name=name,
                    known=", ".join(Origin.values),
                )
            )
    people = {name.casefold() for _, key, handle in here for name in (key, handle)}
    for author in query.authors:
        if author.removeprefix("@").casefold() not in people:
            wrong.append(
                validation_failed(
                    "query.authors",
                    "The archive has no posts by {name!r}. Enter the author's account name (handle) exactly as the archive shows it.",
                    name=author,
                )
            )
    if query.language:
        try:
            check_languages("query.language", [query.language])
        except ValidationFailed as exc:
            wrong.append(exc)
    if query.since and query.until and query.until <= query.since:
        wrong.append(
            validation_failed("query.until", "The end date must be after the start date. Choose a later end date.")
        )
    if wrong:
        raise ValidationFailed(problem for one in wrong for problem in one.problems)


def check_languages(field: str, codes: Iterable[str]) -> None:
    """Raises ValidationFailed."""
    for code in codes:
        if code not in LANGUAGE_CODES:
            raise validation_failed(
                field, "{name!r} is not a language code. Enter a code of two letters, for example id or en.", name=code
            )


def parse_query(told: Mapping[str, Any]) -> ArchiveQuery:
    """A stored query as the archive asks it: names as in QUERY, times in ISO 8601. Raises ValidationFailed."""
    unknown = set(told) - set(QUERY_FIELDS)
    if unknown:
        raise validation_failed(
            "query",
            "You cannot filter the archive search by {name}. Use only these filters: {known}.",
            known=", ".join(QUERY_FIELDS),
            name=", ".join(sorted(unknown)),
        )
    values = dict(told)
    for name in TIME_FIELDS:
        if values.get(name):
            try:
                values[name] = datetime.fromisoformat(str(values[name]))
            except ValueError as wrong:
                raise validation_failed(
                    f"query.{name}",
                    "{said!r} is not a valid date and time. Write it in ISO 8601 format, for example 2024-01-31T08:15:00+07:00.",
                    said=str(told[name]),
                ) from wrong
            if values[name].tzinfo is None:
                raise validation_failed(
                    f"query.{name}",
                    "The time {said!r} has no time zone. Add a time zone, for example +07:00.",
                    said=str(told[name]),
                )
    return ArchiveQuery(**{name: value for name, value in values.items() if value not in (None, "", [])})
