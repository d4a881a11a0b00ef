"""Calls to the Graph API: its version, its addresses, the proof of the app's secret."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp

from kicau.connector import clock
from kicau.connector.capabilities import Fact
from kicau.connector.content import JSON, Charge
from kicau.connector.errors import Unavailable, Uncertain
from kicau.connector.session import Session
from kicau.connector.transport.http import NETWORK_TIMEOUT_SECONDS, HttpClient, HttpResponse

API_VERSION = Fact(
    value="v26.0",  # the one place that names it
    source=(
        "https://developers.facebook.com/docs/graph-api/changelog/versions: v26.0 of 2026-07-29. Its end is not in the "
        "table yet; the versions before it end two years after the next one came out, and v27.0 came out on 2026-11-04"
    ),
    checked=date(2026, 12, 2),
    ends=date(2028, 11, 4),
)
MAX_BATCH_CALLS = 50  # https://developers.facebook.com/docs/graph-api/batch-requests, 2026-12-02
CALL_CHARGE = Charge(
    "calls", always=True
)  # calls cost no money; the windows of X-App-Usage and X-Business-Use-Case-Usage count them
MIN_UPLOAD_BYTES_PER_SECOND = 250_000  # bytes a second that an upload is given time for


def appsecret_proof(secret: str, token: str) -> str:
    """`appsecret_proof`: shows that a token is used by the app that it was given to."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def upload_timeout(size: int) -> float:
    """Seconds that sending `size` bytes may take."""
    return max(NETWORK_TIMEOUT_SECONDS, 20 + size / MIN_UPLOAD_BYTES_PER_SECOND)


def required_text(answer: Mapping[str, Any], key: str) -> str:
    """A value that the answer must hold. Raises Uncertain where it is missing: what was asked may have happened."""
    value = answer.get(key)
    if value is None or value == "":
        raise Uncertain(f"the answer held no {key!r}")
    return str(value)


def required_rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a list that was asked for. Raises Unavailable where the answer holds none: that proves nothing."""
    found = answer.get("data")
    if not isinstance(found, list):
        raise Unavailable("the answer listed nothing")
    return [one for one in found if isinstance(one, dict)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphClient:
    """One host of the API, for one token. `secret` is "" where the host takes no proof (graph.instagram.com)."""

    http: HttpClient
    base: str
    token: str = field(repr=False)
    secret: str = field(default="", repr=False)

    def url(self, path: str) -> str:
        return f"{self.base}/{API_VERSION.value}/{path}"

    def signed(self) -> dict[str, str]:
        """The parameters that every call carries."""
        if not self.secret:
            return {"access_token": self.token}
        return {"access_token": self.token, "appsecret_proof": appsecret_proof(self.secret, self.token)}

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        return (await self.look(path, **params))[0]

    async def batch(self, calls: Sequence[tuple[str, Mapping[str, str]]]) -> list[HttpResponse | None]:
        """Up to 50 reads, each a path and its parameters, in one synchronous batch; their answers in the same order.
        None: Graph had no time for that one, and it may be asked again. `answer` reads the others.

        Each call in a batch counts as a call (https://developers.facebook.com/docs/graph-api/batch-requests, 2026-12-02).
        """
        listed = [{"method": "GET", "relative_url": f"{path}?{urlencode(params)}"} for path, params in calls]
        form = {"batch": json.dumps(listed), **self.signed()}
        charge = replace(CALL_CHARGE, units=len(calls))
        reply = await self.http.call("POST", self.url(""), charge=charge, form=form, repeatable=True)
        found = reply.json()
        if isinstance(found, dict):
            self._body(reply)
        if not isinstance(found, list) or len(found) != len(calls):
            raise Unavailable(f"the answer to a batch of {len(calls)} calls was no list of as many answers")
        answers = [_read_batch_item(one) for one in found]
        if last := next((one for one in reversed(answers) if one is not None), None):
            self.http.allowed += self.http.read_allowances(last)
        return answers

    def answer(self, reply: HttpResponse) -> dict[str, Any]:
        """The object that one answer of a batch holds. Raises the error that it means, as a call of its own would."""
        return self._body(self.http.accept(reply))

    async def look(self, path: str, **params: str) -> tuple[dict[str, Any], timedelta]:
        """The answer, and how far the network's clock is ahead of ours at the least (zero where it does not say)."""
        reply = await self.http.call("GET", self.url(path), charge=CALL_CHARGE, params={**params, **self.signed()})
        return self._body(reply), _clock_ahead(reply)

    async def post(
        self, path: str, form: Mapping[str, str], *, charge: Charge = CALL_CHARGE, repeatable: bool = False
    ) -> dict[str, Any]:
        sent = {**form, **self.signed()}
        reply = await self.http.call("POST", self.url(path), charge=charge, form=sent, repeatable=repeatable)
        return self._body(reply)

    async def send(self, path: str, form: Mapping[str, str], name: str, part: bytes, mime: str) -> dict[str, Any]:
        """Post a form with a file in the field `name`. Only for what readers cannot see: it may be repeated."""
        multipart = aiohttp.FormData()
        for key, value in {**form, **self.signed()}.items():
            multipart.add_field(key, value)
        multipart.add_field(name, part, filename="file", content_type=mime)
        reply = await self.http.call(
            "POST",
            self.url(path),
            charge=CALL_CHARGE,
            multipart=multipart,
            repeatable=True,
            timeout=upload_timeout(len(part)),
        )
        return self._body(reply)

    async def delete(self, path: str) -> dict[str, Any]:
        reply = await self.http.call(
            "DELETE", self.url(path), charge=CALL_CHARGE, params=self.signed(), repeatable=True
        )
        return self._body(reply)

    def _body(self, reply: HttpResponse) -> dict[str, Any]:
        """Graph may say no with status 200, so the body decides."""
        body = reply.json()
        if not isinstance(body, dict):
            raise Uncertain("the answer was no object")
        if "error" in body and (refused := self.http.read_error(reply)):
            raise refused
        return body


def page_graph(session: Session, endpoint: str = "graph") -> GraphClient:
    """A channel's calls on a host that wants the app's proof."""
    return GraphClient(
        http=session.http,
        base=session.app.endpoints[endpoint],
        token=session.credentials.access_token,
        secret=session.app.client_secret,
    )


def _read_batch_item(found: JSON) -> HttpResponse | None:
    """One answer of a batch: its code, its headers as names with values, and its body as text."""
    if not isinstance(found, dict) or not isinstance(code := found.get("code"), int):
        return None
    listed = found.get("headers")
    headers = {
        str(one.get("name", "")).lower(): str(one.get("value", ""))
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict)
    }
    return HttpResponse(code, headers, str(found.get("body") or "").encode())


def parse_time(value: JSON) -> datetime | None:
    """A time as Graph writes it ("2026-11-24T10:00:00+0000", or epoch seconds); None where it is none."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _clock_ahead(reply: HttpResponse) -> timedelta:
    """By the moment when the answer was here: it was dated no later. One that was long on its way makes it seem less
    than it is, and never more, so that nothing is overlooked for being too old."""
    try:
        return parsedate_to_datetime(reply.headers["date"]) - clock.now()
    except (KeyError, ValueError, TypeError):
        return timedelta(0)
