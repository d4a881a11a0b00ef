"""The connector: everything that the seam asks for, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from kicau.connector import oauth2
from kicau.connector.capabilities import Ability, Capabilities, Fact, Option
from kicau.connector.checks.media import check_media
from kicau.connector.checks.shape import check_length, check_shape, resolve_options
from kicau.connector.content import (
    JSON,
    Charge,
    Delivery,
    Draft,
    PendingStep,
    PublishedPost,
    PublishResult,
    Rendered,
    RenderedMedia,
    RenderedPart,
)
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.prices import PriceList
from kicau.connector.protocol import SignInIdentity, SignInRedirect
from kicau.connector.roles.edits import PartRevision, RemoteContentState
from kicau.connector.session import Credentials, Session, SignInSession
from kicau.connector.transport.http import HttpResponse

POST = Charge("post", proven=True)
READ = Charge("read")
DELETE = Charge("delete")
RENEWAL = Charge("renewal")
REVOCATION = Charge("revocation")
SCOPES = ("write",)


class StrangerAuth:
    questions: tuple[Option, ...] = ()
    scopes = SCOPES
    needs_keys = True

    async def begin(
        self, sign_in: SignInSession, answers: Mapping[str, str], /
    ) -> SignInRedirect | tuple[SignInIdentity, ...]:
        query = {"client_id": sign_in.app.client_id, "redirect_uri": sign_in.app.callback, "scope": "write"}
        return oauth2.authorization_redirect(sign_in.app.endpoints["api"] + "/authorize", query, pkce=True)

    async def finish(
        self, sign_in: SignInSession, memory: Mapping[str, JSON], returned: Mapping[str, str], /
    ) -> tuple[SignInIdentity, ...]:
        code = oauth2.authorization_code("Stranger", returned)
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": str(memory["verifier"])}
        answer = await sign_in.http.call("POST", sign_in.app.endpoints["api"] + "/token", form=form)
        said = answer.json()
        credentials = oauth2.credentials_from_response(said, sign_in.now())
        return (
            SignInIdentity(
                id=said["account"], handle=said["account"], name=said["account"].title(), credentials=credentials
            ),
        )

    async def refresh(self, session: Session, /) -> Credentials:
        form = {"grant_type": "refresh_token", "refresh_token": session.credentials.refresh_token}
        answer = await session.http.call("POST", session.app.endpoints["api"] + "/token", charge=RENEWAL, form=form)
        return oauth2.credentials_from_response(answer.json(), session.now(), before=session.credentials)

    async def revoke(self, session: Session, /) -> None:
        form = {"token": session.credentials.access_token, "refresh": session.credentials.refresh_token}
        await session.http.call(
            "POST", session.app.endpoints["api"] + "/revoke", charge=REVOCATION, form=form, repeatable=True
        )


class Stranger:
    slug = "stranger"
    label = "Stranger"
    auth = StrangerAuth()
    endpoints: Mapping[str, str] = {"api": "https://stranger.example"}
    can_verify_posts = True
    price_lists = (
        PriceList(
            name="list",
            since=date(2026, 1, 1),
            source="made up",
            currency="USD",
            prices={"post": 15_000, "read": 5_000},
        ),
    )
    baseline = Capabilities(
        max_length=100,
        max_parts=10,
        abilities=frozenset({Ability.THREAD, Ability.EDIT, Ability.DELETE}),
        editable=frozenset({"text"}),
        options=(Option(name="tone", label="Tone", choices=(("loud", "Loud"), ("quiet", "Quiet")), default="loud"),),
        facts={"max_length": Fact(value=100, source="made up", checked=date(2026, 11, 24))},
    )

    def read_error(self, reply: HttpResponse, /) -> ConnectorError | None:
        return None

    async def capabilities(self, session: Session, /) -> Capabilities:
        return self.baseline

    async def prove(self, session: Session, /) -> None:
        await session.http.call(
            "GET", session.app.endpoints["api"] + "/posts", charge=READ, headers=_auth(session), params={"tag": ""}
        )

    def render(self, draft: Draft, can: Capabilities, /) -> Rendered:
        parts = tuple(
            RenderedPart(
                text=p.text,
                used=len(p.text),
                limit=can.max_length,
                media=tuple(RenderedMedia(media=m) for m in p.media),
            )
            for p in draft.parts
        )
        problems = (
            *check_shape("Stranger", draft, can),
            *check_length("Stranger", parts, can_thread=True),
        )
        for n, part in enumerate(draft.parts):
            problems += check_media("Stranger", n, part.media, can, convert=False).problems
        return Rendered(
            parts=parts, options=resolve_options(draft, can), problems=problems, charges=(POST,) * len(parts)
        )

    async def publish(self, session: Session, delivery: Delivery, /) -> PublishResult:
        ids = _ids(delivery)
        body: dict[str, JSON] = {"text": delivery.post.parts[len(ids)].text, "tag": f"{delivery.key}-{len(ids)}"}
        answer = await session.http.call(
            "POST",
            session.app.endpoints["api"] + "/posts",
            charge=POST,
            counted=_made,
            headers=_auth(session),
            json=body,
            timeout=2,
        )
        return _further(delivery, [*ids, str(answer.json()["id"])], session)

    async def find(self, session: Session, delivery: Delivery, /) -> PublishResult | None:
        ids = _ids(delivery)
        answer = await session.http.call(
            "GET",
            session.app.endpoints["api"] + "/posts",
            charge=READ,
            headers=_auth(session),
            params={"tag": f"{delivery.key}-{len(ids)}"},
        )
        found = answer.listed("posts")
        if not found:
            return None
        made = str(found[0]["id"])
        return replace(_further(delivery, [*ids, made], session), spent=(Charge("post", once=made),))

    def written(self, part: RenderedPart, /) -> str:
        return part.text

    async def reads(self, session: Session, revision: PartRevision, /) -> RemoteContentState:
        try:
            answer = await session.http.call(
                "GET", _post(session, revision.post_id), charge=READ, headers=_auth(session)
            )
        except Rejected as refused:
            if "404" not in str(refused):
                raise
            return RemoteContentState.GONE
        wanted = {
            revision.before.parts[revision.part].text: RemoteContentState.BEFORE,
            revision.after.parts[revision.part].text: RemoteContentState.AFTER,
        }
        told = answer.json()
        if not isinstance(told, dict) or "text" not in told:
            raise answer.lost("the answer holds no post")
        return wanted.get(told["text"], RemoteContentState.OTHER)

    async def revise(self, session: Session, revision: PartRevision, /) -> Mapping[str, JSON]:
        body: dict[str, JSON] = {"text": revision.after.parts[revision.part].text}
        answer = await session.http.call(
            "PUT", _post(session, revision.post_id), headers=_auth(session), json=body, timeout=2
        )
        return {"text": str(answer.json()["text"])}

    async def delete(self, session: Session, post_id: str, /) -> None:
        try:
            await session.http.call(
                "DELETE", _post(session, post_id), charge=DELETE, headers=_auth(session), repeatable=True
            )
        except Rejected as exc:
            if "404" not in str(exc):
                raise


def _post(session: Session, post_id: str) -> str:
    return f"{session.app.endpoints['api']}/posts/{post_id}"


def _ids(delivery: Delivery) -> list[str]:
    kept = delivery.progress.get("ids", [])
    return [str(i) for i in kept] if isinstance(kept, list) else []


def _further(delivery: Delivery, ids: list[str], session: Session) -> PublishResult:
    if len(ids) < len(delivery.post.parts):
        return PendingStep(
            progress={"ids": list(ids)},
            after=timedelta(0),
            note=f"Part {len(ids)} of {len(delivery.post.parts)} is out.",
        )
    at: datetime = session.now()
    return PublishedPost(ids=tuple(ids), url=f"{session.app.endpoints['api']}/posts/{ids[0]}", at=at)


def _made(reply: HttpResponse) -> Charge:
    return Charge("post", once=str(reply.json()["id"]))


def _auth(session: Session) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.credentials.access_token}"}


connector = Stranger()
