"""A sandbox that runs, a host for the test files, and a session that has signed in: for tests beside the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from uuid import uuid4

import aiohttp
from aiohttp import web
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from kicau.connector.content import Delivery, Draft
from kicau.connector.contract import (
    CONTRACT_USER_AGENT,
    ContractSession,
    open_test_session,
    select_identity,
    sign_in_at_sandbox,
)
from kicau.connector.protocol import Connector, SignInIdentity
from kicau.connector.sandbox.server import start_sandbox
from kicau.connector.session import MediaFile
from kicau.networks._meta.sandbox.server import GraphSandbox


@asynccontextmanager
async def world(
    connector: Connector,
    sandbox: GraphSandbox,
    files: Mapping[str, MediaFile] | None = None,
    answers: Mapping[str, str] | None = None,
    choice: Callable[[SignInIdentity], bool] = lambda account: True,
) -> AsyncIterator[ContractSession]:
    """A session of the first account that `choice` agrees to; `sandbox` is served until the end."""
    sandbox.processing_seconds = min(sandbox.processing_seconds, 0.02)
    async with AsyncExitStack() as stack:
        runner = await start_sandbox(sandbox)
        stack.push_async_callback(runner.cleanup)
        client = await stack.enter_async_context(aiohttp.ClientSession(headers={"User-Agent": CONTRACT_USER_AGENT}))
        lent = open_test_session(connector, sandbox, client)
        lent.files = files or {}
        host = await _host(lent)
        stack.push_async_callback(host.cleanup)
        lent.media_base = f"http://127.0.0.1:{host.addresses[0][1]}"
        found = await sign_in_at_sandbox(connector, lent, answers or {})
        yield select_identity(lent, next(account for account in found if choice(account)))
    assert sandbox.violations == []


async def _host(lent: ContractSession) -> web.AppRunner:
    """Hands out the session's files, whatever they are by then."""

    async def serve(request: web.Request) -> web.StreamResponse:
        if (file := lent.files.get(request.match_info["ref"])) is None:
            raise web.HTTPNotFound
        return web.FileResponse(file.path, headers={"Content-Type": file.mime})

    app = web.Application()
    app.add_routes([web.get("/{ref}", serve)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


def delivery(connector: Connector, draft: Draft, **how: object) -> Delivery:
    post = connector.render(draft, connector.baseline)
    assert post.problems == (), [problem.sentence for problem in post.problems]
    return Delivery(key=uuid4(), post=post, **how)  # type: ignore[arg-type]


@contextmanager
def official(base: str, token: str, *, app: str = "", secret: str = "") -> Iterator[FacebookAdsApi]:
    """Meta's own client, unchanged but for the address that it calls."""
    before = FacebookSession.GRAPH
    FacebookSession.GRAPH = base
    api = FacebookAdsApi.init(app or None, secret or None, token, crash_log=False)
    try:
        yield api
    finally:
        FacebookSession.GRAPH = before
        api._session.requests.close()
