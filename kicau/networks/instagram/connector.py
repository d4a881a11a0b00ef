"""The connector of Instagram professional accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kicau.connector import prices
from kicau.connector.app_blocks import ShutDoor
from kicau.connector.capabilities import Ability, Capabilities, Fact
from kicau.connector.content import Delivery, Draft, Note, PublishResult, Rendered
from kicau.connector.errors import ConnectorError
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Auth, Connector
from kicau.connector.roles.account_search import Account as Found
from kicau.connector.roles.engagement import Answer, Answers
from kicau.connector.roles.webhooks import Happening
from kicau.connector.session import Session
from kicau.connector.transport.http import Reply
from kicau.connector.transport.rate_limit_headers import Allowance
from kicau.networks._meta import containers
from kicau.networks._meta.errors import number, shut_door
from kicau.networks._meta.usage import allowances
from kicau.networks._meta.webhooks import MetaWebhooks
from kicau.networks.instagram import account_search, archive, engagement, limits, replies, webhooks, wire
from kicau.networks.instagram.auth import COMMENTS, DELETES, InstagramAuth
from kicau.networks.instagram.render import render


class Instagram(MetaWebhooks):
    slug = "instagram"
    label = limits.NETWORK
    auth: Auth = InstagramAuth()
    endpoints: Mapping[str, str] = {
        "authorize": "https://www.instagram.com",
        "token": "https://api.instagram.com",
        "graph": "https://graph.instagram.com",
        "dialog": "https://www.facebook.com",
        "facebook": "https://graph.facebook.com",
    }
    baseline = limits.baseline
    facts: Mapping[str, Fact] = limits.FACTS
    price_lists: tuple[PriceList, ...] = prices.load("kicau.networks.instagram")
    archive_reader = archive.reader
    finding = account_search.FINDING
    can_tell = True
    batch = engagement.BATCH
    reads_all = False  # a token reads its own account's media
    webhook_setup: Note | None = webhooks.SETUP

    def read_error(self, reply: Reply, /) -> ConnectorError | None:
        return wire.read_error(reply)

    def allowances(self, reply: Reply, /) -> Sequence[Allowance]:
        return allowances(reply)

    def shut_door(self, reply: Reply, /) -> ShutDoor | None:
        return shut_door(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        """The baseline with the account's own quota, and what its sign-in and the permissions given allow."""
        can = replace(limits.baseline, quota=await _quota(session))
        granted = session.credentials.scopes
        if wire.by_facebook(session) and DELETES in granted:
            can = replace(can, abilities=can.abilities | {Ability.DELETE})
        if granted and not COMMENTS & granted:
            can = replace(can, abilities=can.abilities - {Ability.FIRST_COMMENT, Ability.REPLY})
        return can

    async def answers(self, session: Session, cursor: str, /) -> Answers:
        return await engagement.answers(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await engagement.numbers(session, ids)

    def happenings(self, body: bytes, /) -> Sequence[Happening]:
        return webhooks.happenings(body)

    async def words(self, session: Session, named: str, /) -> Answer | None:
        return await webhooks.words(session, named)

    async def subscribe(self, session: Session, address: str, token: str, /) -> None:
        await webhooks.subscribe(session, address, token)

    async def unsubscribe(self, session: Session, /) -> None:
        await webhooks.unsubscribe(session)

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await account_search.find(session, words)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await (replies.step if delivery.post.reply_to else wire.publish)(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await (replies.find if delivery.post.reply_to else wire.find)(session, delivery)

    async def withdraw(self, session: Session, post_id: str, /) -> None:
        await wire.withdraw(session, post_id)


async def _quota(session: Session) -> dict[str, int]:
    """posts-24h, posts-24h-used and, where it is full, posts-24h-resets (epoch seconds)."""
    graph = wire.graph_of(session)
    answer = await graph.get(f"{session.account_id}/content_publishing_limit", fields="config,quota_usage")
    row: dict[str, Any] = next(iter(answer.get("data", [])), {})
    limit = number((row.get("config") or {}).get("quota_total")) or int(limits.FACTS["posts_24h"].value)
    quota = {"posts-24h": limit, "posts-24h-used": number(row.get("quota_usage"))}
    if quota["posts-24h-used"] < limit:
        return quota
    return {**quota, "posts-24h-resets": await containers.frees(session, graph, "media")}


connector: Connector = Instagram()
