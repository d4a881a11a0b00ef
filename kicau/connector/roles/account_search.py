"""The optional role of finding accounts that a text may mention. Absent where a network offers no such look-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from kicau.connector.content import NO_CHARGE, Charge
from kicau.connector.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionableAccount:
    """An account that can be mentioned, as the network answered."""

    target: str  # what a rendered mention of it has as its `Span.target`
    mention: str  # what an author writes: "@kopisenja", "@[Kopi Senja](urn:li:organization:1)"
    handle: str  # without @
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSearchRules:
    """How accounts can be looked up."""

    as_typed: bool  # by the first letters; False: by the whole handle only
    charge: Charge = NO_CHARGE  # of one look-up, at the most
    what: str = "account"  # what is found: "account", "organisation", "professional" (an account of a firm or creator)
    every: bool = True  # False: some accounts cannot be found, so that finding nobody proves nothing


@runtime_checkable
class AccountSearch(Protocol):
    """What a connector that can look accounts up has beside its other members."""

    @property
    def finding(self) -> AccountSearchRules: ...

    async def people(self, session: Session, words: str, /) -> tuple[MentionableAccount, ...]:
        """Accounts for `words` (without @), the likeliest first and at most ten; none where nobody is called so."""
