"""What goes over the wire: the container, reading where it is once it is published, and the comment under it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from kicau.connector.content import (
    JSON,
    Charge,
    Continue,
    Delivery,
    MediaKind,
    Note,
    Problem,
    Published,
    PublishResult,
    RenderedMedia,
    RenderedPart,
)
from kicau.connector.errors import ConnectorError, Rejected, Unavailable, Uncertain
from kicau.connector.session import Session
from kicau.connector.transport.http import Reply
from kicau.networks._meta import comments, containers, deletion
from kicau.networks._meta.containers import LOOK_AROUND
from kicau.networks._meta.errors import number
from kicau.networks._meta.graph import Graph, data_of, moment, page_graph, text_of
from kicau.networks._meta.text import same
from kicau.networks.instagram.errors import KNOWN, LOST_CONTAINER, NOT_READY, QUOTA
from kicau.networks.instagram.limits import FACTS, NETWORK
from kicau.networks.instagram.render import kind_of

POST = Charge("posts-24h")
MARGIN = timedelta(seconds=int(FACTS["clock_margin_s"].value))
STORY_LASTS = timedelta(hours=24)  # after which the network lists it no more
ANSWER = "comment:"  # before the id of an answer, which Instagram's numbers do not tell from media
ROWS, PAGES = 50, 20  # media a page, and pages: ten times what an account may publish in a day


def graph_of(session: Session) -> Graph:
    """The host that this channel's sign-in belongs to; graph.instagram.com takes no proof."""
    if by_facebook(session):
        return page_graph(session, "facebook")
    return Graph(http=session.http, base=session.app.endpoints["graph"], token=session.credentials.access_token)


def by_facebook(session: Session) -> bool:
    return session.credentials.extra.get("login") == "facebook"


def read_error(reply: Reply) -> ConnectorError | None:
    """Graph's error object, or Instagram Login's own, in the six errors; None where the answer has neither."""
    return containers.read_error(reply, NETWORK, quota=QUOTA, not_ready=NOT_READY, known=KNOWN)


async def publish(session: Session, delivery: Delivery) -> PublishResult:
    """One step of the container, reading the address, or the comment."""
    done = delivery.progress
    if "media" in done:
        return await (_comment if "url" in done else _address)(session, delivery)
    return await FLOW.step(session, delivery)


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """The container says whether it was published; then its media is looked up."""
    done = delivery.progress
    if "media" in done:
        return await _find_comment(session, delivery) if "url" in done else None
    if delivery.restored_at is not None:
        return await _find_restored(session, delivery, delivery.restored_at)
    return await FLOW.find(session, delivery)


async def withdraw(session: Session, post_id: str) -> None:
    if not by_facebook(session):
        message = "{network} deletes nothing through this sign-in: delete the post in its app, or connect the channel with Facebook."
        raise Rejected(Problem(code="no-delete", message=message, params={"network": NETWORK}))
    await deletion.delete(graph_of(session), post_id.removeprefix(ANSWER))


def _kind(delivery: Delivery) -> str:
    kinds = [one.media.kind for one in delivery.post.parts[0].media]
    return kind_of(delivery.post.options.get("format", "auto"), kinds)


class InstagramFlow(containers.Flow):
    network = NETWORK
    edge = "media"
    state_fields = ("status_code", "status")
    tries = 6  # over ten minutes: our own web server may be starting anew
    patience = 600

    def graph(self, session: Session) -> Graph:
        return graph_of(session)

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
        part, kind = delivery.post.parts[0], _kind(delivery)
        form: dict[str, str] = {"caption": part.text} if part.text else {}
        if kind == "carousel":
            form |= {"media_type": "CAROUSEL", "children": _json_list(children)}
        else:
            form |= await self.source(session, part.media[0])
        if kind == "reel":
            form |= {"media_type": "REELS", "share_to_feed": delivery.post.options.get("share_to_feed", "true")}
            form |= await _cover(session, part.media[0])
        elif kind == "story":
            form["media_type"] = "STORIES"
        return form

    def charge(self, delivery: Delivery) -> Charge:
        return POST

    def spoilt(self, state: str, told: str) -> tuple[Rejected, bool]:
        code = number((re.findall(r"\b2207\d{3}\b", told) or ["0"])[0])
        return Rejected(_refusal(code, told), detail=f"{state}: {told}"), code in LOST_CONTAINER

    def out(self, session: Session, delivery: Delivery, post_id: str) -> Continue:
        return _out(session, delivery, post_id)

    async def find_post(self, session: Session, delivery: Delivery, begun: datetime | None) -> PublishResult:
        return await _find_media(session, delivery, begun)


FLOW = InstagramFlow()


async def _cover(session: Session, one: RenderedMedia) -> dict[str, str]:
    """A reel's first sight: the time of a frame, or where to fetch the picture."""
    if one.cover is None:
        return {}
    if one.cover_ms is not None:
        return {"thumb_offset": str(one.cover_ms)}
    return {"cover_url": await session.public_url(one.cover)}


def _json_list(values: list[str]) -> str:
    return "[" + ",".join(f'"{value}"' for value in values) + "]"


def _refusal(code: int, told: str) -> Problem:
    if known := KNOWN.get(code):
        return known.problem(NETWORK, told)
    message = "{network} could not use the file ({said}): send another one."
    return Problem(
        code="media-failed",
        message=message,
        params={"network": NETWORK, "said": told or "it gave no reason"},
        field="parts.0.media",
    )


# What readers see


def _out(session: Session, delivery: Delivery, media: str, more: Mapping[str, JSON] | None = None) -> Continue:
    done: dict[str, JSON] = {
        "container": delivery.progress.get("container", ""),
        "media": media,
        "at": session.now().isoformat(),
    }
    return Continue(progress={**done, **(more or {})}, note=Note("{network} has published it.", network=NETWORK))


async def _address(session: Session, delivery: Delivery) -> PublishResult:
    """Where readers find it; the post is out even where the network does not tell."""
    media = str(delivery.progress["media"])
    try:
        answer = await graph_of(session).get(media, fields="permalink")
    except Rejected:
        answer = {}
    return _found(session, delivery, media, answer)


def _found(session: Session, delivery: Delivery, media: str, answer: Mapping[str, Any]) -> PublishResult:
    url = str(answer.get("permalink") or f"https://www.instagram.com/{session.handle}/")
    done = _out(session, delivery, media, {**delivery.progress, "media": media, "url": url})
    if delivery.post.first_comment is None:
        return _published(session, done.progress)
    return Continue(
        progress=done.progress, note=Note("{network} has published it; its first comment is next.", network=NETWORK)
    )


async def _find_media(session: Session, delivery: Delivery, begun: datetime | None) -> PublishResult:
    """The media that a published container became: by caption and time, or the only new one that there is."""
    fresh = [one async for one in _media_since(session, delivery, begun)]
    text = delivery.post.parts[0].text
    ours = [one for one in fresh if same(str(one.get("caption") or ""), text)] or (fresh if len(fresh) == 1 else [])
    if not ours:
        raise Unavailable("the container is published, but its media is not listed yet")
    return _found(session, delivery, text_of(ours[0], "id"), ours[0])


async def _find_restored(session: Session, delivery: Delivery, until: datetime) -> PublishResult | None:
    """The media, whatever containers there were: by its caption, from backup to restore."""
    begun, text = delivery.begun_at or until, delivery.post.parts[0].text
    story = _kind(delivery) == "story"
    fresh = [one async for one in _media_since(session, delivery, begun, until)]
    ours = [one for one in fresh if same(str(one.get("caption") or ""), text)]
    if (ours and not text) or (story and (fresh or session.now() - begun > STORY_LASTS)):
        raise Uncertain(
            "the account has, or had, new media without a caption, and it cannot be told whether this is one of them"
        )
    return _found(session, delivery, text_of(ours[-1], "id"), ours[-1]) if ours else None


async def _media_since(
    session: Session, delivery: Delivery, begun: datetime | None, until: datetime | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The account's media, newest first: about the moment when the step began, or of a day where that is not known."""
    since = begun or moment(delivery.progress.get("since")) or session.now() - timedelta(days=1)
    edge = "stories" if _kind(delivery) == "story" else "media"
    asked = {"fields": "id,caption,timestamp,permalink", "limit": str(ROWS)}
    if edge == "media":
        asked["since"] = str(int((since - LOOK_AROUND).timestamp()))
        if begun:
            asked["until"] = str(int(((until or begun) + LOOK_AROUND).timestamp()))
    for _ in range(PAGES):
        answer, ahead = await graph_of(session).look(f"{session.account_id}/{edge}", **asked)
        for one in data_of(answer):
            if _is_fresh(one, since + ahead - MARGIN):
                yield one
        paging = answer.get("paging", {})
        if not paging.get("next"):
            return
        asked["after"] = text_of(paging.get("cursors", {}), "after")
    raise Uncertain("the account has more new media than can be searched")


def _is_fresh(row: Mapping[str, Any], since: datetime) -> bool:
    made = moment(row.get("timestamp"))
    return made is None or made >= since


# The first comment


async def _comment(session: Session, delivery: Delivery) -> Published:
    comment, done = delivery.post.first_comment, delivery.progress
    if comment is None:
        return _published(session, done)
    made, refused = await comments.leave(graph_of(session), str(done["media"]), comment.text, NETWORK)
    return _published(session, done, comment=made, refused=refused)


async def _find_comment(session: Session, delivery: Delivery) -> Published | None:
    comment, done = delivery.post.first_comment, delivery.progress
    if comment is None:
        return _published(session, done)
    answer = await graph_of(session).get(f"{done['media']}/comments", fields="id,text,username", limit="50")
    for one in data_of(answer):
        mine = str(one.get("username") or session.handle) == session.handle
        if mine and same(str(one.get("text", "")), comment.text):
            return _published(session, done, comment=text_of(one, "id"))
    return None


def _published(
    session: Session, done: Mapping[str, JSON], *, comment: str = "", refused: Problem | None = None
) -> Published:
    raw: dict[str, JSON] = {"id": done["media"], "container": done["container"], "permalink": done["url"]}
    return Published(
        ids=(str(done["media"]),),
        url=str(done["url"]),
        at=moment(done.get("at")) or session.now(),
        raw={**raw, "comment": comment} if comment else raw,
        warnings=(refused,) if refused else (),
    )
