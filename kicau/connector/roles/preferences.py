"""The optional role of preferences: what an account says on its network about the use of its posts by machines.

Absent where a network has no such thing. What is not said is neither yes nor no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from kicau.connector.content import JSON
from kicau.connector.session import Session

PREFERENCE_USES = (
    "training",
    "inference",
    "synthetic",
    "embedding",
)  # to train on, to answer from, to make more of, to embed


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPreferences:
    """`says` holds only what the account has said: True allows."""

    account: str  # the network's id
    says: Mapping[str, bool] = field(default_factory=dict)  # by USES
    at: datetime | None = None  # UTC; when it was last changed, as the account says
    source: str = ""  # where it stands, an address
    raw: Mapping[str, JSON] = field(default_factory=dict)  # as it was found; empty where nothing is there
    vocabulary: str = ""  # in which `raw` speaks, by its slug in kicau.vocabularies.known; "" where it is none of them


@runtime_checkable
class PreferencesRole(Protocol):
    """What a connector of such a network has beside its other members."""

    async def preferences(self, session: Session, account: str = "", /) -> AccountPreferences:
        """Of an account by id or handle; of the channel's own where "". Raises Rejected where nobody is called so."""

    async def declare(self, session: Session, says: Mapping[str, bool | None], /) -> AccountPreferences:
        """Change what the channel's own account says; None takes a use back. What is not named stays as it is."""
