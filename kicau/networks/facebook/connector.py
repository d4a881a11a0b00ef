"""The connector of Facebook Pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kicau.connector import prices
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.capabilities import Ability, Capabilities, Fact
from kicau.connector.content import JSON, AttemptNote, Delivery, Draft, PublishResult, Rendered, RenderedPart
from kicau.connector.errors import ConnectorError
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Auth, Connector
from kicau.connector.roles.edits import PartRevision, RemoteContentState
from kicau.connector.roles.engagement import IncomingPostPage
from kicau.connector.roles.webhooks import WebhookNotification
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.connector.transport.rate_limit_headers import RateAllowance
from kicau.networks._meta.errors import read_app_block
from kicau.networks._meta.graph import page_graph
from kicau.networks._meta.usage import read_allowances
from kicau.networks._meta.webhooks import MetaWebhooks
from kicau.networks.facebook import archive, edits, engagement, limits, webhooks, wire
from kicau.networks.facebook.auth import COMMENTS_SCOPE, FacebookAuth
from kicau.networks.facebook.render import render


class Facebook(MetaWebhooks):
    slug = "facebook"
    label = limits.NETWORK_LABEL
    auth: Auth = FacebookAuth()
    endpoints: Mapping[str, str] = {
        "graph": "https://graph.facebook.com",
        "video": "https://graph-video.facebook.com",
        "upload": "https://rupload.facebook.com",
        "dialog": "https://www.facebook.com",
    }
    baseline = limits.baseline
    facts: Mapping[str, Fact] = limits.FACTS
    price_lists: tuple[PriceList, ...] = prices.load_price_lists("kicau.networks.facebook")
    archive_reader = archive.reader
    can_verify_posts = True
    batch = engagement.BATCH
    reads_all = False  # a Page's token reads its own posts
    webhook_setup: AttemptNote | None = None  # all of it by calls

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        return wire.read_error(reply)

    def allowances(self, reply: HttpResponse, /) -> Sequence[RateAllowance]:
        return read_allowances(reply)

    def shut_door(self, reply: HttpResponse, /) -> AppBlocked | None:
        return read_app_block(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        """The baseline, less comments where their permission was left out at the sign-in."""
        granted, can = session.credentials.scopes, limits.baseline
        if granted and COMMENTS_SCOPE not in granted:
            return replace(can, abilities=can.abilities - {Ability.FIRST_COMMENT, Ability.REPLY})
        return can

    async def prove(self, session: Session, /) -> None:
        await page_graph(session).get(session.account_id, fields="id")

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await wire.publish_step(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await wire.look_up_outcome(session, delivery)

    async def answers(self, session: Session, cursor: str, /) -> IncomingPostPage:
        return await engagement.read_incoming(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await engagement.read_metrics(session, ids)

    def happenings(self, body: bytes, /) -> Sequence[WebhookNotification]:
        return webhooks.read_notifications(body)

    async def subscribe(self, session: Session, address: str, token: str, /) -> None:
        await webhooks.subscribe_page(session, address, token)

    async def unsubscribe(self, session: Session, /) -> None:
        await webhooks.unsubscribe_page(session)

    def written(self, part: RenderedPart, /) -> str:
        return part.text

    async def reads(self, session: Session, revision: PartRevision, /) -> RemoteContentState:
        return await edits.read_content_state(session, revision)

    async def revise(self, session: Session, revision: PartRevision, /) -> Mapping[str, JSON]:
        return await edits.apply_edit(session, revision)

    async def delete(self, session: Session, post_id: str, /) -> None:
        await wire.delete_post(session, post_id)


connector: Connector = Facebook()
