"""Why a call to a network failed, read once: what kind of failure it is, until when to wait, and what the network said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from kicau.base.errors import DomainError
from kicau.connector import errors

MAX_CAUSE_LENGTH = 300  # characters of what a network said


class FailureKind(Enum):
    """What a caller does next."""

    RATE_LIMITED = auto()  # wait until `until`
    NO_ACCESS = auto()  # the permission is gone or too small
    REJECTED = auto()  # never, as it stands
    NOT_IN_PLAN = auto()  # wait until `until`, or for another plan
    UNREACHABLE = auto()  # try again later and later
    REFUSED = auto()  # by Kicau's own rules
    FAULT = auto()  # an error of ours, to be logged


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailure:
    kind: FailureKind
    cause: str  # in the network's words, or ours; may be empty
    until: datetime | None = None  # UTC; None: nobody said


def read_failure(exc: Exception) -> CallFailure:
    """Never raises, whatever a connector raised."""
    until = None
    match exc:
        case errors.RateLimited():
            kind, cause, until = FailureKind.RATE_LIMITED, exc.detail, exc.until
        case errors.AuthExpired():
            cause = ", ".join(sorted(exc.missing)) or exc.detail or "no permission"
            kind = FailureKind.NO_ACCESS
        case errors.Rejected():
            kind, cause = FailureKind.REJECTED, str(exc)
        case errors.PlanExceeded():
            kind, cause, until = FailureKind.NOT_IN_PLAN, exc.meter, exc.resets_at
        case errors.ConnectorError() | TimeoutError():
            kind, cause = FailureKind.UNREACHABLE, str(exc) or "the server did not reply in time"
        case DomainError():
            kind, cause = FailureKind.REFUSED, str(exc)
        case _:
            kind, cause = FailureKind.FAULT, type(exc).__name__
    return CallFailure(kind=kind, cause=cause[:MAX_CAUSE_LENGTH], until=until)
