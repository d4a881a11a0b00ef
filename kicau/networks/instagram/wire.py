"""What goes over the wire: the container, reading where it is once it is published, and the comment under it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from kicau.connector.content import (
    JSON,
    AttemptNote,
    Charge,
    Delivery,
    MediaKind,
    PendingStep,
    Problem,
    PublishedPost,
    PublishResult,
    RenderedMedia,
    RenderedPart,
)
from kicau.connector.errors import ConnectorError, Rejected, Unavailable, Uncertain
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks._meta import comments, containers, deletion
from kicau.networks._meta.containers import LOOKUP_CLOCK_MARGIN
from kicau.networks._meta.errors import int_or_zero
from kicau.networks._meta.graph import GraphClient, page_graph, parse_time, required_rows, required_text
from kicau.networks._meta.text import is_same_text
from kicau.networks.instagram.errors import (
    KNOWN_REJECTIONS,
    LOST_CONTAINER_SUBCODES,
    NOT_READY_SUBCODES,
    QUOTA_SUBCODES,
)
from kicau.networks.instagram.limits import FACTS, NETWORK_LABEL
from kicau.networks.instagram.render import post_format

POST_CHARGE = Charge("posts-24h")
CLOCK_MARGIN = timedelta(seconds=int(FACTS["clock_margin_s"].value))
STORY_LIFETIME = timedelta(hours=24)  # after which the network lists it no more
REPLY_PREFIX = "comment:"  # before the id of an answer, which Instagram's numbers do not tell from media
ROWS_PER_PAGE, MAX_PAGES = 50, 20  # media a page, and pages: ten times what an account may publish in a day


def graph_client(session: Session) -> GraphClient:
    """The host that this channel's sign-in belongs to; graph.instagram.com takes no proof."""
    if uses_facebook_login(session):
        return page_graph(session, "facebook")
    return GraphClient(http=session.http, base=session.app.endpoints["graph"], token=session.credentials.access_token)


def uses_facebook_login(session: Session) -> bool:
    return session.credentials.extra.get("login") == "facebook"


def read_error(reply: HttpResponse) -> ConnectorError | None:
    """Graph's error object, or Instagram Login's own, in the six errors; None where the answer has neither."""
    return containers.read_error(
        reply, NETWORK_LABEL, quota=QUOTA_SUBCODES, not_ready=NOT_READY_SUBCODES, known=KNOWN_REJECTIONS
    )


async def publish_step(session: Session, delivery: Delivery) -> PublishResult:
    """One step of the container, reading the address, or the comment."""
    done = delivery.progress
    if "media" in done:
        return await (_comment_step if "url" in done else _fetch_address)(session, delivery)
    return await CONTAINER_FLOW.step(session, delivery)


async def look_up_outcome(session: Session, delivery: Delivery) -> PublishResult | None:
    """The container says whether it was published; then its media is looked up."""
    done = delivery.progress
    if "media" in done:
        return await _find_comment(session, delivery) if "url" in done else None
    if delivery.restored_at is not None:
        return await _find_restored(session, delivery, delivery.restored_at)
    return await CONTAINER_FLOW.find(session, delivery)


async def delete_post(session: Session, post_id: str) -> None:
    if not uses_facebook_login(session):
        message = "Kicau can delete posts on {network} only if the channel is connected with Facebook. Delete the post in the network's app, or connect the channel with Facebook."
        raise Rejected(Problem(code="no-delete", message=message, params={"network": NETWORK_LABEL}))
    await deletion.delete_object(graph_client(session), post_id.removeprefix(REPLY_PREFIX))


def _post_format(delivery: Delivery) -> str:
    kinds = [one.media.kind for one in delivery.post.parts[0].media]
    return post_format(delivery.post.options.get("format", "auto"), kinds)


class InstagramFlow(containers.ContainerFlow):
    network = NETWORK_LABEL
    edge = "media"
    state_fields = ("status_code", "status")
    tries = 6  # over ten minutes: our own web server may be restarting
    patience = 600

    def graph(self, session: Session) -> GraphClient:
        return graph_client(session)

    def part(self, delivery: Delivery) -> RenderedPart:
        return delivery.post.parts[0]

    async def source(self, session: Session, one: RenderedMedia) -> dict[str, str]:
        url = await session.public_url(one)
        if one.media.kind is MediaKind.VIDEO:
            return {"video_url": url}
        return {"image_url": url, "alt_text": one.media.alt} if one.media.alt else {"image_url": url}

    async def child(self, session: Session, one: RenderedMedia) -> dict[str, str]:
        form = await self.source(session, one)
        return {**form, "media_type": "VIDEO"} if one.media.kind is MediaKind.VIDEO else form

    async def form(self, session: Session, delivery: Delivery, children: list[str]) -> dict[str, str]:
        part, kind = delivery.post.parts[0], _post_format(delivery)
        form: dict[str, str] = {"caption": part.text} if part.text else {}
        if kind == "carousel":
            form |= {"media_type": "CAROUSEL", "children": _json_list(children)}
        else:
            form |= await self.source(session, part.media[0])
        if kind == "reel":
            form |= {"media_type": "REELS", "share_to_feed": delivery.post.options.get("share_to_feed", "true")}
            form |= await _cover_params(session, part.media[0])
        elif kind == "story":
            form["media_type"] = "STORIES"
        return form

    def charge(self, delivery: Delivery) -> Charge:
        return POST_CHARGE

    def spoilt(self, state: str, told: str) -> tuple[Rejected, bool]:
        code = int_or_zero((re.findall(r"\b2207\d{3}\b", told) or ["0"])[0])
        return Rejected(_container_rejection(code, told), detail=f"{state}: {told}"), code in LOST_CONTAINER_SUBCODES

    def out(self, session: Session, delivery: Delivery, post_id: str) -> PendingStep:
        return _mark_published(session, delivery, post_id)

    async def find_post(self, session: Session, delivery: Delivery, begun: datetime | None) -> PublishResult:
        return await _find_media(session, delivery, begun)


CONTAINER_FLOW = InstagramFlow()


async def _cover_params(session: Session, one: RenderedMedia) -> dict[str, str]:
    """A reel's first sight: the time of a frame, or where to fetch the picture."""
    if one.cover is None:
        return {}
    if one.cover_ms is not None:
        return {"thumb_offset": str(one.cover_ms)}
    return {"cover_url": await session.public_url(one.cover)}


def _json_list(values: list[str]) -> str:
    return "[" + ",".join(f'"{value}"' for value in values) + "]"


def _container_rejection(code: int, told: str) -> Problem:
    if known := KNOWN_REJECTIONS.get(code):
        return known.problem(NETWORK_LABEL, told)
    message = "{network} could not use a file in this post ({said}). Replace the file."
    return Problem(
        code="media-failed",
        message=message,
        params={"network": NETWORK_LABEL, "said": told or "no reason given"},
        field="parts.0.media",
    )


# What readers see


def _mark_published(
    session: Session, delivery: Delivery, media: str, more: Mapping[str, JSON] | None = None
) -> PendingStep:
    done: dict[str, JSON] = {
        "container": delivery.progress.get("container", ""),
        "media": media,
        "at": session.now().isoformat(),
    }
    return PendingStep(
        progress={**done, **(more or {})}, note=AttemptNote("{network} has published this post.", network=NETWORK_LABEL)
    )


async def _fetch_address(session: Session, delivery: Delivery) -> PublishResult:
    """Where readers find it; the post is out even where the network does not tell."""
    media = str(delivery.progress["media"])
    try:
        answer = await graph_client(session).get(media, fields="permalink")
    except Rejected:
        answer = {}
    return _published_media(session, delivery, media, answer)


def _published_media(session: Session, delivery: Delivery, media: str, answer: Mapping[str, Any]) -> PublishResult:
    url = str(answer.get("permalink") or f"https://www.instagram.com/{session.handle}/")
    done = _mark_published(session, delivery, media, {**delivery.progress, "media": media, "url": url})
    if delivery.post.first_comment is None:
        return _published_post(session, done.progress)
    return PendingStep(
        progress=done.progress,
        note=AttemptNote(
            "{network} has published the post. Next, Kicau will publish the first comment on it.", network=NETWORK_LABEL
        ),
    )


async def _find_media(session: Session, delivery: Delivery, begun: datetime | None) -> PublishResult:
    """The media that a published container became: by caption and time, or the only new one that there is."""
    fresh = [one async for one in _media_since(session, delivery, begun)]
    text = delivery.post.parts[0].text
    ours = [one for one in fresh if is_same_text(str(one.get("caption") or ""), text)] or (
        fresh if len(fresh) == 1 else []
    )
    if not ours:
        raise Unavailable("the container is published, but its media is not listed yet")
    return _published_media(session, delivery, required_text(ours[0], "id"), ours[0])


async def _find_restored(session: Session, delivery: Delivery, until: datetime) -> PublishResult | None:
    """The media, whatever containers there were: by its caption, from backup to restore."""
    begun, text = delivery.begun_at or until, delivery.post.parts[0].text
    story = _post_format(delivery) == "story"
    fresh = [one async for one in _media_since(session, delivery, begun, until)]
    ours = [one for one in fresh if is_same_text(str(one.get("caption") or ""), text)]
    if (ours and not text) or (story and (fresh or session.now() - begun > STORY_LIFETIME)):
        raise Uncertain(
            AttemptNote(
                "The account has a new post without text, or had one that is no longer visible. Kicau cannot tell whether that is the post that it was publishing."
            )
        )
    return _published_media(session, delivery, required_text(ours[-1], "id"), ours[-1]) if ours else None


async def _media_since(
    session: Session, delivery: Delivery, begun: datetime | None, until: datetime | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The account's media, newest first: about the moment when the step began, or of a day where that is not known."""
    since = begun or parse_time(delivery.progress.get("since")) or session.now() - timedelta(days=1)
    edge = "stories" if _post_format(delivery) == "story" else "media"
    asked = {"fields": "id,caption,timestamp,permalink", "limit": str(ROWS_PER_PAGE)}
    if edge == "media":
        asked["since"] = str(int((since - LOOKUP_CLOCK_MARGIN).timestamp()))
        if begun:
            asked["until"] = str(int(((until or begun) + LOOKUP_CLOCK_MARGIN).timestamp()))
    for _ in range(MAX_PAGES):
        answer, ahead = await graph_client(session).look(f"{session.account_id}/{edge}", **asked)
        for one in required_rows(answer):
            if _is_recent(one, since + ahead - CLOCK_MARGIN):
                yield one
        paging = answer.get("paging", {})
        if not paging.get("next"):
            return
        asked["after"] = required_text(paging.get("cursors", {}), "after")
    raise Uncertain(
        AttemptNote("The account has too many new posts, so Kicau could not check whether this post is among them.")
    )


def _is_recent(row: Mapping[str, Any], since: datetime) -> bool:
    made = parse_time(row.get("timestamp"))
    return made is None or made >= since


# The first comment


async def _comment_step(session: Session, delivery: Delivery) -> PublishedPost:
    comment, done = delivery.post.first_comment, delivery.progress
    if comment is None:
        return _published_post(session, done)
    made, refused = await comments.leave_comment(graph_client(session), str(done["media"]), comment.text, NETWORK_LABEL)
    return _published_post(session, done, comment=made, refused=refused)


async def _find_comment(session: Session, delivery: Delivery) -> PublishedPost | None:
    comment, done = delivery.post.first_comment, delivery.progress
    if comment is None:
        return _published_post(session, done)
    answer = await graph_client(session).get(f"{done['media']}/comments", fields="id,text,username", limit="50")
    for one in required_rows(answer):
        mine = str(one.get("username") or session.handle) == session.handle
        if mine and is_same_text(str(one.get("text", "")), comment.text):
            return _published_post(session, done, comment=required_text(one, "id"))
    return None


def _published_post(
    session: Session, done: Mapping[str, JSON], *, comment: str = "", refused: Problem | None = None
) -> PublishedPost:
    raw: dict[str, JSON] = {"id": done["media"], "container": done["container"], "permalink": done["url"]}
    return PublishedPost(
        ids=(str(done["media"]),),
        url=str(done["url"]),
        at=parse_time(done.get("at")) or session.now(),
        raw={**raw, "comment": comment} if comment else raw,
        warnings=(refused,) if refused else (),
    )
