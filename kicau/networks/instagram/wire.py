"""What goes over the wire: containers, their states, publishing, and the comment under it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
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
    too_early,
)
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.http import Reply
from kicau.connector.session import Session
from kicau.networks._meta.errors import NotReady, error_object, is_gone, number, said_by
from kicau.networks._meta.errors import read_error as read_graph_error
from kicau.networks._meta.graph import Graph, moment, page_graph, text_of
from kicau.networks.instagram.limits import FACTS, NETWORK
from kicau.networks.instagram.refusals import KNOWN, LOST_CONTAINER, NOT_READY, QUOTA, UNFETCHABLE
from kicau.networks.instagram.render import kind_of

POST = Charge("posts-24h")
MARGIN = timedelta(seconds=int(FACTS["clock_margin_s"].value))
LONGEST_WAIT = 60  # seconds between two looks; the guide asks for no more than one a minute
STORY_LASTS = timedelta(hours=24)  # after which the network lists it no more
QUOTA_WAIT = timedelta(hours=1)  # the window rolls, and the refusal names no time
LOOK_AROUND = timedelta(minutes=10)  # asked of the list; what counts is then read by the network's own clock
ROWS, PAGES = 50, 20  # media a page, and pages: ten times what an account may publish in a day
FETCHES = 6  # times that a lost upload is sent again, over ten minutes: our own web server may be starting anew
PATIENCE = 600  # looks at one container, which lives for 24 hours


def graph_of(session: Session) -> Graph:
    """The host that this channel's sign-in belongs to; graph.instagram.com takes no proof."""
    if by_facebook(session):
        return page_graph(session, "facebook")
    return Graph(http=session.http, base=session.app.endpoints["graph"], token=session.credentials.access_token)


def by_facebook(session: Session) -> bool:
    return session.credentials.extra.get("login") == "facebook"


def read_error(reply: Reply) -> ConnectorError | None:
    """Graph's error object, or Instagram Login's own, in the six errors; None where the answer has neither."""
    error = error_object(reply)
    sub, detail = number(error.get("error_subcode")), str(error.get("message", ""))
    if sub in QUOTA or number(error.get("code")) == 9:
        return RateLimited(datetime.now(UTC) + QUOTA_WAIT, detail=detail)
    if sub in NOT_READY:
        return NotReady(detail)
    said = reply.peek()
    if "error_message" not in said:
        return read_graph_error(reply, NETWORK, KNOWN)
    message = "{network} did not complete the sign-in: {said}. Connect the channel again."
    params = {"network": NETWORK, "said": str(said["error_message"]).rstrip(".")}
    return Rejected(Problem(code="sign-in-declined", message=message, params=params), detail=reply.text[:300])


async def publish(session: Session, delivery: Delivery) -> PublishResult:
    """One step: a container, a look at one, publishing, reading the address, or the comment."""
    done = delivery.progress
    if "media" in done:
        return await (_comment if "url" in done else _address)(session, delivery)
    media = delivery.post.parts[0].media
    children = _listed(done, "children")
    if len(media) > 1 and len(children) < len(media):
        return await _add_child(session, delivery, children)
    if waiting := _unready_video(media, children, _listed(done, "ready")):
        return await _await_child(session, delivery, waiting)
    if "container" not in done:
        return await _add_container(session, delivery, children)
    if not done.get("finished"):
        return await _await_container(session, delivery)
    return await _show(session, delivery)


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """The container says whether it was published; then its media is looked up."""
    done = delivery.progress
    if "media" in done:
        return await _find_comment(session, delivery) if "url" in done else None
    if delivery.restored_at is not None:
        return await _find_restored(session, delivery, delivery.restored_at)
    if not done.get("finished"):
        return None  # containers that nobody can see
    state, told = await _state(session, str(done["container"]))
    match state:
        case "PUBLISHED":
            return await _find_media(session, delivery, delivery.begun_at)
        case "FINISHED":
            return None
    return _not_yet(delivery, state, told)


async def withdraw(session: Session, post_id: str) -> None:
    if not by_facebook(session):
        message = "{network} deletes nothing through this sign-in: delete the post in its app, or connect the channel with Facebook."
        raise Rejected(Problem(code="no-delete", message=message, params={"network": NETWORK}))
    try:
        await graph_of(session).delete(post_id)
    except Rejected as refused:
        if not is_gone(refused):
            raise


def _listed(done: Mapping[str, JSON], name: str) -> list[str]:
    found = done.get(name, [])
    return [str(one) for one in found] if isinstance(found, list) else []


def _kind(delivery: Delivery) -> str:
    kinds = [one.media.kind for one in delivery.post.parts[0].media]
    return kind_of(delivery.post.options.get("format", "auto"), kinds)


# Containers: nobody can see them, and an unused one lapses, so making one twice does no harm


async def _add_child(session: Session, delivery: Delivery, children: list[str]) -> Continue:
    media = delivery.post.parts[0].media
    one = media[len(children)]
    form = {**await _source(session, one), "is_carousel_item": "true"}
    if one.media.kind is MediaKind.VIDEO:
        form["media_type"] = "VIDEO"
    try:
        made = await _make(session, form)
    except Rejected as refused:
        return _fetch_again(delivery, refused)
    held: list[JSON] = [*children, made]
    note = Note("{network} has file {n} of {all}.", network=NETWORK, n=len(held), all=len(media))
    return Continue(progress={**delivery.progress, "children": held}, note=note)


async def _add_container(session: Session, delivery: Delivery, children: list[str]) -> PublishResult:
    part, kind = delivery.post.parts[0], _kind(delivery)
    form: dict[str, str] = {"caption": part.text} if part.text else {}
    if kind == "carousel":
        form |= {"media_type": "CAROUSEL", "children": _json_list(children)}
    else:
        form |= await _source(session, part.media[0])
    if kind == "reel":
        form |= {"media_type": "REELS", "share_to_feed": delivery.post.options.get("share_to_feed", "true")}
        form |= await _cover(session, part.media[0])
    elif kind == "story":
        form["media_type"] = "STORIES"
    try:
        made = await _make(session, form)
    except NotReady:
        return _again(delivery)
    except Rejected as refused:
        return _fetch_again(delivery, refused)
    slow = any(one.media.kind is MediaKind.VIDEO for one in part.media)
    done: dict[str, JSON] = {"container": made, "children": [*children]}
    wait = timedelta(seconds=2 if slow else 0)
    return Continue(progress=done, after=wait, note=Note("{network} has everything and prepares it.", network=NETWORK))


async def _source(session: Session, one: RenderedMedia) -> dict[str, str]:
    """Where Instagram fetches a file from, and its alt text."""
    url = await session.public_url(one)
    if one.media.kind is MediaKind.VIDEO:
        return {"video_url": url}
    return {"image_url": url, "alt_text": one.media.alt} if one.media.alt else {"image_url": url}


async def _cover(session: Session, one: RenderedMedia) -> dict[str, str]:
    """A reel's first sight: the time of a frame, or where to fetch the picture."""
    if one.cover is None:
        return {}
    if one.cover_ms is not None:
        return {"thumb_offset": str(one.cover_ms)}
    return {"cover_url": await session.public_url(one.cover)}


async def _make(session: Session, form: Mapping[str, str]) -> str:
    answer = await graph_of(session).post(f"{session.account_id}/media", form, repeatable=True)
    return text_of(answer, "id")


def _fetch_again(delivery: Delivery, refused: Rejected) -> Continue:
    """Instagram fails to fetch a file now and then that is there: ask a few times before giving it back."""
    lost = number(delivery.progress.get("lost", 0))
    if lost >= FETCHES or all(problem.code != UNFETCHABLE for problem in refused.problems):
        raise refused
    note = Note("{network} could not fetch the file; it is asked again.", network=NETWORK)
    return Continue(progress={**delivery.progress, "lost": lost + 1}, after=timedelta(seconds=10 * 2**lost), note=note)


def _anew(delivery: Delivery, why: str) -> Continue:
    """Begin again: nothing of what was sent can be seen, and none of it is of use any more."""
    lost = number(delivery.progress.get("lost", 0))
    if lost >= FETCHES:
        raise Rejected(_refusal(0, why), detail=why)
    return Continue(
        progress={"lost": lost + 1},
        after=timedelta(seconds=10 * 2**lost),
        note=Note("{network} lost the upload; it is sent again.", network=NETWORK),
    )


def _json_list(values: list[str]) -> str:
    return "[" + ",".join(f'"{value}"' for value in values) + "]"


# States


def _unready_video(media: tuple[RenderedMedia, ...], children: list[str], ready: list[str]) -> str:
    """A video of a carousel that is not known to be prepared; "" where there is none."""
    videos = (c for c, one in zip(children, media, strict=False) if one.media.kind is MediaKind.VIDEO)
    return next((child for child in videos if child not in ready), "")


async def _await_child(session: Session, delivery: Delivery, child: str) -> PublishResult:
    state, told = await _state(session, child)
    if state in ("FINISHED", "PUBLISHED"):
        ready: list[JSON] = [*_listed(delivery.progress, "ready"), child]
        return Continue(
            progress={**delivery.progress, "ready": ready, "polls": 0},
            note=Note("{network} has prepared a video.", network=NETWORK),
        )
    return _not_yet(delivery, state, told)


async def _await_container(session: Session, delivery: Delivery) -> PublishResult:
    state, told = await _state(session, str(delivery.progress["container"]))
    if state == "FINISHED":
        return Continue(
            progress={**delivery.progress, "finished": True},
            note=Note("{network} is ready to publish.", network=NETWORK),
        )
    if state == "PUBLISHED":
        return await _find_media(session, delivery, None)
    return _not_yet(delivery, state, told)


def _not_yet(delivery: Delivery, state: str, told: str) -> Continue:
    """Look again later; begin anew with a lapsed container; give up on a spoilt one."""
    if state == "IN_PROGRESS":
        return _again(delivery)
    if state == "EXPIRED":
        return _anew(delivery, "let the upload lapse")
    code = number((re.findall(r"\b2207\d{3}\b", told) or ["0"])[0])
    if code in LOST_CONTAINER:
        return _anew(delivery, f"lost the upload ({code})")
    raise Rejected(_refusal(code, told), detail=f"{state}: {told}")


def _again(delivery: Delivery) -> Continue:
    polls = number(delivery.progress.get("polls", 0))
    if polls >= PATIENCE:
        message = "{network} has not finished preparing the file after many hours: send it again, or another one."
        raise Rejected(Problem(code="never-ready", message=message, params={"network": NETWORK}, field="parts.0.media"))
    wait = timedelta(seconds=min(LONGEST_WAIT, 2 ** min(polls, 10)))
    return Continue(
        progress={**delivery.progress, "polls": polls + 1, "finished": False},
        after=wait,
        note=Note("{network} is preparing the file.", network=NETWORK),
    )


def _refusal(code: int, told: str) -> Problem:
    if known := KNOWN.get(code):
        return known.problem(NETWORK, told)
    message = "{network} could not use the file ({said}): send another one."
    return Problem(code="media-failed", message=message, params={"network": NETWORK, "said": told or "it gave no reason"}, field="parts.0.media")  # fmt: skip


async def _state(session: Session, container: str) -> tuple[str, str]:
    answer = await graph_of(session).get(container, fields="status_code,status")
    return str(answer.get("status_code", "IN_PROGRESS")), str(answer.get("status", ""))


# What readers see


async def _show(session: Session, delivery: Delivery) -> PublishResult:
    if wait := too_early(delivery, session.now()):
        return wait
    container = str(delivery.progress["container"])
    try:
        answer = await graph_of(session).post(
            f"{session.account_id}/media_publish", {"creation_id": container}, charge=POST
        )
    except NotReady:
        return _again(delivery)  # and look at its state first
    except Rejected:
        state, told = await _state(session, container)
        if state == "PUBLISHED":
            return await _find_media(session, delivery, None)
        if state == "EXPIRED":
            return _not_yet(delivery, state, told)
        raise
    return _out(session, delivery, text_of(answer, "id"))


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
    ours = [one for one in fresh if _same(str(one.get("caption") or ""), text)] or (fresh if len(fresh) == 1 else [])
    if not ours:
        raise Unavailable("the container is published, but its media is not listed yet")
    return _found(session, delivery, text_of(ours[0], "id"), ours[0])


async def _find_restored(session: Session, delivery: Delivery, until: datetime) -> PublishResult | None:
    """The media, whatever containers there were: by its caption, from backup to restore."""
    begun, text = delivery.begun_at or until, delivery.post.parts[0].text
    story = _kind(delivery) == "story"
    fresh = [one async for one in _media_since(session, delivery, begun, until)]
    ours = [one for one in fresh if _same(str(one.get("caption") or ""), text)]
    if (ours and not text) or (story and (fresh or session.now() - begun > STORY_LASTS)):
        raise Uncertain(
            "the account has, or had, new media without a caption, and it cannot be told whether this is one of them"
        )
    return _found(session, delivery, text_of(ours[-1], "id"), ours[-1]) if ours else None


async def _media_since(
    session: Session, delivery: Delivery, begun: datetime | None, until: datetime | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The account's media, newest first: about the moment when the step began, or of a day where that is not known."""
    since = begun or session.now() - timedelta(days=1)
    edge = "stories" if _kind(delivery) == "story" else "media"
    asked = {"fields": "id,caption,timestamp,permalink", "limit": str(ROWS)}
    if edge == "media":
        asked["since"] = str(int((since - LOOK_AROUND).timestamp()))
        if begun:
            asked["until"] = str(int(((until or begun) + LOOK_AROUND).timestamp()))
    for _ in range(PAGES):
        answer, ahead = await graph_of(session).look(f"{session.account_id}/{edge}", **asked)
        for one in answer.get("data", []):
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


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()) == " ".join(other.split())


# The first comment


async def _comment(session: Session, delivery: Delivery) -> Published:
    comment, done = delivery.post.first_comment, delivery.progress
    if comment is None:
        return _published(session, done)
    try:
        answer = await graph_of(session).post(f"{done['media']}/comments", {"message": comment.text})
    except Rejected as refused:
        return _published(session, done, warning=refused)
    except AuthExpired as refused:
        if not refused.missing:  # the token itself is dead: the comment waits for the reconnect
            raise
        return _published(session, done, warning=refused)
    return _published(session, done, comment=text_of(answer, "id"))


async def _find_comment(session: Session, delivery: Delivery) -> Published | None:
    comment, done = delivery.post.first_comment, delivery.progress
    if comment is None:
        return _published(session, done)
    answer = await graph_of(session).get(f"{done['media']}/comments", fields="id,text,username", limit="50")
    for one in answer.get("data", []):
        mine = str(one.get("username") or session.handle) == session.handle
        if mine and _same(str(one.get("text", "")), comment.text):
            return _published(session, done, comment=text_of(one, "id"))
    return None


def _published(session: Session, done: Mapping[str, JSON], *, comment: str = "", warning: ConnectorError | None = None) -> Published:  # fmt: skip
    message = "The post is on {network}, but its first comment was refused: {said}"
    said = said_by(warning) if warning else ""
    refused = Problem(
        code="comment-refused", message=message, params={"network": NETWORK, "said": said}, field="first_comment"
    )
    raw: dict[str, JSON] = {"id": done["media"], "container": done["container"], "permalink": done["url"]}
    return Published(
        ids=(str(done["media"]),),
        url=str(done["url"]),
        at=moment(done.get("at")) or session.now(),
        raw={**raw, "comment": comment} if comment else raw,
        warnings=(refused,) if warning else (),
    )
