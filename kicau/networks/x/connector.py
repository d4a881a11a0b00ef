"""The connector object for X."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from kicau.connector import prices
from kicau.connector.capabilities import Capabilities
from kicau.connector.content import Charge, Delivery, Draft, PublishResult, Rendered
from kicau.connector.doors import ShutDoor
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.http import Reply
from kicau.connector.people import Account as Found
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Connector
from kicau.connector.reading import Answers
from kicau.connector.session import Session
from kicau.networks.x import archive, limits, people, reading, refusals, steps, wire
from kicau.networks.x.auth import XAuth
from kicau.networks.x.render import render


class X:
    slug = "x"
    label = refusals.LABEL
    auth = XAuth()
    endpoints: Mapping[str, str] = {"api": "https://api.x.com", "authorize": "https://x.com/i/oauth2/authorize"}
    baseline = limits.baseline
    finding = people.FINDING
    can_tell = True
    archive_reader = archive.reader
    batch = reading.BATCH
    reads_all = True
    reading_meter = wire.POST_READ

    @cached_property
    def price_lists(self) -> tuple[PriceList, ...]:
        return prices.load(__package__ or "kicau.networks.x")

    def read_error(self, reply: Reply, /) -> ConnectorError | None:
        return refusals.read_error(reply)

    def shut_door(self, reply: Reply, /) -> ShutDoor | None:
        return refusals.shut_door(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        user = await wire.me(session)
        return limits.capabilities(premium=limits.is_premium(user), tier=session.app.tier)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await steps.publish(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await steps.find(session, delivery)

    async def answers(self, session: Session, cursor: str, /) -> Answers:
        return await reading.answers(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await reading.numbers(session, ids)

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await people.find(session, words)

    async def withdraw(self, session: Session, post_id: str, /) -> None:
        try:
            charge = Charge(wire.DELETE, once=f"delete {post_id}")
            await wire.call(session, "DELETE", f"/2/tweets/{post_id}", charge=charge, repeatable=True)
        except Rejected as refused:
            if refusals.code_of(refused) != refusals.NOT_FOUND:
                raise


connector: Connector = X()
