"""LinkedIn: files first, then the post, then its first comment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from kicau.connector import checks, prices
from kicau.connector.app_blocks import ShutDoor
from kicau.connector.capabilities import Capabilities, Fact
from kicau.connector.content import (
    JSON,
    Continue,
    Delivery,
    Draft,
    Note,
    Problem,
    Published,
    PublishResult,
    Rendered,
    RenderedPart,
    too_early,
)
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected, Uncertain
from kicau.connector.prices import PriceList
from kicau.connector.roles.account_search import Account as Found
from kicau.connector.roles.edits import Reads, Revision
from kicau.connector.session import Session
from kicau.connector.transport.http import Reply
from kicau.networks.linkedin import (
    account_search,
    archive,
    edits,
    errors,
    limits,
    little,
    lookup,
    replies,
    upload,
    wire,
)
from kicau.networks.linkedin import render as rendering
from kicau.networks.linkedin.auth import LinkedInAuth
from kicau.networks.linkedin.limits import LABEL

COMMENT_TRIES = 20  # one a minute; then the post is published without its comment
NOT_READY_TRIES = 20


class LinkedIn:
    slug = "linkedin"
    label = LABEL
    auth = LinkedInAuth()
    endpoints: Mapping[str, str] = {
        "api": "https://api.linkedin.com",
        "oauth": "https://www.linkedin.com/oauth/v2",
        "www": "https://www.linkedin.com",  # where readers see posts
    }
    baseline = limits.baseline
    facts: Mapping[str, Fact] = limits.FACTS
    price_lists: tuple[PriceList, ...] = prices.load("kicau.networks.linkedin")
    archive_reader = archive.reader
    finding = account_search.FINDING
    can_tell = False  # a member's own posts may not be read back with the scopes that LinkedIn grants

    def read_error(self, reply: Reply, /) -> ConnectorError | None:
        return errors.read_error(reply)

    def shut_door(self, reply: Reply, /) -> ShutDoor | None:
        return errors.shut_door(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        """Known without asking: LinkedIn has no call that tells them."""
        return limits.for_kind(session.kind)

    async def prove(self, session: Session, /) -> None:
        """https://learn.microsoft.com/en-us/linkedin/shared/authentication/token-introspection (2026-11-26)"""
        app, token = session.app, session.credentials.access_token
        form = {"client_id": app.client_id, "client_secret": app.client_secret, "token": token}
        told = (
            await session.http.call(
                "POST", f"{app.endpoints['oauth']}/introspectToken", charge=wire.ONE_CALL, repeatable=True, form=form
            )
        ).json()
        if not told.get("active"):
            raise AuthExpired(f"{LABEL} says that the token is {told.get('status') or 'not its own'}")

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await account_search.find(session, words)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return rendering.render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        if delivery.post.reply_to:
            return await replies.step(session, delivery)
        progress = dict(delivery.progress)
        if "post" in progress:
            return await self._comment(session, delivery.post, progress)
        entries = [dict(cast(upload.Entry, entry)) for entry in cast(list[JSON], progress.get("files") or [])]
        for n, one in enumerate(wire.files(delivery.post)):
            entry = entries[n] if n < len(entries) else {}
            if upload.ready(entry):
                continue
            step = await upload.advance(session, one, entry)
            done: list[JSON] = [*entries[:n], step.entry]
            return Continue(progress={**progress, "files": done}, after=step.after, note=step.note)
        if wait := too_early(delivery, session.now()):
            return wait
        return await self._post(session, delivery.post, progress, [str(entry["urn"]) for entry in entries])

    async def _post(
        self, session: Session, post: Rendered, progress: dict[str, JSON], urns: list[str]
    ) -> PublishResult:
        body = wire.post_body(session.account_id, post, urns)
        try:
            reply = await wire.api(session, "POST", "/rest/posts", need="write", json=body)
        except Rejected as exc:
            waited = int(cast(int, progress.get("waited", 0)))
            if exc.problems[0].code == "media-not-ready" and waited < NOT_READY_TRIES:
                return Continue(
                    progress={**progress, "waited": waited + 1},
                    after=timedelta(seconds=10),
                    note=exc.problems[0].sentence,
                )
            raise _in_our_words(exc, post) from exc
        if not (urn := reply.headers.get("x-restli-id")):
            raise Uncertain(f"{LABEL} confirmed the post without telling its id")
        return self._posted(session, post, urn, session.now())

    def _posted(self, session: Session, post: Rendered, urn: str, at: datetime) -> PublishResult:
        """The post is out: its comment comes next, if it has one."""
        if post.first_comment:
            return Continue(progress={"post": urn, "at": at.isoformat()})
        return self._published(session, {"post": urn, "at": at.isoformat()})

    def _published(
        self, session: Session, progress: Mapping[str, JSON], *, comment: str = "", warning: Problem | None = None
    ) -> Published:
        urn = str(progress["post"])
        raw: dict[str, JSON] = {"x-restli-id": urn}
        if comment:
            raw["comment"] = comment
        return Published(
            ids=(urn,),
            url=f"{session.app.endpoints['www']}/feed/update/{urn}/",
            at=datetime.fromisoformat(str(progress["at"])),
            raw=raw,
            warnings=(warning,) if warning else (),
        )

    async def _comment(self, session: Session, post: Rendered, progress: dict[str, JSON]) -> PublishResult:
        """The first comment; whatever becomes of it, the post is published."""
        urn, comment = str(progress["post"]), post.first_comment
        if comment is None:
            return self._published(session, progress)
        body = wire.comment_body(session.account_id, urn, comment.text)
        try:
            reply = await wire.api(
                session, "POST", f"/rest/socialActions/{wire.key(urn)}/comments", need="write", json=body
            )
        except RateLimited as exc:
            return self._comment_later(session, progress, exc)
        except Rejected as exc:
            return self._published(session, progress, warning=_no_comment(" ".join(p.sentence for p in exc.problems)))
        except AuthExpired as exc:
            if not exc.missing:
                raise
            return self._published(session, progress, warning=_no_comment(f"it is not permitted ({exc.detail})"))
        return self._published(session, progress, comment=reply.headers.get("x-restli-id", ""))

    def _comment_later(self, session: Session, progress: dict[str, JSON], exc: RateLimited) -> PublishResult:
        """A member comments once a minute: this comment waits, and the channel's other posts do not."""
        wait = exc.until - session.now()
        tries = int(cast(int, progress.get("tries", 0))) + 1
        if "DAY" in exc.detail.upper().split():
            raise exc
        if tries > COMMENT_TRIES:
            return self._published(
                session, progress, warning=_no_comment("it lets this member comment no more for now")
            )
        interval = timedelta(seconds=limits.number("comment-interval-seconds"))
        return Continue(
            progress={**progress, "tries": tries},
            after=max(timedelta(seconds=1), min(wait, interval)),
            note=Note("{network} lets a member comment once a minute; the first comment waits", network=LABEL),
        )

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        if delivery.post.reply_to:
            return await replies.find(session, delivery)
        progress = dict(delivery.progress)
        if "post" in progress:
            return await self._find_comment(session, delivery, progress)
        urns = [
            str(entry["urn"])
            for entry in cast(list[dict[str, Any]], progress.get("files") or [])
            if upload.ready(entry)
        ]
        if len(urns) < sum(1 for _ in wire.files(delivery.post)) and delivery.restored_at is None:
            return None  # a file was under way, and no reader sees one
        found = await (
            lookup.restored(session, delivery) if delivery.restored_at else lookup.post(session, delivery, urns)
        )
        return None if found is None else self._posted(session, delivery.post, found.urn, found.at)

    async def _find_comment(
        self, session: Session, delivery: Delivery, progress: dict[str, JSON]
    ) -> PublishResult | None:
        urn, comment = str(progress["post"]), delivery.post.first_comment
        if comment is None:
            return self._published(session, progress)
        try:
            found = await lookup.comment(session, urn, comment.text)
        except Uncertain:
            why = "its answer was lost, so it may be there or not: look under the post"
            return self._published(session, progress, warning=_no_comment(why))
        return self._published(session, progress, comment=found) if found else None

    def written(self, part: RenderedPart, /) -> str:
        return little.typed(part.text, part.spans)

    async def reads(self, session: Session, revision: Revision, /) -> Reads:
        return await edits.reads(session, revision)

    async def revise(self, session: Session, revision: Revision, /) -> Mapping[str, JSON]:
        return await edits.revise(session, revision)

    async def withdraw(self, session: Session, post_id: str, /) -> None:
        try:
            if replies.COMMENT.fullmatch(post_id):
                return await replies.withdraw(session, post_id)
            await wire.api(
                session, "DELETE", f"/rest/posts/{wire.key(post_id)}", need="write", restli="DELETE", repeatable=True
            )
        except Rejected as exc:
            if exc.problems[0].code != "not-found":
                raise


def _in_our_words(exc: Rejected, post: Rendered) -> Rejected:
    """A text that LinkedIn found too long, with our count where its answer told none."""
    first = exc.problems[0]
    if first.code != "too-long" or first.actual is not None or first.field != "parts.0.text" or not first.limit:
        return exc
    limit = min(int(first.limit), post.parts[0].used - 1)
    told = checks.too_long(LABEL, [replace(part, limit=limit) for part in post.parts])
    return Rejected(*told, detail=exc.detail) if told else exc


def _no_comment(why: str) -> Problem:
    return Problem(
        code="no-first-comment",
        message="The post is on {network}, but its first comment was not published: {why}.",
        params={"network": LABEL, "why": why.rstrip(".")},
        field="first_comment",
    )


connector = LinkedIn()
