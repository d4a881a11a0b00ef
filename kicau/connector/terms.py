"""What a network's folder proposes of its terms (terms.toml): facts with their source, for the operator to review."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsProposal:
    """One reading of terms: what they say about copies that were acquired in one way, since a day."""

    acquired: str  # composed, imported, fetched, received; "": however it came
    since: date
    seen_on: date  # when the source was read
    source: str  # its address
    summary: str  # in a sentence
    says: Mapping[str, str]  # {use: allow, deny, conditional or unknown}
    conditions: Mapping[str, str] = field(default_factory=dict)


def load_terms(package: str) -> tuple[TermsProposal, ...]:
    """Of a network's folder; () where it has none. Raises TypeError or KeyError for a file that is not in form."""
    file = resources.files(package) / "terms.toml"
    if not file.is_file():
        return ()
    return tuple(TermsProposal(**one) for one in tomllib.loads(file.read_text("utf-8")).get("terms", []))
