"""Requests to X and what is read from its answers, in both of its vocabularies."""

from __future__ import annotations

import asyncio
import io
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import aiohttp

from kicau.connector.content import JSON, NO_CHARGE, Charge, MediaKind, RenderedPart, SpanKind
from kicau.connector.errors import Rejected, Unavailable, Uncertain
from kicau.connector.session import MediaFile, Session
from kicau.connector.transport.http import NETWORK_TIMEOUT_SECONDS, ChargeCounter, HttpResponse
from kicau.networks.x.errors import NETWORK_LABEL

POST_METER, POST_WITH_LINK_METER, SUMMONED_REPLY_METER = "post", "post-with-link", "post-summoned-reply"
DELETE_METER, METADATA_METER, POST_READ_METER, USER_READ_METER = (
    "post-delete",
    "media-metadata",
    "post-read",
    "user-read",
)

CHUNK_BYTES = 4 << 20  # bytes of a segment; X's older pages allow up to 5 MB
MIN_UPLOAD_BYTES_PER_SECOND = 50_000  # bytes a second that an upload is given before it counts as lost
PAGE_SIZE = 5  # posts in the first page of a look-up: the least that X gives, since each one costs
MAX_PAGE_SIZE = 100  # in any page: OpenAPI 2.167, max_results
CLOCK_MARGIN = timedelta(seconds=60)  # between X's clock and ours

MEDIA_CATEGORIES = {MediaKind.IMAGE: "tweet_image", MediaKind.GIF: "tweet_gif", MediaKind.VIDEO: "tweet_video"}


@dataclass(frozen=True, slots=True)
class XVocabulary:
    """One of the two sets of names; which of them production takes is not known, so both are read everywhere."""

    fields: str
    long_text: str
    user_fields: str = "user.fields"


NEW_VOCABULARY = XVocabulary(fields="post.fields", long_text="note_post")
OLD_VOCABULARY = XVocabulary(fields="tweet.fields", long_text="note_tweet")


@dataclass(frozen=True, slots=True)
class UploadState:
    """An uploaded file as X describes it."""

    id: str
    state: str  # "" or "succeeded": ready; "pending", "in_progress", "failed"
    check_after: int  # seconds
    percent: int
    lives_for: int  # seconds, 0: not said
    why: str = ""  # of a failure


async def send_request(
    session: Session,
    method: str,
    path: str,
    *,
    charge: Charge = NO_CHARGE,
    counted: ChargeCounter | None = None,
    repeatable: bool | None = None,
    params: Mapping[str, str] | None = None,
    json: JSON = None,
    multipart: aiohttp.FormData | None = None,
    timeout: float = NETWORK_TIMEOUT_SECONDS,
) -> HttpResponse:
    """One request as the channel's account. Raises the six errors."""
    return await session.http.call(
        method,
        session.app.endpoints["api"] + path,
        charge=charge,
        counted=counted,
        repeatable=repeatable,
        headers={"Authorization": f"Bearer {session.credentials.access_token}"},
        params=params,
        json=json,
        multipart=multipart,
        timeout=timeout,
    )


def response_data(reply: HttpResponse) -> dict[str, Any]:
    """The `data` object of a 2xx answer; an answer without one is a lost answer."""
    body = reply.json()
    data = body.get("data") if isinstance(body, dict) else None
    if isinstance(data, dict):
        return data
    lost = Unavailable if reply.repeatable else Uncertain
    raise lost(f"the answer (HTTP {reply.status}) held no data: {reply.text[:300]}")


def response_id(data: Mapping[str, Any], reply: HttpResponse) -> str:
    found = data.get("id")
    if isinstance(found, str) and found:
        return found
    lost = Unavailable if reply.repeatable else Uncertain
    raise lost(f"the answer (HTTP {reply.status}) held no id: {reply.text[:300]}")


@lru_cache(maxsize=20_000)
def _quote_handle(handle: str) -> str:
    return quote(handle)


def public_site_url(endpoints: Mapping[str, str]) -> str:
    """Where people read posts: the address of the authorise page without its path."""
    return endpoints["authorize"].split("/i/oauth2/", 1)[0].rstrip("/")


def post_url(endpoints: Mapping[str, str], handle: str, post_id: str) -> str:
    return f"{public_site_url(endpoints)}/{_quote_handle(handle)}/status/{post_id}"


# Uploads


async def upload_whole(session: Session, file: MediaFile, kind: MediaKind) -> UploadState:
    form = aiohttp.FormData()
    form.add_field("media_category", MEDIA_CATEGORIES[kind])
    form.add_field("media", await _file_piece(file.path, 0, file.size), filename="media", content_type=file.mime)
    reply = await send_request(
        session, "POST", "/2/media/upload", repeatable=True, multipart=form, timeout=_upload_timeout(file.size)
    )
    return _read_upload(reply)


async def initialize_upload(session: Session, file: MediaFile, kind: MediaKind) -> UploadState:
    asked: JSON = {"media_type": file.mime, "total_bytes": file.size, "media_category": MEDIA_CATEGORIES[kind]}
    return _read_upload(await send_request(session, "POST", "/2/media/upload/initialize", repeatable=True, json=asked))


async def append_segment(session: Session, file: MediaFile, media_id: str, segment: int, size: int) -> None:
    """Send one segment. Sending a segment again is harmless: X lets failed ones be tried again one by one."""
    form = aiohttp.FormData()
    form.add_field("segment_index", str(segment))
    piece = await _file_piece(file.path, segment * size, size)
    form.add_field("media", piece, filename="media", content_type="application/octet-stream")
    path = f"/2/media/upload/{media_id}/append"
    await send_request(session, "POST", path, repeatable=True, multipart=form, timeout=_upload_timeout(size))


async def finalize_upload(session: Session, media_id: str) -> UploadState:
    """Not repeatable: what X says to a second one is not documented."""
    return _read_upload(await send_request(session, "POST", f"/2/media/upload/{media_id}/finalize", repeatable=False))


async def upload_status(session: Session, media_id: str) -> UploadState:
    return _read_upload(
        await send_request(session, "GET", "/2/media/upload", params={"media_id": media_id, "command": "STATUS"})
    )


async def set_alt_text(session: Session, media_id: str, alt: str) -> None:
    asked: JSON = {"id": media_id, "metadata": {"alt_text": {"text": alt}}}
    await send_request(session, "POST", "/2/media/metadata", charge=Charge(METADATA_METER), repeatable=True, json=asked)


def segment_size(total: int, most: int) -> int:
    """Bytes of a segment so that `total` fits into `most` segments."""
    return max(CHUNK_BYTES, -(-total // most))


def _read_upload(reply: HttpResponse) -> UploadState:
    data = response_data(reply)
    info = data.get("processing_info")
    info = info if isinstance(info, dict) else {}
    error = info.get("error")
    return UploadState(
        id=response_id(data, reply),
        state=str(info.get("state") or ""),
        check_after=_int_or_none(info.get("check_after_secs")),
        percent=_int_or_none(info.get("progress_percent")),
        lives_for=_int_or_none(data.get("expires_after_secs")),
        why=str(error.get("message") or "") if isinstance(error, dict) else "",
    )


async def _file_piece(path: Path, start: int, size: int) -> io.BytesIO:
    """A stretch of a file, as something that is sent bit by bit."""

    def read() -> io.BytesIO:
        with path.open("rb") as opened:
            opened.seek(start)
            return io.BytesIO(opened.read(size))

    return await asyncio.to_thread(read)


def _upload_timeout(size: int) -> float:
    return NETWORK_TIMEOUT_SECONDS + size / MIN_UPLOAD_BYTES_PER_SECOND


def _int_or_none(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


# Posts


@dataclass(frozen=True, slots=True)
class ListedPost:
    """One of the account's posts as X lists it."""

    id: str
    at: datetime  # UTC
    text: str  # whole, as X keeps it: links shortened, & < > escaped
    links: Mapping[str, str]  # t.co address -> what it stands for; "" for attached media
    conversation: str


async def fetch_own_account(session: Session) -> dict[str, Any]:
    """The account's own record, with what tells a Premium account."""
    fields = {NEW_VOCABULARY.user_fields: "name,username,subscription_type,verified_type"}
    return response_data(
        await send_request(
            session, "GET", "/2/users/me", charge=Charge(USER_READ_METER), counted=user_read_charge, params=fields
        )
    )


def user_read_charge(reply: HttpResponse) -> Charge:
    """One account came back; X bills it once a UTC day."""
    return Charge(USER_READ_METER, resources=(response_id(response_data(reply), reply),))


def posts_read_charge(reply: HttpResponse) -> Charge:
    """The posts that came back, each billed once a UTC day; those that are only referred to are not."""
    body = reply.json()
    rows = body.get("data") or ()
    ids = tuple(str(row["id"]) for row in ([rows] if isinstance(rows, dict) else rows))
    return Charge(POST_READ_METER, len(ids), resources=ids)


def created_post(charge: Charge, post_id: str) -> Charge:
    """A post that is out: billed once, whether its answer arrived or a look-up found it."""
    return replace(charge, once=f"post {post_id}")


async def list_own_posts(
    session: Session, *, since: datetime, until: datetime, since_id: str = "", token: str = "", size: int = PAGE_SIZE
) -> tuple[list[ListedPost], str]:
    """A page of the account's posts between two moments (or after a post), newest first, and the next page's token."""
    asked = {"max_results": str(size), "exclude": "retweets"}
    asked |= {"since_id": since_id} if since_id else {"start_time": _write_time(since - CLOCK_MARGIN)}
    if until + CLOCK_MARGIN < session.now() - CLOCK_MARGIN:  # X refuses an end that is too near to its own present
        asked |= {"end_time": _write_time(until + CLOCK_MARGIN)}
    asked |= {"pagination_token": token} if token else {}
    reply = await _read_posts(session, f"/2/users/{session.account_id}/tweets", asked, size)
    body = reply.json()
    meta = body.get("meta") if isinstance(body, dict) else None
    if not isinstance(meta, dict) or (body.get("errors") and not body.get("data")):
        # An answer in part: that nothing is listed would prove nothing.
        raise Unavailable(f"{NETWORK_LABEL} did not list the account's posts: {reply.text[:300]}")
    rows = [read_listed_post(row) for row in body.get("data") or () if isinstance(row, dict)]
    return rows, str(meta.get("next_token") or "")


def _write_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def _read_posts(session: Session, path: str, asked: Mapping[str, str], size: int) -> HttpResponse:
    """Ask in the new vocabulary, and in the old one where X does not know the new."""
    for words in (NEW_VOCABULARY, OLD_VOCABULARY):
        fields = {words.fields: f"created_at,entities,conversation_id,{words.long_text}"}
        try:
            return await send_request(
                session,
                "GET",
                path,
                charge=Charge(POST_READ_METER, size),
                counted=posts_read_charge,
                params={**asked, **fields},
            )
        except Rejected as refused:
            if words is OLD_VOCABULARY or NEW_VOCABULARY.fields not in refused.detail:
                raise
    raise AssertionError("the last vocabulary either answers or raises")


def read_listed_post(row: Mapping[str, Any]) -> ListedPost:
    """A post in either vocabulary; never raises for a missing field."""
    whole = row.get("note_post") or row.get("note_tweet")
    source = whole if isinstance(whole, dict) and whole.get("text") else row
    links: dict[str, str] = {}
    for holder in (row, source):
        entities = holder.get("entities")
        for one in (entities.get("urls") or ()) if isinstance(entities, dict) else ():
            attached = bool(one.get("media_key")) or "pic.x.com" in str(one.get("display_url") or "")
            links[str(one.get("url") or "")] = "" if attached else str(one.get("expanded_url") or "")
    return ListedPost(
        id=str(row.get("id") or ""),
        at=_parse_time(row.get("created_at")),
        text=str(source.get("text") or ""),
        links=links,
        conversation=str(row.get("conversation_id") or ""),
    )


SHORT_URL_PATTERN = re.compile(r"https?://t\.co/\w+")
LINK_MARK = "\x00"


def is_same_post(post: ListedPost, part: RenderedPart, quoted: str = "") -> bool:
    """Whether a listed post is this part: the same words and the same links, however X writes them.

    `quoted` is the id of a post that this part quotes, whose address X adds to the text.
    """
    theirs = post.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    added = {short for short, whole in post.links.items() if not whole or (quoted and whole.endswith(f"/{quoted}"))}
    theirs = SHORT_URL_PATTERN.sub(lambda m: "" if m[0] in added else m[0], theirs)
    if _normalize_space(
        SHORT_URL_PATTERN.sub(lambda m: _bare_link(post.links.get(m[0], m[0])), theirs)
    ) == _normalize_space(_mark_links(part, _bare_link)):
        return True
    if _normalize_space(SHORT_URL_PATTERN.sub(LINK_MARK, theirs)) != _normalize_space(
        _mark_links(part, lambda link: LINK_MARK)
    ):
        return False
    ours = [span.text for span in part.spans if span.kind is SpanKind.LINK]
    found = [post.links.get(short) for short in SHORT_URL_PATTERN.findall(theirs)]
    return all(
        whole is None or _loose_link(whole) == _loose_link(link) for whole, link in zip(found, ours, strict=True)
    )


def _mark_links(part: RenderedPart, write: Callable[[str], str]) -> str:
    """The part's text with every link written by `write`."""
    pieces, last = [], 0
    for span in part.spans:
        if span.kind is SpanKind.LINK:
            pieces += [part.text[last : span.start], write(part.text[span.start : span.end])]
            last = span.end
    return "".join(pieces) + part.text[last:]


def _normalize_space(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _bare_link(link: str) -> str:
    return re.sub(r"^https?://", "", link).rstrip("/")


def _loose_link(link: str) -> str:
    return unquote(_bare_link(link)).casefold()


def _parse_time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
