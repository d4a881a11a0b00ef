"""LinkedIn: files first, then the post, then its first comment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from kicau.connector import prices
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.capabilities import Capabilities, Fact
from kicau.connector.checks.shape import check_length
from kicau.connector.content import (
    JSON,
    AttemptNote,
    Delivery,
    Draft,
    PendingStep,
    Problem,
    PublishedPost,
    PublishResult,
    Rendered,
    RenderedPart,
    wait_until_due,
)
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected, Uncertain
from kicau.connector.prices import PriceList
from kicau.connector.roles.account_search import MentionableAccount as Found
from kicau.connector.roles.edits import PartRevision, RemoteContentState
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
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
from kicau.networks.linkedin.limits import NETWORK_LABEL

MAX_COMMENT_TRIES = 20  # one a minute; then the post is published without its comment
MAX_NOT_READY_TRIES = 20


class LinkedIn:
    slug = "linkedin"
    label = NETWORK_LABEL
    auth = LinkedInAuth()
    endpoints: Mapping[str, str] = {
        "api": "https://api.linkedin.com",
        "oauth": "https://www.linkedin.com/oauth/v2",
        "www": "https://www.linkedin.com",  # where readers see posts
    }
    baseline = limits.baseline
    facts: Mapping[str, Fact] = limits.FACTS
    price_lists: tuple[PriceList, ...] = prices.load_price_lists("kicau.networks.linkedin")
    archive_reader = archive.reader
    finding = account_search.SEARCH_RULES
    can_verify_posts = False  # a member's own posts may not be read back with the scopes that LinkedIn grants

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        return errors.read_error(reply)

    def shut_door(self, reply: HttpResponse, /) -> AppBlocked | None:
        return errors.read_app_block(reply)

    async def capabilities(self, session: Session, /) -> Capabilities:
        """Known without asking: LinkedIn has no call that tells them."""
        return limits.capabilities_for_kind(session.kind)

    async def prove(self, session: Session, /) -> None:
        """https://learn.microsoft.com/en-us/linkedin/shared/authentication/token-introspection (2026-11-26)"""
        app, token = session.app, session.credentials.access_token
        form = {"client_id": app.client_id, "client_secret": app.client_secret, "token": token}
        told = (
            await session.http.call(
                "POST", f"{app.endpoints['oauth']}/introspectToken", charge=wire.CALL_CHARGE, repeatable=True, form=form
            )
        ).json()
        if not told.get("active"):
            raise AuthExpired(f"{NETWORK_LABEL} says that the token is {told.get('status') or 'not its own'}")

    async def people(self, session: Session, words: str, /) -> tuple[Found, ...]:
        return await account_search.find_accounts(session, words)

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        return rendering.render(draft, can)

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        if delivery.post.reply_to:
            return await replies.publish_reply(session, delivery)
        progress = dict(delivery.progress)
        if "post" in progress:
            return await self._comment(session, delivery.post, progress)
        entries = [dict(cast(upload.UploadEntry, entry)) for entry in cast(list[JSON], progress.get("files") or [])]
        for n, one in enumerate(wire.files_of_post(delivery.post)):
            entry = entries[n] if n < len(entries) else {}
            if upload.is_ready(entry):
                continue
            step = await upload.advance_upload(session, one, entry)
            done: list[JSON] = [*entries[:n], step.entry]
            return PendingStep(progress={**progress, "files": done}, after=step.after, note=step.note)
        if wait := wait_until_due(delivery, session.now()):
            return wait
        return await self._post(session, delivery.post, progress, [str(entry["urn"]) for entry in entries])

    async def _post(
        self, session: Session, post: Rendered, progress: dict[str, JSON], urns: list[str]
    ) -> PublishResult:
        body = wire.post_body(session.account_id, post, urns)
        try:
            reply = await wire.call_api(session, "POST", "/rest/posts", need="write", json=body)
        except Rejected as exc:
            waited = int(cast(int, progress.get("waited", 0)))
            if exc.problems[0].code == "media-not-ready" and waited < MAX_NOT_READY_TRIES:
                return PendingStep(
                    progress={**progress, "waited": waited + 1},
                    after=timedelta(seconds=10),
                    note=exc.problems[0].sentence,
                )
            raise _with_our_count(exc, post) from exc
        if not (urn := reply.headers.get("x-restli-id")):
            raise Uncertain(
                AttemptNote(
                    "{network} accepted the post but did not tell Kicau the post's ID, so Kicau cannot confirm that the post is published.",
                    network=NETWORK_LABEL,
                )
            )
        return self._posted(session, post, urn, session.now())

    def _posted(self, session: Session, post: Rendered, urn: str, at: datetime) -> PublishResult:
        """The post is out: its comment comes next, if it has one."""
        if post.first_comment:
            return PendingStep(progress={"post": urn, "at": at.isoformat()})
        return self._published(session, {"post": urn, "at": at.isoformat()})

    def _published(
        self, session: Session, progress: Mapping[str, JSON], *, comment: str = "", warning: Problem | None = None
    ) -> PublishedPost:
        urn = str(progress["post"])
        raw: dict[str, JSON] = {"x-restli-id": urn}
        if comment:
            raw["comment"] = comment
        return PublishedPost(
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
            reply = await wire.call_api(
                session, "POST", f"/rest/socialActions/{wire.escape_urn(urn)}/comments", need="write", json=body
            )
        except RateLimited as exc:
            return self._comment_later(session, progress, exc)
        except Rejected as exc:
            refused = _comment_warning(
                "The post was published on {network}, but {network} rejected the first comment. Message from the network: {said}",
                said=str(exc.problems[0].params.get("said") or exc.detail),
            )
            return self._published(session, progress, warning=refused)
        except AuthExpired as exc:
            if not exc.missing:
                raise
            forbidden = _comment_warning(
                "The post was published on {network}, but Kicau has no permission to add the first comment ({said}). Connect the channel again and allow all permissions.",
                said=exc.detail.rstrip("."),
            )
            return self._published(session, progress, warning=forbidden)
        return self._published(session, progress, comment=reply.headers.get("x-restli-id", ""))

    def _comment_later(self, session: Session, progress: dict[str, JSON], exc: RateLimited) -> PublishResult:
        """A member comments once a minute: this comment waits, and the channel's other posts do not."""
        wait = exc.until - session.now()
        tries = int(cast(int, progress.get("tries", 0))) + 1
        if "DAY" in exc.detail.upper().split():
            raise exc
        if tries > MAX_COMMENT_TRIES:
            too_many = _comment_warning(
                "The post was published on {network}, but {network} accepts no more comments from this account for now. Write the first comment directly on {network}."
            )
            return self._published(session, progress, warning=too_many)
        interval = timedelta(seconds=limits.fact_number("comment-interval-seconds"))
        return PendingStep(
            progress={**progress, "tries": tries},
            after=max(timedelta(seconds=1), min(wait, interval)),
            note=AttemptNote(
                "{network} allows each member only one comment a minute, so Kicau will publish the first comment of this post a little later.",
                network=NETWORK_LABEL,
            ),
        )

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        if delivery.post.reply_to:
            return await replies.look_up_reply(session, delivery)
        progress = dict(delivery.progress)
        if "post" in progress:
            return await self._find_comment(session, delivery, progress)
        urns = [
            str(entry["urn"])
            for entry in cast(list[dict[str, Any]], progress.get("files") or [])
            if upload.is_ready(entry)
        ]
        if len(urns) < sum(1 for _ in wire.files_of_post(delivery.post)) and delivery.restored_at is None:
            return None  # a file was under way, and no reader sees one
        found = await (
            lookup.find_restored_post(session, delivery)
            if delivery.restored_at
            else lookup.find_post(session, delivery, urns)
        )
        return None if found is None else self._posted(session, delivery.post, found.urn, found.at)

    async def _find_comment(
        self, session: Session, delivery: Delivery, progress: dict[str, JSON]
    ) -> PublishResult | None:
        urn, comment = str(progress["post"]), delivery.post.first_comment
        if comment is None:
            return self._published(session, progress)
        try:
            found = await lookup.find_comment(session, urn, comment.text)
        except Uncertain:
            unconfirmed = _comment_warning(
                "The post was published on {network}, but Kicau could not confirm that the first comment was added. Check on {network} whether the comment is there."
            )
            return self._published(session, progress, warning=unconfirmed)
        return self._published(session, progress, comment=found) if found else None

    def written(self, part: RenderedPart, /) -> str:
        return little.typed_text(part.text, part.spans)

    async def reads(self, session: Session, revision: PartRevision, /) -> RemoteContentState:
        return await edits.read_content_state(session, revision)

    async def revise(self, session: Session, revision: PartRevision, /) -> Mapping[str, JSON]:
        return await edits.apply_edit(session, revision)

    async def delete(self, session: Session, post_id: str, /) -> None:
        try:
            if replies.COMMENT_URN_PATTERN.fullmatch(post_id):
                return await replies.delete_reply(session, post_id)
            await wire.call_api(
                session,
                "DELETE",
                f"/rest/posts/{wire.escape_urn(post_id)}",
                need="write",
                restli="DELETE",
                repeatable=True,
            )
        except Rejected as exc:
            if exc.problems[0].code != "not-found":
                raise


def _with_our_count(exc: Rejected, post: Rendered) -> Rejected:
    """A text that LinkedIn found too long, with our count where its answer told none."""
    first = exc.problems[0]
    if first.code != "too-long" or first.actual is not None or first.field != "parts.0.text" or not first.limit:
        return exc
    limit = min(int(first.limit), post.parts[0].used - 1)
    told = check_length(NETWORK_LABEL, [replace(part, limit=limit) for part in post.parts])
    return Rejected(*told, detail=exc.detail) if told else exc


def _comment_warning(message: str, **params: str) -> Problem:
    return Problem(
        code="no-first-comment",
        message=message,
        params={"network": NETWORK_LABEL, **params},
        field="first_comment",
    )


connector = LinkedIn()
