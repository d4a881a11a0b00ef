"""Finds connectors by entry point, so ours and a stranger's arrive the same way."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from kicau.connector.protocol import Connector

ENTRY_POINT_GROUP = "kicau.networks"


class UnknownNetwork(LookupError):
    """No connector of that name is installed."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        super().__init__(f"There is no network {slug!r} here; installed are: {', '.join(installed_slugs())}.")


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name)}


def installed_slugs() -> tuple[str, ...]:
    """The installed networks' names, in alphabetical order; loads none of them."""
    return tuple(_entry_points())


@cache
def get_connector(slug: str) -> Connector:
    """The connector of a network. Raises UnknownNetwork."""
    if slug not in _entry_points():
        raise UnknownNetwork(slug)
    found: Connector = _entry_points()[slug].load()
    return found


def installed_connectors() -> dict[str, Connector]:
    return {slug: get_connector(slug) for slug in installed_slugs()}


def network_package(slug: str) -> str:
    """The dotted name of a network's folder. Raises UnknownNetwork."""
    if slug not in _entry_points():
        raise UnknownNetwork(slug)
    return _entry_points()[slug].module.rsplit(".", 1)[0]
