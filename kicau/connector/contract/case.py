"""What a connector's contract is tried with: its sandbox, a signed-in session, drafts, and somebody who answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio

from kicau.connector.content import Delivery, Draft, Part, PublishedPost, Rendered
from kicau.connector.contract.session import (
    CONTRACT_USER_AGENT,
    ContractSession,
    open_test_session,
    run_to_end,
    select_identity,
    sign_in_at_sandbox,
)
from kicau.connector.protocol import Connector, SignInIdentity
from kicau.connector.roles import engagement
from kicau.connector.roles.edits import EditRole, PartRevision, draft_from_rendered, with_unchanged_parts
from kicau.connector.sandbox.server import Sandbox, start_sandbox
from kicau.connector.session import MediaFile


class ContractCase:
    """A connector, its sandbox and the drafts that it can publish; a network's test names them."""

    connector: ClassVar[Connector]
    server: ClassVar[Callable[..., Sandbox]]
    drafts: ClassVar[Mapping[str, Draft]]  # by name; each publishable
    files: ClassVar[Mapping[str, MediaFile]] = {}
    answers: ClassVar[Mapping[str, str]] = {}
    access_outlives_revocation: ClassVar[bool] = False  # whether an access token goes on until its own end
    account: ClassVar[str] = ""  # the consent form's choice; "" the first
    choice: ClassVar[Callable[[SignInIdentity], bool]] = staticmethod(lambda account: True)  # which identity to use
    bad_drafts: ClassVar[Mapping[str, Draft]] = {}  # expected problem code -> a draft that has it
    other: ClassVar[str] = ""  # somebody else of the sandbox, who answers: the consent form's choice
    other_answers: ClassVar[Mapping[str, str] | None] = None  # of that sign-in; None: the same
    calling: ClassVar[str] = ""  # what an answer begins with so that it reaches the account: "@kopisenja"
    tells: ClassVar[bool] = False  # whether the network sends webhooks
    threads_answers: ClassVar[bool] = True  # whether an answer tells which post it answers
    called: ClassVar[str] = ""  # somebody of the sandbox, by their handle; "" where the network finds nobody
    refused_look_ups: ClassVar[tuple[tuple[int, str], ...]] = ()  # status and body, in the network's own form
    own_pages: ClassVar[frozenset[int]] = frozenset()  # statuses that its servers answer with a page of their own
    validators: ClassVar[tuple[object, ...]] = ()  # of the specification: a request that fails one fails the test

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "draft" in metafunc.fixturenames:
            metafunc.parametrize("draft", list(self.drafts.values()), ids=list(self.drafts))
        if "bad" in metafunc.fixturenames:
            metafunc.parametrize("bad", list(self.bad_drafts.items()), ids=list(self.bad_drafts))

    @pytest_asyncio.fixture
    async def sandbox(self, tmp_path: Path) -> AsyncIterator[Sandbox]:
        made = type(self).server(folder=tmp_path / "sandbox", validators=self.validators)
        runner = await start_sandbox(made)
        yield made
        await runner.cleanup()
        assert made.violations == [], "a request of ours does not agree with the network's specification"

    @pytest_asyncio.fixture
    async def client(self) -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession(headers={"User-Agent": CONTRACT_USER_AGENT}) as session:
            yield session

    @pytest_asyncio.fixture
    async def session(self, sandbox: Sandbox, client: aiohttp.ClientSession) -> AsyncIterator[ContractSession]:
        lent = open_test_session(self.connector, sandbox, client)
        lent.files = self.files
        runner = await self._file_host(lent)
        accounts = await sign_in_at_sandbox(self.connector, lent, self.answers, self.account)
        select_identity(lent, next(a for a in accounts if type(self).choice(a)))
        yield lent
        await runner.cleanup()

    async def _file_host(self, lent: ContractSession) -> aiohttp.web.AppRunner:
        """Hands out the test files, as Kicau's own signed addresses do."""

        async def serve(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
            file = lent.files[request.match_info["ref"]]
            return aiohttp.web.FileResponse(file.path, headers={"Content-Type": file.mime})

        app = aiohttp.web.Application()
        app.add_routes([aiohttp.web.get("/{ref}", serve)])
        runner = aiohttp.web.AppRunner(app, access_log=None)
        await runner.setup()
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        lent.media_base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def delivery(self, session: ContractSession, draft: Draft) -> Delivery:
        post = self.connector.render(draft, await self.connector.capabilities(session))
        assert post.problems == (), [p.sentence for p in post.problems]
        return Delivery(key=uuid4(), post=post, due_at=session.now())

    def visible(self, sandbox: Sandbox) -> list[str]:
        return [post.text for post in sandbox.public_posts()]

    async def revision(self, session: ContractSession) -> tuple[PartRevision, list[str]]:
        """The first draft, published, with other words for its first part; and the texts of its other parts."""
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        done = await run_to_end(self.connector, session, delivery)
        after = self.saying(delivery.post, "Said in other words ☕")
        return PartRevision(post_id=done.ids[0], part=0, before=delivery.post, after=after), [
            part.text for part in delivery.post.parts[1:]
        ]

    def saying(self, post: Rendered, text: str) -> Rendered:
        assert isinstance(self.connector, EditRole)
        draft = draft_from_rendered(self.connector, post)
        made = replace(draft, parts=(replace(draft.parts[0], text=text), *draft.parts[1:]))
        return with_unchanged_parts(post, self.connector.render(made, self.connector.baseline))

    async def answered(self, sandbox: Sandbox, client: aiohttp.ClientSession, post_id: str, text: str) -> str:
        """Somebody else answers a post in public; gives the answer's id."""
        someone = await self._someone(sandbox, client)
        reply_to = post_id if self.threads_answers else None
        draft = Draft(parts=(Part(text=f"{self.calling} {text}".strip()),), reply_to=reply_to)
        return (await run_to_end(self.connector, someone, await self.delivery(someone, draft))).ids[0]

    async def taken_back(self, sandbox: Sandbox, client: aiohttp.ClientSession, answer_id: str) -> None:
        """Who wrote an answer deletes it."""
        await self.connector.delete(await self._someone(sandbox, client), answer_id)

    async def _someone(self, sandbox: Sandbox, client: aiohttp.ClientSession) -> ContractSession:
        lent = open_test_session(self.connector, sandbox, client)
        given = self.answers if self.other_answers is None else self.other_answers
        return select_identity(lent, (await sign_in_at_sandbox(self.connector, lent, given, self.other))[0])

    def public(self) -> Draft:
        """A draft that others can see and answer."""
        return next(iter(self.drafts.values()))

    async def posted(self, session: ContractSession, count: int) -> list[str]:
        """So many posts, each with a number of its own before the words of `public`; their ids."""
        first, ids = self.public(), []
        for n in range(count):
            part = replace(first.parts[0], text=f"{n}: {first.parts[0].text}"[:200])
            done = await run_to_end(
                self.connector, session, await self.delivery(session, replace(first, parts=(part,)))
            )
            ids.append(done.ids[0])
        return ids

    def reader(self) -> engagement.EngagementRole | None:
        """The connector; None where it has no such role, and names nobody who answers."""
        if isinstance(self.connector, engagement.EngagementRole):
            return self.connector
        assert not self.other
        return None

    async def deletes(self, session: ContractSession) -> bool:
        return "delete" in (await self.connector.capabilities(session)).abilities

    def said_under(self, sandbox: Sandbox, answer_id: str) -> list[str]:
        """What readers see under somebody's answer; where replies are posts like any, among those."""
        return [post.text for post in sandbox.public_posts()]

    async def publish_until_error(self, session: ContractSession, delivery: Delivery) -> None:
        for _ in range(30):
            result = await self.connector.publish(session, replace(delivery, begun_at=session.now()))
            if isinstance(result, PublishedPost):
                return
            delivery = replace(delivery, progress=result.progress, steps=delivery.steps + 1)
