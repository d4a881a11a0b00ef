"""Why a call to a network failed, in the words the engine acts on.

ConnectorError
├── RateLimited    wait until `until`, then go on
├── Unavailable    not reached, nothing done; try again with back-off
├── Uncertain      sent, answer lost; ask `find` before anything else
├── AuthExpired    permission gone or too small; pause the channel, ask for a reconnect
├── Rejected       never, as it stands; its author reads `problems`
└── PlanExceeded   plan or budget spent; hold it until the operator decides or it resets

Anything else that escapes a connector is a bug and is parked with its traceback.
"""

from __future__ import annotations

from datetime import datetime

from kicau.connector.content import Problem


class ConnectorError(Exception):
    """Base class; never raised itself. `detail` is what the network said, for the attempt log."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(detail or (type(self).__doc__ or "").splitlines()[0])


class RateLimited(ConnectorError):
    """The network asked us to wait."""

    def __init__(self, until: datetime, *, whole_app: bool = False, detail: str = "") -> None:
        self.until = until  # UTC
        self.whole_app = whole_app  # True: the app's quota, so every channel of the app waits
        super().__init__(detail)


class Unavailable(ConnectorError):
    """The network could not be reached or is out of order, and nothing was done there."""


class Uncertain(ConnectorError):
    """The request left, but whether it took effect is unknown."""


class AuthExpired(ConnectorError):
    """The permission to act for this channel is gone or too small."""

    def __init__(self, detail: str = "", *, missing: frozenset[str] = frozenset()) -> None:
        self.missing = missing  # scopes to ask for; empty: all of it
        super().__init__(detail)


class Rejected(ConnectorError):
    """The network will never accept this post as it stands."""

    def __init__(self, *problems: Problem, detail: str = "") -> None:
        self.problems = problems
        super().__init__(detail or " ".join(p.sentence for p in problems))


class PlanExceeded(ConnectorError):
    """The API plan or the operator's budget does not cover this call."""

    def __init__(self, meter: str, resets_at: datetime | None = None, *, detail: str = "") -> None:
        self.meter = meter
        self.resets_at = resets_at  # UTC; None: not by itself
        super().__init__(detail)
