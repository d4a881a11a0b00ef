"""What the doctor found: one thing that was looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `state`: ok, note (worth knowing) or wrong."""

    what: str
    state: str
    says: str
    do: str = ""


def ok(what: str, says: str) -> Finding:
    return Finding(what=what, state="ok", says=says)


def note(what: str, says: str, do: str = "") -> Finding:
    return Finding(what=what, state="note", says=says, do=do)


def wrong(what: str, says: str, do: str) -> Finding:
    return Finding(what=what, state="wrong", says=says, do=do)
