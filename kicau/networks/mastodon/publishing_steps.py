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
    AttemptNote,
    Delivery,
    PendingStep,
    Problem,
    PublishedPost,
    PublishResult,
    RenderedMedia,
    wait_until_due,
)
from kicau.connector.errors import Rejected, Unavailable, Uncertain
from kicau.connector.session import Session
from kicau.networks.mastodon import errors, lookup, servers, wire
from kicau.networks.mastodon.limits import NETWORK_LABEL, fact_number
from kicau.networks.mastodon.lookup import ExpectedPost
from kicau.networks.mastodon.render import focal_point, is_url_reference

KEY_EXPIRY_MARGIN = timedelta(minutes=10)  # before the end of a key's hour from which on it is not relied upon
FIRST_POLL_DELAY_SECONDS = 1.0  # seconds between two questions about a file, growing to MAX_POLL_DELAY_SECONDS
MAX_POLL_DELAY_SECONDS = 30.0
MAX_POLLS = 240  # about two hours
MAX_NOT_READY_TRIES = 40
PUBLIC_VISIBILITIES = frozenset({"public", "unlisted"})


@dataclass(frozen=True, slots=True)
class MastodonStep:
    """What comes next: an address to look up, a file to upload or to wait for, or the post of part `part`."""

    name: str  # "resolve" | "upload" | "wait" | "post"
    part: int = 0
    key: str = ""
    place: int = 0  # of the file among all of the post
    media: RenderedMedia | None = None


def next_step(delivery: Delivery) -> MastodonStep:
    progress, post = delivery.progress, delivery.post
    out = len(_progress_list(progress, "posts"))
    for name, given in (("reply_to", post.reply_to or ""), ("quote", post.options.get("quote", ""))):
        if not out and is_url_reference(given) and name not in _progress_dict(progress, "refs"):
            return MastodonStep("resolve", key=name)
    files, place = _progress_dict(progress, "files"), -1
    for p, part in enumerate(post.parts):
        for n, media in enumerate(part.media):
            place += 1
            entry = files.get(f"{p}.{n}")
            if p < out or (entry and entry.get("state") == "ready"):
                continue
            return MastodonStep("wait" if entry else "upload", p, f"{p}.{n}", place, media)
    return MastodonStep("post", out)


async def publish_step(session: Session, delivery: Delivery) -> PublishResult:
    """Take one step."""
    step = next_step(delivery)
    match step.name:
        case "resolve":
            return await _resolve_post(session, delivery, step.key)
        case "upload":
            return await _upload_step(session, delivery, step)
        case "wait":
            return await _processing_step(session, delivery, step)
    wait = wait_until_due(delivery, session.now())
    return wait or await _post_step(session, delivery, step.part)


async def look_up_outcome(session: Session, delivery: Delivery) -> PublishResult | None:
    """After a broken step. Only a post can be seen; within its hour its key makes sending it again harmless where the
    server keeps keys, else the account's posts tell."""
    if delivery.restored_at is not None:
        return await _find_restored(session, delivery)
    step = next_step(delivery)
    if step.name != "post":
        return None
    since = _earliest_publish_time(delivery, session.now())
    server = await servers.fetch_server_info(session, session.host)
    until = since + timedelta(seconds=fact_number("key-seconds")) - KEY_EXPIRY_MARGIN if server.keeps_keys else None
    doubt: JSON = {"since": since.isoformat(), "key_until": until.isoformat() if until else ""}
    if until is not None and session.now() < until:
        note = AttemptNote("Kicau is trying again to publish the post. The network will not publish it twice.")
        return PendingStep(progress={**delivery.progress, "doubt": doubt}, note=note)
    if (found := await _look_up_part(session, delivery, step.part, since)) is not None:
        return _advance(session, delivery, found)
    return PendingStep(
        progress={**delivery.progress, "doubt": doubt},
        note=AttemptNote("The post is not on {host}, so Kicau is trying again to publish it.", host=session.host),
    )


async def _find_restored(session: Session, delivery: Delivery) -> PublishResult | None:
    """The next part, wherever the uploads stood: by its text among the posts since the backup."""
    part = len(_progress_list(delivery.progress, "posts"))
    if not part and "refs" not in delivery.progress and is_url_reference(delivery.post.reply_to or ""):
        raise Uncertain(
            AttemptNote(
                "This post is a reply. When the backup was made, Kicau had not yet found the original post on {host}.",
                host=session.host,
            )
        )
    found = await _look_up_part(session, delivery, part, _earliest_publish_time(delivery, session.now()))
    return _advance(session, delivery, found) if found is not None else None


# Addresses


async def _resolve_post(session: Session, delivery: Delivery, name: str) -> PendingStep:
    """The id that this server has for a post of any server."""
    given = (delivery.post.reply_to or "") if name == "reply_to" else delivery.post.options.get("quote", "")
    params = {"q": given, "type": "statuses", "resolve": "true", "limit": "1"}
    answer = (await wire.call_api(session, "GET", "/api/v2/search", params=params, timeout=60)).json()
    found = answer.get("statuses") if isinstance(answer, dict) else None
    if not isinstance(found, list) or not found or not found[0].get("id"):
        code, field = ("no-such-reply", "reply_to") if name == "reply_to" else ("no-such-quote", "options.quote")
        message = (
            "{network} found no post at {given}. Check the link, and check that users of your server can see the post."
        )
        raise Rejected(
            Problem(code=code, message=message, params={"network": NETWORK_LABEL, "given": given}, field=field)
        )
    refs = {**_progress_dict(delivery.progress, "refs"), name: str(found[0]["id"])}
    return PendingStep(progress={**delivery.progress, "refs": refs})


def _resolved_reference(delivery: Delivery, name: str) -> str:
    given = (delivery.post.reply_to or "") if name == "reply_to" else delivery.post.options.get("quote", "")
    return str(_progress_dict(delivery.progress, "refs").get(name) or given)


# Files


async def _upload_step(session: Session, delivery: Delivery, step: MastodonStep) -> PendingStep:
    assert step.media is not None
    file = await session.file(step.media)
    media, focus = step.media.media, focal_point(delivery.post, step.place)
    cover = await session.file(step.media.cover) if step.media.cover else None
    try:
        reply = await wire.upload_file(session, "/api/v2/media", file, media.alt, focus, cover)
    except Rejected as refused:
        if errors.rejection_code(refused) != errors.NOT_FOUND_CODE:
            raise _file_rejection(refused, step) from refused
        reply = await wire.upload_file(
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
    return _store_entry(delivery, step, entry, pause=0.0 if ready else FIRST_POLL_DELAY_SECONDS)


async def _processing_step(session: Session, delivery: Delivery, step: MastodonStep) -> PendingStep:
    """206 while the server works on the file, 200 when it is done, 422 when it could not."""
    entry = dict(_progress_dict(delivery.progress, "files")[step.key])
    polls = int(entry.get("polls", 0)) + 1
    try:
        reply = await wire.call_api(session, "GET", f"/api/v1/media/{wire.path_segment(entry['id'])}")
    except Rejected as refused:
        if errors.rejection_code(refused) != errors.NOT_FOUND_CODE or polls > 1:
            raise _file_rejection(refused, step) from refused
        # A server that cannot tell: the post will say whether the file was ready.
        return _store_entry(delivery, step, {**entry, "state": "ready"}, pause=MAX_POLL_DELAY_SECONDS)
    if reply.status == 206:
        if polls > MAX_POLLS:
            raise Rejected(_processing_problem(step))
        return _store_entry(
            delivery,
            step,
            {**entry, "polls": polls},
            pause=min(FIRST_POLL_DELAY_SECONDS * 1.3**polls, MAX_POLL_DELAY_SECONDS),
        )
    answer = reply.json()
    url = str(answer.get("url") or "") if isinstance(answer, dict) else ""
    return _store_entry(delivery, step, {"id": entry["id"], "url": url, "state": "ready"})


def _store_entry(delivery: Delivery, step: MastodonStep, entry: dict[str, JSON], *, pause: float = 0.0) -> PendingStep:
    files = {**_progress_dict(delivery.progress, "files"), step.key: entry}
    note = (
        AttemptNote("{network} is processing the file {name}.", network=NETWORK_LABEL, name=_file_name(step))
        if entry["state"] == "processing"
        else ""
    )
    return PendingStep(progress={**delivery.progress, "files": files}, after=timedelta(seconds=pause), note=note)


def _file_name(step: MastodonStep) -> str:
    media = step.media.media if step.media else None
    return (media.name or media.ref) if media else "a file"


def _file_rejection(refused: Rejected, step: MastodonStep) -> Rejected:
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


def _processing_problem(step: MastodonStep) -> Problem:
    message = "{network} could not process the file {name} within two hours. Export the file again, or use another copy of it."
    part, place = step.key.split(".")
    return Problem(
        code="media-refused",
        message=message,
        params={"network": NETWORK_LABEL, "name": _file_name(step)},
        field=f"parts.{part}.media.{place}",
    )


# Posts


async def _post_step(session: Session, delivery: Delivery, part: int) -> PublishResult:
    doubt = _progress_dict(delivery.progress, "doubt")
    # It may have arrived late, or been sent when the key was fresh: looked for once more before it goes out.
    if (
        doubt
        and not _is_key_valid(doubt, session.now())
        and (found := await _published_in_doubt(session, delivery, part))
    ):
        return _advance(session, delivery, found)
    body = wire.post_body(
        delivery.post,
        part,
        _media_ids(delivery, part),
        reply_to=_reply_target(delivery, part),
        quoted=_resolved_reference(delivery, "quote"),
    )
    headers = {"Idempotency-Key": f"{delivery.key}-{part}"}
    try:
        reply = await wire.call_api(session, "POST", "/api/v1/statuses", json=body, headers=headers)
    except Rejected as refused:
        return await _after_refusal(session, delivery, part, refused)
    return _advance(session, delivery, wire.status_from_response(reply))


def _is_key_valid(doubt: Mapping[str, Any], now: datetime) -> bool:
    return bool(doubt.get("key_until")) and now < _parse_time(doubt["key_until"])


async def _after_refusal(session: Session, delivery: Delivery, part: int, refused: Rejected) -> PublishResult:
    """What a refused post means: wait for a file, a post that is out after all, a file to upload again, or the author's
    to fix."""
    progress, code = delivery.progress, errors.rejection_code(refused)
    if code == errors.NOT_READY_CODE and (waited := _progress_int(progress, "waited")) < MAX_NOT_READY_TRIES:
        pause = timedelta(seconds=min(FIRST_POLL_DELAY_SECONDS * 1.3**waited, MAX_POLL_DELAY_SECONDS))
        return PendingStep(progress={**progress, "waited": waited + 1}, after=pause, note=refused.problems[0].sentence)
    if code == errors.MEDIA_GONE_CODE:
        if found := await _published_in_doubt(session, delivery, part):
            return _advance(session, delivery, found)
        if not progress.get("again"):
            files = {
                key: one for key, one in _progress_dict(progress, "files").items() if not key.startswith(f"{part}.")
            }
            return PendingStep(
                progress={**progress, "files": files, "again": True},
                note=AttemptNote("Kicau is uploading the files of this post once more."),
            )
    raise errors.rejection_at_part(refused, delivery.post, part) from refused


async def _published_in_doubt(session: Session, delivery: Delivery, part: int) -> Mapping[str, Any] | None:
    """The part where an earlier try may have brought it out and did; None where there is no doubt, or it is not there."""
    doubt = _progress_dict(delivery.progress, "doubt")
    return await _look_up_part(session, delivery, part, _parse_time(doubt["since"])) if doubt else None


async def _look_up_part(session: Session, delivery: Delivery, part: int, since: datetime) -> Mapping[str, Any] | None:
    files = _progress_dict(delivery.progress, "files")
    entries = [files.get(f"{part}.{n}") or {} for n in range(len(delivery.post.parts[part].media))]
    wanted = ExpectedPost(
        part=delivery.post.parts[part],
        since=since,
        reply_to=_reply_target(delivery, part),
        files=frozenset(str(one[name]) for one in entries for name in ("id", "url") if one.get(name)),
        known=frozenset(str(one["id"]) for one in _progress_list(delivery.progress, "posts")),
    )
    return await lookup.find_post(
        session, wanted, public=delivery.post.options.get("visibility", "public") in PUBLIC_VISIBILITIES
    )


def _reply_target(delivery: Delivery, part: int) -> str:
    """The post that a part answers: the one before it in the thread, or the one that the draft names."""
    out = _progress_list(delivery.progress, "posts")
    return str(out[part - 1]["id"]) if part else _resolved_reference(delivery, "reply_to")


def _media_ids(delivery: Delivery, part: int) -> list[str]:
    files = _progress_dict(delivery.progress, "files")
    return [str(files[f"{part}.{n}"]["id"]) for n in range(len(delivery.post.parts[part].media))]


def _advance(session: Session, delivery: Delivery, status: Mapping[str, Any]) -> PublishResult:
    """One more part is out."""
    progress = delivery.progress
    at = wire.parse_time(status.get("created_at")) or session.now()
    url = str(status.get("url") or status.get("uri") or "")
    posts = [*_progress_list(progress, "posts"), {"id": str(status["id"]), "url": url, "at": at.isoformat()}]
    raw: list[JSON] = [*_progress_list(progress, "raw"), wire.stored_status(status)]
    if len(posts) < len(delivery.post.parts):
        rest = {key: value for key, value in progress.items() if key not in ("doubt", "waited", "again")}
        note = AttemptNote(
            "{network} has published part {n} of {all} of the thread.",
            network=NETWORK_LABEL,
            n=len(posts),
            all=len(delivery.post.parts),
        )
        return PendingStep(progress={**rest, "posts": posts, "raw": raw}, note=note)
    return PublishedPost(
        ids=tuple(str(one["id"]) for one in posts),
        url=str(posts[0]["url"]) or f"{wire.server_url(session, session.host)}/@{session.handle}/{posts[0]['id']}",
        at=_parse_time(posts[0]["at"]),
        raw={"statuses": raw},
    )


# Progress


def _earliest_publish_time(delivery: Delivery, now: datetime) -> datetime:
    """Since when the part could be out."""
    doubt = _progress_dict(delivery.progress, "doubt")
    known = [delivery.begun_at or (delivery.due_at or now) - timedelta(days=1)]
    if doubt.get("since"):
        known.append(_parse_time(doubt["since"]))
    return min(known)


def _parse_time(value: Any) -> datetime:
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _progress_dict(progress: Any, key: str) -> dict[str, Any]:
    found = progress.get(key)
    return found if isinstance(found, dict) else {}


def _progress_int(progress: Any, key: str) -> int:
    found = progress.get(key)
    return found if isinstance(found, int) else 0


def _progress_list(progress: Any, key: str) -> list[Any]:
    found = progress.get(key)
    return found if isinstance(found, list) else []
