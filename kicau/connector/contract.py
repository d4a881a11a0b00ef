"""The suite that every connector passes against its own sandbox, over real HTTP.

Subclass `ConnectorContract` in the network's `tests/test_contract.py`, naming a connector, its sandbox's class and
drafts that it can publish. `connect`, `Lent` and `run` serve a network's own tests too.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio

from kicau.connector import errors
from kicau.connector.content import (
    Charge,
    Continue,
    Delivery,
    Draft,
    Published,
    PublishResult,
    Rendered,
    RenderedMedia,
)
from kicau.connector.http import CLIENT_MARK, Http
from kicau.connector.protocol import Account, Connector, Redirect, prove
from kicau.connector.sandbox import Fault, Sandbox, start
from kicau.connector.session import App, Credentials, File
from kicau.connector.wire import from_json, to_json

USER_AGENT = f"{CLIENT_MARK}0 (contract)"
CALLBACK = "http://127.0.0.1:9/callback"


@dataclass
class Lent:
    """A Session (and a SignIn) for tests. `files` are the bytes behind each medium's ref; "ref@1500" is a frame."""

    http: Http
    app: App
    account_id: str = ""
    handle: str = ""
    kind: str = "person"
    host: str = ""
    credentials: Credentials = field(default_factory=lambda: Credentials(access_token=""))
    files: Mapping[str, File] = field(default_factory=dict)
    spent: list[Charge] = field(default_factory=list)
    media_base: str = ""  # a server that hands out the files, for networks that fetch them

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def file(self, media: RenderedMedia, /) -> File:
        at = media.recipe.frame_ms if media.recipe else None
        return self.files[media.media.ref if at is None else f"{media.media.ref}@{at}"]

    async def public_url(self, media: RenderedMedia, /) -> str:
        return f"{self.media_base}/{media.media.ref}"


class Killed(BaseException):
    """The worker died in the middle of a step; nobody caught anything."""


def lend(connector: Connector, sandbox: Sandbox, client: aiohttp.ClientSession) -> Lent:
    """A Session that has signed in to nothing yet."""
    spent: list[Charge] = []
    seeded = sandbox.default_app
    app = App(client_id=seeded.client_id, client_secret=seeded.client_secret, callback=CALLBACK, endpoints={**connector.endpoints, **sandbox.endpoints()})  # fmt: skip
    return Lent(http=Http(client, spent.append, connector.read_error), app=app, spent=spent)


async def consent(
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


async def sign_in(connector: Connector, session: Lent, answers: Mapping[str, str] | None = None, account: str = "") -> tuple[Account, ...]:  # fmt: skip
    """The whole sign-in flow of a network against its sandbox."""
    begun = await connector.auth.begin(session, answers or {})
    if not isinstance(begun, Redirect):
        return begun
    returned = await consent(session.http.client, begun.url, account)
    assert returned.pop("state") == begun.state, "the state must come back unchanged"
    return await connector.auth.finish(session, begun.memory, returned)


def use(session: Lent, account: Account) -> Lent:
    """The session, acting for one of the identities that a sign-in gave."""
    session.account_id, session.handle, session.kind, session.host = (
        account.id,
        account.handle,
        account.kind,
        account.host,
    )
    session.credentials = account.credentials
    return session


async def look_up(connector: Connector, session: Lent, delivery: Delivery) -> Published | Delivery:
    """What the engine does first with a delivery that was restored from a backup: it is looked up until nothing more of
    it is found; then the delivery that comes back is published from where it stands."""
    while True:
        result = await connector.find(session, delivery)
        if isinstance(result, Published):
            return result
        if result is None or result.progress == delivery.progress:
            return replace(delivery, restored_at=None)
        delivery = from_json(Delivery, to_json(replace(delivery, progress=result.progress)))


async def run(
    connector: Connector,
    session: Lent,
    delivery: Delivery,
    *,
    steps: int = 80,
    patience: float = 0.05,
    kept: list[Any] | None = None,
) -> Published:
    """The engine's promise in miniature: a step that began and did not report is looked up before it is taken again."""
    find = False
    for _ in range(steps):
        begun = session.now()
        result: PublishResult | None
        try:
            if find:
                result = await connector.find(session, delivery)
            else:
                delivery = replace(delivery, begun_at=begun)
                result = await connector.publish(session, delivery)
        except (errors.Uncertain, errors.Unavailable, Killed):
            find = True
            continue
        find = False
        match result:
            case Published():
                return result
            case Continue(progress=progress, after=after):
                # What is kept between steps must survive being stored.
                delivery = from_json(Delivery, to_json(replace(delivery, progress=progress, steps=delivery.steps + 1)))
                if kept is not None:
                    kept.append(delivery.progress)
                await asyncio.sleep(min(after.total_seconds(), patience))
            case None:
                delivery = replace(delivery, steps=delivery.steps + 1)
    raise AssertionError(f"not published after {steps} steps; progress {delivery.progress}")


class ConnectorContract:
    """What the engine relies on, for every connector."""

    connector: ClassVar[Connector]
    server: ClassVar[Callable[..., Sandbox]]
    drafts: ClassVar[Mapping[str, Draft]]  # by name; each publishable
    files: ClassVar[Mapping[str, File]] = {}
    answers: ClassVar[Mapping[str, str]] = {}
    account: ClassVar[str] = ""  # the consent form's choice; "" the first
    choice: ClassVar[Callable[[Account], bool]] = staticmethod(lambda account: True)  # which identity to use
    bad_drafts: ClassVar[Mapping[str, Draft]] = {}  # expected problem code -> a draft that has it
    validators: ClassVar[tuple[object, ...]] = ()  # of the specification: a request that fails one fails the test

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "draft" in metafunc.fixturenames:
            metafunc.parametrize("draft", list(self.drafts.values()), ids=list(self.drafts))
        if "bad" in metafunc.fixturenames:
            metafunc.parametrize("bad", list(self.bad_drafts.items()), ids=list(self.bad_drafts))

    @pytest_asyncio.fixture
    async def sandbox(self, tmp_path: Path) -> AsyncIterator[Sandbox]:
        made = type(self).server(folder=tmp_path / "sandbox", validators=self.validators)
        runner = await start(made)
        yield made
        await runner.cleanup()
        assert made.violations == [], "a request of ours does not agree with the network's specification"

    @pytest_asyncio.fixture
    async def client(self) -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession(headers={"User-Agent": USER_AGENT}) as session:
            yield session

    @pytest_asyncio.fixture
    async def session(self, sandbox: Sandbox, client: aiohttp.ClientSession) -> AsyncIterator[Lent]:
        lent = lend(self.connector, sandbox, client)
        lent.files = self.files
        runner = await self._file_host(lent)
        accounts = await sign_in(self.connector, lent, self.answers, self.account)
        use(lent, next(a for a in accounts if type(self).choice(a)))
        yield lent
        await runner.cleanup()

    async def _file_host(self, lent: Lent) -> aiohttp.web.AppRunner:
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

    async def delivery(self, session: Lent, draft: Draft) -> Delivery:
        post = self.connector.render(draft, await self.connector.capabilities(session))
        assert post.problems == (), [p.sentence for p in post.problems]
        return Delivery(key=uuid4(), post=post, due_at=session.now())

    def visible(self, sandbox: Sandbox) -> list[str]:
        return [post.text for post in sandbox.public_posts()]

    async def test_publishes_each_part_once(self, session: Lent, sandbox: Sandbox, draft: Draft) -> None:
        delivery = await self.delivery(session, draft)
        done = await run(self.connector, session, delivery)
        assert len(self.visible(sandbox)) == len(draft.parts) == len(done.ids)
        assert done.url.startswith("http")

    async def test_the_preview_is_what_readers_see(self, session: Lent, sandbox: Sandbox, draft: Draft) -> None:
        delivery = await self.delivery(session, draft)
        await run(self.connector, session, delivery)
        assert self.visible(sandbox) == [part.text for part in delivery.post.parts]
        covers = [sum(one.cover is not None for one in part.media) for part in delivery.post.parts]
        assert [sum(bool(one.get("cover")) for one in post.media) for post in sandbox.public_posts()] == covers

    @pytest.mark.parametrize("effect", ["drop", "drop-after", "status", "status-after", "malformed", "truncate"])
    @pytest.mark.parametrize("nth", range(8))
    async def test_a_broken_step_never_doubles_a_post(
        self, session: Lent, sandbox: Sandbox, effect: str, nth: int
    ) -> None:
        draft = next(iter(self.drafts.values()))
        delivery = await self.delivery(session, draft)
        sandbox.faults.append(Fault(effect=effect, skip=nth, status=502))
        await run(self.connector, session, delivery)
        assert len(self.visible(sandbox)) == len(draft.parts)

    @pytest.mark.parametrize("nth", range(8))
    async def test_a_killed_worker_never_doubles_a_post(self, session: Lent, sandbox: Sandbox, nth: int) -> None:
        draft = next(iter(self.drafts.values()))
        delivery = await self.delivery(session, draft)
        original, sent = session.http._send, 0

        async def send(*args: object, **how: object) -> object:
            nonlocal sent
            sent += 1
            reply = await original(*args, **how)  # type: ignore[arg-type]
            if sent == nth + 1:
                raise Killed
            return reply

        session.http = _Wrapped(session.http, send)
        await run(self.connector, session, delivery)
        assert len(self.visible(sandbox)) == len(draft.parts)

    async def test_the_budget_is_asked_before_the_network(self, session: Lent, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        before = len(sandbox.requests)

        def refuse(charge: Charge) -> None:
            raise errors.PlanExceeded(charge.meter)

        session.http.spend = refuse
        with pytest.raises(errors.PlanExceeded):
            await self.connector.publish(session, replace(delivery, begun_at=session.now()))
        assert len(sandbox.requests) == before

    async def test_a_limit_names_when_to_return(self, session: Lent, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        sandbox.faults.append(Fault(effect="rate-limit", seconds=90, times=-1))
        with pytest.raises(errors.RateLimited) as told:
            await self._until_error(session, delivery)
        assert timedelta(0) < told.value.until - session.now() <= timedelta(minutes=20)

    async def test_a_revoked_token_asks_for_a_reconnect(self, session: Lent, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        sandbox.faults.append(Fault(effect="revoke-token"))
        with pytest.raises(errors.AuthExpired):
            await self._until_error(session, delivery)

    async def test_a_dead_token_is_noticed_when_asked(self, session: Lent, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        await prove(self.connector, session)
        sandbox.faults.append(Fault(effect="revoke-token"))
        with pytest.raises(errors.AuthExpired):
            await self._until_error(session, delivery)
        with pytest.raises(errors.AuthExpired):
            await prove(self.connector, session)

    async def test_an_unreachable_network_is_unavailable(self, session: Lent) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        session.app = replace(session.app, endpoints=dict.fromkeys(session.app.endpoints, "http://127.0.0.1:9"))
        with pytest.raises(errors.Unavailable):
            await self.connector.publish(session, replace(delivery, begun_at=session.now()))

    async def test_withdraws_and_is_content_when_already_gone(self, session: Lent, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        done = await run(self.connector, session, delivery)
        if "delete" not in self.connector.baseline.abilities:
            with pytest.raises(errors.Rejected):
                await self.connector.withdraw(session, done.ids[0])
            return
        for post_id in [*done.ids, done.ids[0]]:
            await self.connector.withdraw(session, post_id)
        assert self.visible(sandbox) == []

    async def test_nothing_found_where_nothing_was_sent(self, session: Lent, sandbox: Sandbox) -> None:
        delivery = await self.delivery(session, next(iter(self.drafts.values())))
        found = await self.connector.find(session, replace(delivery, begun_at=session.now()))
        assert found is None or isinstance(found, Continue)
        assert self.visible(sandbox) == []

    async def test_what_went_out_after_a_backup_is_found_whatever_is_known_of_it(
        self, session: Lent, sandbox: Sandbox, draft: Draft
    ) -> None:
        """After a restore, progress may be older than what happened, and the account may have other posts since."""
        delivery, began, kept = await self.delivery(session, draft), session.now(), [dict[str, Any]()]
        others = [
            replace(await self.delivery(session, one), key=uuid4()) for one in self.drafts.values() if one != draft
        ]
        await run(self.connector, session, replace(delivery, begun_at=began), kept=kept)
        for other in others[:2]:
            await run(self.connector, session, other)
        before, restored_at = self.visible(sandbox), session.now()
        for progress in (kept[0], kept[-1]):
            restored = replace(delivery, progress=progress, begun_at=began, restored_at=restored_at)
            try:
                found = await look_up(self.connector, session, restored)
            except errors.Uncertain:
                assert not draft.parts[0].text or not self.connector.can_tell or draft.reply_to, "its text could tell"
                continue
            if not isinstance(found, Published):  # a first comment is still to come
                found = await run(self.connector, session, found)
            assert self.visible(sandbox) == before, f"published again with the progress {progress}"

    async def test_what_did_not_go_out_after_a_backup_goes_out_once(self, session: Lent, sandbox: Sandbox) -> None:
        draft = next(iter(self.drafts.values()))
        delivery = await self.delivery(session, draft)
        restored = replace(delivery, begun_at=session.now() - timedelta(days=3), restored_at=session.now())
        try:
            found = await look_up(self.connector, session, restored)
        except errors.Uncertain:
            return  # a person is asked
        assert isinstance(found, Delivery), "nothing was there to be found"
        await run(self.connector, session, found)
        assert len(self.visible(sandbox)) == len(draft.parts)

    async def test_charges_foretold_are_charges_spent(self, session: Lent, draft: Draft) -> None:
        delivery = await self.delivery(session, draft)
        session.spent.clear()
        await run(self.connector, session, delivery)
        priced = {m for listed in self.connector.price_lists for m in listed.prices}
        assert _sum(session.spent, priced) == _sum(delivery.post.charges, priced)

    async def test_refreshes_without_losing_the_refresh_token(self, session: Lent) -> None:
        before = session.credentials
        after = await self.connector.auth.refresh(session)
        assert after.access_token
        assert bool(after.refresh_token) == bool(before.refresh_token)

    async def test_declining_is_told_in_a_sentence(self, sandbox: Sandbox, client: aiohttp.ClientSession) -> None:
        lent = lend(self.connector, sandbox, client)
        begun = await self.connector.auth.begin(lent, self.answers)
        if isinstance(begun, Redirect):
            returned = await consent(client, begun.url, decision="deny")
            returned.pop("state", None)
            with pytest.raises(errors.Rejected) as told:
                await self.connector.auth.finish(lent, begun.memory, returned)
            assert told.value.problems[0].sentence

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

    async def _until_error(self, session: Lent, delivery: Delivery) -> None:
        for _ in range(30):
            result = await self.connector.publish(session, replace(delivery, begun_at=session.now()))
            if isinstance(result, Published):
                return
            delivery = replace(delivery, progress=result.progress, steps=delivery.steps + 1)


class _Wrapped(Http):
    def __init__(self, inner: Http, send: Callable[..., object]) -> None:
        super().__init__(inner.client, inner.spend, inner.read_error, inner.calls)
        self._wrapped = send

    async def _send(self, *args: object, **how: object) -> object:  # type: ignore[override]
        return await self._wrapped(*args, **how)  # type: ignore[misc]


def _sum(charges: object, priced: set[str]) -> dict[str, int]:
    total: dict[str, int] = {}
    for charge in charges:  # type: ignore[attr-defined]
        if charge.meter in priced:
            total[charge.meter] = total.get(charge.meter, 0) + charge.units
    return total
