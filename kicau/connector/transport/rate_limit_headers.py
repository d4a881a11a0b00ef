"""How a network says beside its answers how much of what it allows is used up, so that we slow down before it refuses.

A connector that knows such words has a member `allowances(reply) -> Sequence[Allowance]`; one that knows none goes
without. Every answer is read for them, refusals too. The core lets reading wait first, then sending, and nothing fails
by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kicau.connector.protocol import Connector
    from kicau.connector.transport.http import HttpResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class RateAllowance:
    """What the network allows one channel, or the whole app, as it stands after a call."""

    used: int  # percent; 100 and more: the next call is refused
    until: datetime | None = None  # UTC; when there is room again, where the network says it
    whole_app: bool = False  # every channel of the app shares it


type ReadAllowances = Callable[[HttpResponse], Sequence[RateAllowance]]


def allowance_reader(connector: Connector) -> ReadAllowances:
    """The connector's own reading, or one that never finds anything."""
    found: ReadAllowances | None = getattr(connector, "allowances", None)
    return found or (lambda reply: ())
