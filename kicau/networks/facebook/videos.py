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
    AttemptNote,
    Delivery,
    PendingStep,
    Problem,
    PublishedPost,
    PublishResult,
    RenderedMedia,
    wait_until_due,
)
from kicau.connector.errors import AuthExpired, ConnectorError, Rejected, Unavailable, Uncertain
from kicau.connector.session import Session
from kicau.networks._meta.errors import WrongOffset, int_or_zero, rejection_reason
from kicau.networks._meta.graph import (
    API_VERSION,
    CALL_CHARGE,
    GraphClient,
    page_graph,
    required_text,
    upload_timeout,
)
from kicau.networks._meta.streaming import read_piece, stream_file
from kicau.networks.facebook.limits import NETWORK_LABEL
from kicau.networks.facebook.outcome import finish_post

FAILED_STATES = frozenset({"error", "expired", "upload_failed"})
MAX_BLIND_LOOKUPS = 10  # refused ones, after which a video that was made visible counts as published
MAX_POLL_DELAY_SECONDS = 60  # seconds between two looks at a video that is being prepared


async def publish_video_step(session: Session, delivery: Delivery) -> PublishResult:
    done = delivery.progress
    if done.get("finished"):
        return await _check_status(session, delivery)
    return await (_reel_step(session, delivery) if _is_reel(delivery) else _video_step(session, delivery))


async def look_up_video(session: Session, delivery: Delivery) -> PublishResult | None:
    """A video is one object, shown once: its own status says whether it was made visible, and how much has arrived."""
    done = delivery.progress
    if done.get("finished") or "video" not in done:
        return None
    status = (await _fetch_status(session, str(done["video"]))).get("status")
    if not isinstance(status, dict):
        raise Unavailable("the answer told no state of the video")
    if _is_visible(status, reel=_is_reel(delivery)):
        return PendingStep(progress={**done, "finished": True})
    if _is_reel(delivery) and not done.get("sent"):
        return PendingStep(progress={**done, **_arrived_offset(status)})
    return None


def _is_reel(delivery: Delivery) -> bool:
    return delivery.post.options.get("format") == "reel"


# /videos: start, transfer, finish


async def _video_step(session: Session, delivery: Delivery) -> PublishResult:
    done, graph = delivery.progress, page_graph(session, "video")
    edge, one = f"{session.account_id}/videos", delivery.post.parts[0].media[0]
    file = await session.file(one)
    if "video" not in done:
        started = {"upload_phase": "start", "file_size": str(file.size)}
        answer = await graph.post(edge, started, repeatable=True)
        begun: dict[str, JSON] = {
            "video": required_text(answer, "video_id"),
            "session": required_text(answer, "upload_session_id"),
            "start": int_or_zero(required_text(answer, "start_offset")),
            "end": int_or_zero(required_text(answer, "end_offset")),
        }
        return PendingStep(
            progress=begun,
            note=AttemptNote("{network} is ready for Kicau to upload the video.", network=NETWORK_LABEL),
        )
    start, end = int_or_zero(done["start"]), int_or_zero(done["end"])
    if start < end:
        return await _transfer_chunk(graph, edge, delivery, await read_piece(file.path, start, end - start), file.size)
    form = {"upload_phase": "finish", "upload_session_id": str(done["session"])}
    if one.media.title:
        form["title"] = one.media.title
    return await _finish_upload(session, delivery, graph, edge, form)


async def _transfer_chunk(graph: GraphClient, edge: str, delivery: Delivery, body: bytes, size: int) -> PendingStep:
    done = delivery.progress
    form = {"upload_phase": "transfer", "upload_session_id": str(done["session"]), "start_offset": str(done["start"])}
    try:
        answer = await graph.send(edge, form, "video_file_chunk", body, "application/octet-stream")
        start, end = (
            int_or_zero(required_text(answer, "start_offset")),
            int_or_zero(required_text(answer, "end_offset")),
        )
    except WrongOffset as told:  # this piece had arrived already, and only its answer was lost
        start, end = told.start, told.end
    return PendingStep(
        progress={**done, "start": start, "end": end},
        note=AttemptNote(
            "{network} has received {start} of the {size} bytes of the video.",
            network=NETWORK_LABEL,
            start=start,
            size=size,
        ),
    )


# /video_reels: start, one upload, finish


async def _reel_step(session: Session, delivery: Delivery) -> PublishResult:
    done, graph, edge = delivery.progress, page_graph(session), f"{session.account_id}/video_reels"
    if "video" not in done:
        answer = await graph.post(edge, {"upload_phase": "start"}, repeatable=True)
        return PendingStep(
            progress={"video": required_text(answer, "video_id")},
            note=AttemptNote("{network} is ready for Kicau to upload the reel.", network=NETWORK_LABEL),
        )
    if not done.get("sent"):
        await _send_bytes(session, delivery)
        return PendingStep(
            progress={**done, "sent": True},
            note=AttemptNote("{network} has received the video for the reel.", network=NETWORK_LABEL),
        )
    form = {"upload_phase": "finish", "video_id": str(done["video"]), "video_state": "PUBLISHED"}
    if title := delivery.post.parts[0].media[0].media.title:
        form["title"] = title
    return await _finish_upload(session, delivery, graph, edge, form)


async def _send_bytes(session: Session, delivery: Delivery) -> None:
    """The bytes, from where an interrupted upload stopped. Nobody can see them yet, so it may be repeated."""
    file = await session.file(delivery.post.parts[0].media[0])
    offset = int_or_zero(delivery.progress.get("offset", 0))
    await session.http.call(
        "POST",
        f"{session.app.endpoints['upload']}/video-upload/{API_VERSION.value}/{delivery.progress['video']}",
        charge=CALL_CHARGE,
        repeatable=True,
        headers={
            "Authorization": f"OAuth {session.credentials.access_token}",
            "offset": str(offset),
            "file_size": str(file.size),
            "Content-Type": "application/octet-stream",
            "Content-Length": str(file.size - offset),
        },
        body=stream_file(file.path, offset),
        timeout=upload_timeout(file.size - offset),
    )


def _arrived_offset(status: Mapping[str, Any]) -> dict[str, JSON]:
    phase = status.get("uploading_phase") or {}
    if phase.get("status") == "complete":
        return {"sent": True}
    # Meta's guide spells it bytes_transfered, its description bytes_transferred.
    return {"offset": int_or_zero(phase.get("bytes_transferred", phase.get("bytes_transfered", 0)))}


# Both


async def _finish_upload(
    session: Session, delivery: Delivery, graph: GraphClient, edge: str, form: dict[str, str]
) -> PendingStep:
    """Make it visible. Finishing twice cannot show it twice, but may be refused: then its status decides."""
    if wait := wait_until_due(delivery, session.now()):
        return wait
    text, done = delivery.post.parts[0].text, delivery.progress
    if text:
        form["description"] = text
    try:
        answer = await graph.post(edge, form)
    except Rejected as refused:
        try:
            status = (await _fetch_status(session, str(done["video"]))).get("status") or {}
        except ConnectorError as blind:
            raise Uncertain(f"{refused.detail}; and its state is not told: {blind.detail}") from blind
        if not _is_visible(status, reel=_is_reel(delivery)):
            raise
        answer = {}
    shown: dict[str, JSON] = {"finished": True, "polls": 0, "answer": answer}
    return PendingStep(
        progress={**done, **shown},
        after=timedelta(seconds=1),
        note=AttemptNote("{network} has received the video and is preparing it.", network=NETWORK_LABEL),
    )


async def _check_status(session: Session, delivery: Delivery) -> PublishResult:
    done, video = delivery.progress, str(delivery.progress["video"])
    try:
        answer = await _fetch_status(session, video)
    except Rejected as unseen:  # of the look; it was made visible, and the network took it
        blind = int_or_zero(done.get("blind", 0))
        if blind < MAX_BLIND_LOOKUPS:
            note = AttemptNote(
                "{network} has not yet reported whether the video is ready for publication. Kicau will check again, so you do not need to do anything.",
                network=NETWORK_LABEL,
            )
            return PendingStep(
                progress={**done, "blind": blind + 1}, after=timedelta(seconds=min(60, 2**blind)), note=note
            )
        url = f"{session.app.endpoints['dialog']}/{video}"
        return finish_post(session, delivery, video, url, {"video": video, "unseen": unseen.detail})
    status = answer.get("status") or {}
    if told := _failure_problem(status):
        raise Rejected(told, detail=str(status))
    if not _is_ready(status):
        polls = int_or_zero(done.get("polls", 0))
        wait = timedelta(seconds=min(MAX_POLL_DELAY_SECONDS, 2**polls))
        return PendingStep(
            progress={**done, "polls": polls + 1},
            after=wait,
            note=AttemptNote("{network} has received the video and is preparing it.", network=NETWORK_LABEL),
        )
    cover = delivery.post.parts[0].media[0].cover
    if cover and "cover" not in done:
        return await _set_cover(session, delivery, cover)
    link = str(answer.get("permalink_url") or f"/{video}")
    url = link if "://" in link else session.app.endpoints["dialog"] + link
    out = finish_post(session, delivery, video, url, {"video": video, "post_id": answer.get("post_id")})
    refused = str(done.get("cover", ""))
    return replace(out, warnings=(_cover_warning(refused),)) if refused and isinstance(out, PublishedPost) else out


async def _set_cover(session: Session, delivery: Delivery, cover: RenderedMedia) -> PendingStep:
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
        told = rejection_reason(refused)
    except AuthExpired as refused:
        if not refused.missing:
            raise
        told = rejection_reason(refused)
    return PendingStep(
        progress={**delivery.progress, "cover": told},
        note=AttemptNote("{network} rejected the cover image of the video.", network=NETWORK_LABEL)
        if told
        else AttemptNote("{network} has received the cover image of the video.", network=NETWORK_LABEL),
    )


def _cover_warning(said: str) -> Problem:
    message = "The video was published on {network}, but {network} rejected the cover image of the video: {said}"
    return Problem(
        code="cover-refused",
        message=message,
        params={"network": NETWORK_LABEL, "said": said},
        field="parts.0.media.0.cover",
    )


async def _fetch_status(session: Session, video: str) -> dict[str, Any]:
    return await page_graph(session).get(video, fields="status,permalink_url,post_id")


def _is_visible(status: Mapping[str, Any], *, reel: bool) -> bool:
    """Whether finishing took effect, be the video ready or still prepared."""
    if reel:
        return (status.get("publishing_phase") or {}).get("status") in ("in_progress", "complete")
    return status.get("video_status") in ("processing", "ready")


def _is_ready(status: Mapping[str, Any]) -> bool:
    publishing = (status.get("publishing_phase") or {}).get("status", "complete")
    return status.get("video_status") == "ready" and publishing == "complete"


def _failure_problem(status: Mapping[str, Any]) -> Problem | None:
    phases = [status.get(name) or {} for name in ("uploading_phase", "processing_phase", "publishing_phase")]
    if status.get("video_status") not in FAILED_STATES and all(phase.get("status") != "error" for phase in phases):
        return None
    told = [str(error.get("message", "")) for phase in phases for error in phase.get("errors") or []]
    said = "; ".join(t.rstrip(".") for t in told if t) or "no reason given"
    message = "{network} could not use the video ({said}). Export the video as MP4 with H.264 video and AAC audio, or use another file."
    return Problem(
        code="video-failed", message=message, params={"network": NETWORK_LABEL, "said": said}, field="parts.0.media.0"
    )
