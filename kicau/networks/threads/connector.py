"""The connector of Threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kicau.connector import prices
from kicau.connector.capabilities import Ability, Capabilities
from kicau.connector.content import AttemptNote, Delivery, Draft, PublishResult, Rendered
from kicau.connector.errors import ConnectorError
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Auth, Connector
from kicau.connector.roles.engagement import IncomingPostPage
from kicau.connector.roles.webhooks import WebhookNotification
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.connector.transport.rate_limit_headers import RateAllowance
from kicau.networks._meta import containers
from kicau.networks._meta.errors import int_or_zero
from kicau.networks._meta.usage import read_allowances
from kicau.networks._meta.webhooks import MetaWebhooks
from kicau.networks.threads import engagement, limits, webhooks, wire
from kicau.networks.threads.auth import ThreadsAuth
from kicau.networks.threads.render import render

QUOTA_FIELDS = (("posts-24h", "", "posts_24h", "threads"), ("replies-24h", "reply_", "replies_24h", "replies"))


class Threads(MetaWebhooks):
    slug = "threads"
    label = limits.NETWORK_LABEL
    auth: Auth = ThreadsAuth()
    endpoints: Mapping[str, str] = {"authorize": "https://threads.net", "graph": "https://graph.threads.net"}
    baseline = limits.baseline
    price_lists: tuple[PriceList, ...] = prices.load_price_lists("kicau.networks.threads")
    can_verify_posts = True
    batch = engagement.METRICS_BATCH_SIZE
    reads_all = False
    webhook_setup: AttemptNote | None = webhooks.SETUP_NOTE

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        return wire.read_error(reply)

    def allowances(self, reply: HttpResponse, /) -> Sequence[RateAllowance]:
        return read_allowances(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        """The baseline with the account's own quotas, without deleting where that was not granted."""
        can = replace(limits.baseline, quota=await _read_quota(session))
        granted = session.credentials.scopes
        if granted and "threads_delete" not in granted:
            can = replace(can, abilities=can.abilities - {Ability.DELETE})
        return can

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await wire.publish_step(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await wire.look_up_outcome(session, delivery)

    async def delete(self, session: Session, post_id: str, /) -> None:
        await wire.delete_post(session, post_id)

    async def answers(self, session: Session, cursor: str, /) -> IncomingPostPage:
        return await engagement.read_incoming(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await engagement.read_metrics(session, ids)

    def happenings(self, body: bytes, /) -> Sequence[WebhookNotification]:
        return webhooks.read_notifications(body)

    async def subscribe(self, session: Session, address: str, token: str, /) -> None:
        await webhooks.subscribe_webhooks(session, address, token)

    async def unsubscribe(self, session: Session, /) -> None:
        await webhooks.unsubscribe_webhooks(session)


async def _read_quota(session: Session) -> dict[str, int]:
    """posts-24h, replies-24h, what is used of each and, of a full one, when it frees (epoch seconds)."""
    fields = "quota_usage,config,reply_quota_usage,reply_config"
    answer = await wire.graph_client(session).get(f"{session.account_id}/threads_publishing_limit", fields=fields)
    row: dict[str, Any] = next(iter(answer.get("data", [])), {})
    quota: dict[str, int] = {}
    for name, prefix, fact, edge in QUOTA_FIELDS:
        limit = int_or_zero((row.get(f"{prefix}config") or {}).get("quota_total")) or limits.fact_number(fact)
        used = int_or_zero(row.get(f"{prefix}quota_usage"))
        quota |= {name: limit, f"{name}-used": used}
        if used >= limit:
            quota[f"{name}-resets"] = await containers.quota_frees_at(session, wire.graph_client(session), edge)
    return quota


connector: Connector = Threads()
