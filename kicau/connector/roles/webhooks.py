"""The optional role of being told: a network that posts to us what others wrote, so that it need not be asked again and
again. Absent where a network offers none, or where being told costs as much as asking.

The core owns the address, what is kept of it and when; a network owns the words on the wire. Nothing here is trusted
before `is_genuine` has seen the bytes as they came.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from kicau.connector.content import AttemptNote
from kicau.connector.roles.engagement import IncomingPost
from kicau.connector.session import App, Session

MAX_WEBHOOK_BYTES = 1 << 20  # bytes of one webhook; what is larger is refused unread


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookNotification:
    """Something that a webhook tells of one account. With neither an answer nor one that is gone: look for yourself."""

    account: str  # the network's id of the account that it concerns
    at: datetime  # UTC; when it happened, as the network has it: of two about the same answer the later one counts
    answer: IncomingPost | None = None  # somebody's words, new or changed; the account's own may be among them
    gone: str = ""  # id of an answer that is there no more
    named: str = ""  # where only an id is told: what `words` reads somebody's words by


@runtime_checkable
class WebhookRole(Protocol):
    """What a connector that can be told has beside the role of reading."""

    @property
    def webhook_setup(self) -> AttemptNote | None:
        """What the operator has to do once at the network, in a sentence; None where `subscribe` does all of it."""

    def verification(self, query: Mapping[str, str], token: str, /) -> str | None:
        """What to answer to the network's question whether the address is ours; None: it did not ask with `token`."""

    def is_genuine(self, headers: Mapping[str, str], body: bytes, app: App, /) -> bool:
        """Whether the network signed these very bytes for this app. Names of headers are in lower case."""

    def happenings(self, body: bytes, /) -> Sequence[WebhookNotification]:
        """What a genuine body tells, in its order; what we do not read is left out. Raises ValueError where it cannot
        be read at all."""

    async def subscribe(self, session: Session, address: str, token: str, /) -> None:
        """Have the network tell `address` of what concerns this account; repeating it changes nothing. Raises the six
        errors; AuthExpired with `missing` where a permission lacks."""

    async def unsubscribe(self, session: Session, /) -> None:
        """No more for this account; repeating it changes nothing. Raises the six errors."""


@runtime_checkable
class WebhookFetchRole(WebhookRole, Protocol):
    """What such a connector has besides where some of its webhooks tell an id without the words."""

    async def words(self, session: Session, named: str, /) -> IncomingPost | None:
        """The words behind a `Happening.named`; None where they are gone. Raises the six errors."""


def sign_body(secret: str, body: bytes) -> str:
    """The HMAC-SHA256 of `body`, in hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_same_signature(given: str, wanted: str) -> bool:
    """In constant time, whatever was given."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))
