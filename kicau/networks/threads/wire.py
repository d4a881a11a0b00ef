"""What goes over the wire: a container for each part, its state, publishing it, and reading where it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
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
    RenderedPart,
    too_early,
)
from kicau.connector.errors import ConnectorError, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.http import Reply
from kicau.connector.session import Session
from kicau.networks._meta.errors import NotReady, error_object, is_gone, number
from kicau.networks._meta.errors import read_error as read_graph_error
from kicau.networks._meta.graph import Graph, moment, text_of
from kicau.networks.threads.limits import FACTS, NETWORK
from kicau.networks.threads.refusals import (  # fmt: skip
    KNOWN,
    LINKS,
    NO_CONTAINER,
    OTHER,
    QUOTA,
    SPOILT,
    TOO_MANY_LINKS,
    UNFETCHABLE,
)
from kicau.networks.threads.render import LETTERS

VERSION = "v1.0"
POST, REPLY = Charge("posts-24h"), Charge("replies-24h")
MARGIN = timedelta(seconds=int(FACTS["clock_margin_s"].value))
LONGEST_WAIT = 60  # seconds between two looks; the guide asks for no more than one a minute
QUOTA_WAIT = timedelta(hours=1)  # the window rolls, and the refusal names no time
LOOK_AROUND = timedelta(minutes=10)  # asked of the list; what counts is then read by the network's own clock
ROWS, PAGES = 50, 25  # posts a page, and pages: more than an account may publish in a day
AGAIN = 3  # times that a lost upload or container is sent again
PATIENCE = 300  # looks at one container, which lives for 24 hours


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadsGraph(Graph):
    """Graph's dialect on its own host, in its own version."""

    def url(self, path: str) -> str:
        return f"{self.base}/{VERSION}/{path}"


def graph_of(session: Session) -> ThreadsGraph:
    return ThreadsGraph(http=session.http, base=session.app.endpoints["graph"], token=session.credentials.access_token)


def read_error(reply: Reply) -> ConnectorError | None:
    """Graph's error object, or the sign-in's own form, in the six errors; None where the answer has neither."""
    error = error_object(reply)
    sub, detail = number(error.get("error_subcode")), str(error.get("message", ""))
    if sub in QUOTA or number(error.get("code")) == 9:
        return RateLimited(datetime.now(UTC) + QUOTA_WAIT, detail=detail)
    if sub == NO_CONTAINER:
        return NotReady(detail)
    if LINKS in json.dumps(error):
        return Rejected(TOO_MANY_LINKS.problem(NETWORK), detail=detail)
    said = reply.peek()
    if "error_message" not in said:
        return read_graph_error(reply, NETWORK, KNOWN)
    message = "{network} did not complete the sign-in: {said}. Connect the channel again."
    params = {"network": NETWORK, "said": str(said["error_message"]).rstrip(".")}
    return Rejected(Problem(code="sign-in-declined", message=message, params=params), detail=reply.text[:300])


async def publish(session: Session, delivery: Delivery) -> PublishResult:
    """One step for the part that is next: a child, a look at one, its container, a look, or publishing it."""
    done = delivery.progress
    out = _posts(done)
    if len(out) == len(delivery.post.parts):
        return await _address(session, delivery)
    media = delivery.post.parts[len(out)].media
    children = _listed(done, "children")
    if len(media) > 1 and len(children) < len(media):
        return await _add_child(session, delivery, media, children)
    if waiting := _unready_video(media, children, _listed(done, "ready")):
        return await _await_child(session, delivery, waiting)
    if "container" not in done:
        return await _add_container(session, delivery, children)
    if not done.get("finished"):
        return await _await_container(session, delivery)
    return await _show(session, delivery)


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """The container says whether it was published; then the post is looked up among the account's own."""
    done = delivery.progress
    if delivery.restored_at is not None and len(_posts(done)) < len(delivery.post.parts):
        return await _find_restored(session, delivery, delivery.restored_at)
    if len(_posts(done)) == len(delivery.post.parts) or not done.get("finished"):
        return None  # an address to read, or containers that nobody can see
    state, told = await _state(session, str(done["container"]))
    match state:
        case "PUBLISHED":
            return await _find_post(session, delivery, delivery.begun_at)
        case "FINISHED":
            return None
    return _not_yet(delivery, state, told)


async def withdraw(session: Session, post_id: str) -> None:
    try:
        await graph_of(session).delete(post_id)
    except Rejected as refused:
        if not is_gone(refused):
            raise


def _posts(done: Mapping[str, JSON]) -> list[str]:
    return _listed(done, "posts")


def _listed(done: Mapping[str, JSON], name: str) -> list[str]:
    found = done.get(name, [])
    return [str(one) for one in found] if isinstance(found, list) else []


def _go_on(delivery: Delivery, note: str, after: timedelta = timedelta(0), **progress: JSON) -> Continue:
    return Continue(progress={**delivery.progress, **progress}, after=after, note=note)


def _current(delivery: Delivery) -> tuple[int, RenderedPart]:
    n = len(_posts(delivery.progress))
    return n, delivery.post.parts[n]


# Containers: nobody can see them, and an unused one lapses, so making one twice does no harm


async def _add_child(session: Session, delivery: Delivery, media: tuple[RenderedMedia, ...], children: list[str]) -> Continue:  # fmt: skip
    form = {**await _source(session, media[len(children)]), "is_carousel_item": "true"}
    try:
        made = await _make(session, form)
    except Rejected as refused:
        return _fetch_again(delivery, refused)
    held: list[JSON] = [*children, made]
    return _go_on(
        delivery, Note("{network} has file {n} of {all}.", network=NETWORK, n=len(held), all=len(media)), children=held
    )


async def _add_container(session: Session, delivery: Delivery, children: list[str]) -> PublishResult:
    n, part = _current(delivery)
    form = {"text": part.text} if part.text else {}
    if children:
        form |= {"media_type": "CAROUSEL", "children": ",".join(children)}
    elif part.media:
        form |= await _source(session, part.media[0])
    else:
        form["media_type"] = "TEXT"
    form |= _chosen(delivery, n, part)
    try:
        made = await _make(session, form)
    except NotReady:
        return _again(delivery)
    except Rejected as refused:
        return _fetch_again(delivery, refused)
    slow = any(one.media.kind is MediaKind.VIDEO for one in part.media)
    return _go_on(delivery, Note("{network} has everything and prepares it.", network=NETWORK), timedelta(seconds=2 if slow else 0), container=made, finished=False, polls=0)  # fmt: skip


def _chosen(delivery: Delivery, n: int, part: RenderedPart) -> dict[str, str]:
    """What is asked for beside text and files: of the first part, or of every one."""
    post = delivery.post
    form = {"reply_control": chosen} if (chosen := post.options.get("reply_control", "everyone")) != "everyone" else {}
    if part.media and post.options.get("spoiler") == "true":
        form["is_spoiler_media"] = "true"
    if n > 0:
        return {**form, "reply_to_id": _posts(delivery.progress)[-1]}
    if post.reply_to:
        form["reply_to_id"] = post.reply_to
    if topic := post.options.get("topic", ""):
        form["topic_tag"] = topic
    if quote := post.options.get("quote", ""):
        form["quote_post_id"] = quote
    if post.link:
        form["link_attachment"] = post.link.url
    if post.poll:
        named = zip(LETTERS, post.poll.options, strict=False)
        form["poll_attachment"] = json.dumps({f"option_{letter}": one.strip() for letter, one in named}, ensure_ascii=False)  # fmt: skip
    return form


async def _source(session: Session, one: RenderedMedia) -> dict[str, str]:
    """Where Threads fetches a file from, and its alt text."""
    url = await session.public_url(one)
    video = one.media.kind is MediaKind.VIDEO
    form = {"media_type": "VIDEO", "video_url": url} if video else {"media_type": "IMAGE", "image_url": url}
    return {**form, "alt_text": one.media.alt} if one.media.alt else form


async def _make(session: Session, form: Mapping[str, str]) -> str:
    answer = await graph_of(session).post(f"{session.account_id}/threads", form, repeatable=True)
    return text_of(answer, "id")


def _fetch_again(delivery: Delivery, refused: Rejected) -> Continue:
    """A file that is there may fail to be fetched now and then: ask a few times before giving it back."""
    lost = number(delivery.progress.get("lost", 0))
    if lost >= AGAIN or all(problem.code != UNFETCHABLE for problem in refused.problems):
        raise refused
    note = Note("{network} could not fetch the file; it is asked again.", network=NETWORK)
    return _go_on(delivery, note, timedelta(seconds=10 * 2**lost), lost=lost + 1)


def _anew(delivery: Delivery, why: str, spoilt: Rejected) -> Continue:
    """Make this part's containers again: nothing of them can be seen. Parts that are out stay out."""
    lost = number(delivery.progress.get("lost", 0))
    if lost >= AGAIN:
        raise spoilt
    kept = {name: value for name, value in delivery.progress.items() if name in ("posts", "at")}
    note = Note("{network} lost the upload; it is sent again.", network=NETWORK)
    return Continue(progress={**kept, "lost": lost + 1}, after=timedelta(seconds=10 * 2**lost), note=note)


# States


def _unready_video(media: tuple[RenderedMedia, ...], children: list[str], ready: list[str]) -> str:
    """A video of a carousel that is not known to be prepared; "" where there is none."""
    videos = (c for c, one in zip(children, media, strict=False) if one.media.kind is MediaKind.VIDEO)
    return next((child for child in videos if child not in ready), "")


async def _await_child(session: Session, delivery: Delivery, child: str) -> PublishResult:
    state, told = await _state(session, child)
    if state not in ("FINISHED", "PUBLISHED"):
        return _not_yet(delivery, state, told)
    ready: list[JSON] = [*_listed(delivery.progress, "ready"), child]
    return _go_on(delivery, Note("{network} has prepared a video.", network=NETWORK), ready=ready, polls=0)


async def _await_container(session: Session, delivery: Delivery) -> PublishResult:
    state, told = await _state(session, str(delivery.progress["container"]))
    if state == "FINISHED":
        since = delivery.progress.get("since") or session.now().isoformat()  # it was not published before
        return _go_on(delivery, Note("{network} is ready to publish.", network=NETWORK), finished=True, since=since)
    if state == "PUBLISHED":
        return await _find_post(session, delivery, None)
    return _not_yet(delivery, state, told)


def _not_yet(delivery: Delivery, state: str, told: str) -> Continue:
    """Look again later; begin anew with a lapsed container; give up on a spoilt one."""
    if state == "IN_PROGRESS":
        return _again(delivery)
    refusal = SPOILT.get(told, OTHER)
    spoilt = Rejected(refusal.problem(NETWORK, told or "it gave no reason"), detail=f"{state}: {told}")
    if state == "EXPIRED":
        return _anew(delivery, "let the upload lapse", spoilt)
    if refusal.code == UNFETCHABLE or told in ("", "UNKNOWN"):
        return _anew(delivery, "lost the upload", spoilt)
    raise spoilt


def _again(delivery: Delivery) -> Continue:
    polls = number(delivery.progress.get("polls", 0))
    if polls >= PATIENCE:
        message = "{network} has not finished preparing the file after many hours: send it again, or another one."
        raise Rejected(Problem(code="never-ready", message=message, params={"network": NETWORK}, field="parts.0.media"))
    wait = timedelta(seconds=min(LONGEST_WAIT, 2 ** min(polls, 10)))
    return _go_on(
        delivery, Note("{network} is preparing the post.", network=NETWORK), wait, polls=polls + 1, finished=False
    )


async def _state(session: Session, container: str) -> tuple[str, str]:
    answer = await graph_of(session).get(container, fields="status,error_message")
    return str(answer.get("status", "IN_PROGRESS")), str(answer.get("error_message") or "")


# What readers see


async def _show(session: Session, delivery: Delivery) -> PublishResult:
    if wait := too_early(delivery, session.now()):
        return wait
    container = str(delivery.progress["container"])
    charge = REPLY if _is_reply(delivery) else POST
    try:
        answer = await graph_of(session).post(f"{session.account_id}/threads_publish", {"creation_id": container}, charge=charge)  # fmt: skip
    except NotReady:
        return _again(delivery)  # and look at its state first
    except Rejected:
        state, told = await _state(session, container)
        if state == "PUBLISHED":
            return await _find_post(session, delivery, None)
        if state == "EXPIRED":
            return _not_yet(delivery, state, told)
        raise
    return _out(session, delivery, text_of(answer, "id"))


def _is_reply(delivery: Delivery) -> bool:
    return bool(_posts(delivery.progress) or delivery.post.reply_to)


def _out(session: Session, delivery: Delivery, post: str, at: str = "") -> Continue:
    """One more part is public; what belonged to its container is forgotten."""
    before = _posts(delivery.progress)
    posts: list[JSON] = [*before, post]
    first = str(delivery.progress.get("at") or at or session.now().isoformat())
    whole = len(delivery.post.parts)
    note = (
        Note("{network} has published it.", network=NETWORK)
        if whole == 1
        else Note("{network} has published part {n} of {all}.", network=NETWORK, n=len(posts), all=whole)
    )
    return Continue(progress={"posts": posts, "at": first}, note=note)


async def _address(session: Session, delivery: Delivery) -> Published:
    """Where readers find it; the post is out even where the network does not tell."""
    posts = _posts(delivery.progress)
    try:
        answer = await graph_of(session).get(posts[0], fields="permalink")
    except Rejected:
        answer = {}
    url = str(answer.get("permalink") or f"https://www.threads.net/@{session.handle}")
    raw: dict[str, JSON] = {"ids": [*posts], "permalink": url}
    at = moment(delivery.progress.get("at")) or session.now()
    return Published(ids=tuple(posts), url=url, at=at, raw=raw)


async def _find_post(session: Session, delivery: Delivery, begun: datetime | None) -> PublishResult:
    """The post that a published container became: by text and time, or the only new one that there is."""
    known = set(_posts(delivery.progress))
    fresh = [one async for one in _own_since(session, delivery, begun) if str(one.get("id")) not in known]
    _, part = _current(delivery)
    ours = [one for one in fresh if _same(str(one.get("text") or ""), part.text)] or (fresh if len(fresh) == 1 else [])
    if not ours:
        raise Unavailable("the container is published, but its post is not listed yet")
    at = moment(ours[0].get("timestamp"))
    return _out(session, delivery, text_of(ours[0], "id"), at.isoformat() if at else "")


async def _find_restored(session: Session, delivery: Delivery, until: datetime) -> PublishResult | None:
    """The next part, whatever containers there were: by its text, from backup to restore."""
    known = set(_posts(delivery.progress))
    _, part = _current(delivery)
    ours = [
        one
        async for one in _own_since(session, delivery, delivery.begun_at or until)
        if str(one.get("id")) not in known and _same(str(one.get("text") or ""), part.text)
    ]
    if ours and not part.text:
        raise Uncertain("the account has a new post without text, and it cannot be told whether it is this one")
    if not ours:
        return None
    at = moment(ours[-1].get("timestamp"))
    return _out(session, delivery, text_of(ours[-1], "id"), at.isoformat() if at else "")


async def _own_since(session: Session, delivery: Delivery, begun: datetime | None) -> AsyncIterator[dict[str, Any]]:
    """The account's posts, or its replies, newest first: since the step began, or since its container was ready."""
    since = begun or moment(delivery.progress.get("since")) or session.now() - timedelta(days=1)
    edge = "replies" if _is_reply(delivery) else "threads"
    asked = {"fields": "id,text,timestamp", "limit": str(ROWS), "since": str(int((since - LOOK_AROUND).timestamp()))}
    for _ in range(PAGES):
        answer, ahead = await graph_of(session).look(f"{session.account_id}/{edge}", **asked)
        for one in answer.get("data", []):
            made = moment(one.get("timestamp"))
            if made is None or made >= since + ahead - MARGIN:
                yield one
        after = (answer.get("paging", {}).get("cursors") or {}).get("after")
        if not after or len(answer.get("data", [])) < ROWS:
            return
        asked["after"] = str(after)
    raise Uncertain("the account has more new posts than can be searched")


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()) == " ".join(other.split())
