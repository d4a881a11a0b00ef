"""What goes over the wire: a container for each part, and reading where it is once it is published."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kicau.connector.content import (
    JSON,
    Charge,
    Continue,
    Delivery,
    MediaKind,
    Note,
    Published,
    PublishResult,
    RenderedMedia,
    RenderedPart,
)
from kicau.connector.errors import ConnectorError, Rejected, Unavailable, Uncertain
from kicau.connector.session import Session
from kicau.connector.transport.http import Reply
from kicau.networks._meta import containers, deletion
from kicau.networks._meta.containers import LOOK_AROUND, UNFETCHABLE, listed
from kicau.networks._meta.errors import error_object
from kicau.networks._meta.graph import Graph, data_of, moment, text_of
from kicau.networks._meta.text import same
from kicau.networks.threads.errors import KNOWN, LINKS, NO_CONTAINER, OTHER, QUOTA, SPOILT, TOO_MANY_LINKS
from kicau.networks.threads.limits import FACTS, NETWORK
from kicau.networks.threads.render import LETTERS

VERSION = "v1.0"
POST, REPLY = Charge("posts-24h"), Charge("replies-24h")
MARGIN = timedelta(seconds=int(FACTS["clock_margin_s"].value))
ROWS, PAGES = 50, 25  # posts a page, and pages: more than an account may publish in a day


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
    if LINKS in json.dumps(error):
        return Rejected(TOO_MANY_LINKS.problem(NETWORK), detail=str(error.get("message", "")))
    return containers.read_error(reply, NETWORK, quota=QUOTA, not_ready=NO_CONTAINER, known=KNOWN)


async def publish(session: Session, delivery: Delivery) -> PublishResult:
    """One step for the part that is next, or reading the address when all are out."""
    if len(_posts(delivery.progress)) == len(delivery.post.parts):
        return await _address(session, delivery)
    return await FLOW.step(session, delivery)


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """The container says whether it was published; then the post is looked up among the account's own."""
    if len(_posts(delivery.progress)) == len(delivery.post.parts):
        return None  # an address to read
    if delivery.restored_at is not None:
        return await _find_restored(session, delivery, delivery.restored_at)
    return await FLOW.find(session, delivery)


async def withdraw(session: Session, post_id: str) -> None:
    await deletion.delete(graph_of(session), post_id)


def _posts(done: Mapping[str, JSON]) -> list[str]:
    return listed(done, "posts")


def _current(delivery: Delivery) -> tuple[int, RenderedPart]:
    n = len(_posts(delivery.progress))
    return n, delivery.post.parts[n]


class ThreadsFlow(containers.Flow):
    network = NETWORK
    edge = "threads"
    state_fields = ("status", "error_message")
    tries = 3
    patience = 300
    kept = frozenset({"posts", "at"})  # parts that are out stay out

    def graph(self, session: Session) -> Graph:
        return graph_of(session)

    def part(self, delivery: Delivery) -> RenderedPart:
        return _current(delivery)[1]

    async def source(self, session: Session, one: RenderedMedia) -> dict[str, str]:
        url = await session.public_url(one)
        video = one.media.kind is MediaKind.VIDEO
        form = {"media_type": "VIDEO", "video_url": url} if video else {"media_type": "IMAGE", "image_url": url}
        return {**form, "alt_text": one.media.alt} if one.media.alt else form

    async def form(self, session: Session, delivery: Delivery, children: list[str]) -> dict[str, str]:
        n, part = _current(delivery)
        form = {"text": part.text} if part.text else {}
        if children:
            form |= {"media_type": "CAROUSEL", "children": ",".join(children)}
        elif part.media:
            form |= await self.source(session, part.media[0])
        else:
            form["media_type"] = "TEXT"
        return form | _chosen(delivery, n, part)

    def charge(self, delivery: Delivery) -> Charge:
        return REPLY if _is_reply(delivery) else POST

    def spoilt(self, state: str, told: str) -> tuple[Rejected, bool]:
        refusal = SPOILT.get(told, OTHER)
        refused = Rejected(refusal.problem(NETWORK, told or "it gave no reason"), detail=f"{state}: {told}")
        return refused, refusal.code == UNFETCHABLE or told in ("", "UNKNOWN")

    def out(self, session: Session, delivery: Delivery, post_id: str) -> Continue:
        return _out(session, delivery, post_id)

    async def find_post(self, session: Session, delivery: Delivery, begun: datetime | None) -> PublishResult:
        return await _find_post(session, delivery, begun)


FLOW = ThreadsFlow()


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
        form["poll_attachment"] = json.dumps(
            {f"option_{letter}": one.strip() for letter, one in named}, ensure_ascii=False
        )
    return form


# What readers see


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
    ours = [one for one in fresh if same(str(one.get("text") or ""), part.text)] or (fresh if len(fresh) == 1 else [])
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
        if str(one.get("id")) not in known and same(str(one.get("text") or ""), part.text)
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
        rows = data_of(answer)
        for one in rows:
            made = moment(one.get("timestamp"))
            if made is None or made >= since + ahead - MARGIN:
                yield one
        after = (answer.get("paging", {}).get("cursors") or {}).get("after")
        if not after or len(rows) < ROWS:
            return
        asked["after"] = str(after)
    raise Uncertain("the account has more new posts than can be searched")
