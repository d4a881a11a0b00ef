"""The only door to the outside: every call is priced, measured, and has one way to fail."""

from __future__ import annotations

import json as jsonlib
import math
import re
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Container, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from kicau.connector import clock
from kicau.connector.app_blocks import AppBlocked, ReadAppBlock
from kicau.connector.content import JSON, NO_CHARGE, Charge, Problem
from kicau.connector.errors import (
    AuthExpired,
    ConnectorError,
    RateLimited,
    Rejected,
    Unavailable,
    Uncertain,
)
from kicau.connector.transport import expect_continue
from kicau.connector.transport.rate_limit_headers import RateAllowance, ReadAllowances

NETWORK_TIMEOUT_SECONDS = (
    20.0  # seconds for a whole call unless it says otherwise; a broken step is looked up no sooner
)
DEFAULT_RETRY_DELAY = timedelta(seconds=60)  # after a 429 that names no time
USER_AGENT_PREFIX = "Kicau/"  # begins our User-Agent; sandboxes hold such requests against the specification
MAX_RESPONSE_BYTES = 16 << 20  # bytes; no answer of an API is larger, and memory is not the network's to fill


def _constant_to_none(text: str) -> None:
    """NaN and the infinities, which are not JSON's and which no database keeps as such."""


def _finite_float(text: str) -> float | None:
    return found if math.isfinite(found := float(text)) else None


JSON_DECODER = jsonlib.JSONDecoder(parse_constant=_constant_to_none, parse_float=_finite_float)
UNSTORABLE_PATTERN = re.compile(
    "[\x00\ud800-\udfff]"
)  # NUL and half a surrogate pair: no database keeps them, nobody reads them

GENERIC_STATUSES = frozenset({401, 408, 413, 425, 429})

NOT_SENT_ERRORS = (
    expect_continue.BodyNotSent,
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


class ConnectionBroken(aiohttp.ClientConnectionError):
    """The connection broke during a call."""


async def without_automatic_retry(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A session middleware that stops aiohttp from repeating a GET, PUT or DELETE whose connection broke: nobody priced
    the second request, and the network may bill both. Only the caller decides what to repeat."""
    try:
        return await send(request)
    except NOT_SENT_ERRORS:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise ConnectionBroken(str(exc)) from exc


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer, read whole. Header names are lower case; what `text`, `json` and `peek` give can be stored."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    repeatable: bool = True

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace").replace("\x00", "\ufffd")

    def json(self) -> Any:
        """The body as JSON. A 2xx that cannot be read is a lost answer: Unavailable or Uncertain."""
        try:
            return self._read()
        except ValueError as exc:
            raise self.lost(f"the answer (HTTP {self.status}) could not be read") from exc

    def listed(self, name: str) -> list[Any]:
        """The list of this name in the answer. One without it is a lost answer, as in `json`: that nothing is listed
        proves nothing then."""
        found = self.json()
        rows = found.get(name) if isinstance(found, dict) else None
        if isinstance(rows, list):
            return rows
        raise self.lost(f"the answer (HTTP {self.status}) lists no {name}: {self.text[:200]}")

    def lost(self, detail: str) -> Unavailable | Uncertain:
        """The error of an answer that tells nothing."""
        return Unavailable(detail) if self.repeatable else Uncertain(detail)

    def peek(self) -> dict[str, Any]:
        """The body as an object, or {} where it is none; never raises. For reading errors."""
        try:
            found = self._read()
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _read(self) -> Any:
        try:
            found = msgspec.json.decode(self.body)
        except (ValueError, RecursionError):  # not strictly JSON; it may be what a network means by it
            found = self._read_leniently()
        return (
            without_unstorable(found) if b"\\u" in self.body else found
        )  # only an escape can bring what is not storable

    def _read_leniently(self) -> Any:
        try:
            return JSON_DECODER.decode(self.body.decode("utf-8-sig"))
        except RecursionError as exc:
            raise ValueError("nested too deeply") from exc


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One request that was made, for the attempt log and the ledger. Holds no secret: no query, no body."""

    method: str
    host: str
    path: str
    status: int  # 0: no answer
    milliseconds: int
    charge: Charge
    at: datetime  # UTC
    lost: bool = False  # sent, and no answer that could be read: whether it was carried out is unknown
    repeatable: bool = True
    counted: bool = False  # the answer tells what was used; `charge` is an estimate until it is read

    def told(self, charge: Charge) -> CallRecord:
        """The same with what its answer told that it used up."""
        return CallRecord(
            self.method,
            self.host,
            self.path,
            self.status,
            self.milliseconds,
            charge,
            self.at,
            self.lost,
            self.repeatable,
            self.counted,
        )

    @property
    def refused(self) -> bool:
        """Answered, and not carried out."""
        return not self.lost and not 200 <= self.status < 300


type ErrorReader = Callable[[HttpResponse], ConnectorError | None]
type ChargeCounter = Callable[[HttpResponse], Charge]


@dataclass(slots=True)
class HttpClient:
    """A connector's way out, for one channel and one piece of work.

    `spend` is asked before the socket opens and raises PlanExceeded where the budget does not cover the charge.
    `read_error` is the network's own reading of a refusal; None leaves it to `classify_error`. `now` is the time of calls.
    """

    client: aiohttp.ClientSession
    spend: Callable[[Charge], None] = lambda charge: None
    read_error: ErrorReader = lambda reply: None
    calls: list[CallRecord] = field(default_factory=list)
    now: Callable[[], datetime] = clock.now
    read_door: ReadAppBlock = lambda reply: None  # whether a refusal is one of the app itself
    shut: list[AppBlocked] = field(default_factory=list)  # those that were
    read_allowances: ReadAllowances = lambda reply: ()  # what an answer says of how much is used up
    allowed: list[RateAllowance] = field(default_factory=list)  # as they were said
    before_it_counts: Callable[[], Awaitable[None]] | None = None  # awaited as what must not be sent twice leaves
    pay: Callable[[Charge], Awaitable[None]] | None = None  # awaited before each call: sets aside, or refuses it

    async def call(
        self,
        method: str,
        url: str,
        *,
        charge: Charge = NO_CHARGE,
        counted: ChargeCounter | None = None,
        repeatable: bool | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: JSON = None,
        form: Mapping[str, str] | None = None,
        multipart: aiohttp.FormData | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
        timeout: float = NETWORK_TIMEOUT_SECONDS,
        redirects: bool = False,
    ) -> HttpResponse:
        """Pay, send, and return a 2xx reply, or raise one of the six errors.

        `repeatable` says that sending it twice does no harm; by default only GET is. It decides between
        Unavailable and Uncertain when an answer is lost. `form` is sent urlencoded. `charge` is the most that the call
        can use up; where only its answer tells how much it was, `counted` reads that.
        """
        safe = method == "GET" if repeatable is None else repeatable
        if self.pay is not None:
            await self.pay(charge)
        self.spend(charge)
        sent, content = _encode_request(headers or {}, json, form, multipart if multipart is not None else body)
        reply = await self._send(
            method, url, charge, safe, timeout, counted is not None, sent, params, content, redirects
        )
        self.allowed += self.read_allowances(reply)
        if reply.ok and counted is not None:
            self._count(reply, counted)
        return self.accept(reply)

    def accept(self, reply: HttpResponse) -> HttpResponse:
        """A 2xx reply as it is; any other raises the error that it means. Also for an answer inside another answer."""
        if reply.ok:
            return reply
        if door := self.read_door(reply):
            self.shut.append(door)
        raise self.read_error(reply) or classify_error(reply)

    def _count(self, reply: HttpResponse, counted: ChargeCounter) -> None:
        """An answer that does not tell is a lost one: the caller will find so too, or repeat the call."""
        try:
            self.calls[-1] = self.calls[-1].told(counted(reply))
        except (ConnectorError, LookupError, TypeError, ValueError, AttributeError):
            self.calls[-1] = replace(self.calls[-1], lost=True)

    async def _send(
        self,
        method: str,
        url: str,
        charge: Charge,
        safe: bool,
        timeout: float,
        counted: bool,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        body: Any,
        redirects: bool,
    ) -> HttpResponse:
        began, at, lost_it = time.perf_counter(), self.now(), True
        first = None if safe else self.before_it_counts
        request = _Request(method, url, params, headers, body, timeout, redirects, first, left=first is None)
        try:
            lower, content = await request.send(self.client)
            lost_it = request.status >= 500
            return HttpResponse(request.status, lower, content, safe or not request.left)
        except NOT_SENT_ERRORS as exc:
            lost_it = False
            raise Unavailable(f"{_host_of_url(url)} could not be reached") from exc
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as exc:
            lost = Unavailable if safe or not request.left else Uncertain
            raise lost(f"{_host_of_url(url)} did not answer ({type(exc).__name__})") from exc
        finally:
            took = round((time.perf_counter() - began) * 1000)
            lost_it, safe = lost_it and request.left, safe or not request.left
            where = _host_of_url(url), _path_of_url(url)
            self.calls.append(CallRecord(method, *where, request.status, took, charge, at, lost_it, safe, counted))


@dataclass(slots=True)
class _Request:
    """One request on its way, and what became of it."""

    method: str
    url: str
    params: Mapping[str, str] | None
    headers: Mapping[str, str]
    body: Any
    timeout: float
    redirects: bool
    first: Callable[[], Awaitable[None]] | None  # awaited before anything leaves that must not be sent twice
    left: bool = False  # whether anything was sent that could be carried out
    status: int = 0  # 0: no answer

    async def send(self, client: aiohttp.ClientSession) -> expect_continue.ResponseParts:
        target = _build_url(self.url, self.params)
        timeout = _client_timeout(self.timeout)
        asks = self.first is not None and isinstance(self.body, bytes) and bool(self.body)
        if asks and expect_continue.may_expect_continue(client, target):
            with suppress(expect_continue.ExpectUnsupported):
                return await expect_continue.send_expecting_continue(
                    client,
                    self.method,
                    target,
                    self.headers,
                    self.body,
                    timeout=timeout,
                    read=self._read,
                    first=self._leave,
                )
        await self._leave()
        async with client.request(
            self.method,
            target,
            timeout=timeout,
            headers=self.headers,
            data=self.body,
            allow_redirects=self.redirects,
        ) as answer:
            return await self._read(answer)

    async def _leave(self) -> None:
        if self.first is not None:
            await self.first()
        self.left = True

    async def _read(self, answer: aiohttp.ClientResponse) -> expect_continue.ResponseParts:
        self.status = answer.status
        return await _read_response(answer)


async def _read_response(answer: aiohttp.ClientResponse) -> expect_continue.ResponseParts:
    """An answer's headers and its body, or the beginning of one that is larger than MAX_RESPONSE_BYTES, whose connection is
    closed then."""
    content = await answer.content.read(MAX_RESPONSE_BYTES + 1)
    while not answer.content.at_eof() and len(content) <= MAX_RESPONSE_BYTES:
        content += await answer.content.read(MAX_RESPONSE_BYTES)
    if not answer.content.at_eof():
        answer.close()
    return {name.lower(): value for name, value in answer.headers.items()}, content


def _build_url(url: str, params: Mapping[str, str] | None) -> URL:
    """What is escaped already stays as it is: a signed upload address, a key with an escaped colon."""
    try:
        target = URL(url, encoded="%" in url)
        if not target.host:
            raise aiohttp.InvalidURL(url)
        return target.extend_query(params) if params else target
    except ValueError as exc:
        raise aiohttp.InvalidURL(url) from exc


def _encode_request(
    headers: Mapping[str, str], json: JSON, form: Mapping[str, str] | None, body: Any
) -> tuple[dict[str, str], Any]:
    """Headers with their names in lower case, what the body is among them, and the body: bytes where it is at hand."""
    sent = {name.lower(): value for name, value in headers.items()}
    if json is not None:
        sent.setdefault("content-type", "application/json")
        return sent, jsonlib.dumps(json).encode()  # escaped to ASCII: what lies beyond it, some servers read wrongly
    if form is not None:
        sent.setdefault("content-type", "application/x-www-form-urlencoded")
        return sent, urlencode(form).encode()
    if isinstance(body, bytes):
        sent.setdefault("content-type", "application/octet-stream")
    return sent, body


def classify_error(reply: HttpResponse) -> ConnectorError:
    """The reading that every network shares; a network's own `read_error` comes before it."""
    said = reply.text[:300]
    match reply.status:
        case 401:
            return AuthExpired(said)
        case 429:
            return RateLimited(retry_after(reply) or clock.now() + DEFAULT_RETRY_DELAY, detail=said)
        case 408 | 425:
            return reply.lost(said)
        case status if status >= 500:
            return reply.lost(f"HTTP {status}: {said}")
        case status if status != 413 and _is_page(reply):
            return reply.lost(f"HTTP {status} with a page: {said}")
        case status:
            return Rejected(
                Problem(
                    code="refused",
                    message="The social network rejected a request from Kicau (HTTP error {status}). Message from the network: {said}",
                    params={"status": status, "said": said},
                )
            )


def is_from_proxy(reply: HttpResponse, own_pages: Container[int] = ()) -> ConnectorError | None:
    """For a network that always refuses in JSON: a 4xx with something else is a proxy's or a firewall's page, or half of
    an answer, and says nothing of the call. None where it may be the network's own (with one of `own_pages`, its servers
    may answer in another form), or where its status means the same whoever says it."""
    if reply.status >= 500 or reply.status in GENERIC_STATUSES or reply.status in own_pages or not reply.body.strip():
        return None
    try:
        reply.json()
    except ConnectorError as lost:
        return type(lost)(f"HTTP {reply.status} with no answer of the network's own: {reply.text[:200]}")
    return None


def _is_page(reply: HttpResponse) -> bool:
    return reply.headers.get("content-type", "").startswith("text/html") or reply.body.lstrip()[:1] == b"<"


def retry_after(reply: HttpResponse) -> datetime | None:
    """When a Retry-After header (seconds or HTTP date) lets us return; None where there is none to read."""
    value = reply.headers.get("retry-after", "").strip()
    if value.isdigit():
        return clock.now() + timedelta(seconds=min(int(value), 86400 * 7))
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def rate_limit_reset_at(reply: HttpResponse, header: str) -> datetime | None:
    """When a reset header in epoch seconds lets us return; None where there is none to read."""
    try:
        return datetime.fromtimestamp(int(float(reply.headers.get(header, ""))), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def without_unstorable(value: Any) -> Any:
    """`value`, as JSON has it, without what no database keeps as text: NUL, and halves of a character."""
    match value:
        case str():
            return UNSTORABLE_PATTERN.sub("\ufffd", value)
        case list():
            return [without_unstorable(one) for one in value]
        case dict():
            return {without_unstorable(key): without_unstorable(one) for key, one in value.items()}
    return value


@cache
def _client_timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, 10))


def _host_of_url(url: str) -> str:
    return url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]


def _path_of_url(url: str) -> str:
    rest = url.split("://", 1)[-1].split("?", 1)[0]
    return "/" + rest.split("/", 1)[1] if "/" in rest else "/"
