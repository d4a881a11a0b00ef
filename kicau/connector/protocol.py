"""The seam. A network is one object with these members; the core knows nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from kicau.connector.capabilities import Capabilities, Fact, Option
from kicau.connector.content import JSON, Charge, Delivery, Draft, PublishedPost, PublishResult, Rendered
from kicau.connector.errors import ConnectorError
from kicau.connector.prices import PriceList
from kicau.connector.session import App, Credentials, Session, SignInSession
from kicau.connector.transport.http import HttpResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRedirect:
    """Send the person to `url`; the core keeps `memory` sealed under `state` until they return with it."""

    url: str
    state: str  # the OAuth state parameter, unguessable
    memory: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInIdentity:
    """One identity on the network that a sign-in gives access to; the person chooses which become channels."""

    id: str
    handle: str  # without @
    name: str
    kind: str = "person"  # "person" | "organisation" | "page" | "professional"
    host: str = ""  # where the network is many servers
    url: str = ""  # its public page
    credentials: Credentials


class Auth(Protocol):
    @property
    def questions(self) -> tuple[Option, ...]:
        """What must be known before the person is sent away: a server's name, an app password."""

    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def needs_keys(self) -> bool:
        """Whether the operator has to register an app at the network before anybody can sign in."""

    async def begin(
        self, sign_in: SignInSession, answers: Mapping[str, str], /
    ) -> SignInRedirect | tuple[SignInIdentity, ...]: ...

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        """`returned` is the query that came back. Raises Rejected when the person declined."""

    async def refresh(self, session: Session, /) -> Credentials:
        """New credentials, or AuthExpired when only a person can help; other errors mean: try later.

        The call that uses up the old credentials is the last one: a process that is told to stop begins no further call,
        and the next one starts again with the old credentials.
        """


class Connector(Protocol):
    @property
    def slug(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def auth(self) -> Auth: ...
    @property
    def endpoints(self) -> Mapping[str, str]:
        """The network's own base URLs by name, without trailing slash; an App may override each."""

    @property
    def baseline(self) -> Capabilities:
        """What a usual account can do, when no channel is at hand to ask."""

    @property
    def price_lists(self) -> tuple[PriceList, ...]:
        """Dated price lists, oldest first; empty where calls cost no money."""

    @property
    def can_verify_posts(self) -> bool:
        """Whether `find` can always tell what happened; where False, a person may be asked, and a request that does
        harm twice waits for the server's "go on" before its body leaves."""

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        """The network's own reading of an answer that is not 2xx; None leaves it to the shared one."""

    async def capabilities(self, session: Session, /) -> Capabilities:
        """What this channel may do now; asked daily, kept with the channel."""

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        """Pure and total: no I/O, never raises, never drops or cuts silently."""

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        """Take one step; at most one effect that readers can see."""

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        """After a broken step: what happened? None only where it is certain that nothing did.

        Whatever it raises leaves the step in doubt: Rejected means that the look-up was refused, not the post.

        Of a delivery that was restored from a backup (`restored_at`) nothing that its progress tells is the last word:
        all that readers may have seen of it since `begun_at` is looked for, and it is asked again until nothing new is
        found. Raises Uncertain where the network cannot tell.
        """

    async def delete(self, session: Session, post_id: str, /) -> None:
        """Delete a published post; content when it is already gone."""


@runtime_checkable
class CredentialCheckRole(Protocol):
    """The optional role of asking whether a channel's permission still stands, for a network whose `capabilities` are
    known without asking with it."""

    async def prove(self, session: Session, /) -> None:
        """The cheapest call that needs the channel's own token. Raises AuthExpired where it is no longer accepted."""


@runtime_checkable
class ClientMetadataRole(Protocol):
    """The optional role of an Auth for a network where apps are not registered: its servers read the app's description
    from our server, at `App.description`."""

    def new_secret(self) -> str:
        """A new private key for the app; the core keeps it as the app's secret."""

    def description(self, app: App, /) -> Mapping[str, JSON] | None:
        """The document to serve there, without the private key; None if the operator serves one elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppGuide:
    """How the operator gets an app's keys at the network. People read its sentences in their own language."""

    url: str  # where the network registers apps
    steps: tuple[str, ...]  # what to do there, in order
    key_names: tuple[str, str] = ("Client ID", "Client Secret")  # what the network itself calls the id and the secret
    before_review: str  # what works as soon as the keys are saved
    after_review: str = ""  # what works only once the network has reviewed the app; "": it reviews none
    tiers: tuple[tuple[str, str], ...] = ()  # values of `App.tier` and their names, the usual one first
    fetches_files: bool = False  # the network reads pictures and videos from this server, so it must reach it
    source: str  # the network's own pages, with the day on which they were read


@runtime_checkable
class AppKeysRole(Protocol):
    """The role of an Auth that needs keys: to guide the operator to them, and to test them."""

    @property
    def guide(self) -> AppGuide: ...

    async def check_keys(self, sign_in: SignInSession, /) -> None:
        """Ask whether the network knows the app's keys, by a call that changes nothing there. Raises Rejected where it
        does not; other errors mean that it could not be asked."""


@runtime_checkable
class RevokesCredentials(Protocol):
    """The optional role, of an Auth, for a network that documents an endpoint to end credentials.

    It must end those of the session alone: not what the person gave to other channels.
    """

    async def revoke(self, session: Session, /) -> None:
        """End the session's credentials; content when they have ended already, or raises AuthExpired then. Rejected:
        the network will never do it. Other errors mean: try later. Repeating it does no harm."""


@runtime_checkable
class SignInPricingRole(Protocol):
    """The optional role, of an Auth, of telling what a sign-in uses up, for a network where that counts."""

    @property
    def takes(self) -> tuple[Charge, ...]:
        """Of all calls of `begin` and `finish` for one who has a single account; each meter that is used is named."""


def sign_in_charges(auth: Auth) -> tuple[Charge, ...]:
    """What connecting is foretold to use up; empty where nothing counts."""
    return auth.takes if isinstance(auth, SignInPricingRole) else ()


@runtime_checkable
class FactsRole(Protocol):
    """The optional role of showing the facts that a connector is built on."""

    @property
    def facts(self) -> Mapping[str, Fact]: ...


def expiring_facts(connector: Connector) -> dict[str, Fact]:
    """Facts with a day on which they end, such as a version of an API, by their names."""
    facts = connector.facts if isinstance(connector, FactsRole) else {}
    return {name: fact for name, fact in facts.items() if fact.ends is not None}


async def check_credentials(connector: Connector, session: Session) -> None:
    """Ask the network whether the channel's token lives. Raises AuthExpired where it does not, else as any call."""
    if isinstance(connector, CredentialCheckRole):
        await connector.prove(session)
    else:
        await connector.capabilities(session)


__all__ = [
    "AppGuide",
    "AppKeysRole",
    "Auth",
    "Connector",
    "CredentialCheckRole",
    "FactsRole",
    "PublishedPost",
    "RevokesCredentials",
    "SignInIdentity",
    "SignInPricingRole",
    "SignInRedirect",
    "check_credentials",
    "expiring_facts",
    "sign_in_charges",
]
