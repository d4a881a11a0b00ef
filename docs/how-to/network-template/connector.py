"""The connector of Newnet."""

from __future__ import annotations

from collections.abc import Mapping

from kicau.networks.newnet import limits, wire
from kicau.networks.newnet.auth import NewnetAuth
from kicau.networks.newnet.render import render

from kicau.connector.capabilities import Capabilities
from kicau.connector.content import Delivery, Draft, PublishResult, Rendered
from kicau.connector.errors import ConnectorError
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Auth, Connector
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse


class Newnet:
    slug = "newnet"
    label = limits.NETWORK
    auth: Auth = NewnetAuth()
    endpoints: Mapping[str, str] = {"api": "https://api.newnet.example"}
    baseline = limits.baseline
    price_lists: tuple[PriceList, ...] = ()
    can_verify_posts = True

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        """The network's own error bodies, in the six errors; None leaves the status to the shared reading."""
        return None

    async def capabilities(self, session: Session, /) -> Capabilities:
        """Asked daily: read from the network what it tells of itself or of the account."""
        return limits.baseline

    async def prove(self, session: Session, /) -> None:
        """Whether the token lives; leave it out where `capabilities` asks the network with the channel's own token."""
        await wire.prove(session)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await wire.publish(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await wire.find(session, delivery)

    async def delete(self, session: Session, post_id: str, /) -> None:
        await wire.delete(session, post_id)


connector: Connector = Newnet()
