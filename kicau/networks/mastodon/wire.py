"""Mastodon's requests and answers: where a server is, what goes into a post, what a status says."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from kicau.connector.content import JSON, Charge, Rendered
from kicau.connector.session import MediaFile, Session, SignInSession
from kicau.connector.transport.http import NETWORK_TIMEOUT_SECONDS, HttpResponse

CALLS_METER = "calls"  # the meter: servers count calls in a time, and charge no money
MIN_UPLOAD_BYTES_PER_SECOND = 200_000  # bytes a second that a line is given before an upload is given up


def server_url(lent: SignInSession | Session, host: str) -> str:
    """The server's address; an operator's setting without "{host}" (a sandbox) is the one server there is."""
    return lent.app.endpoints["server"].replace("{host}", host)


async def send_request(
    lent: SignInSession | Session,
    host: str,
    method: str,
    path: str,
    *,
    token: str = "",
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    json: JSON = None,
    form: Mapping[str, str] | None = None,
    multipart: aiohttp.FormData | None = None,
    repeatable: bool | None = None,
    timeout: float = NETWORK_TIMEOUT_SECONDS,
) -> HttpResponse:
    sent = dict(headers or {})
    if token:
        sent["Authorization"] = f"Bearer {token}"
    return await lent.http.call(
        method,
        server_url(lent, host) + path,
        charge=Charge(CALLS_METER, always=True),
        headers=sent,
        params=params,
        json=json,
        form=form,
        multipart=multipart,
        repeatable=repeatable,
        timeout=timeout,
    )


async def call_api(session: Session, method: str, path: str, **how: Any) -> HttpResponse:
    """A call for a channel in use."""
    return await send_request(session, session.host, method, path, token=session.credentials.access_token, **how)


def path_segment(value: str) -> str:
    """An id in a path."""
    return quote(value, safe="")


async def upload_file(
    session: Session, path: str, file: MediaFile, description: str, focus: str, cover: MediaFile | None = None
) -> HttpResponse:
    """One file with what is said of it; nobody sees it before a post shows it, so it may be sent twice."""
    form = aiohttp.FormData()
    if description:
        form.add_field("description", description)
    if focus:
        form.add_field("focus", focus)
    if cover:
        first_sight = await asyncio.to_thread(cover.path.read_bytes)
        form.add_field("thumbnail", first_sight, filename=_upload_name(cover), content_type=cover.mime)
    patience = (
        NETWORK_TIMEOUT_SECONDS * 3 + file.size / MIN_UPLOAD_BYTES_PER_SECOND
    )  # small servers convert while one waits
    with await asyncio.to_thread(file.path.open, "rb") as content:
        form.add_field("file", content, filename=_upload_name(file), content_type=file.mime)
        return await call_api(session, "POST", path, multipart=form, repeatable=True, timeout=patience)


def _upload_name(file: MediaFile) -> str:
    """Some servers tell a file's type by its ending; its own name is nobody's business."""
    ending = mimetypes.guess_extension(file.mime) or Path(file.name).suffix or file.path.suffix
    return f"media{ending if ending.isascii() else ''}"


def post_body(post: Rendered, part: int, media: list[str], *, reply_to: str = "", quoted: str = "") -> dict[str, JSON]:
    """The body of one part: poll and quote go with the first."""
    options = post.options
    body: dict[str, JSON] = {"status": post.parts[part].text, "visibility": options.get("visibility", "public")}
    if warning := options.get("warning", "").strip():
        body["spoiler_text"] = warning
    if options.get("sensitive") == "yes":
        body["sensitive"] = True
    if post.language:
        body["language"] = post.language
    if reply_to:
        body["in_reply_to_id"] = reply_to
    if media:
        body["media_ids"] = list[JSON](media)
    if policy := options.get("quotes"):
        body["quote_approval_policy"] = policy
    if part == 0 and quoted:
        body["quoted_status_id"] = quoted
    if part == 0 and post.poll:
        body["poll"] = {
            "options": list[JSON](post.poll.options),
            "expires_in": post.poll.minutes * 60,
            "multiple": options.get("poll_multiple") == "yes",
            "hide_totals": options.get("poll_hide_totals") == "yes",
        }
    return body


def status_from_response(reply: HttpResponse) -> dict[str, Any]:
    """The status in an answer. An answer without one is a lost answer."""
    found = reply.json()
    if not isinstance(found, dict) or not found.get("id"):
        HttpResponse(reply.status, reply.headers, b"", reply.repeatable).json()  # raises as an unreadable answer does
    return dict(found)


def parse_time(value: Any) -> datetime | None:
    """A time of the API, UTC; None where it cannot be read."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC) if at else None


def stored_status(status: Mapping[str, Any]) -> dict[str, JSON]:
    """What is kept of an answer for ever: where the post is and how it was shown; no copy of the author's profile."""
    names = (
        "id",
        "uri",
        "url",
        "created_at",
        "content",
        "visibility",
        "language",
        "spoiler_text",
        "sensitive",
        "in_reply_to_id",
        "edited_at",
    )
    return {name: status[name] for name in names if name in status}


def plain_text(content: str) -> str:
    """What readers see of a status's HTML."""
    reader = _HtmlTextReader()
    reader.feed(content)
    reader.close()
    return "".join(reader.said)


class _HtmlTextReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "p") and self.said:
            self.said.append("\n")
