"""What the core lends a connector for one call. A connector owns nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from kicau.connector.content import JSON, RenderedMedia
from kicau.connector.transport.http import HttpClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Permission to act for one channel; encrypted wherever it rests, masked wherever it is printed."""

    access_token: str
    refresh_token: str = ""
    expires_at: datetime | None = None  # UTC; None: no date known
    refresh_expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()
    extra: Mapping[str, JSON] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Credentials(***, expires_at={self.expires_at})"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The operator's registration with a network."""

    client_id: str
    client_secret: str
    callback: str  # our redirect address, exactly as registered
    endpoints: Mapping[str, str] = field(default_factory=dict)  # base URLs by name; no trailing slash
    description: str = (
        ""  # where our own description of the app is served, for a network that reads one (ClientMetadataRole)
    )
    tier: str = ""  # the plan that the app is on, where it changes what is possible

    def __repr__(self) -> str:
        return f"App({self.client_id!r}, ***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A medium's bytes, ready to send (already converted where a recipe asked for it)."""

    path: Path
    mime: str
    size: int
    name: str


class SignInSession(Protocol):
    """What a connector has while somebody connects a channel."""

    @property
    def app(self) -> App: ...
    @property
    def http(self) -> HttpClient: ...
    def now(self) -> datetime: ...


class Session(Protocol):
    """A channel in use. `app.endpoints` is complete: the connector's defaults with the operator's over them."""

    @property
    def account_id(self) -> str: ...
    @property
    def handle(self) -> str: ...
    @property
    def kind(self) -> str: ...  # Account.kind
    @property
    def host(self) -> str: ...
    @property
    def app(self) -> App: ...
    @property
    def credentials(self) -> Credentials: ...
    @property
    def http(self) -> HttpClient: ...
    def now(self) -> datetime: ...
    async def file(self, media: RenderedMedia, /) -> MediaFile: ...
    async def public_url(self, media: RenderedMedia, /) -> str: ...  # signed, expiring, reachable by the network
