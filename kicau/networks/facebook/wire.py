"""What goes over the wire for text, links and photos, and for the comment under any post."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from kicau.connector.content import (
    JSON,
    AttemptNote,
    Delivery,
    MediaKind,
    PendingStep,
    Problem,
    PublishedPost,
    PublishResult,
    RenderedPart,
    wait_until_due,
)
from kicau.connector.errors import ConnectorError, Uncertain
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks._meta import comments, deletion
from kicau.networks._meta.errors import KnownRejection
from kicau.networks._meta.errors import read_error as read_graph_error
from kicau.networks._meta.graph import GraphClient, page_graph, parse_time, required_rows, required_text
from kicau.networks._meta.streaming import read_piece
from kicau.networks._meta.text import is_same_text
from kicau.networks.facebook import replies, videos
from kicau.networks.facebook.limits import CLOCK_MARGIN, NETWORK_LABEL
from kicau.networks.facebook.outcome import finish_post

LOOKUP_CLOCK_MARGIN = timedelta(minutes=10)  # asked of the feed; what counts is then read by the network's own clock
FEED_ORDER_TOLERANCE = timedelta(minutes=1)  # by which the feed may be out of order
# Posts a page (https://developers.facebook.com/docs/graph-api/reference/page/feed: at most 100, read 2026-11-24), and
# pages; more while one step was under way is more than can be told apart.
ROWS_PER_PAGE, MAX_PAGES = 100, 10
KNOWN_REJECTIONS = {
    1366046: KnownRejection(
        code="too-large",
        message="{network} accepts only images of at most 4 MB in the formats JPEG, PNG, GIF, TIFF, HEIF or WebP. Replace the image.",
        field="parts.0.media.0",
        fix="convert",
    ),
    1363030: KnownRejection(
        code="upload-timeout",
        message="The upload of the video to {network} took too long. Retry the post, or make the video file smaller.",
        field="parts.0.media.0",
    ),
    1363019: KnownRejection(
        code="video-failed",
        message="{network} could not use the video. Export the video as MP4 with H.264 video and AAC audio.",
        field="parts.0.media.0",
    ),
    1363024: KnownRejection(
        code="wrong-type",
        message="{network} does not accept this kind of video file. Export the video as MP4 with H.264 video and AAC audio.",
        field="parts.0.media.0",
    ),
    1363026: KnownRejection(
        code="too-long-video",
        message="{network} does not accept a video of this length. Make the video shorter.",
        field="parts.0.media.0",
    ),
    1609008: KnownRejection(
        code="bad-link",
        message="{network} does not accept links to its own pages in posts. Use a link to another website.",
        field="link",
    ),
}


def read_error(reply: HttpResponse) -> ConnectorError | None:
    """Graph's error object in the six errors; None where the answer has none."""
    return read_graph_error(reply, NETWORK_LABEL, KNOWN_REJECTIONS)


async def publish_step(session: Session, delivery: Delivery) -> PublishResult:
    """One step: a picture, a piece of the video, the post itself, or the comment under it; an answer is one step."""
    if delivery.post.reply_to:
        return await replies.publish_reply(session, delivery)
    if "post" in delivery.progress:
        return await _comment_step(session, delivery)
    if has_video(delivery):
        return await videos.publish_video_step(session, delivery)
    return await _feed_step(session, delivery)


async def look_up_outcome(session: Session, delivery: Delivery) -> PublishResult | None:
    """What the broken step did; exact for pictures and videos (by their ids), by text and time for words alone."""
    if delivery.post.reply_to:
        return await replies.look_up_reply(session, delivery)
    if "post" in delivery.progress:
        return await _find_comment(session, delivery)
    if delivery.restored_at is not None and not delivery.progress.get("finished"):
        return await _find_restored(session, delivery, delivery.restored_at)
    if has_video(delivery):
        return await videos.look_up_video(session, delivery)
    part = delivery.post.parts[0]
    if len(_photos_of_progress(delivery)) < len(part.media):
        return None  # the step was an upload that no reader can see
    return await _find_post(session, delivery)


async def delete_post(session: Session, post_id: str) -> None:
    await deletion.delete_object(page_graph(session), post_id)


def has_video(delivery: Delivery) -> bool:
    return any(one.media.kind is MediaKind.VIDEO for one in delivery.post.parts[0].media)


# Text, links and photos


def _post_url(session: Session, post: str) -> str:
    return f"{session.app.endpoints['dialog']}/{post}"


def _photos_of_progress(delivery: Delivery) -> list[str]:
    listed = delivery.progress.get("photos", [])
    return [str(one) for one in listed] if isinstance(listed, list) else []


async def _feed_step(session: Session, delivery: Delivery) -> PublishResult:
    graph, part, photos = page_graph(session), delivery.post.parts[0], _photos_of_progress(delivery)
    if len(photos) < len(part.media):
        return await _upload_photo(session, graph, part, photos)
    if wait := wait_until_due(delivery, session.now()):
        return wait
    form: dict[str, str] = {}
    if part.text:
        form["message"] = part.text
    if delivery.post.link:
        form["link"] = delivery.post.link.url
    if photos:
        form["attached_media"] = json.dumps([{"media_fbid": photo} for photo in photos])
    answer = await graph.post(f"{session.account_id}/feed", form)
    post = required_text(answer, "id")
    return finish_post(session, delivery, post, _post_url(session, post), answer)


async def _upload_photo(session: Session, graph: GraphClient, part: RenderedPart, photos: list[str]) -> PendingStep:
    one = part.media[len(photos)]
    file = await session.file(one)
    form = {"published": "false"}
    if one.media.alt:
        form["alt_text_custom"] = one.media.alt
    body = await read_piece(file.path, 0, file.size)
    answer = await graph.send(f"{session.account_id}/photos", form, "source", body, file.mime)
    held: list[JSON] = [*photos, required_text(answer, "id")]
    return PendingStep(
        progress={"photos": held},
        note=AttemptNote(
            "{network} has received image {n} of the {all} images in this post.",
            network=NETWORK_LABEL,
            n=len(held),
            all=len(part.media),
        ),
    )


async def _find_post(session: Session, delivery: Delivery) -> PublishResult | None:
    async for post in _posts_since(session, delivery.begun_at or session.now() - timedelta(days=1)):
        if _is_own_post(session, delivery, post):
            found = required_text(post, "id")
            return finish_post(session, delivery, found, _post_url(session, found), {"id": found})
    return None


async def _find_restored(session: Session, delivery: Delivery, until: datetime) -> PublishResult | None:
    """The post, wherever its uploads stood: by its text, and by having media or not, from backup to restore."""
    part = delivery.post.parts[0]
    async for post in _posts_since(session, delivery.begun_at or until, until):
        attached = (post.get("attachments") or {}).get("data", [])
        if not part.media and not _photos_of_progress(delivery):
            if not _is_own_post(session, delivery, post):
                continue
        elif not is_same_text(str(post.get("message") or ""), part.text) or not _has_media(attached):
            continue
        elif not part.text:
            raise Uncertain(
                AttemptNote(
                    "The Page has a new post without text. Kicau cannot tell whether that is the post that it was publishing."
                )
            )
        found = required_text(post, "id")
        return finish_post(session, delivery, found, _post_url(session, found), {"id": found})
    return None


def _has_media(attached: list[Mapping[str, Any]]) -> bool:
    return any(kind in str(one.get("type", "")) for one in attached for kind in ("photo", "video", "album"))


async def _posts_since(
    session: Session, begun: datetime, until: datetime | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The Page's posts about a moment of our clock and after (to `until`), newest first. Raises Uncertain where there
    are too many to tell."""
    graph, more = page_graph(session), dict[str, str]()
    fields = "id,message,created_time,from,attachments{type,target,unshimmed_url,subattachments}"
    asked = {
        "since": _epoch_text(begun - LOOKUP_CLOCK_MARGIN),
        "until": _epoch_text((until or begun) + LOOKUP_CLOCK_MARGIN),
        "limit": str(ROWS_PER_PAGE),
    }
    for _ in range(MAX_PAGES):
        answer, ahead = await graph.look(f"{session.account_id}/feed", fields=fields, **asked, **more)
        for post in required_rows(answer):
            made = parse_time(post.get("created_time"))
            if made is None or made >= begun + ahead - CLOCK_MARGIN:
                yield post
            elif made < begun + ahead - CLOCK_MARGIN - FEED_ORDER_TOLERANCE:
                return
        paging = answer.get("paging", {})
        if not paging.get("next"):
            return
        more = {"after": required_text(paging.get("cursors", {}), "after")}
    raise Uncertain(
        AttemptNote("The Page has too many new posts, so Kicau could not check whether this post is among them.")
    )


def _epoch_text(at: datetime) -> str:
    return str(int(at.timestamp()))


def _is_own_post(session: Session, delivery: Delivery, post: Mapping[str, Any]) -> bool:
    """Whether a post of the feed is the one that the step sent."""
    if str((post.get("from") or {}).get("id", session.account_id)) != session.account_id:
        return False
    attached = (post.get("attachments") or {}).get("data", [])
    if photos := _photos_of_progress(delivery):
        return bool(set(photos) & set(_attachment_targets(attached)))
    text, link = delivery.post.parts[0].text, delivery.post.link
    said = str(post.get("message") or "")
    if text or link is None:
        return is_same_text(said, text) and not _attachment_targets(attached, kind="photo")
    if said or not attached:
        return False
    urls = {str(one.get("unshimmed_url", "")).rstrip("/") for one in attached}
    if link.url.rstrip("/") in urls:
        return True
    raise Uncertain(
        AttemptNote(
            "The Page has a new post with only a link. Kicau cannot tell whether that is the post that it was publishing."
        )
    )


def _attachment_targets(attached: list[Mapping[str, Any]], kind: str = "") -> list[str]:
    found = []
    for one in attached:
        if not kind or one.get("type") == kind:
            found.append(str((one.get("target") or {}).get("id", "")))
        found += _attachment_targets((one.get("subattachments") or {}).get("data", []), kind)
    return found


# The first comment


async def _comment_step(session: Session, delivery: Delivery) -> PublishedPost:
    comment, post = delivery.post.first_comment, str(delivery.progress["post"])
    if comment is None:
        return _published_post(session, delivery)
    made, refused = await comments.leave_comment(page_graph(session), post, comment.text, NETWORK_LABEL)
    return _published_post(session, delivery, comment=made, refused=refused)


async def _find_comment(session: Session, delivery: Delivery) -> PublishedPost | None:
    comment, post = delivery.post.first_comment, str(delivery.progress["post"])
    if comment is None:
        return _published_post(session, delivery)
    answer = await page_graph(session).get(
        f"{post}/comments", fields="id,message,from", filter="stream", order="reverse_chronological", limit="100"
    )
    for one in required_rows(answer):
        author = str((one.get("from") or {}).get("id", session.account_id))
        if author == session.account_id and is_same_text(str(one.get("message", "")), comment.text):
            return _published_post(session, delivery, comment=required_text(one, "id"))
    return None


def _published_post(
    session: Session, delivery: Delivery, *, comment: str = "", refused: Problem | None = None
) -> PublishedPost:
    done = delivery.progress
    raw = dict(kept) if isinstance(kept := done.get("raw"), dict) else {}
    if comment:
        raw["comment"] = comment
    return PublishedPost(
        ids=(str(done["post"]),),
        url=str(done.get("url", "")),
        at=parse_time(done.get("at")) or session.now(),
        raw=raw,
        warnings=(refused,) if refused else (),
    )
