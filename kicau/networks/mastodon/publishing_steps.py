"""Publishing in steps: addresses are looked up, every file is uploaded, then the parts go out one by one.

Progress, as it is stored between steps:
  refs     {"reply_to": id, "quote": id}, where they were given as addresses
  files    {"part.place": {id, url, state, polls}}; state is processing | ready
  posts    [{id, url, at}] of the parts that are out; raw: what the server answered for each
  doubt    {since, key_until}: from when on the next part may be out, and until when its key is surely kept ("": never)
  waited   how often the server was not ready with a file when the part was sent
  again    a file was forgotten by the server and has been uploaded a second time
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from kicau.connector.errors import Rejected, Unavailable, Uncertain
from kicau.connector.session import Session
from kicau.networks.mastodon import errors, lookup, servers, wire
from kicau.networks.mastodon.limits import LABEL, number
from kicau.networks.mastodon.lookup import Wanted
from kicau.networks.mastodon.render import focus_of, is_address

KEY_MARGIN = timedelta(minutes=10)  # before the end of a key's hour from which on it is not relied upon
FIRST_PAUSE = 1.0  # seconds between two questions about a file, growing to LONGEST_PAUSE
LONGEST_PAUSE = 30.0
MAX_POLLS = 240  # about two hours
NOT_READY_TRIES = 40
IN_PUBLIC = frozenset({"public", "unlisted"})


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next: an address to look up, a file to upload or to wait for, or the post of part `part`."""

    name: str  # "resolve" | "upload" | "wait" | "post"
    part: int = 0
    key: str = ""
    place: int = 0  # of the file among all of the post
    media: RenderedMedia | None = None


def next_step(delivery: Delivery) -> Step:
    progress, post = delivery.progress, delivery.post
    out = len(_list(progress, "posts"))
    for name, given in (("reply_to", post.reply_to or ""), ("quote", post.options.get("quote", ""))):
        if not out and is_address(given) and name not in _dict(progress, "refs"):
            return Step("resolve", key=name)
    files, place = _dict(progress, "files"), -1
    for p, part in enumerate(post.parts):
        for n, media in enumerate(part.media):
            place += 1
            entry = files.get(f"{p}.{n}")
            if p < out or (entry and entry.get("state") == "ready"):
                continue
            return Step("wait" if entry else "upload", p, f"{p}.{n}", place, media)
    return Step("post", out)


async def publish(session: Session, delivery: Delivery) -> PublishResult:
    """Take one step."""
    step = next_step(delivery)
    match step.name:
        case "resolve":
            return await _resolve(session, delivery, step.key)
        case "upload":
            return await _upload(session, delivery, step)
        case "wait":
            return await _wait(session, delivery, step)
    wait = too_early(delivery, session.now())
    return wait or await _post(session, delivery, step.part)


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """After a broken step. Only a post can be seen; within its hour its key makes sending it again harmless where the
    server keeps keys, else the account's posts tell."""
    if delivery.restored_at is not None:
        return await _find_restored(session, delivery)
    step = next_step(delivery)
    if step.name != "post":
        return None
    since = _earliest(delivery, session.now())
    server = await servers.ask(session, session.host)
    until = since + timedelta(seconds=number("key-seconds")) - KEY_MARGIN if server.keeps_keys else None
    doubt: JSON = {"since": since.isoformat(), "key_until": until.isoformat() if until else ""}
    if until is not None and session.now() < until:
        note = Note("it is sent again with the same key, which makes it once only")
        return Continue(progress={**delivery.progress, "doubt": doubt}, note=note)
    if (found := await _look_up(session, delivery, step.part, since)) is not None:
        return _advanced(session, delivery, found)
    return Continue(
        progress={**delivery.progress, "doubt": doubt},
        note=Note("{host} does not have it: it is sent again", host=session.host),
    )


async def _find_restored(session: Session, delivery: Delivery) -> PublishResult | None:
    """The next part, wherever the uploads stood: by its text among the posts since the backup."""
    part = len(_list(delivery.progress, "posts"))
    if not part and "refs" not in delivery.progress and is_address(delivery.post.reply_to or ""):
        raise Uncertain(f"{session.host} was to be asked for the post that this one answers")
    found = await _look_up(session, delivery, part, _earliest(delivery, session.now()))
    return _advanced(session, delivery, found) if found is not None else None


# Addresses


async def _resolve(session: Session, delivery: Delivery, name: str) -> Continue:
    """The id that this server has for a post of any server."""
    given = (delivery.post.reply_to or "") if name == "reply_to" else delivery.post.options.get("quote", "")
    params = {"q": given, "type": "statuses", "resolve": "true", "limit": "1"}
    answer = (await wire.api(session, "GET", "/api/v2/search", params=params, timeout=60)).json()
    found = answer.get("statuses") if isinstance(answer, dict) else None
    if not isinstance(found, list) or not found or not found[0].get("id"):
        code, field = ("no-such-reply", "reply_to") if name == "reply_to" else ("no-such-quote", "options.quote")
        message = "{network} found no post at {given}: check the address, or that your server may see the post."
        raise Rejected(Problem(code=code, message=message, params={"network": LABEL, "given": given}, field=field))
    refs = {**_dict(delivery.progress, "refs"), name: str(found[0]["id"])}
    return Continue(progress={**delivery.progress, "refs": refs})


def _reference(delivery: Delivery, name: str) -> str:
    given = (delivery.post.reply_to or "") if name == "reply_to" else delivery.post.options.get("quote", "")
    return str(_dict(delivery.progress, "refs").get(name) or given)


# Files


async def _upload(session: Session, delivery: Delivery, step: Step) -> Continue:
    assert step.media is not None
    file = await session.file(step.media)
    media, focus = step.media.media, focus_of(delivery.post, step.place)
    cover = await session.file(step.media.cover) if step.media.cover else None
    try:
        reply = await wire.upload(session, "/api/v2/media", file, media.alt, focus, cover)
    except Rejected as refused:
        if errors.code_of(refused) != errors.NOT_FOUND:
            raise _of_file(refused, step) from refused
        reply = await wire.upload(
            session, "/api/v1/media", file, media.alt, focus, cover
        )  # a server without the newer call
    answer = reply.json()
    if not isinstance(answer, dict) or not answer.get("id"):
        raise Unavailable(f"{session.host} took a file without telling its id")
    ready = reply.status != 202 and bool(answer.get("url"))
    entry: dict[str, JSON] = {
        "id": str(answer["id"]),
        "url": str(answer.get("url") or ""),
        "state": "ready" if ready else "processing",
    }
    return _kept(delivery, step, entry, pause=0.0 if ready else FIRST_PAUSE)


async def _wait(session: Session, delivery: Delivery, step: Step) -> Continue:
    """206 while the server works on the file, 200 when it is done, 422 when it could not."""
    entry = dict(_dict(delivery.progress, "files")[step.key])
    polls = int(entry.get("polls", 0)) + 1
    try:
        reply = await wire.api(session, "GET", f"/api/v1/media/{wire.segment(entry['id'])}")
    except Rejected as refused:
        if errors.code_of(refused) != errors.NOT_FOUND or polls > 1:
            raise _of_file(refused, step) from refused
        # A server that cannot tell: the post will say whether the file was ready.
        return _kept(delivery, step, {**entry, "state": "ready"}, pause=LONGEST_PAUSE)
    if reply.status == 206:
        if polls > MAX_POLLS:
            raise Rejected(_unprocessed(step))
        return _kept(delivery, step, {**entry, "polls": polls}, pause=min(FIRST_PAUSE * 1.3**polls, LONGEST_PAUSE))
    answer = reply.json()
    url = str(answer.get("url") or "") if isinstance(answer, dict) else ""
    return _kept(delivery, step, {"id": entry["id"], "url": url, "state": "ready"})


def _kept(delivery: Delivery, step: Step, entry: dict[str, JSON], *, pause: float = 0.0) -> Continue:
    files = {**_dict(delivery.progress, "files"), step.key: entry}
    note = (
        Note("{network} is processing {name}", network=LABEL, name=_name(step))
        if entry["state"] == "processing"
        else ""
    )
    return Continue(progress={**delivery.progress, "files": files}, after=timedelta(seconds=pause), note=note)


def _name(step: Step) -> str:
    media = step.media.media if step.media else None
    return (media.name or media.ref) if media else "a file"


def _of_file(refused: Rejected, step: Step) -> Rejected:
    """The refusal of an upload, told of that very file."""
    part, place = step.key.split(".")
    field = f"parts.{part}.media.{place}"
    problems = [
        Problem(
            code=one.code,
            message=one.message,
            params=one.params,
            field=field + (".alt" if one.code == "alt-too-long" else ""),
            limit=one.limit,
            actual=one.actual,
        )
        for one in refused.problems
    ]
    return Rejected(*problems, detail=refused.detail)


def _unprocessed(step: Step) -> Problem:
    message = "{network} could not process {name} within two hours: try another copy of it."
    part, place = step.key.split(".")
    return Problem(
        code="media-refused",
        message=message,
        params={"network": LABEL, "name": _name(step)},
        field=f"parts.{part}.media.{place}",
    )


# Posts


async def _post(session: Session, delivery: Delivery, part: int) -> PublishResult:
    doubt = _dict(delivery.progress, "doubt")
    # It may have arrived late, or been sent when the key was fresh: looked for once more before it goes out.
    if doubt and not _key_holds(doubt, session.now()) and (found := await _in_doubt(session, delivery, part)):
        return _advanced(session, delivery, found)
    body = wire.post_body(
        delivery.post,
        part,
        _ids(delivery, part),
        reply_to=_answered(delivery, part),
        quoted=_reference(delivery, "quote"),
    )
    headers = {"Idempotency-Key": f"{delivery.key}-{part}"}
    try:
        reply = await wire.api(session, "POST", "/api/v1/statuses", json=body, headers=headers)
    except Rejected as refused:
        return await _after_refusal(session, delivery, part, refused)
    return _advanced(session, delivery, wire.status_of(reply))


def _key_holds(doubt: Mapping[str, Any], now: datetime) -> bool:
    return bool(doubt.get("key_until")) and now < _moment(doubt["key_until"])


async def _after_refusal(session: Session, delivery: Delivery, part: int, refused: Rejected) -> PublishResult:
    """What a refused post means: wait for a file, a post that is out after all, a file to upload again, or the author's
    to mend."""
    progress, code = delivery.progress, errors.code_of(refused)
    if code == errors.NOT_READY and (waited := _count(progress, "waited")) < NOT_READY_TRIES:
        pause = timedelta(seconds=min(FIRST_PAUSE * 1.3**waited, LONGEST_PAUSE))
        return Continue(progress={**progress, "waited": waited + 1}, after=pause, note=refused.problems[0].sentence)
    if code == errors.MEDIA_GONE:
        if found := await _in_doubt(session, delivery, part):
            return _advanced(session, delivery, found)
        if not progress.get("again"):
            files = {key: one for key, one in _dict(progress, "files").items() if not key.startswith(f"{part}.")}
            return Continue(
                progress={**progress, "files": files, "again": True}, note=Note("the files are uploaded again")
            )
    raise errors.at_part(refused, delivery.post, part) from refused


async def _in_doubt(session: Session, delivery: Delivery, part: int) -> Mapping[str, Any] | None:
    """The part where an earlier try may have brought it out and did; None where there is no doubt, or it is not there."""
    doubt = _dict(delivery.progress, "doubt")
    return await _look_up(session, delivery, part, _moment(doubt["since"])) if doubt else None


async def _look_up(session: Session, delivery: Delivery, part: int, since: datetime) -> Mapping[str, Any] | None:
    files = _dict(delivery.progress, "files")
    entries = [files.get(f"{part}.{n}") or {} for n in range(len(delivery.post.parts[part].media))]
    wanted = Wanted(
        part=delivery.post.parts[part],
        since=since,
        reply_to=_answered(delivery, part),
        files=frozenset(str(one[name]) for one in entries for name in ("id", "url") if one.get(name)),
        known=frozenset(str(one["id"]) for one in _list(delivery.progress, "posts")),
    )
    return await lookup.post(session, wanted, public=delivery.post.options.get("visibility", "public") in IN_PUBLIC)


def _answered(delivery: Delivery, part: int) -> str:
    """The post that a part answers: the one before it in the thread, or the one that the draft names."""
    out = _list(delivery.progress, "posts")
    return str(out[part - 1]["id"]) if part else _reference(delivery, "reply_to")


def _ids(delivery: Delivery, part: int) -> list[str]:
    files = _dict(delivery.progress, "files")
    return [str(files[f"{part}.{n}"]["id"]) for n in range(len(delivery.post.parts[part].media))]


def _advanced(session: Session, delivery: Delivery, status: Mapping[str, Any]) -> PublishResult:
    """One more part is out."""
    progress = delivery.progress
    at = wire.moment(status.get("created_at")) or session.now()
    url = str(status.get("url") or status.get("uri") or "")
    posts = [*_list(progress, "posts"), {"id": str(status["id"]), "url": url, "at": at.isoformat()}]
    raw: list[JSON] = [*_list(progress, "raw"), wire.kept(status)]
    if len(posts) < len(delivery.post.parts):
        rest = {key: value for key, value in progress.items() if key not in ("doubt", "waited", "again")}
        note = Note("part {n} of {all} is out", n=len(posts), all=len(delivery.post.parts))
        return Continue(progress={**rest, "posts": posts, "raw": raw}, note=note)
    return Published(
        ids=tuple(str(one["id"]) for one in posts),
        url=str(posts[0]["url"]) or f"{wire.base(session, session.host)}/@{session.handle}/{posts[0]['id']}",
        at=_moment(posts[0]["at"]),
        raw={"statuses": raw},
    )


# Progress


def _earliest(delivery: Delivery, now: datetime) -> datetime:
    """Since when the part could be out."""
    doubt = _dict(delivery.progress, "doubt")
    known = [delivery.begun_at or (delivery.due_at or now) - timedelta(days=1)]
    if doubt.get("since"):
        known.append(_moment(doubt["since"]))
    return min(known)


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _dict(progress: Any, key: str) -> dict[str, Any]:
    found = progress.get(key)
    return found if isinstance(found, dict) else {}


def _count(progress: Any, key: str) -> int:
    found = progress.get(key)
    return found if isinstance(found, int) else 0


def _list(progress: Any, key: str) -> list[Any]:
    found = progress.get(key)
    return found if isinstance(found, list) else []
