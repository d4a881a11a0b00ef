"""The suite that every connector passes against its own sandbox, over real HTTP.

Subclass `ConnectorContract` in the network's `tests/test_contract.py`, naming a connector, its sandbox's class and
drafts that it can publish. `connect`, `ContractSession` and `run_to_end` serve a network's own tests too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from kicau.connector import app_blocks, errors
from kicau.connector.capabilities import Ability
from kicau.connector.content import (
    JSON,
    Charge,
    Delivery,
    Draft,
    Part,
    PendingStep,
    PublishedPost,
    Rendered,
    SpanKind,
)
from kicau.connector.contract_session import (
    CALLBACK_URL,
    CONTRACT_USER_AGENT,
    ContractSession,
    WorkerKilled,
    consent_at_sandbox,
    look_up_restored,
    open_test_session,
    record_webhooks,
    run_to_end,
    select_identity,
    sign_in_at_sandbox,
)
from kicau.connector.protocol import (
    Connector,
    RevokesCredentials,
    SignInIdentity,
    SignInRedirect,
    check_credentials,
    sign_in_charges,
)
from kicau.connector.roles import engagement, webhooks
from kicau.connector.roles.account_search import AccountSearch
from kicau.connector.roles.edits import (
    EditRole,
    PartRevision,
    RemoteContentState,
    apply_revision,
    check_editable,
    draft_from_rendered,
    with_unchanged_parts,
)
from kicau.connector.sandbox.server import OrderedFault, Sandbox, start_sandbox
from kicau.connector.serialization import from_json, to_compact_json
from kicau.connector.session import MediaFile
from kicau.connector.transport.http import HttpClient, HttpResponse, classify_error

__all__ = [
    "CALLBACK_URL",
    "CONTRACT_USER_AGENT",
    "ConnectorContract",
    "ContractSession",
    "WorkerKilled",
    "consent_at_sandbox",
    "look_up_restored",
    "open_test_session",
    "run_to_end",
    "select_identity",
    "sign_in_at_sandbox",
]


# Bodies of errors in no network's form, or in one's form with a value of the wrong type.
MALFORMED_ERROR_BODIES: tuple[JSON, ...] = (
    [],
    "text",
    None,
    7,
    {},
    {"error": None},
    {"error": []},
    {"error": {}},
    {"error": "x", "error_description": None},
    {"error": {"code": "x", "error_subcode": []}},
    {"error": {"code": None, "error_data": 5}},
    {"error": {"message": {"a": 1}}},
    {"error": {"message": "Too many requests", "code": "rate"}},
    {"errors": None},
    {"errors": {}},
    {"errors": [None, "x", {"code": []}]},
    {"message": None},
    {"detail": [], "title": None, "type": 5},
    {"code": {}, "status": "x", "serviceErrorCode": None},
    {"errorDetails": 5},
    {"errorDetails": {"inputErrors": 5}},
    {"errorDetails": {"inputErrors": [{"input": 1, "code": []}]}},
)

# What comes from a proxy or a firewall in front of a network.
PROXY_ERROR_PAGE = (
    "<!DOCTYPE html><html><head><title>Attention required</title></head><body><h1>Access denied</h1></body></html>"
)
# Answers to a look-up that do not say whether the post is out: refusals, pages, and a 200 that lists nothing.
REJECTED_LOOKUP_RESPONSES: tuple[tuple[int, str], ...] = (
    (400, '{"error": "Bad request", "message": "Bad request", "detail": "Bad request"}'),
    (403, '{"error": "Forbidden", "message": "Forbidden", "detail": "Forbidden"}'),
    (404, '{"error": "Not found", "message": "Not found", "detail": "Not found"}'),
    (400, PROXY_ERROR_PAGE),
    (403, PROXY_ERROR_PAGE),
    (404, PROXY_ERROR_PAGE),
    (403, ""),
    (200, PROXY_ERROR_PAGE),
    (200, "{}"),
    (200, "null"),
    (200, '{"data": null, "elements": null, "posts": null}'),
)


class ConnectorContract:
    """What the engine relies on, for every connector."""

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

    async def test_publishes_each_part_once(self, session: ContractSession, sandbox: Sandbox, draft: Draft) -> None:
        delivery = await self.delivery(session, draft)
        done = await run_to_end(self.connector, session, delivery)
        assert len(self.visible(sandbox)) == len(draft.parts) == len(done.ids)
        assert done.url.startswith("http")

    async def test_the_preview_is_what_readers_see(
        self, session: ContractSession, sandbox: Sandbox, draft: Draft
    ) -> None:
        delivery = await self.delivery(session, draft)
        await run_to_end(self.connector, session, delivery)
        assert self.visible(sandbox) == [part.text for part in delivery.post.parts]
        covers = [sum(one.cover is not None for one in part.media) for part in delivery.post.parts]
        assert [sum(bool(one.get("cover")) for one in post.media) for post in sandbox.public_posts()] == covers

    async def test_finds_who_is_there_and_nobody_else(self, session: ContractSession) -> None:
        if not isinstance(self.connector, AccountSearch):
            assert not self.called
            return
        found = await self.connector.people(session, self.called)
        assert self.called in [one.handle for one in found]
        assert len(found) <= 10
        one = next(one for one in found if one.handle == self.called)
        written = self.connector.render(Draft(parts=(Part(text=f"Halo {one.mention}!"),)), self.connector.baseline)
        assert [s.target.casefold() for s in written.parts[0].spans if s.kind is SpanKind.MENTION] == [
            one.target.casefold()
        ]
        assert await self.connector.people(session, "nobody4711") == ()

    @pytest.mark.parametrize(
        "effect", ["drop", "drop-after", "status", "status-after", "malformed", "truncate", "page"]
    )
    @pytest.mark.parametrize("nth", range(8))
    async def test_a_broken_step_never_doubles_a_post(
        self, session: ContractSession, sandbox: Sandbox, effect: str, nth: int
    ) -> None:
        draft = next(iter(self.drafts.values()))
        delivery = await self.delivery(session, draft)
        page = OrderedFault(effect="status", skip=nth, status=403, text=PROXY_ERROR_PAGE)
        sandbox.faults.append(page if effect == "page" else OrderedFault(effect=effect, skip=nth, status=502))
        await run_to_end(self.connector, session, delivery)
        assert len(self.visible(sandbox)) == len(draft.parts)

    @pytest.mark.parametrize("nth", range(8))
    async def test_a_killed_worker_never_doubles_a_post(
        self, session: ContractSession, sandbox: Sandbox, nth: int
    ) -> None:
        draft = next(iter(self.drafts.values()))
        delivery = await self.delivery(session, draft)
        original, sent = session.http._send, 0

        async def send(*args: object, **how: object) -> object:
            nonlocal sent
            sent += 1
            reply = await original(*args, **how)  # type: ignore[arg-type]
            if sent == nth + 1:
                raise WorkerKilled
            return reply

        session.http = _FaultyHttp(session.http, send)
        await run_to_end(self.connector, session, delivery)
        assert len(self.visible(sandbox)) == len(draft.parts)

    async def test_a_refused_look_up_leaves_the_doubt(
        self, session: ContractSession, sandbox: Sandbox, draft: Draft
    ) -> None:
        """Whatever a look-up fails with, the post whose answer was lost is public once in the end, even with another
        post of the account between."""
        delivery = await self.delivery(session, draft)
        lost = await self._with_a_lost_answer(session, delivery, lambda: len(self.visible(sandbox)))
        lost, doubtful = await self._with_refused_look_ups(session, sandbox, lost)
        before = len(self.visible(sandbox))
        await self.posted(session, 1)
        between = len(self.visible(sandbox)) - before
        if doubtful and not self.connector.can_tell:
            try:
                await self.connector.find(session, lost)
            except errors.Uncertain:  # and a person is asked
                assert len(self.visible(sandbox)) - between == 1
                return
        await run_to_end(self.connector, session, lost, doubtful=doubtful)
        assert len(self.visible(sandbox)) - between == len(draft.parts)

    async def test_a_refused_look_up_leaves_the_doubt_about_an_answer(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        reader, can = self.reader(), await self.connector.capabilities(session)
        if reader is None or not can.can(Ability.REPLY):
            return
        (post,) = await self.posted(session, 1)
        await self.answered(sandbox, client, post, "a question")
        (asked,) = (await reader.answers(session, "")).items
        said = Draft(parts=(Part(text=f"{asked.begins}Thank you for asking"),), reply_to=asked.id)

        def seen() -> int:
            return sum("Thank you for asking" in text for text in self.said_under(sandbox, asked.id))

        lost = await self._with_a_lost_answer(session, await self.delivery(session, said), seen)
        lost, doubtful = await self._with_refused_look_ups(session, sandbox, lost)
        await run_to_end(self.connector, session, lost, doubtful=doubtful)
        assert seen() == 1

    async def _with_a_lost_answer(
        self, session: ContractSession, delivery: Delivery, seen: Callable[[], int]
    ) -> Delivery:
        """The delivery, published until readers see more of it (`seen`) and the answer to that is lost."""
        original, before = session.http, seen()

        async def send(*args: object, **how: object) -> object:
            reply = await original._send(*args, **how)  # type: ignore[arg-type]
            if seen() > before:
                raise errors.Uncertain("the answer was lost")
            return reply

        session.http = _FaultyHttp(original, send)
        try:
            for _ in range(80):
                delivery = replace(delivery, begun_at=session.now())
                try:
                    result = await self.connector.publish(session, delivery)
                except errors.Uncertain:
                    return delivery
                assert isinstance(result, PendingStep), "it is published, and no reader sees it"
                delivery = replace(delivery, progress=result.progress, steps=delivery.steps + 1)
                await asyncio.sleep(min(result.after.total_seconds(), 0.05))
        finally:
            session.http = original
        raise AssertionError("no part of it became visible")

    async def _with_refused_look_ups(
        self, session: ContractSession, sandbox: Sandbox, delivery: Delivery
    ) -> tuple[Delivery, bool]:
        """The delivery after every kind of refusal, and whether it is still in doubt: not where its network needs no
        look-up, or took an answer for its word."""
        for status, body in (*self.refused_look_ups, *REJECTED_LOOKUP_RESPONSES):
            sandbox.faults[:] = [OrderedFault(effect="status", status=status, text=body, times=-1)]
            try:
                found = await self.connector.find(session, delivery)
            except errors.ConnectorError:
                continue
            finally:
                sandbox.faults.clear()
            assert not isinstance(found, PublishedPost), f"{status} {body[:40]} does not show the post"
            progress = found.progress if found else delivery.progress
            return replace(delivery, progress=progress, steps=delivery.steps + 1), False
        return delivery, True

    async def test_a_page_from_something_in_between_is_no_word_of_the_network(self) -> None:
        """Neither of the post nor of the account: with every status that a proxy or a firewall may answer with."""
        saying = {401: errors.AuthExpired, 429: errors.RateLimited}  # these mean the same, whoever says them
        for status, repeatable in product(range(400, 500), (True, False)):
            reply = HttpResponse(status, {"content-type": "text/html"}, PROXY_ERROR_PAGE.encode(), repeatable)
            told = self.connector.read_error(reply) or classify_error(reply)
            if status == 413 or status in self.own_pages:
                continue  # too large for what is in between is too large; and some servers answer in pages themselves
            assert app_blocks.app_block_reader(self.connector)(reply) is None
            wanted = saying.get(status, errors.Unavailable if repeatable else errors.Uncertain)
            assert isinstance(told, wanted), (status, repeatable, told)

    async def test_the_budget_is_asked_before_the_network(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        before = len(sandbox.requests)

        def refuse(charge: Charge) -> None:
            raise errors.PlanExceeded(charge.meter)

        session.http.spend = refuse
        with pytest.raises(errors.PlanExceeded):
            await self.connector.publish(session, replace(delivery, begun_at=session.now()))
        assert len(sandbox.requests) == before

    async def test_a_limit_names_when_to_return(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        sandbox.faults.append(OrderedFault(effect="rate-limit", seconds=90, times=-1))
        with pytest.raises(errors.RateLimited) as told:
            await self._until_error(session, delivery)
        assert timedelta(0) < told.value.until - session.now() <= timedelta(minutes=20)

    async def test_a_revoked_token_asks_for_a_reconnect(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        sandbox.faults.append(OrderedFault(effect="revoke-token"))
        with pytest.raises(errors.AuthExpired):
            await self._until_error(session, delivery)

    async def test_a_dead_token_is_noticed_when_asked(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        await check_credentials(self.connector, session)
        sandbox.faults.append(OrderedFault(effect="revoke-token"))
        with pytest.raises(errors.AuthExpired):
            await self._until_error(session, delivery)
        with pytest.raises(errors.AuthExpired):
            await check_credentials(self.connector, session)

    async def test_an_unreachable_network_is_unavailable(self, session: ContractSession) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        session.app = replace(session.app, endpoints=dict.fromkeys(session.app.endpoints, "http://127.0.0.1:9"))
        with pytest.raises(errors.Unavailable):
            await self.connector.publish(session, replace(delivery, begun_at=session.now()))

    async def test_withdraws_and_is_content_when_already_gone(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        done = await run_to_end(self.connector, session, delivery)
        if "delete" not in self.connector.baseline.abilities:
            with pytest.raises(errors.Rejected):
                await self.connector.withdraw(session, done.ids[0])
            return
        for post_id in [*done.ids, done.ids[0]]:
            await self.connector.withdraw(session, post_id)
        assert self.visible(sandbox) == []

    async def test_a_change_is_what_readers_see(self, session: ContractSession, sandbox: Sandbox) -> None:
        """What is published is changed once its network allows that, and as the preview shows it; else it says so."""
        if not isinstance(self.connector, EditRole):
            assert Ability.EDIT not in self.connector.baseline.abilities
            post = self.connector.render(next(iter(self.drafts.values())), self.connector.baseline)
            told = check_editable(post, post, self.connector.baseline, self.connector.label)
            assert [problem.code for problem in told] == ["no-edit"]
            return
        revision, others = await self.revision(session)
        again = self.connector.render(draft_from_rendered(self.connector, revision.before), self.connector.baseline)
        assert again.parts == revision.before.parts, "what is published is rendered again as it is"
        assert Ability.EDIT in self.connector.baseline.abilities
        await self._reads(session, revision, RemoteContentState.BEFORE)
        await apply_revision(self.connector, session, revision, self.connector.label)
        assert self.visible(sandbox) == [revision.after.parts[0].text, *others]
        if not await self._reads(session, revision, RemoteContentState.AFTER):
            return
        before = len(sandbox.requests)
        assert await apply_revision(self.connector, session, replace(revision, doubt=True), self.connector.label) == {}
        assert all(one["method"] == "GET" for one in list(sandbox.requests)[before:]), "nothing is sent twice"
        other = replace(revision, before=revision.before, after=self.saying(revision.before, "Something else"))
        with pytest.raises(errors.Rejected, match="Someone edited this published post directly on"):
            await apply_revision(self.connector, session, other, self.connector.label)

    async def test_a_broken_change_is_looked_up_before_it_is_repeated(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        if not isinstance(self.connector, EditRole):
            return
        revision, others = await self.revision(session)
        for effect, nth in product(("drop", "drop-after", "status-after", "truncate"), range(4)):
            wanted = self.saying(revision.before, f"{effect} {nth}")
            revision = replace(revision, after=wanted, doubt=False)
            sandbox.faults[:] = [OrderedFault(effect=effect, skip=nth, status=502)]
            for _ in range(6):
                try:
                    await apply_revision(self.connector, session, revision, self.connector.label)
                    break
                except errors.Uncertain:  # after a second one, a person has looked
                    revision = replace(revision, doubt=not revision.doubt)
                except errors.Unavailable:
                    continue
            assert self.visible(sandbox) == [wanted.parts[0].text, *others], (effect, nth)
            revision = replace(revision, before=wanted)

    async def test_a_refused_look_leaves_the_doubt_about_a_change(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        if not isinstance(self.connector, EditRole):
            return
        revision, others = await self.revision(session)
        await self.connector.revise(session, revision)  # and its answer is lost
        doubtful = replace(revision, doubt=True)
        for status, body in (*self.refused_look_ups, *REJECTED_LOOKUP_RESPONSES):
            sandbox.faults[:] = [OrderedFault(effect="status", status=status, text=body, times=-1)]
            with pytest.raises(errors.ConnectorError) as told:
                await apply_revision(self.connector, session, doubtful, self.connector.label)
            assert not isinstance(told.value, errors.Rejected), (status, body)
        sandbox.faults.clear()
        assert self.visible(sandbox) == [revision.after.parts[0].text, *others]

    async def test_a_refused_deletion_is_no_deletion(self, session: ContractSession, sandbox: Sandbox) -> None:
        """What is refused and still there is not taken for gone."""
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        done = await run_to_end(self.connector, session, delivery)
        for status, body in (*self.refused_look_ups, *REJECTED_LOOKUP_RESPONSES):
            if status not in (400, 403) and not (status == 404 and body == PROXY_ERROR_PAGE):
                continue  # 404 in the network's own form is its word that there is no such post
            sandbox.faults[:] = [OrderedFault(effect="status", status=status, text=body)]
            with pytest.raises(errors.ConnectorError):
                await self.connector.withdraw(session, done.ids[0])
        sandbox.faults.clear()
        assert len(self.visible(sandbox)) == len(delivery.post.parts)

    async def _reads(self, session: ContractSession, revision: PartRevision, wanted: RemoteContentState) -> bool:
        """Whether the network can tell; then it tells what is wanted."""
        assert isinstance(self.connector, EditRole)
        try:
            assert await self.connector.reads(session, revision) is wanted
        except errors.Uncertain:
            assert not self.connector.can_tell
            return False
        return True

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

    # Reading, where a network has the role

    async def answered(self, sandbox: Sandbox, client: aiohttp.ClientSession, post_id: str, text: str) -> str:
        """Somebody else answers a post in public; gives the answer's id."""
        someone = await self._someone(sandbox, client)
        reply_to = post_id if self.threads_answers else None
        draft = Draft(parts=(Part(text=f"{self.calling} {text}".strip()),), reply_to=reply_to)
        return (await run_to_end(self.connector, someone, await self.delivery(someone, draft))).ids[0]

    async def taken_back(self, sandbox: Sandbox, client: aiohttp.ClientSession, answer_id: str) -> None:
        """Who wrote an answer deletes it."""
        await self.connector.withdraw(await self._someone(sandbox, client), answer_id)

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

    async def test_answers_come_once_each(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        reader = self.reader()
        if reader is None:
            return
        assert await reader.answers(session, "") == engagement.IncomingPostPage(items=(), cursor="")
        (post,) = await self.posted(session, 1)
        first = await self.answered(sandbox, client, post, "the first answer")
        got = await reader.answers(session, "")
        (one,) = got.items
        assert (one.id, one.answers) == (first, post if self.threads_answers else "")
        assert "the first answer" in one.text
        assert one.author not in ("", session.account_id)
        assert one.handle or one.name, "people want to know who answered"
        assert abs(one.at - session.now()) < timedelta(minutes=2)
        later = [await self.answered(sandbox, client, post, f"answer {n}") for n in range(3)]
        more = await reader.answers(session, got.cursor)
        assert [one.id for one in more.items] == later, "what is new, each once, oldest first"
        assert await reader.answers(session, more.cursor) == engagement.IncomingPostPage(items=(), cursor=more.cursor)

    def said_under(self, sandbox: Sandbox, answer_id: str) -> list[str]:
        """What readers see under somebody's answer; where replies are posts like any, among those."""
        return [post.text for post in sandbox.public_posts()]

    async def test_an_answer_is_answered_once_whatever_is_lost(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        reader, can = self.reader(), await self.connector.capabilities(session)
        if reader is None or not can.can(Ability.REPLY):
            return
        (post,) = await self.posted(session, 1)
        await self.answered(sandbox, client, post, "a question")
        (asked,) = (await reader.answers(session, "")).items
        for n, effect in enumerate(("", "drop", "drop-after", "status-after", "truncate")):
            said = f"Reply number {n}, with thanks"
            if effect:
                sandbox.faults[:] = [OrderedFault(effect=effect, status=502, method="POST")]
            delivery = await self.delivery(session, Draft(parts=(Part(text=asked.begins + said),), reply_to=asked.id))
            assert not delivery.post.problems
            done = await run_to_end(self.connector, session, delivery)
            sandbox.faults.clear()
            assert sum(said in text for text in self.said_under(sandbox, asked.id)) == 1, effect
            assert done.ids
        if await self.deletes(session):
            await self.connector.withdraw(session, done.ids[0])
            assert not any(said in text for text in self.said_under(sandbox, asked.id))
        assert [one.id for one in (await reader.answers(session, "")).items] == [asked.id], (
            "our own words are no answer"
        )
        assert isinstance(await reader.numbers(session, list(done.ids)), dict)

    async def test_an_answer_that_is_gone_is_left_out(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        reader = self.reader()
        if reader is None or not await self.deletes(session):
            return
        (post,) = await self.posted(session, 1)
        gone, stays, last = [await self.answered(sandbox, client, post, f"answer {n}") for n in range(3)]
        seen = (await reader.answers(session, "")).cursor
        await self.taken_back(sandbox, client, gone)
        await self.taken_back(sandbox, client, last)
        assert [one.id for one in (await reader.answers(session, "")).items] == [stays]
        after = await self.answered(sandbox, client, post, "one more")
        assert [one.id for one in (await reader.answers(session, seen)).items] == [after], "its cursor is gone"

    async def test_numbers_come_in_batches_without_what_is_gone(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        reader = self.reader()
        if reader is None:
            return
        assert reader.batch >= 1
        ids = await self.posted(session, min(3, reader.batch))
        there = ids
        if await self.deletes(session):
            await self.connector.withdraw(session, ids[-1])
            there = ids[:-1]
        before = len(sandbox.requests)
        found = await reader.numbers(session, ids)
        asked = len(sandbox.requests) - before
        assert set(found) == set(there)
        assert all(counts and all(type(n) is int and n >= 0 for n in counts.values()) for counts in found.values())
        assert asked <= self.number_calls(len(ids)), "one call serves many"

    def number_calls(self, posts: int) -> int:
        """The most requests that reading so many posts' numbers takes."""
        return 1

    async def test_a_refused_reading_says_why(self, session: ContractSession, sandbox: Sandbox) -> None:
        reader = self.reader()
        if reader is None:
            return
        ids = await self.posted(session, 1)
        for effect, seconds, wanted in (
            ("drop", 0.0, errors.Unavailable),
            ("truncate", 0.0, errors.Unavailable),
            ("malformed", 0.0, errors.Unavailable),
            ("rate-limit", 90.0, errors.RateLimited),
            ("revoke-token", 0.0, errors.AuthExpired),
        ):
            for read in (reader.answers(session, ""), reader.numbers(session, ids)):
                sandbox.faults[:] = [OrderedFault(effect=effect, seconds=seconds, times=-1)]
                with pytest.raises(wanted):
                    await read

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
    def test_an_error_of_any_form_is_read(self, status: int) -> None:
        """Also one that a proxy made up: nothing but the six errors comes of it, and its status keeps its meaning."""
        for body in MALFORMED_ERROR_BODIES:
            for repeatable in (True, False):
                reply = HttpResponse(status, {}, json.dumps(body).encode(), repeatable)
                found = self.connector.read_error(reply) or classify_error(reply)
                said = f"{type(found).__name__} of {body!r}"
                if isinstance(found, errors.Rejected):
                    assert found.problems, said
                    assert all(problem.sentence for problem in found.problems), said
                    assert status not in (401, 429), said
                    assert status < 500, said
                if status == 401:
                    assert isinstance(found, errors.AuthExpired), said
                if status == 429:
                    assert isinstance(found, errors.RateLimited), said
                if status >= 500:
                    assert type(found) is (errors.Unavailable if repeatable else errors.Uncertain), said

    # Being told

    def told_of(self, sandbox: Sandbox, post: str) -> str:
        """By which id a webhook names a post."""
        return post

    async def set_up_webhooks(self, sandbox: Sandbox, address: str, token: str) -> None:
        """What the operator does at the network itself, where `webhook_setup` names something."""

    async def test_webhooks_tell_what_reading_tells(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        teller = self.connector
        assert isinstance(teller, webhooks.WebhookRole) == self.tells
        if not isinstance(teller, webhooks.WebhookRole):
            return
        assert isinstance(teller, engagement.EngagementRole)
        async with record_webhooks(teller, "a token") as heard:
            await self.set_up_webhooks(sandbox, heard.address, "a token")
            for _ in range(2):
                await teller.subscribe(session, heard.address, "a token")
            (post,) = await self.posted(session, 1)
            answer = await self.answered(sandbox, client, post, "the first answer")
            headers, body = await heard.next()
            while [one.answer.author for one in teller.happenings(body) if one.answer] == [session.account_id]:
                headers, body = await heard.next()  # the account's own first comment
            assert teller.is_genuine(headers, body, session.app)
            for forged in (
                {},
                {**headers, "x-hub-signature-256": "sha256="},
                {**headers, "x-hub-signature-256": "sha256=é"},
            ):
                assert not teller.is_genuine(forged, body, session.app)
            assert not teller.is_genuine(headers, body + b" ", session.app)
            assert not teller.is_genuine(headers, body, replace(session.app, client_secret=session.app.client_id))
            assert not teller.is_genuine(headers, body, replace(session.app, client_secret=""))
            (told,) = teller.happenings(body)
            (read,) = (await teller.answers(session, "")).items
            assert told.account == session.account_id
            assert told.answer is not None
            assert [told.answer.id, told.answer.text, told.answer.author, told.answer.handle, told.answer.name] == [
                answer,
                read.text,
                read.author,
                read.handle,
                read.name,
            ]
            assert told.answer.answers == self.told_of(sandbox, read.answers)
            assert abs(told.answer.at - read.at) <= timedelta(seconds=2)
            await teller.unsubscribe(session)
            await teller.unsubscribe(session)

    async def test_an_address_that_is_not_ours_is_not_confirmed(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        teller = self.connector
        if not isinstance(teller, webhooks.WebhookRole):
            return
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "a token"}
        assert teller.verification(asked, "a token") == "1158201444"
        for wrong in ({}, {**asked, "hub.verify_token": "ä token"}, {**asked, "hub.mode": "unsubscribe"}):
            assert teller.verification(wrong, "a token") is None

    @pytest.mark.parametrize(
        "junk",
        [
            b"",
            b"\xff",
            b"{",
            b"[" * 100_000,
            b"3",
            b"[]",
            b"{}",
            b'{"object":"page","entry":[3,{"id":1},{"changes":[3,{"value":[]},{"field":"feed","value":{}}]}]}',
            b'{"values":[{"value":{"id":1,"timestamp":[]},"field":"replies"}],"time":"x"}',
        ],
    )
    def test_nonsense_tells_nothing(self, junk: bytes) -> None:
        if isinstance(self.connector, webhooks.WebhookRole):
            with suppress(ValueError):
                assert self.connector.happenings(junk) in ((), [])

    async def test_nothing_found_where_nothing_was_sent(self, session: ContractSession, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        found = await self.connector.find(session, replace(delivery, begun_at=session.now()))
        assert found is None or isinstance(found, PendingStep)
        assert self.visible(sandbox) == []

    async def test_what_went_out_after_a_backup_is_found_whatever_is_known_of_it(
        self, session: ContractSession, sandbox: Sandbox, draft: Draft
    ) -> None:
        """After a restore, progress may be older than what happened, and the account may have other posts since."""
        delivery, began, kept = await self.delivery(session, draft), session.now(), [dict[str, Any]()]
        others = [
            replace(await self.delivery(session, one), key=uuid4()) for one in self.drafts.values() if one != draft
        ]
        await run_to_end(self.connector, session, replace(delivery, begun_at=began), kept=kept)
        for other in others[:2]:
            await run_to_end(self.connector, session, other)
        before, restored_at = self.visible(sandbox), session.now()
        for progress in (kept[0], kept[-1]):
            restored = replace(delivery, progress=progress, begun_at=began, restored_at=restored_at)
            try:
                found = await look_up_restored(self.connector, session, restored)
            except errors.Uncertain:
                assert not draft.parts[0].text or not self.connector.can_tell or draft.reply_to, "its text could tell"
                continue
            if not isinstance(found, PublishedPost):  # a first comment is still to come
                found = await run_to_end(self.connector, session, found)
            assert self.visible(sandbox) == before, f"published again with the progress {progress}"

    async def test_what_did_not_go_out_after_a_backup_goes_out_once(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        draft = next(iter(self.drafts.values()))
        delivery = await self.delivery(session, draft)
        restored = replace(delivery, begun_at=session.now() - timedelta(days=3), restored_at=session.now())
        try:
            found = await look_up_restored(self.connector, session, restored)
        except errors.Uncertain:
            return  # a person is asked
        assert isinstance(found, Delivery), "nothing was there to be found"
        await run_to_end(self.connector, session, found)
        assert len(self.visible(sandbox)) == len(draft.parts)

    async def test_charges_foretold_are_charges_spent(self, session: ContractSession, draft: Draft) -> None:
        delivery = await self.delivery(session, draft)
        session.spent.clear()
        await run_to_end(self.connector, session, delivery)
        priced = {m for listed in self.connector.price_lists for m in listed.prices}
        assert _sum_charges(session.spent, priced) == _sum_charges(delivery.post.charges, priced)

    async def test_what_signing_in_takes_is_foretold(self, sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
        lent = open_test_session(self.connector, sandbox, client)
        await sign_in_at_sandbox(self.connector, lent, self.answers, self.account)
        assert {one.meter for one in lent.spent if one.units} == {
            one.meter for one in sign_in_charges(self.connector.auth)
        }

    async def test_revoked_credentials_have_ended(self, session: ContractSession, sandbox: Sandbox) -> None:
        auth = self.connector.auth
        if not isinstance(auth, RevokesCredentials):
            return
        await check_credentials(self.connector, session)
        await auth.revoke(session)
        if session.credentials.refresh_token:
            with pytest.raises(errors.AuthExpired):
                await auth.refresh(session)
        if not self.access_outlives_revocation:
            with pytest.raises(errors.AuthExpired):
                await check_credentials(self.connector, session)
        with suppress(errors.AuthExpired):
            await auth.revoke(session)  # doing it again does no harm

    async def test_credentials_of_another_sign_in_stay(
        self, session: ContractSession, sandbox: Sandbox, client: aiohttp.ClientSession
    ) -> None:
        auth = self.connector.auth
        if not isinstance(auth, RevokesCredentials):
            return
        other = open_test_session(self.connector, sandbox, client)
        await sign_in_at_sandbox(self.connector, other, self.answers, self.account)
        await auth.revoke(other)
        await check_credentials(self.connector, session)

    async def test_refreshes_without_losing_the_refresh_token(self, session: ContractSession) -> None:
        before = session.credentials
        after = await self.connector.auth.refresh(session)
        assert after.access_token
        assert bool(after.refresh_token) == bool(before.refresh_token)

    async def test_a_renewal_that_stops_between_two_calls_can_be_done_again(self, session: ContractSession) -> None:
        """A process that ends begins no further call; the old credentials must work then."""
        calls, stops_at = 0, 0

        async def count(used: Charge) -> None:
            nonlocal calls
            calls += 1
            if calls == stops_at:
                raise errors.Unavailable("the process ends")

        session.http.pay = count
        for nth in range(1, 10):
            calls, stops_at = 0, nth
            try:
                await self.connector.auth.refresh(session)
            except errors.Unavailable:
                continue
            break
        assert stops_at == calls + 1, "in the end it was renewed"

    async def test_declining_is_told_in_a_sentence(self, sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
        lent = open_test_session(self.connector, sandbox, client)
        begun = await self.connector.auth.begin(lent, self.answers)
        if isinstance(begun, SignInRedirect):
            returned = await consent_at_sandbox(client, begun.url, decision="deny")
            returned.pop("state", None)
            with pytest.raises(errors.Rejected) as told:
                await self.connector.auth.finish(lent, begun.memory, returned)
            assert told.value.problems[0].sentence

    async def test_what_is_kept_is_what_was_rendered(self, session: ContractSession, draft: Draft) -> None:
        post = (await self.delivery(session, draft)).post
        assert from_json(Rendered, msgspec.json.decode(msgspec.json.encode(to_compact_json(post)))) == post

    async def test_render_is_pure(self, draft: Draft) -> None:
        can = self.connector.baseline
        assert self.connector.render(draft, can) == self.connector.render(draft, can)

    async def test_a_bad_draft_is_told_before_sending(self, bad: tuple[str, Draft]) -> None:
        code, draft = bad
        rendered = self.connector.render(draft, self.connector.baseline)
        told = {p.code: p for p in rendered.problems}
        assert code in told, list(told)
        sentence = told[code].sentence
        assert self.connector.label in sentence or "{" not in sentence
        assert told[code].field

    @pytest.mark.parametrize(
        "text", ["", " ", "\u0000", "\ud800", "a" * 200_000, "@", "#", "https://", "👩‍👩‍👧‍👦" * 301, "\u202e\u0301"]
    )
    async def test_render_is_total(self, text: str) -> None:
        from kicau.connector.content import Part

        rendered = self.connector.render(Draft(parts=(Part(text=text),)), self.connector.baseline)
        assert isinstance(rendered, Rendered)

    async def test_every_number_has_a_source(self) -> None:
        facts = self.connector.baseline.facts
        assert facts
        assert all(fact.source for fact in facts.values())

    async def _until_error(self, session: ContractSession, delivery: Delivery) -> None:
        for _ in range(30):
            result = await self.connector.publish(session, replace(delivery, begun_at=session.now()))
            if isinstance(result, PublishedPost):
                return
            delivery = replace(delivery, progress=result.progress, steps=delivery.steps + 1)


class _FaultyHttp(HttpClient):
    def __init__(self, inner: HttpClient, send: Callable[..., object]) -> None:
        super().__init__(inner.client, inner.spend, inner.read_error, inner.calls)
        self._wrapped = send

    async def _send(self, *args: object, **how: object) -> object:  # type: ignore[override]
        return await self._wrapped(*args, **how)  # type: ignore[misc]


def _sum_charges(charges: object, priced: set[str]) -> dict[str, int]:
    total: dict[str, int] = {}
    for charge in charges:  # type: ignore[attr-defined]
        if charge.meter in priced:
            total[charge.meter] = total.get(charge.meter, 0) + charge.units
    return total
