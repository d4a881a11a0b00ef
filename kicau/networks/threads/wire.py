"""What goes over the wire: a container for each part, and reading where it is once it is published."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kicau.connector.content import (
    JSON,
    AttemptNote,
    Charge,
    Delivery,
    MediaKind,
    PendingStep,
    PublishedPost,
    PublishResult,
    RenderedMedia,
    RenderedPart,
)
from kicau.connector.errors import ConnectorError, Rejected, Unavailable, Uncertain
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks._meta import containers, deletion
from kicau.networks._meta.containers import LOOKUP_CLOCK_MARGIN, UNFETCHABLE_CODE, progress_list
from kicau.networks._meta.errors import error_object
from kicau.networks._meta.graph import GraphClient, parse_time, required_rows, required_text
from kicau.networks._meta.text import is_same_text
from kicau.networks.threads.errors import (
    CONTAINER_FAILURES,
    KNOWN_REJECTIONS,
    LINK_LIMIT_ERROR,
    NO_CONTAINER_SUBCODES,
    QUOTA_SUBCODES,
    TOO_MANY_LINKS,
    UNKNOWN_CONTAINER_FAILURE,
)
from kicau.networks.threads.limits import FACTS, NETWORK_LABEL
from kicau.networks.threads.render import POLL_OPTION_KEYS

API_VERSION = "v1.0"
POST_CHARGE, REPLY_CHARGE = Charge("posts-24h"), Charge("replies-24h")
CLOCK_MARGIN = timedelta(seconds=int(FACTS["clock_margin_s"].value))
ROWS_PER_PAGE, MAX_PAGES = 50, 25  # posts a page, and pages: more than an account may publish in a day


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadsGraph(GraphClient):
    """Graph's dialect on its own host, in its own version."""

    def url(self, path: str) -> str:
        return f"{self.base}/{API_VERSION}/{path}"


def graph_client(session: Session) -> ThreadsGraph:
    return ThreadsGraph(http=session.http, base=session.app.endpoints["graph"], token=session.credentials.access_token)


def read_error(reply: HttpResponse) -> ConnectorError | None:
    """Graph's error object, or the sign-in's own form, in the six errors; None where the answer has neither."""
    error = error_object(reply)
    if LINK_LIMIT_ERROR in json.dumps(error):
        return Rejected(TOO_MANY_LINKS.problem(NETWORK_LABEL), detail=str(error.get("message", "")))
    return containers.read_error(
        reply, NETWORK_LABEL, quota=QUOTA_SUBCODES, not_ready=NO_CONTAINER_SUBCODES, known=KNOWN_REJECTIONS
    )


async def publish_step(session: Session, delivery: Delivery) -> PublishResult:
    """One step for the part that is next, or reading the address when all are out."""
    if len(_published_ids(delivery.progress)) == len(delivery.post.parts):
        return await _fetch_address(session, delivery)
    return await CONTAINER_FLOW.step(session, delivery)


async def look_up_outcome(session: Session, delivery: Delivery) -> PublishResult | None:
    """The container says whether it was published; then the post is looked up among the account's own."""
    if len(_published_ids(delivery.progress)) == len(delivery.post.parts):
        return None  # an address to read
    if delivery.restored_at is not None:
        return await _find_restored(session, delivery, delivery.restored_at)
    return await CONTAINER_FLOW.find(session, delivery)


async def delete_post(session: Session, post_id: str) -> None:
    await deletion.delete_object(graph_client(session), post_id)


def _published_ids(done: Mapping[str, JSON]) -> list[str]:
    return progress_list(done, "posts")


def _current_part(delivery: Delivery) -> tuple[int, RenderedPart]:
    n = len(_published_ids(delivery.progress))
    return n, delivery.post.parts[n]


class ThreadsFlow(containers.ContainerFlow):
    network = NETWORK_LABEL
    edge = "threads"
    state_fields = ("status", "error_message")
    tries = 3
    patience = 300
    kept = frozenset({"posts", "at"})  # parts that are out stay out

    def graph(self, session: Session) -> GraphClient:
        return graph_client(session)

    def part(self, delivery: Delivery) -> RenderedPart:
        return _current_part(delivery)[1]

    async def source(self, session: Session, one: RenderedMedia) -> dict[str, str]:
        url = await session.public_url(one)
        video = one.media.kind is MediaKind.VIDEO
        form = {"media_type": "VIDEO", "video_url": url} if video else {"media_type": "IMAGE", "image_url": url}
        return {**form, "alt_text": one.media.alt} if one.media.alt else form

    async def form(self, session: Session, delivery: Delivery, children: list[str]) -> dict[str, str]:
        n, part = _current_part(delivery)
        form = {"text": part.text} if part.text else {}
        if children:
            form |= {"media_type": "CAROUSEL", "children": ",".join(children)}
        elif part.media:
            form |= await self.source(session, part.media[0])
        else:
            form["media_type"] = "TEXT"
        return form | _option_params(delivery, n, part)

    def charge(self, delivery: Delivery) -> Charge:
        return REPLY_CHARGE if _is_reply(delivery) else POST_CHARGE

    def spoilt(self, state: str, told: str) -> tuple[Rejected, bool]:
        refusal = CONTAINER_FAILURES.get(told, UNKNOWN_CONTAINER_FAILURE)
        refused = Rejected(refusal.problem(NETWORK_LABEL, told or "no reason given"), detail=f"{state}: {told}")
        return refused, refusal.code == UNFETCHABLE_CODE or told in ("", "UNKNOWN")

    def out(self, session: Session, delivery: Delivery, post_id: str) -> PendingStep:
        return _mark_published(session, delivery, post_id)

    async def find_post(self, session: Session, delivery: Delivery, begun: datetime | None) -> PublishResult:
        return await _find_post(session, delivery, begun)


CONTAINER_FLOW = ThreadsFlow()


def _option_params(delivery: Delivery, n: int, part: RenderedPart) -> dict[str, str]:
    """What is asked for beside text and files: of the first part, or of every one."""
    post = delivery.post
    form = {"reply_control": chosen} if (chosen := post.options.get("reply_control", "everyone")) != "everyone" else {}
    if part.media and post.options.get("spoiler") == "true":
        form["is_spoiler_media"] = "true"
    if n > 0:
        return {**form, "reply_to_id": _published_ids(delivery.progress)[-1]}
    if post.reply_to:
        form["reply_to_id"] = post.reply_to
    if topic := post.options.get("topic", ""):
        form["topic_tag"] = topic
    if quote := post.options.get("quote", ""):
        form["quote_post_id"] = quote
    if post.link:
        form["link_attachment"] = post.link.url
    if post.poll:
        named = zip(POLL_OPTION_KEYS, post.poll.options, strict=False)
        form["poll_attachment"] = json.dumps(
            {f"option_{letter}": one.strip() for letter, one in named}, ensure_ascii=False
        )
    return form


# What readers see


def _is_reply(delivery: Delivery) -> bool:
    return bool(_published_ids(delivery.progress) or delivery.post.reply_to)


def _mark_published(session: Session, delivery: Delivery, post: str, at: str = "") -> PendingStep:
    """One more part is public; what belonged to its container is forgotten."""
    before = _published_ids(delivery.progress)
    posts: list[JSON] = [*before, post]
    first = str(delivery.progress.get("at") or at or session.now().isoformat())
    whole = len(delivery.post.parts)
    note = (
        AttemptNote("{network} has published this post.", network=NETWORK_LABEL)
        if whole == 1
        else AttemptNote(
            "{network} has published part {n} of {all} of the thread.", network=NETWORK_LABEL, n=len(posts), all=whole
        )
    )
    return PendingStep(progress={"posts": posts, "at": first}, note=note)


async def _fetch_address(session: Session, delivery: Delivery) -> PublishedPost:
    """Where readers find it; the post is out even where the network does not tell."""
    posts = _published_ids(delivery.progress)
    try:
        answer = await graph_client(session).get(posts[0], fields="permalink")
    except Rejected:
        answer = {}
    url = str(answer.get("permalink") or f"https://www.threads.net/@{session.handle}")
    raw: dict[str, JSON] = {"ids": [*posts], "permalink": url}
    at = parse_time(delivery.progress.get("at")) or session.now()
    return PublishedPost(ids=tuple(posts), url=url, at=at, raw=raw)


async def _find_post(session: Session, delivery: Delivery, begun: datetime | None) -> PublishResult:
    """The post that a published container became: by text and time, or the only new one that there is."""
    known = set(_published_ids(delivery.progress))
    fresh = [one async for one in _own_posts_since(session, delivery, begun) if str(one.get("id")) not in known]
    _, part = _current_part(delivery)
    ours = [one for one in fresh if is_same_text(str(one.get("text") or ""), part.text)] or (
        fresh if len(fresh) == 1 else []
    )
    if not ours:
        raise Unavailable("the container is published, but its post is not listed yet")
    at = parse_time(ours[0].get("timestamp"))
    return _mark_published(session, delivery, required_text(ours[0], "id"), at.isoformat() if at else "")


async def _find_restored(session: Session, delivery: Delivery, until: datetime) -> PublishResult | None:
    """The next part, whatever containers there were: by its text, from backup to restore."""
    known = set(_published_ids(delivery.progress))
    _, part = _current_part(delivery)
    ours = [
        one
        async for one in _own_posts_since(session, delivery, delivery.begun_at or until)
        if str(one.get("id")) not in known and is_same_text(str(one.get("text") or ""), part.text)
    ]
    if ours and not part.text:
        raise Uncertain(
            AttemptNote(
                "The account has a new post without text. Kicau cannot tell whether that is the post that it was publishing."
            )
        )
    if not ours:
        return None
    at = parse_time(ours[-1].get("timestamp"))
    return _mark_published(session, delivery, required_text(ours[-1], "id"), at.isoformat() if at else "")


async def _own_posts_since(
    session: Session, delivery: Delivery, begun: datetime | None
) -> AsyncIterator[dict[str, Any]]:
    """The account's posts, or its replies, newest first: since the step began, or since its container was ready."""
    since = begun or parse_time(delivery.progress.get("since")) or session.now() - timedelta(days=1)
    edge = "replies" if _is_reply(delivery) else "threads"
    asked = {
        "fields": "id,text,timestamp",
        "limit": str(ROWS_PER_PAGE),
        "since": str(int((since - LOOKUP_CLOCK_MARGIN).timestamp())),
    }
    for _ in range(MAX_PAGES):
        answer, ahead = await graph_client(session).look(f"{session.account_id}/{edge}", **asked)
        rows = required_rows(answer)
        for one in rows:
            made = parse_time(one.get("timestamp"))
            if made is None or made >= since + ahead - CLOCK_MARGIN:
                yield one
        after = (answer.get("paging", {}).get("cursors") or {}).get("after")
        if not after or len(rows) < ROWS_PER_PAGE:
            return
        asked["after"] = str(after)
    raise Uncertain(
        AttemptNote("The account has too many new posts, so Kicau could not check whether this post is among them.")
    )
