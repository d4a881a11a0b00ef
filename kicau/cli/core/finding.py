"""What the doctor found: one thing that was looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorFinding:
    """One thing that was looked at. `state`: ok, note (worth knowing) or wrong."""

    what: str
    state: str
    says: str
    do: str = ""


def ok_finding(what: str, says: str) -> DoctorFinding:
    return DoctorFinding(what=what, state="ok", says=says)


def note_finding(what: str, says: str, do: str = "") -> DoctorFinding:
    return DoctorFinding(what=what, state="note", says=says, do=do)


def problem_finding(what: str, says: str, do: str) -> DoctorFinding:
    return DoctorFinding(what=what, state="wrong", says=says, do=do)
