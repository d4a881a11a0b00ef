"""Finds connectors by entry point, so ours and a stranger's arrive the same way."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from kicau.connector.protocol import Connector

GROUP = "kicau.networks"


class UnknownNetwork(LookupError):
    """No connector of that name is installed."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        super().__init__(f"There is no network {slug!r} here; installed are: {', '.join(slugs())}.")


@cache
def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda p: p.name)}


def slugs() -> tuple[str, ...]:
    """The installed networks' names, in alphabetical order; loads none of them."""
    return tuple(_points())


@cache
def get(slug: str) -> Connector:
    """The connector of a network. Raises UnknownNetwork."""
    if slug not in _points():
        raise UnknownNetwork(slug)
    found: Connector = _points()[slug].load()
    return found


def installed() -> dict[str, Connector]:
    return {slug: get(slug) for slug in slugs()}


def package(slug: str) -> str:
    """The dotted name of a network's folder. Raises UnknownNetwork."""
    if slug not in _points():
        raise UnknownNetwork(slug)
    return _points()[slug].module.rsplit(".", 1)[0]
