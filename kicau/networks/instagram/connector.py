"""The connector of Instagram professional accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kicau.connector import prices
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.capabilities import Ability, Capabilities, Fact
from kicau.connector.content import AttemptNote, Delivery, Draft, PublishResult, Rendered
from kicau.connector.errors import ConnectorError
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Auth, Connector
from kicau.connector.roles.account_search import MentionableAccount as Found
from kicau.connector.roles.engagement import IncomingPost, IncomingPostPage
from kicau.connector.roles.webhooks import WebhookNotification
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.connector.transport.rate_limit_headers import RateAllowance
from kicau.networks._meta import containers
from kicau.networks._meta.errors import int_or_zero, read_app_block
from kicau.networks._meta.usage import read_allowances
from kicau.networks._meta.webhooks import MetaWebhooks
from kicau.networks.instagram import account_search, archive, engagement, limits, replies, webhooks, wire
from kicau.networks.instagram.auth import COMMENT_SCOPES, DELETE_SCOPE, InstagramAuth
from kicau.networks.instagram.render import render


class Instagram(MetaWebhooks):
    slug = "instagram"
    label = limits.NETWORK_LABEL
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
    price_lists: tuple[PriceList, ...] = prices.load_price_lists("kicau.networks.instagram")
    archive_reader = archive.reader
    finding = account_search.SEARCH_RULES
    can_verify_posts = True
    batch = engagement.METRICS_BATCH_SIZE
    reads_all = False  # a token reads its own account's media
    webhook_setup: AttemptNote | None = webhooks.SETUP_NOTE

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        return wire.read_error(reply)

    def allowances(self, reply: HttpResponse, /) -> Sequence[RateAllowance]:
        return read_allowances(reply)

    def shut_door(self, reply: HttpResponse, /) -> AppBlocked | None:
        return read_app_block(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        """The baseline with the account's own quota, and what its sign-in and the permissions given allow."""
        can = replace(limits.baseline, quota=await _read_quota(session))
        granted = session.credentials.scopes
        if wire.uses_facebook_login(session) and DELETE_SCOPE in granted:
            can = replace(can, abilities=can.abilities | {Ability.DELETE})
        if granted and not COMMENT_SCOPES & granted:
            can = replace(can, abilities=can.abilities - {Ability.FIRST_COMMENT, Ability.REPLY})
        return can

    async def answers(self, session: Session, cursor: str, /) -> IncomingPostPage:
        return await engagement.read_incoming(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await engagement.read_metrics(session, ids)

    def happenings(self, body: bytes, /) -> Sequence[WebhookNotification]:
        return webhooks.read_notifications(body)

    async def words(self, session: Session, named: str, /) -> IncomingPost | None:
        return await webhooks.fetch_named(session, named)

    async def subscribe(self, session: Session, address: str, token: str, /) -> None:
        await webhooks.subscribe_account_webhooks(session, address, token)

    async def unsubscribe(self, session: Session, /) -> None:
        await webhooks.unsubscribe_account_webhooks(session)

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await account_search.find_accounts(session, words)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await (replies.publish_reply if delivery.post.reply_to else wire.publish_step)(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await (replies.look_up_reply if delivery.post.reply_to else wire.look_up_outcome)(session, delivery)

    async def delete(self, session: Session, post_id: str, /) -> None:
        await wire.delete_post(session, post_id)


async def _read_quota(session: Session) -> dict[str, int]:
    """posts-24h, posts-24h-used and, where it is full, posts-24h-resets (epoch seconds)."""
    graph = wire.graph_client(session)
    answer = await graph.get(f"{session.account_id}/content_publishing_limit", fields="config,quota_usage")
    row: dict[str, Any] = next(iter(answer.get("data", [])), {})
    limit = int_or_zero((row.get("config") or {}).get("quota_total")) or int(limits.FACTS["posts_24h"].value)
    quota = {"posts-24h": limit, "posts-24h-used": int_or_zero(row.get("quota_usage"))}
    if quota["posts-24h-used"] < limit:
        return quota
    return {**quota, "posts-24h-resets": await containers.quota_frees_at(session, graph, "media")}


connector: Connector = Instagram()
