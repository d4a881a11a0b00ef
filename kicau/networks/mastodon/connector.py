"""The connector object for Mastodon and for servers that speak its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kicau.connector import prices
from kicau.connector.app_blocks import ShutDoor
from kicau.connector.capabilities import Capabilities
from kicau.connector.content import JSON, Delivery, Draft, Problem, PublishResult, Rendered, RenderedPart
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Connector
from kicau.connector.roles.account_search import Account as Found
from kicau.connector.roles.edits import Reads, Revision
from kicau.connector.roles.engagement import Answers
from kicau.connector.session import Session
from kicau.connector.transport.http import Reply
from kicau.networks.mastodon import (
    account_search,
    archive,
    edits,
    engagement,
    errors,
    limits,
    publishing_steps,
    servers,
    wire,
)
from kicau.networks.mastodon.auth import MastodonAuth
from kicau.networks.mastodon.limits import LABEL
from kicau.networks.mastodon.render import render


class Mastodon:
    slug = "mastodon"
    label = LABEL
    auth = MastodonAuth()
    endpoints: Mapping[str, str] = {"server": "https://{host}"}  # "{host}" is the channel's own server
    baseline = limits.baseline
    price_lists: tuple[PriceList, ...] = prices.load("kicau.networks.mastodon")
    archive_reader = archive.reader
    finding = account_search.FINDING
    can_tell = True
    batch = engagement.BATCH
    reads_all = False  # each channel has a server of its own

    def read_error(self, reply: Reply, /) -> ConnectorError | None:
        return errors.read_error(reply)

    def shut_door(self, reply: Reply, /) -> ShutDoor | None:
        return errors.shut_door(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        """As the channel's server says; some say it only to who has an account there."""
        server = await servers.ask(session, session.host, token=session.credentials.access_token)
        return limits.capabilities(server, session.now().date())

    async def prove(self, session: Session, /) -> None:
        await wire.api(session, "GET", "/api/v1/accounts/verify_credentials")

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await account_search.find(session, words)

    async def answers(self, session: Session, cursor: str, /) -> Answers:
        return await engagement.answers(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await engagement.numbers(session, ids)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await publishing_steps.publish(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await publishing_steps.find(session, delivery)

    def written(self, part: RenderedPart, /) -> str:
        return part.text

    async def reads(self, session: Session, revision: Revision, /) -> Reads:
        return await edits.reads(session, revision)

    async def revise(self, session: Session, revision: Revision, /) -> Mapping[str, JSON]:
        return await edits.revise(session, revision)

    async def withdraw(self, session: Session, post_id: str, /) -> None:
        path = f"/api/v1/statuses/{wire.segment(post_id)}"
        try:
            await wire.api(session, "DELETE", path, repeatable=True)
        except Rejected as refused:
            if errors.code_of(refused) != errors.NOT_FOUND:
                raise
            await self._must_be_gone(session, path, refused)

    async def _must_be_gone(self, session: Session, path: str, refused: Rejected) -> None:
        """404 is said of a post that is gone, and by servers (snac) that have no such call: those still show it."""
        try:
            await wire.api(session, "GET", path)
        except Rejected as gone:
            if errors.code_of(gone) == errors.NOT_FOUND:
                return
            raise
        message = "{host} lets no app delete posts: delete this one on its own pages."
        raise Rejected(
            Problem(code="no-delete", message=message, params={"network": LABEL, "host": session.host}),
            detail=refused.detail,
        )


connector: Connector = Mastodon()
