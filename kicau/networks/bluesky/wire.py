"""Requests to a server of the AT Protocol: XRPC, with a plain token or one that is bound to a key."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from kicau.connector.content import JSON, NO_CHARGE, Charge, Problem
from kicau.connector.errors import Rejected, Unavailable, Uncertain
from kicau.connector.session import App, Credentials, Session
from kicau.connector.transport.http import NETWORK_TIMEOUT_SECONDS, HttpClient, HttpResponse
from kicau.networks.bluesky import dpop
from kicau.networks.bluesky.errors import NOT_FOUND_CODE, NonceRequired
from kicau.networks.bluesky.limits import NETWORK_LABEL

SERVER_NONCES = dpop.NonceStore()


class SessionLike(Protocol):
    """What a SignInSession and a Session have in common."""

    @property
    def app(self) -> App: ...
    @property
    def http(self) -> HttpClient: ...
    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBody:
    """Bytes to send: made again for each try, since a stream is read once."""

    make: Callable[[], AsyncIterator[bytes]]
    size: int
    mime: str


def origin_of_url(url: str) -> str:
    where = urlsplit(url)
    return f"{where.scheme}://{where.netloc}"


def home_server(lent: SessionLike, held: Credentials) -> str:
    """The account's server: that of its sign-in, or the operator's default, wherever that is by now."""
    return str(held.extra.get("pds") or lent.app.endpoints["pds"])


async def send_request(
    lent: SessionLike,
    method: str,
    url: str,
    *,
    held: Credentials | None = None,
    key: str = "",
    charge: Charge = NO_CHARGE,
    repeatable: bool | None = None,
    params: Mapping[str, str] | None = None,
    json: JSON = None,
    form: Mapping[str, str] | None = None,
    body: RequestBody | None = None,
    timeout: float = NETWORK_TIMEOUT_SECONDS,
) -> HttpResponse:
    """One request; `held` signs it as an account, `key` alone proves only the key. Asked for a nonce, it is sent again."""
    key = str(held.extra.get("key") or "") if held else key
    for last in (False, False, True):
        nonce = SERVER_NONCES.get(url) if key else ""
        headers = _request_headers(lent, method, url, held, key, nonce)
        if body:
            headers |= {"Content-Type": body.mime, "Content-Length": str(body.size)}
        try:
            reply = await lent.http.call(
                method,
                url,
                charge=charge,
                repeatable=repeatable,
                headers=headers,
                params=params,
                json=json,
                form=form,
                body=body.make() if body else None,
                timeout=timeout,
            )
        except NonceRequired as asked:
            SERVER_NONCES.remember(url, asked.nonce)
            if last:
                raise
            charge = NO_CHARGE  # the refused request was paid for, and used nothing up
            continue
        SERVER_NONCES.remember(url, reply.headers.get("dpop-nonce", ""))
        break
    return reply


def _request_headers(
    lent: SessionLike, method: str, url: str, held: Credentials | None, key: str, nonce: str
) -> dict[str, str]:
    token = held.access_token if held else ""
    if key:
        headers = {"DPoP": dpop.dpop_proof(key, method, url, lent.now(), nonce=nonce, token=token)}
        return headers | ({"Authorization": f"DPoP {token}"} if token else {})
    return {"Authorization": f"Bearer {token}"} if token else {}


async def call_xrpc(
    lent: SessionLike,
    method: str,
    nsid: str,
    *,
    at: str,
    held: Credentials | None = None,
    charge: Charge = NO_CHARGE,
    repeatable: bool | None = None,
    params: Mapping[str, str] | None = None,
    json: JSON = None,
    body: RequestBody | None = None,
    timeout: float = NETWORK_TIMEOUT_SECONDS,
) -> dict[str, Any]:
    """A query (GET) or procedure (POST) of the server `at`; its answer as an object."""
    reply = await send_request(
        lent,
        method,
        f"{at}/xrpc/{nsid}",
        held=held,
        charge=charge,
        repeatable=repeatable,
        params=params,
        json=json,
        body=body,
        timeout=timeout,
    )
    return response_object(reply)


def response_object(reply: HttpResponse) -> dict[str, Any]:
    answer = reply.json()
    if not isinstance(answer, dict):
        lost = Unavailable if reply.repeatable else Uncertain
        raise lost(f"an answer of {NETWORK_LABEL}'s server could not be read")
    return answer


async def write_records(session: Session, nsid: str, points: int, json: JSON, *, repeatable: bool) -> dict[str, Any]:
    """A write to the account's repository; `points` are what it uses up of the hour's."""
    held = session.credentials
    return await call_xrpc(
        session,
        "POST",
        nsid,
        at=home_server(session, held),
        held=held,
        charge=Charge("points", points),
        repeatable=repeatable,
        json=json,
    )


async def fetch_record(session: Session, repo: str, collection: str, key: str) -> dict[str, Any] | None:
    """A record as {uri, cid, value}; None where the server says that there is none. Reading it needs no token."""
    params = {"repo": repo, "collection": collection, "rkey": key}
    try:
        found = await call_xrpc(
            session, "GET", "com.atproto.repo.getRecord", at=home_server(session, session.credentials), params=params
        )
    except Rejected as refused:
        if refused.problems[0].code == NOT_FOUND_CODE:
            return None
        raise
    required_text(found, "uri")
    return found


def required_text(answer: Mapping[str, Any], name: str) -> str:
    """A text of an answer that must be there: a lost answer where it is not."""
    found = answer.get(name)
    if not isinstance(found, str) or not found:
        raise Unavailable(f"{NETWORK_LABEL}'s server answered without {name}")
    return found


def read_jwt_claims(token: str) -> dict[str, Any]:
    """What a JWT says, unverified: it is the server's own, and only its dates are read; {} where it is none."""
    try:
        found = json.loads(dpop.decode_base64url(token.split(".")[1]))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


def time_from_epoch(seconds: Any) -> datetime | None:
    """Epoch seconds as a moment; None where they are none."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def parse_time(text: Any) -> datetime | None:
    """A moment as records write it; None where it is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def rejection(code: str, message: str, field: str = "", **params: str) -> Rejected:
    return Rejected(Problem(code=code, message=message, params={"network": NETWORK_LABEL, **params}, field=field))
