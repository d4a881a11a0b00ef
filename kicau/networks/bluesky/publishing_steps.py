"""Publishing in steps: files first, then the people and posts that are referred to, then each part, one by one.

Progress, as it is stored between steps:
  blobs  {"part.place" | "card" | "captions": the server's reference to the file}
  refs   {people: {handle: DID or ""}, reply: {root, parent}, quote: {uri, cid}}
  posts  [{uri, cid, at}] of the parts that are out; raw: what the server answered for each
  again  the server had forgotten the files, and they have been uploaded a second time
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from kicau.connector.checks import megabytes
from kicau.connector.content import (
    JSON,
    Continue,
    Delivery,
    Note,
    Problem,
    Published,
    PublishResult,
    Rendered,
    RenderedMedia,
    too_early,
)
from kicau.connector.errors import Rejected, Unavailable
from kicau.connector.session import Session
from kicau.networks.bluesky import errors, identity, records, wire
from kicau.networks.bluesky.limits import LABEL, number
from kicau.networks.bluesky.records import POST, POSTGATE, THREADGATE

CHUNK = 1 << 18  # bytes read at a time
SLOWEST = 200_000  # bytes a second that a line is given before an upload is given up


async def publish(session: Session, delivery: Delivery) -> PublishResult:
    """Take one step."""
    post, blobs = delivery.post, dict(_dict(delivery, "blobs"))
    for name, one in records.files(post):
        if name not in blobs:
            blobs[name] = await _upload(session, name, one)
            return Continue(progress={**delivery.progress, "blobs": blobs})
    if (captions := post.options.get("captions")) and "captions" not in blobs:
        blobs["captions"] = await _send(session, "text/vtt", captions.encode())
        return Continue(progress={**delivery.progress, "blobs": blobs})
    if _refers(post) and "refs" not in delivery.progress:
        return Continue(progress={**delivery.progress, "refs": await _references(session, post)})
    wait = too_early(delivery, session.now())
    return wait or await _put(session, delivery, len(_list(delivery, "posts")))


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """After a broken step: the next part's key is known, so the account's own server tells whether it is there."""
    part, waiting = len(_list(delivery, "posts")), set(_dict(delivery, "blobs"))
    needed = [name for name, _ in records.files(delivery.post)]
    needed += ["captions"] if delivery.post.options.get("captions") else []
    prepared = waiting.issuperset(needed) and not (_refers(delivery.post) and "refs" not in delivery.progress)
    if not prepared and delivery.restored_at is None:
        return None  # files and look-ups show nothing to anybody, and are simply done again
    found = await wire.record(session, session.account_id, POST, records.record_key(delivery.key, part))
    if found is None:
        return None
    return _advanced(session, delivery, _settled(found, {"found": True, **found}, session.now()))


async def withdraw(session: Session, post_id: str) -> None:
    """Delete a post and what stood beside it; the server is content where there is nothing."""
    try:
        repo, collection, key = records.split_uri(post_id)
    except ValueError:
        raise wire.refusal("bad-reference", "{network} has no post {given}.", given=repr(post_id[:100])) from None
    for one in (collection, THREADGATE, POSTGATE):
        body: dict[str, JSON] = {"repo": repo, "collection": one, "rkey": key}
        await wire.write(session, "com.atproto.repo.deleteRecord", number("delete-points"), body, repeatable=True)


# Files


async def _upload(session: Session, name: str, one: RenderedMedia) -> JSON:
    file = await session.file(one)
    body = wire.Body(make=lambda: _chunks(file.path, file.size), size=file.size, mime=file.mime)
    try:
        return await _blob(session, body)
    except Rejected as refused:
        if errors.code_of(refused) != errors.TOO_LARGE:
            raise
        field = "link.thumbnail" if name == "card" else "parts.{}.media.{}".format(*name.split("."))
        message = "The server of this {network} account takes no file of {actual}: make {name} smaller, or move the account to a server that takes it."
        params = {"network": LABEL, "actual": megabytes(file.size), "name": one.media.name or one.media.ref}
        raise Rejected(
            Problem(code=errors.TOO_LARGE, message=message, params=params, field=field, actual=file.size),
            detail=refused.detail,
        ) from refused


async def _send(session: Session, mime: str, content: bytes) -> JSON:
    async def whole() -> AsyncIterator[bytes]:
        yield content

    return await _blob(session, wire.Body(make=whole, size=len(content), mime=mime))


async def _blob(session: Session, body: wire.Body) -> JSON:
    """Uploading twice is harmless: a file is kept under what it contains."""
    held = session.credentials
    answer = await wire.xrpc(
        session,
        "POST",
        "com.atproto.repo.uploadBlob",
        at=wire.home(session, held),
        held=held,
        body=body,
        repeatable=True,
        timeout=20 + body.size / SLOWEST,
    )
    blob: JSON = answer.get("blob")
    if not isinstance(blob, dict) or "ref" not in blob:
        raise Unavailable(f"{LABEL}'s server took a file without telling where it is")
    return blob


async def _chunks(path: Path, size: int) -> AsyncIterator[bytes]:
    """A file's bytes, never more than `CHUNK` in memory."""
    with await asyncio.to_thread(path.open, "rb") as file:
        while size > 0:
            block = await asyncio.to_thread(file.read, min(CHUNK, size))
            if not block:
                raise Unavailable(f"{path.name} is shorter than it was")
            size -= len(block)
            yield block


# People and posts


def _refers(post: Rendered) -> bool:
    return bool(records.mentioned(post) or post.reply_to or post.options.get("quote"))


async def _references(session: Session, post: Rendered) -> dict[str, JSON]:
    refs: dict[str, JSON] = {"people": {name: await identity.did_of(session, name) for name in records.mentioned(post)}}
    if post.reply_to:
        parent = await _post_at(session, post.reply_to, "reply_to")
        answered = parent["value"].get("reply") if isinstance(parent.get("value"), dict) else None
        root = answered["root"] if isinstance(answered, dict) and isinstance(answered.get("root"), dict) else parent
        refs["reply"] = {"root": _strong(root), "parent": _strong(parent)}
    if quoted := post.options.get("quote"):
        refs["quote"] = _strong(await _post_at(session, quoted, "options.quote"))
    return refs


async def _post_at(session: Session, uri: str, field: str) -> dict[str, Any]:
    """The post at an address, as {uri, cid, value}. Raises Rejected where there is none."""
    repo, collection, key = records.split_uri(uri)
    if not repo.startswith("did:"):
        repo = await identity.did_of(session, repo.lower()) or repo
    found = await wire.record(session, repo, collection, key)
    if found is None:
        raise wire.refusal(
            "no-such-post", "{network} has no post {uri}: it may have been deleted; choose another.", field, uri=uri
        )
    return found


def _strong(one: dict[str, Any]) -> dict[str, JSON]:
    return {"uri": wire.told(one, "uri"), "cid": wire.told(one, "cid")}


# Parts


async def _put(session: Session, delivery: Delivery, part: int) -> PublishResult:
    post, repo = delivery.post, session.account_id
    key, at = records.record_key(delivery.key, part), records.created_at(delivery, part, session.now())
    record = records.post_record(post, part, delivery.progress, at)
    beside = records.gates(post, f"at://{repo}/{POST}/{key}", at) if part == 0 else []
    try:
        if beside:
            answer = await _write_together(session, key, [(POST, record), *beside])
        else:
            body: dict[str, JSON] = {"repo": repo, "collection": POST, "rkey": key, "record": record}
            answer = await wire.write(
                session, "com.atproto.repo.putRecord", number("put-points"), body, repeatable=True
            )
    except Rejected as refused:
        return _after_refusal(delivery, part, refused)
    now = session.now()  # when it came out; `createdAt` says when it was meant to
    return _advanced(session, delivery, _settled(answer, answer, now, now.isoformat()))


async def _write_together(session: Session, key: str, made: list[tuple[str, dict[str, JSON]]]) -> dict[str, Any]:
    """The post and what says who may answer it, all at once: it is never open to replies for a moment.

    A server refuses to make what is there already with an error that says nothing, so a repeat is not harmless: a lost
    answer is looked up by the post's key, and where the post is, its gates are too.
    """
    writes: list[JSON] = [
        {"$type": "com.atproto.repo.applyWrites#create", "collection": collection, "rkey": key, "value": value}
        for collection, value in made
    ]
    body: dict[str, JSON] = {"repo": session.account_id, "writes": writes}
    answer = await wire.write(
        session, "com.atproto.repo.applyWrites", number("create-points") * len(made), body, repeatable=False
    )
    first = next(iter(answer.get("results") or ()), None)
    return {**answer, **first} if isinstance(first, dict) else answer


def _settled(answer: dict[str, Any], raw: dict[str, JSON], now: datetime, at: str = "") -> dict[str, Any]:
    """A part that is out: where, and when by its own record."""
    value = answer.get("value")
    at = at or str(value.get("createdAt") if isinstance(value, dict) else "") or now.isoformat()
    return {"uri": wire.told(answer, "uri"), "cid": wire.told(answer, "cid"), "at": at, "raw": raw}


def _after_refusal(delivery: Delivery, part: int, refused: Rejected) -> Continue:
    """Files that the server forgot are uploaded again, once; the rest is the author's to mend, in our words."""
    if errors.code_of(refused) == errors.BLOB_GONE and not delivery.progress.get("again"):
        progress = {**delivery.progress, "blobs": {}, "again": True}
        return Continue(progress=progress, note=Note("the server no longer had the files; they are uploaded again"))
    parts = len(delivery.post.parts)
    raise Rejected(
        *(_at_part(problem, part, parts) for problem in refused.problems), detail=refused.detail
    ) from refused


def _at_part(problem: Problem, part: int, parts: int) -> Problem:
    where = f"part {part + 1} of the text" if parts > 1 else "the text"
    params = {**problem.params, "where": where} if "where" in problem.params else problem.params
    return replace(problem, params=params, field=problem.field.replace("parts.0.", f"parts.{part}.", 1))


def _advanced(session: Session, delivery: Delivery, out: dict[str, Any]) -> PublishResult:
    """One more part is out."""
    raw: list[JSON] = [*_list(delivery, "raw"), out["raw"]]
    posts = [*_list(delivery, "posts"), {name: out[name] for name in ("uri", "cid", "at")}]
    if len(posts) < len(delivery.post.parts):
        note = Note("part {n} of {all} is out", n=len(posts), all=len(delivery.post.parts))
        kept = {name: value for name, value in delivery.progress.items() if name != "again"}
        return Continue(progress={**kept, "posts": posts, "raw": raw}, note=note)
    first = posts[0]
    return Published(
        ids=tuple(one["uri"] for one in posts),
        url=page_of(session, first["uri"]),
        at=datetime.fromisoformat(first["at"]),
        raw={"posts": raw},
        warnings=tuple(_nobody(name) for name, did in _people(delivery).items() if not did),
    )


def page_of(session: Session, uri: str) -> str:
    """Where people see a post."""
    repo, _, key = records.split_uri(uri)
    who = session.handle if "." in session.handle and session.handle != "handle.invalid" else repo
    return f"{session.app.endpoints['web']}/profile/{who}/post/{key}"


def _nobody(name: str) -> Problem:
    return Problem(
        code="unknown-mention",
        message="The post is on {network}, but nobody there is called @{name}: the name stays plain text.",
        params={"network": LABEL, "name": name},
        field="parts.0.text",
    )


def _people(delivery: Delivery) -> dict[str, str]:
    people = _dict(delivery, "refs").get("people")
    return people if isinstance(people, dict) else {}


def _dict(delivery: Delivery, key: str) -> dict[str, Any]:
    found = delivery.progress.get(key)
    return found if isinstance(found, dict) else {}


def _list(delivery: Delivery, key: str) -> list[Any]:
    found = delivery.progress.get(key)
    return found if isinstance(found, list) else []
