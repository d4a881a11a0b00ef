"""A session for tests: signed in at a sandbox's own page, and the engine's promise in miniature."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from aiohttp import web

from kicau.connector import clock, errors
from kicau.connector.content import (
    Charge,
    Delivery,
    PendingStep,
    PublishedPost,
    PublishResult,
    RenderedMedia,
)
from kicau.connector.protocol import Connector, SignInIdentity, SignInRedirect
from kicau.connector.roles.webhooks import WebhookRole
from kicau.connector.sandbox.server import Sandbox
from kicau.connector.serialization import from_json, to_compact_json
from kicau.connector.session import App, Credentials, MediaFile
from kicau.connector.transport.http import USER_AGENT_PREFIX, HttpClient

CONTRACT_USER_AGENT = f"{USER_AGENT_PREFIX}0 (contract)"
CALLBACK_URL = "http://127.0.0.1:9/callback"


@dataclass
class ContractSession:
    """A Session (and a SignInSession) for tests. `files` are the bytes behind each medium's ref; "ref@1500" is a frame."""

    http: HttpClient
    app: App
    account_id: str = ""
    handle: str = ""
    kind: str = "person"
    host: str = ""
    credentials: Credentials = field(default_factory=lambda: Credentials(access_token=""))
    files: Mapping[str, MediaFile] = field(default_factory=dict)
    spent: list[Charge] = field(default_factory=list)
    media_base: str = ""  # a server that hands out the files, for networks that fetch them

    def now(self) -> datetime:
        return clock.now()

    async def file(self, media: RenderedMedia, /) -> MediaFile:
        at = media.recipe.frame_ms if media.recipe else None
        return self.files[media.media.ref if at is None else f"{media.media.ref}@{at}"]

    async def public_url(self, media: RenderedMedia, /) -> str:
        return f"{self.media_base}/{media.media.ref}"


class WorkerKilled(BaseException):
    """The worker died in the middle of a step; nobody caught anything."""


def open_test_session(connector: Connector, sandbox: Sandbox, client: aiohttp.ClientSession) -> ContractSession:
    """A Session that has signed in to nothing yet."""
    spent: list[Charge] = []
    seeded = sandbox.default_app
    app = App(
        client_id=seeded.client_id,
        client_secret=seeded.client_secret,
        callback=CALLBACK_URL,
        endpoints={**connector.endpoints, **sandbox.endpoints()},
    )
    return ContractSession(http=HttpClient(client, spent.append, connector.read_error), app=app, spent=spent)


async def consent_at_sandbox(
    client: aiohttp.ClientSession, url: str, account: str = "", decision: str = "allow"
) -> dict[str, str]:
    """Do what a person does at a sandbox's consent page; returns the query that comes back to the callback."""
    async with client.get(url, allow_redirects=False) as page:
        form = await page.text()
        assert page.status == 200, f"the consent page answered {page.status}: {form[:500]}"
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    fields = {unescape(name): unescape(value) for name, value in pairs}
    who = account or unescape(re.findall(r'name="account" value="([^"]*)"', form)[0])
    async with client.post(url, data={**fields, "account": who, "decision": decision}, allow_redirects=False) as done:
        assert done.status == 302, f"the consent form answered {done.status}: {(await done.text())[:500]}"
        return dict(parse_qsl(urlsplit(done.headers["Location"]).query))


async def sign_in_at_sandbox(
    connector: Connector, session: ContractSession, answers: Mapping[str, str] | None = None, account: str = ""
) -> tuple[SignInIdentity, ...]:
    """The whole sign-in flow of a network against its sandbox."""
    begun = await connector.auth.begin(session, answers or {})
    if not isinstance(begun, SignInRedirect):
        return begun
    returned = await consent_at_sandbox(session.http.client, begun.url, account)
    assert returned.pop("state") == begun.state, "the state must come back unchanged"
    return await connector.auth.finish(session, begun.memory, returned)


def select_identity(session: ContractSession, account: SignInIdentity) -> ContractSession:
    """The session, acting for one of the identities that a sign-in gave."""
    session.account_id, session.handle, session.kind, session.host = (
        account.id,
        account.handle,
        account.kind,
        account.host,
    )
    session.credentials = account.credentials
    return session


async def look_up_restored(
    connector: Connector, session: ContractSession, delivery: Delivery
) -> PublishedPost | Delivery:
    """What the engine does first with a delivery that was restored from a backup: it is looked up until nothing more of
    it is found; then the delivery that comes back is published from where it stands."""
    while True:
        result = await connector.find(session, delivery)
        if isinstance(result, PublishedPost):
            return result
        if result is None or result.progress == delivery.progress:
            return replace(delivery, restored_at=None)
        delivery = from_json(Delivery, to_compact_json(replace(delivery, progress=result.progress)))


async def run_to_end(
    connector: Connector,
    session: ContractSession,
    delivery: Delivery,
    *,
    steps: int = 80,
    patience: float = 0.05,
    kept: list[Any] | None = None,
    doubtful: bool = False,
) -> PublishedPost:
    """The engine's promise in miniature: a step that began and did not report is looked up before it is taken again,
    and a look-up that fails leaves it in doubt. `doubtful`: such a step came before."""
    find = doubtful
    for _ in range(steps):
        begun = session.now()
        result: PublishResult | None
        try:
            if find:
                result = await connector.find(session, delivery)
            else:
                delivery = replace(delivery, begun_at=begun)
                result = await connector.publish(session, delivery)
        except (errors.ConnectorError, WorkerKilled) as exc:
            if not find and not isinstance(exc, errors.Uncertain | errors.Unavailable | WorkerKilled):
                raise
            find = True
            continue
        find = False
        match result:
            case PublishedPost():
                return result
            case PendingStep(progress=progress, after=after):
                # What is kept between steps must survive being stored.
                delivery = from_json(
                    Delivery, to_compact_json(replace(delivery, progress=progress, steps=delivery.steps + 1))
                )
                if kept is not None:
                    kept.append(delivery.progress)
                await asyncio.sleep(min(after.total_seconds(), patience))
            case None:
                delivery = replace(delivery, steps=delivery.steps + 1)
    raise AssertionError(f"not published after {steps} steps; progress {delivery.progress}")


@dataclass
class WebhookRecorder:
    """What came to an address of ours, as it came: headers (names in lower case) and bytes."""

    address: str
    came: asyncio.Queue[tuple[dict[str, str], bytes]] = field(default_factory=asyncio.Queue)

    async def next(self) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(10):
            return await self.came.get()


@asynccontextmanager
async def record_webhooks(teller: WebhookRole, token: str) -> AsyncIterator[WebhookRecorder]:
    """An address that says of itself that it is ours, and takes whatever is posted to it."""

    async def confirm(request: web.Request) -> web.Response:
        told = teller.verification(request.query, token)
        return web.Response(text=told or "", status=200 if told is not None else 403)

    async def take(request: web.Request) -> web.Response:
        await heard.came.put(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/heard", confirm), web.post("/heard", take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    heard = WebhookRecorder(f"http://127.0.0.1:{runner.addresses[0][1]}/heard")
    try:
        yield heard
    finally:
        await runner.cleanup()
