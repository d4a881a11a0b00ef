"""Bringing a post's files to LinkedIn, one small step at a time; nothing here is visible to readers.

A step that broke is simply taken again: what an abandoned upload leaves behind is never shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from kicau.connector.content import JSON, NO_CHARGE, AttemptNote, MediaKind, Problem, RenderedMedia
from kicau.connector.errors import AuthExpired, Rejected, Unavailable
from kicau.connector.session import MediaFile, Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks.linkedin import wire
from kicau.networks.linkedin.limits import NETWORK_LABEL

MAX_PARTS_PER_STEP = 8  # of a video, 4 MB each: a step stays short, and a broken one repeats little
CHUNK_BYTES = 1 << 18  # bytes read at a time
MIN_UPLOAD_BYTES_PER_SECOND = 200_000  # bytes a second that a line is given before an upload is given up
MAX_POLL_DELAY = timedelta(seconds=30)
MAX_POLLS = 240  # about two hours
BLIND_PROCESSING_WAIT = timedelta(seconds=30)  # where the status may not be read

RESOURCES_BY_KIND = {
    MediaKind.IMAGE: "images",
    MediaKind.GIF: "images",
    MediaKind.VIDEO: "videos",
    MediaKind.DOCUMENT: "documents",
}
RESOURCE_SINGULARS = {"images": "image", "videos": "video", "documents": "document"}

type UploadEntry = dict[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStep:
    """Where one file stands now; it is ready when `entry["state"]` says so."""

    entry: UploadEntry
    after: timedelta = timedelta(0)
    note: str = ""


def is_ready(entry: UploadEntry) -> bool:
    return entry.get("state") == "ready"


async def advance_upload(session: Session, one: RenderedMedia, entry: UploadEntry) -> UploadStep:
    """One step of one file: begun with {}, then with the entry that the step before returned."""
    resource = RESOURCES_BY_KIND[one.media.kind]
    match entry.get("state"):
        case "sending" if not _is_expired(session, entry):
            return await _send_parts(session, one, entry)
        case "covering" if one.cover and not _is_expired(session, entry):
            return await _send_cover(session, one.cover, entry)
        case "finishing":
            return await _finish_upload(session, entry)
        case "processing":
            return await _wait_for_processing(session, resource, one, entry)
        case "settling":
            return UploadStep(entry={**entry, "state": "ready"})
    file = await session.file(one)
    if resource == "videos":
        return await _begin_video(session, file, covered=one.cover is not None)
    return await _send_whole(session, resource, file)


async def _initialise_upload(session: Session, resource: str, more: dict[str, JSON]) -> dict[str, Any]:
    body: JSON = {"initializeUploadRequest": {"owner": session.account_id, **more}}
    reply = await wire.call_api(
        session, "POST", f"/rest/{resource}", query="action=initializeUpload", need="write", json=body, repeatable=True
    )
    return _value_of(reply)


def _value_of(reply: HttpResponse) -> dict[str, Any]:
    answer = reply.json()
    value = answer.get("value") if isinstance(answer, dict) else None
    needed = ("uploadUrl",) if isinstance(value, dict) and "video" not in value else ("uploadInstructions",)
    if not isinstance(value, dict) or any(name not in value for name in needed):
        raise Unavailable(f"{NETWORK_LABEL}'s answer to an upload could not be read")
    return value


async def _send_whole(session: Session, resource: str, file: MediaFile) -> UploadStep:
    value = await _initialise_upload(session, resource, {})
    urn, url = str(value[RESOURCE_SINGULARS[resource]]), str(value["uploadUrl"])
    await _put_bytes(session, url, _file_chunks(file.path, 0, file.size), file.size)
    # The status of a picture may not be read with w_member_social alone, and LinkedIn takes one that it still works
    # on; a document must be done first.
    if resource == "images":
        return UploadStep(entry={"urn": urn, "state": "ready"})
    return UploadStep(entry={"urn": urn, "state": "processing", "polls": 0}, after=timedelta(seconds=1))


async def _begin_video(session: Session, file: MediaFile, *, covered: bool) -> UploadStep:
    value = await _initialise_upload(
        session, "videos", {"fileSizeBytes": file.size, "uploadCaptions": False, "uploadThumbnail": covered}
    )
    entry: UploadEntry = {
        "urn": str(value["video"]),
        "state": "sending",
        "token": str(value.get("uploadToken") or ""),
        "parts": [[str(p["uploadUrl"]), int(p["firstByte"]), int(p["lastByte"])] for p in value["uploadInstructions"]],
        "etags": [],
        "until": value.get("uploadUrlsExpireAt"),
        **({"cover": str(value["thumbnailUploadUrl"])} if covered and value.get("thumbnailUploadUrl") else {}),
    }
    return UploadStep(
        entry=entry, note=AttemptNote("{network} is ready for Kicau to upload the video.", network=NETWORK_LABEL)
    )


def _is_expired(session: Session, entry: UploadEntry) -> bool:
    until = entry.get("until")
    return isinstance(until, int) and session.now() >= datetime.fromtimestamp(until / 1000, UTC)


async def _send_parts(session: Session, one: RenderedMedia, entry: UploadEntry) -> UploadStep:
    file = await session.file(one)
    parts = cast(list[list[Any]], entry["parts"])
    etags = list(cast(list[JSON], entry["etags"]))
    for url, first, last in parts[len(etags) :][:MAX_PARTS_PER_STEP]:
        size = min(last, file.size - 1) - first + 1
        reply = await _put_bytes(session, url, _file_chunks(file.path, first, size), size)
        if not (etag := reply.headers.get("etag")):
            raise Unavailable(f"{NETWORK_LABEL} confirmed a part of the video without its ETag")
        etags.append(etag.strip('"'))
    sent = len(etags) == len(parts)
    state = ("covering" if "cover" in entry else "finishing") if sent else "sending"
    return UploadStep(
        entry={**entry, "etags": etags, "state": state},
        note=AttemptNote("Kicau has uploaded {n} of {all} parts of the video file.", n=len(etags), all=len(parts)),
    )


async def _send_cover(session: Session, cover: RenderedMedia, entry: UploadEntry) -> UploadStep:
    """The picture that the video shows first; it must be there before the upload is finished."""
    file = await session.file(cover)
    await _put_bytes(
        session,
        str(entry["cover"]),
        _file_chunks(file.path, 0, file.size),
        file.size,
        {"media-type-family": "STILLIMAGE"},
    )
    return UploadStep(
        entry={**entry, "state": "finishing"},
        note=AttemptNote("{network} has received the cover image of the video.", network=NETWORK_LABEL),
    )


async def _finish_upload(session: Session, entry: UploadEntry) -> UploadStep:
    body: JSON = {
        "finalizeUploadRequest": {
            "video": entry["urn"],
            "uploadToken": entry["token"],
            "uploadedPartIds": entry["etags"],
        }
    }
    try:
        await wire.call_api(
            session, "POST", "/rest/videos", query="action=finalizeUpload", need="write", json=body, repeatable=True
        )
    except Rejected:
        # Finished by a step whose answer was lost: then it is no longer waiting for bytes.
        if await _fetch_status(session, "videos", str(entry["urn"])) in ("", "WAITING_UPLOAD"):
            raise
    return UploadStep(
        entry={"urn": entry["urn"], "state": "processing", "polls": 0},
        after=timedelta(seconds=1),
        note=AttemptNote("{network} is processing the video of this post.", network=NETWORK_LABEL),
    )


async def _fetch_status(session: Session, resource: str, urn: str) -> str:
    """AVAILABLE, PROCESSING, WAITING_UPLOAD or PROCESSING_FAILED."""
    answer = (await wire.call_api(session, "GET", f"/rest/{resource}/{wire.escape_urn(urn)}", need="read")).json()
    return str(answer.get("status") or "") if isinstance(answer, dict) else ""


async def _wait_for_processing(session: Session, resource: str, one: RenderedMedia, entry: UploadEntry) -> UploadStep:
    polls = int(cast(int, entry.get("polls", 0))) + 1
    try:
        status = await _fetch_status(session, resource, str(entry["urn"]))
    except AuthExpired as exc:
        if not exc.missing:
            raise
        # It may not be read with this permission: give it time instead, then let LinkedIn judge.
        return UploadStep(
            entry={**entry, "state": "settling"},
            after=BLIND_PROCESSING_WAIT,
            note=AttemptNote("{network} is processing the file {name}.", network=NETWORK_LABEL, name=_file_name(one)),
        )
    if status == "AVAILABLE":
        return UploadStep(entry={**entry, "state": "ready"})
    if status == "PROCESSING_FAILED" or polls > MAX_POLLS:
        raise Rejected(
            Problem(
                code="media-refused",
                message="{network} could not process the file {name}. Check that the file opens or plays on your device, or use another file.",
                params={"network": NETWORK_LABEL, "name": _file_name(one)},
                field="parts.0.media",
            )
        )
    pause = min(timedelta(seconds=1.0 * 1.4 ** min(polls, 20)), MAX_POLL_DELAY)
    return UploadStep(
        entry={**entry, "polls": polls},
        after=pause,
        note=AttemptNote("{network} is processing the file {name}.", network=NETWORK_LABEL, name=_file_name(one)),
    )


def _file_name(one: RenderedMedia) -> str:
    return one.media.name or one.media.ref


async def _put_bytes(
    session: Session, url: str, body: AsyncIterator[bytes], size: int, more: Mapping[str, str] | None = None
) -> HttpResponse:
    head = {"Content-Type": "application/octet-stream", "Content-Length": str(size), **(more or {})}
    if _is_linkedin_host(url, session):
        head["Authorization"] = f"Bearer {session.credentials.access_token}"
    return await session.http.call(
        "PUT",
        url,
        charge=NO_CHARGE,
        headers=head,
        body=body,
        repeatable=True,
        timeout=20 + size / MIN_UPLOAD_BYTES_PER_SECOND,
    )


def _is_linkedin_host(url: str, session: Session) -> bool:
    """The token goes to LinkedIn's own hosts only, whatever address an answer names."""
    where, ours = urlsplit(url), urlsplit(session.app.endpoints["api"])
    host = where.hostname or ""
    own = host == "linkedin.com" or host.endswith(".linkedin.com")
    return (own and where.scheme == "https") or (where.scheme, where.netloc) == (ours.scheme, ours.netloc)


async def _file_chunks(path: Path, first: int, size: int) -> AsyncIterator[bytes]:
    """`size` bytes of a file from `first` on, never more than `CHUNK_BYTES` in memory."""
    with await asyncio.to_thread(path.open, "rb") as file:
        await asyncio.to_thread(file.seek, first)
        while size > 0:
            block = await asyncio.to_thread(file.read, min(CHUNK_BYTES, size))
            if not block:
                raise Unavailable(f"{path.name} is shorter than it was")
            size -= len(block)
            yield block
