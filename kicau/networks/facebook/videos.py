"""Videos by pieces (/videos) and reels (/video_reels): sent first, made visible last, then waited for.

Sources: https://developers.facebook.com/documentation/video-api/guides/reels-publishing (2026-07-30) and
.../docs/graph-api/reference/page/videos (v25.0), read 2026-11-24.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kicau.connector.content import (
    JSON,
    Continue,
    Delivery,
    Note,
    Problem,
    Published,
    PublishResult,
    RenderedMedia,
    too_early,
)
from kicau.connector.errors import AuthExpired, ConnectorError, Rejected, Unavailable, Uncertain
from kicau.connector.session import Session
from kicau.networks._meta.errors import WrongOffset, number, said_by
from kicau.networks._meta.graph import CALL, VERSION, Graph, page_graph, text_of, upload_timeout
from kicau.networks._meta.streaming import piece, stream
from kicau.networks.facebook.limits import NETWORK
from kicau.networks.facebook.outcome import posted

FAILED = frozenset({"error", "expired", "upload_failed"})
BLIND_LOOKS = 10  # refused ones, after which a video that was made visible counts as published
LONGEST_WAIT = 60  # seconds between two looks at a video that is being prepared


async def step(session: Session, delivery: Delivery) -> PublishResult:
    done = delivery.progress
    if done.get("finished"):
        return await _look(session, delivery)
    return await (_reel(session, delivery) if _is_reel(delivery) else _video(session, delivery))


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """A video is one object, shown once: its own status says whether it was made visible, and how much has arrived."""
    done = delivery.progress
    if done.get("finished") or "video" not in done:
        return None
    status = (await _status(session, str(done["video"]))).get("status")
    if not isinstance(status, dict):
        raise Unavailable("the answer told no state of the video")
    if _is_visible(status, reel=_is_reel(delivery)):
        return Continue(progress={**done, "finished": True})
    if _is_reel(delivery) and not done.get("sent"):
        return Continue(progress={**done, **_arrived(status)})
    return None


def _is_reel(delivery: Delivery) -> bool:
    return delivery.post.options.get("format") == "reel"


# /videos: start, transfer, finish


async def _video(session: Session, delivery: Delivery) -> PublishResult:
    done, graph = delivery.progress, page_graph(session, "video")
    edge, one = f"{session.account_id}/videos", delivery.post.parts[0].media[0]
    file = await session.file(one)
    if "video" not in done:
        started = {"upload_phase": "start", "file_size": str(file.size)}
        answer = await graph.post(edge, started, repeatable=True)
        begun: dict[str, JSON] = {
            "video": text_of(answer, "video_id"),
            "session": text_of(answer, "upload_session_id"),
            "start": number(text_of(answer, "start_offset")),
            "end": number(text_of(answer, "end_offset")),
        }
        return Continue(progress=begun, note=Note("{network} is ready for the video.", network=NETWORK))
    start, end = number(done["start"]), number(done["end"])
    if start < end:
        return await _transfer(graph, edge, delivery, await piece(file.path, start, end - start), file.size)
    form = {"upload_phase": "finish", "upload_session_id": str(done["session"])}
    if one.media.title:
        form["title"] = one.media.title
    return await _finish(session, delivery, graph, edge, form)


async def _transfer(graph: Graph, edge: str, delivery: Delivery, body: bytes, size: int) -> Continue:
    done = delivery.progress
    form = {"upload_phase": "transfer", "upload_session_id": str(done["session"]), "start_offset": str(done["start"])}
    try:
        answer = await graph.send(edge, form, "video_file_chunk", body, "application/octet-stream")
        start, end = number(text_of(answer, "start_offset")), number(text_of(answer, "end_offset"))
    except WrongOffset as told:  # this piece had arrived already, and only its answer was lost
        start, end = told.start, told.end
    return Continue(
        progress={**done, "start": start, "end": end},
        note=Note("{network} has {start} of {size} bytes.", network=NETWORK, start=start, size=size),
    )


# /video_reels: start, one upload, finish


async def _reel(session: Session, delivery: Delivery) -> PublishResult:
    done, graph, edge = delivery.progress, page_graph(session), f"{session.account_id}/video_reels"
    if "video" not in done:
        answer = await graph.post(edge, {"upload_phase": "start"}, repeatable=True)
        return Continue(
            progress={"video": text_of(answer, "video_id")},
            note=Note("{network} is ready for the reel.", network=NETWORK),
        )
    if not done.get("sent"):
        await _send(session, delivery)
        return Continue(progress={**done, "sent": True}, note=Note("{network} has the reel's video.", network=NETWORK))
    form = {"upload_phase": "finish", "video_id": str(done["video"]), "video_state": "PUBLISHED"}
    if title := delivery.post.parts[0].media[0].media.title:
        form["title"] = title
    return await _finish(session, delivery, graph, edge, form)


async def _send(session: Session, delivery: Delivery) -> None:
    """The bytes, from where an interrupted upload stopped. Nobody can see them yet, so it may be repeated."""
    file = await session.file(delivery.post.parts[0].media[0])
    offset = number(delivery.progress.get("offset", 0))
    await session.http.call(
        "POST",
        f"{session.app.endpoints['upload']}/video-upload/{VERSION.value}/{delivery.progress['video']}",
        charge=CALL,
        repeatable=True,
        headers={
            "Authorization": f"OAuth {session.credentials.access_token}",
            "offset": str(offset),
            "file_size": str(file.size),
            "Content-Type": "application/octet-stream",
            "Content-Length": str(file.size - offset),
        },
        body=stream(file.path, offset),
        timeout=upload_timeout(file.size - offset),
    )


def _arrived(status: Mapping[str, Any]) -> dict[str, JSON]:
    phase = status.get("uploading_phase") or {}
    if phase.get("status") == "complete":
        return {"sent": True}
    # Meta's guide spells it bytes_transfered, its description bytes_transferred.
    return {"offset": number(phase.get("bytes_transferred", phase.get("bytes_transfered", 0)))}


# Both


async def _finish(session: Session, delivery: Delivery, graph: Graph, edge: str, form: dict[str, str]) -> Continue:
    """Make it visible. Finishing twice cannot show it twice, but may be refused: then its status decides."""
    if wait := too_early(delivery, session.now()):
        return wait
    text, done = delivery.post.parts[0].text, delivery.progress
    if text:
        form["description"] = text
    try:
        answer = await graph.post(edge, form)
    except Rejected as refused:
        try:
            status = (await _status(session, str(done["video"]))).get("status") or {}
        except ConnectorError as blind:
            raise Uncertain(f"{refused.detail}; and its state is not told: {blind.detail}") from blind
        if not _is_visible(status, reel=_is_reel(delivery)):
            raise
        answer = {}
    shown: dict[str, JSON] = {"finished": True, "polls": 0, "answer": answer}
    return Continue(
        progress={**done, **shown},
        after=timedelta(seconds=1),
        note=Note("{network} is preparing the video.", network=NETWORK),
    )


async def _look(session: Session, delivery: Delivery) -> PublishResult:
    done, video = delivery.progress, str(delivery.progress["video"])
    try:
        answer = await _status(session, video)
    except Rejected as unseen:  # of the look; it was made visible, and the network took it
        blind = number(done.get("blind", 0))
        if blind < BLIND_LOOKS:
            note = Note("{network} does not say whether the video is ready: it is asked again.", network=NETWORK)
            return Continue(
                progress={**done, "blind": blind + 1}, after=timedelta(seconds=min(60, 2**blind)), note=note
            )
        url = f"{session.app.endpoints['dialog']}/{video}"
        return posted(session, delivery, video, url, {"video": video, "unseen": unseen.detail})
    status = answer.get("status") or {}
    if told := _failure(status):
        raise Rejected(told, detail=str(status))
    if not _is_ready(status):
        polls = number(done.get("polls", 0))
        wait = timedelta(seconds=min(LONGEST_WAIT, 2**polls))
        return Continue(
            progress={**done, "polls": polls + 1},
            after=wait,
            note=Note("{network} is preparing the video.", network=NETWORK),
        )
    cover = delivery.post.parts[0].media[0].cover
    if cover and "cover" not in done:
        return await _cover(session, delivery, cover)
    link = str(answer.get("permalink_url") or f"/{video}")
    url = link if "://" in link else session.app.endpoints["dialog"] + link
    out = posted(session, delivery, video, url, {"video": video, "post_id": answer.get("post_id")})
    refused = str(done.get("cover", ""))
    return replace(out, warnings=(_no_cover(refused),)) if refused and isinstance(out, Published) else out


async def _cover(session: Session, delivery: Delivery, cover: RenderedMedia) -> Continue:
    """The picture that the video shows first. It may be set twice; where it is refused, the video stands without it.

    Only a video that belongs to a Page takes one, so it follows the publishing by a moment:
    https://developers.facebook.com/docs/graph-api/reference/video/thumbnails (v21.0, read 2026-11-26).
    """
    file, told = await session.file(cover), ""
    body = await asyncio.to_thread(file.path.read_bytes)
    try:
        await page_graph(session).send(
            f"{delivery.progress['video']}/thumbnails", {"is_preferred": "true"}, "source", body, file.mime
        )
    except Rejected as refused:
        told = said_by(refused)
    except AuthExpired as refused:
        if not refused.missing:
            raise
        told = said_by(refused)
    return Continue(
        progress={**delivery.progress, "cover": told}, note=Note("{network} has the video's cover.", network=NETWORK)
    )


def _no_cover(said: str) -> Problem:
    message = "The video is on {network}, but its cover was refused: {said}"
    return Problem(
        code="cover-refused", message=message, params={"network": NETWORK, "said": said}, field="parts.0.media.0.cover"
    )


async def _status(session: Session, video: str) -> dict[str, Any]:
    return await page_graph(session).get(video, fields="status,permalink_url,post_id")


def _is_visible(status: Mapping[str, Any], *, reel: bool) -> bool:
    """Whether finishing took effect, be the video ready or still prepared."""
    if reel:
        return (status.get("publishing_phase") or {}).get("status") in ("in_progress", "complete")
    return status.get("video_status") in ("processing", "ready")


def _is_ready(status: Mapping[str, Any]) -> bool:
    publishing = (status.get("publishing_phase") or {}).get("status", "complete")
    return status.get("video_status") == "ready" and publishing == "complete"


def _failure(status: Mapping[str, Any]) -> Problem | None:
    phases = [status.get(name) or {} for name in ("uploading_phase", "processing_phase", "publishing_phase")]
    if status.get("video_status") not in FAILED and all(phase.get("status") != "error" for phase in phases):
        return None
    told = [str(error.get("message", "")) for phase in phases for error in phase.get("errors") or []]
    message = "{network} could not use the video{said}: send it as MP4 with H.264 and AAC, or another file."
    said = f" ({'; '.join(t for t in told if t)})" if any(told) else ""
    return Problem(
        code="video-failed", message=message, params={"network": NETWORK, "said": said}, field="parts.0.media.0"
    )
