"""Why a domain act did not happen, named for what the caller should do.

DomainError
├── NotAllowed        ask someone with the role that the message names
├── NotFound          check the id: this workspace has no such object
├── ValidationFailed  correct the fields that `problems` names, and try again
├── Conflict          the object has changed or its state forbids this; read it again, then decide
└── ServerBusy        try again after `retry_after` seconds
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from kicau.connector.content import Problem


class DomainError(Exception):
    """Base class. The message is one sentence for people."""

    http_status: ClassVar[int] = 422  # in pages and REST
    exit_code: ClassVar[int] = 1  # of a command


class NotAllowed(DomainError):
    """The actor's role or token does not cover this act."""

    http_status = 403
    exit_code = 3


class NotFound(DomainError):
    """There is no such object in this workspace, or it is not the actor's to see."""

    http_status = 404
    exit_code = 3

    def __init__(self, what: str, key: object) -> None:
        self.what, self.key = what, key
        super().__init__(f"There is no {what} {str(key)!r} in this workspace.")


class ValidationFailed(DomainError):
    """The input is invalid; `problems` names each field. Nothing was changed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(p.sentence for p in self.problems))


class Conflict(DomainError):
    """The object is in a state in which this cannot be done."""

    http_status = 409


class ServerBusy(DomainError):
    """The server does as much of this as it can at once. Nothing was done."""

    http_status = 503

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__("The server is busy with other requests. Try again in a few seconds.")


def validation_failed(field: str, message: str, code: str = "invalid", **params: str | int | float) -> ValidationFailed:
    """One problem with one field, as an error to raise."""
    return ValidationFailed([Problem(code=code, message=message, params=params, field=field)])
