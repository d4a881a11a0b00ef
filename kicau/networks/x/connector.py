"""The connector object for X."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from kicau.connector import prices
from kicau.connector.app_blocks import ShutDoor
from kicau.connector.capabilities import Capabilities
from kicau.connector.content import Charge, Delivery, Draft, PublishResult, Rendered
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Connector
from kicau.connector.roles.account_search import Account as Found
from kicau.connector.roles.engagement import Answers
from kicau.connector.session import Session
from kicau.connector.transport.http import Reply
from kicau.networks.x import account_search, archive, engagement, errors, limits, publishing_steps, wire
from kicau.networks.x.auth import XAuth
from kicau.networks.x.render import render


class X:
    slug = "x"
    label = errors.LABEL
    auth = XAuth()
    endpoints: Mapping[str, str] = {"api": "https://api.x.com", "authorize": "https://x.com/i/oauth2/authorize"}
    baseline = limits.baseline
    finding = account_search.FINDING
    can_tell = True
    archive_reader = archive.reader
    batch = engagement.BATCH
    reads_all = True
    reading_meter = wire.POST_READ

    @cached_property
    def price_lists(self) -> tuple[PriceList, ...]:
        return prices.load(__package__ or "kicau.networks.x")

    def read_error(self, reply: Reply, /) -> ConnectorError | None:
        return errors.read_error(reply)

    def shut_door(self, reply: Reply, /) -> ShutDoor | None:
        return errors.shut_door(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        user = await wire.me(session)
        return limits.capabilities(premium=limits.is_premium(user), tier=session.app.tier)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await publishing_steps.publish(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await publishing_steps.find(session, delivery)

    async def answers(self, session: Session, cursor: str, /) -> Answers:
        return await engagement.answers(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await engagement.numbers(session, ids)

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await account_search.find(session, words)

    async def withdraw(self, session: Session, post_id: str, /) -> None:
        try:
            charge = Charge(wire.DELETE, once=f"delete {post_id}")
            await wire.call(session, "DELETE", f"/2/tweets/{post_id}", charge=charge, repeatable=True)
        except Rejected as refused:
            if errors.code_of(refused) != errors.NOT_FOUND:
                raise


connector: Connector = X()
