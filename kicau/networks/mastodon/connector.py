"""The connector object for Mastodon and for servers that speak its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kicau.connector import prices
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.capabilities import Capabilities
from kicau.connector.content import JSON, Delivery, Draft, Problem, PublishResult, Rendered, RenderedPart
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.prices import PriceList
from kicau.connector.protocol import Connector
from kicau.connector.roles.account_search import MentionableAccount as Found
from kicau.connector.roles.edits import PartRevision, RemoteContentState
from kicau.connector.roles.engagement import IncomingPostPage
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
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
from kicau.networks.mastodon.limits import NETWORK_LABEL
from kicau.networks.mastodon.render import render


class Mastodon:
    slug = "mastodon"
    label = NETWORK_LABEL
    auth = MastodonAuth()
    endpoints: Mapping[str, str] = {"server": "https://{host}"}  # "{host}" is the channel's own server
    baseline = limits.baseline
    price_lists: tuple[PriceList, ...] = prices.load_price_lists("kicau.networks.mastodon")
    archive_reader = archive.reader
    finding = account_search.SEARCH_RULES
    can_verify_posts = True
    batch = engagement.METRICS_BATCH_SIZE
    reads_all = False  # each channel has a server of its own

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        return errors.read_error(reply)

    def shut_door(self, reply: HttpResponse, /) -> AppBlocked | None:
        return errors.read_app_block(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        """As the channel's server says; some say it only to who has an account there."""
        server = await servers.fetch_server_info(session, session.host, token=session.credentials.access_token)
        return limits.capabilities_of_server(server, session.now().date())

    async def prove(self, session: Session, /) -> None:
        await wire.call_api(session, "GET", "/api/v1/accounts/verify_credentials")

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await account_search.find_accounts(session, words)

    async def answers(self, session: Session, cursor: str, /) -> IncomingPostPage:
        return await engagement.read_incoming(session, cursor)

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        return await engagement.read_metrics(session, ids)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        return await publishing_steps.publish_step(session, delivery)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        return await publishing_steps.look_up_outcome(session, delivery)

    def written(self, part: RenderedPart, /) -> str:
        return part.text

    async def reads(self, session: Session, revision: PartRevision, /) -> RemoteContentState:
        return await edits.read_content_state(session, revision)

    async def revise(self, session: Session, revision: PartRevision, /) -> Mapping[str, JSON]:
        return await edits.apply_edit(session, revision)

    async def delete(self, session: Session, post_id: str, /) -> None:
        path = f"/api/v1/statuses/{wire.path_segment(post_id)}"
        try:
            await wire.call_api(session, "DELETE", path, repeatable=True)
        except Rejected as refused:
            if errors.rejection_code(refused) != errors.NOT_FOUND_CODE:
                raise
            await self._must_be_gone(session, path, refused)

    async def _must_be_gone(self, session: Session, path: str, refused: Rejected) -> None:
        """404 is said of a post that is gone, and by servers (snac) that have no such call: those still show it."""
        try:
            await wire.call_api(session, "GET", path)
        except Rejected as gone:
            if errors.rejection_code(gone) == errors.NOT_FOUND_CODE:
                return
            raise
        message = "The server {host} does not let apps delete posts. Delete this post yourself on the server's website."
        raise Rejected(
            Problem(code="no-delete", message=message, params={"network": NETWORK_LABEL, "host": session.host}),
            detail=refused.detail,
        )


connector: Connector = Mastodon()
