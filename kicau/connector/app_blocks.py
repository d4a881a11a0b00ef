"""How a network says that it has shut its door to an app: which of its refusals speak of neither the post, nor the
person's permission, nor the moment.

A connector that knows such refusals has a member `shut_door(reply) -> AppBlocked | None`; one that knows none goes without.
The core looks at what it gives over several channels and some time, and only ever proposes; a person decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kicau.connector.protocol import Connector
    from kicau.connector.transport.http import HttpResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class AppBlocked:
    """A refusal of the app itself."""

    code: str  # "not-enrolled", "version-gone", …: stable, for programs
    said: str  # the network's own words
    over: timedelta  # for how long nothing else may be heard before it counts


type ReadAppBlock = Callable[[HttpResponse], AppBlocked | None]


def app_block_reader(connector: Connector) -> ReadAppBlock:
    """The connector's own reading, or one that never finds anything."""
    found: ReadAppBlock | None = getattr(connector, "shut_door", None)
    return found or (lambda reply: None)
