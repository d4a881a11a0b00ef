"""The connector object for Bluesky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kicau.connector import prices
from kicau.connector.capabilities import Capabilities
from kicau.connector.content import Delivery, Draft, PublishResult, Rendered
from kicau.connector.errors import ConnectorError
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Connector
from kicau.connector.roles.account_search import MentionableAccount as Found
from kicau.connector.roles.engagement import IncomingPostPage
from kicau.connector.roles.preferences import AccountPreferences
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks.bluesky import (
    account_search,
    archive,
    engagement,
    errors,
    limits,
    preferences,
    publishing_steps,
    wire,
)
from kicau.networks.bluesky.auth import BlueskyAuth
from kicau.networks.bluesky.render import render


class Bluesky:
    slug = "bluesky"
    label = limits.NETWORK_LABEL
    auth = BlueskyAuth()
    endpoints: Mapping[str, str] = {
        "pds": "https://bsky.social",  # where accounts live whose server is not asked for
        "resolver": "https://public.api.bsky.app",  # handles to DIDs
        "plc": "https://plc.directory",  # DIDs to their documents
        "web": "https://bsky.app",  # where readers see posts
    }
    baseline = limits.baseline
    price_lists: tuple[PriceList, ...] = prices.load_price_lists("kicau.networks.bluesky")
    archive_reader = archive.reader
    finding = account_search.SEARCH_RULES
    can_verify_posts = True  # a record's key is known before it is sent
    batch = engagement.METRICS_BATCH_SIZE
    reads_all = False  # each account has a server of its own

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        return errors.read_error(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        """The network's own rules, with the size of files that the account's server takes."""
        told = await wire.call_xrpc(
            session, "GET", "com.atproto.server.describeServer", at=wire.home_server(session, session.credentials)
        )
        limit = told.get("blobUploadLimit")
        return limits.capabilities_for_server(limit if isinstance(limit, int) else 0)

    async def prove(self, session: Session, /) -> None:
        held = session.credentials
        await wire.call_xrpc(
            session, "GET", "com.atproto.server.getSession", at=wire.home_server(session, held), held=held
        )

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await publishing_steps.publish_step(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await publishing_steps.look_up_outcome(session, delivery)

    async def delete(self, session: Session, post_id: str, /) -> None:
        await publishing_steps.delete_post(session, post_id)

    async def answers(self, session: Session, cursor: str, /) -> IncomingPostPage:
        return await engagement.read_incoming(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await engagement.read_metrics(session, ids)

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await account_search.find_accounts(session, words)

    async def preferences(self, session: Session, account: str = "", /) -> AccountPreferences:
        return await preferences.read_preferences(session, account)

    async def declare(self, session: Session, says: Mapping[str, bool | None], /) -> AccountPreferences:
        return await preferences.write_preferences(session, says)


connector: Connector = Bluesky()
