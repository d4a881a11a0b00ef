"""The connector object for X."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from kicau.connector import prices
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.capabilities import Capabilities
from kicau.connector.content import Charge, Delivery, Draft, PublishResult, Rendered
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Connector
from kicau.connector.roles.account_search import MentionableAccount as Found
from kicau.connector.roles.engagement import IncomingPostPage
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks.x import account_search, archive, engagement, errors, limits, publishing_steps, wire
from kicau.networks.x.auth import XAuth
from kicau.networks.x.render import render


class X:
    slug = "x"
    label = errors.NETWORK_LABEL
    auth = XAuth()
    endpoints: Mapping[str, str] = {"api": "https://api.x.com", "authorize": "https://x.com/i/oauth2/authorize"}
    baseline = limits.baseline
    finding = account_search.SEARCH_RULES
    can_verify_posts = True
    archive_reader = archive.reader
    batch = engagement.METRICS_BATCH_SIZE
    reads_all = True
    reading_meter = wire.POST_READ_METER

    @cached_property
    def price_lists(self) -> tuple[PriceList, ...]:
        return prices.load_price_lists(__package__ or "kicau.networks.x")

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        return errors.read_error(reply)

    def shut_door(self, reply: HttpResponse, /) -> AppBlocked | None:
        return errors.read_app_block(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        user = await wire.fetch_own_account(session)
        return limits.capabilities_for_tier(premium=limits.is_premium(user), tier=session.app.tier)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await publishing_steps.publish_step(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await publishing_steps.look_up_outcome(session, delivery)

    async def answers(self, session: Session, cursor: str, /) -> IncomingPostPage:
        return await engagement.read_incoming(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await engagement.read_metrics(session, ids)

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await account_search.find_accounts(session, words)

    async def delete(self, session: Session, post_id: str, /) -> None:
        try:
            charge = Charge(wire.DELETE_METER, once=f"delete {post_id}")
            await wire.send_request(session, "DELETE", f"/2/tweets/{post_id}", charge=charge, repeatable=True)
        except Rejected as refused:
            if errors.rejection_code(refused) != errors.NOT_FOUND_CODE:
                raise


connector: Connector = X()
