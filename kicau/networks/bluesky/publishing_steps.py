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

from kicau.connector.checks.formats import format_megabytes
from kicau.connector.content import (
    JSON,
    AttemptNote,
    Delivery,
    PendingStep,
    Problem,
    PublishedPost,
    PublishResult,
    Rendered,
    RenderedMedia,
    wait_until_due,
)
from kicau.connector.errors import Rejected, Unavailable
from kicau.connector.session import Session
from kicau.networks.bluesky import errors, identity, records, wire
from kicau.networks.bluesky.limits import NETWORK_LABEL, fact_number
from kicau.networks.bluesky.records import POST_COLLECTION, POSTGATE_COLLECTION, THREADGATE_COLLECTION

CHUNK_BYTES = 1 << 18  # bytes read at a time
MIN_UPLOAD_BYTES_PER_SECOND = 200_000  # bytes a second that a line is given before an upload is given up


async def publish_step(session: Session, delivery: Delivery) -> PublishResult:
    """Take one step."""
    post, blobs = delivery.post, dict(_progress_dict(delivery, "blobs"))
    for name, one in records.files_of_post(post):
        if name not in blobs:
            blobs[name] = await _upload_file(session, name, one)
            return PendingStep(progress={**delivery.progress, "blobs": blobs})
    if (captions := post.options.get("captions")) and "captions" not in blobs:
        blobs["captions"] = await _send_bytes(session, "text/vtt", captions.encode())
        return PendingStep(progress={**delivery.progress, "blobs": blobs})
    if _has_references(post) and "refs" not in delivery.progress:
        return PendingStep(progress={**delivery.progress, "refs": await _resolve_references(session, post)})
    wait = wait_until_due(delivery, session.now())
    return wait or await _write_part(session, delivery, len(_progress_list(delivery, "posts")))


async def look_up_outcome(session: Session, delivery: Delivery) -> PublishResult | None:
    """After a broken step: the next part's key is known, so the account's own server tells whether it is there."""
    part, waiting = len(_progress_list(delivery, "posts")), set(_progress_dict(delivery, "blobs"))
    needed = [name for name, _ in records.files_of_post(delivery.post)]
    needed += ["captions"] if delivery.post.options.get("captions") else []
    prepared = waiting.issuperset(needed) and not (_has_references(delivery.post) and "refs" not in delivery.progress)
    if not prepared and delivery.restored_at is None:
        return None  # files and look-ups show nothing to anybody, and are simply done again
    found = await wire.fetch_record(
        session, session.account_id, POST_COLLECTION, records.record_key(delivery.key, part)
    )
    if found is None:
        return None
    return _advance(session, delivery, _published_part(found, {"found": True, **found}, session.now()))


async def delete_post(session: Session, post_id: str) -> None:
    """Delete a post and what stood beside it; the server is content where there is nothing."""
    try:
        repo, collection, key = records.split_uri(post_id)
    except ValueError:
        raise wire.rejection(
            "bad-reference",
            "{network} has no post with the address {given}. Check the address of the post.",
            given=repr(post_id[:100]),
        ) from None
    for one in (collection, THREADGATE_COLLECTION, POSTGATE_COLLECTION):
        body: dict[str, JSON] = {"repo": repo, "collection": one, "rkey": key}
        await wire.write_records(
            session, "com.atproto.repo.deleteRecord", fact_number("delete-points"), body, repeatable=True
        )


# Files


async def _upload_file(session: Session, name: str, one: RenderedMedia) -> JSON:
    file = await session.file(one)
    body = wire.RequestBody(make=lambda: _file_chunks(file.path, file.size), size=file.size, mime=file.mime)
    try:
        return await _upload_blob(session, body)
    except Rejected as refused:
        if errors.rejection_code(refused) != errors.TOO_LARGE_CODE:
            raise
        field = "link.thumbnail" if name == "card" else "parts.{}.media.{}".format(*name.split("."))
        message = "The server of this {network} account does not accept a file of {actual}. Make {name} smaller, or move the account to a server that accepts this size."
        params = {
            "network": NETWORK_LABEL,
            "actual": format_megabytes(file.size),
            "name": one.media.name or one.media.ref,
        }
        raise Rejected(
            Problem(code=errors.TOO_LARGE_CODE, message=message, params=params, field=field, actual=file.size),
            detail=refused.detail,
        ) from refused


async def _send_bytes(session: Session, mime: str, content: bytes) -> JSON:
    async def whole() -> AsyncIterator[bytes]:
        yield content

    return await _upload_blob(session, wire.RequestBody(make=whole, size=len(content), mime=mime))


async def _upload_blob(session: Session, body: wire.RequestBody) -> JSON:
    """Uploading twice is harmless: a file is kept under what it contains."""
    held = session.credentials
    answer = await wire.call_xrpc(
        session,
        "POST",
        "com.atproto.repo.uploadBlob",
        at=wire.home_server(session, held),
        held=held,
        body=body,
        repeatable=True,
        timeout=20 + body.size / MIN_UPLOAD_BYTES_PER_SECOND,
    )
    blob: JSON = answer.get("blob")
    if not isinstance(blob, dict) or "ref" not in blob:
        raise Unavailable(f"{NETWORK_LABEL}'s server took a file without telling where it is")
    return blob


async def _file_chunks(path: Path, size: int) -> AsyncIterator[bytes]:
    """A file's bytes, never more than `CHUNK_BYTES` in memory."""
    with await asyncio.to_thread(path.open, "rb") as file:
        while size > 0:
            block = await asyncio.to_thread(file.read, min(CHUNK_BYTES, size))
            if not block:
                raise Unavailable(f"{path.name} is shorter than it was")
            size -= len(block)
            yield block


# People and posts


def _has_references(post: Rendered) -> bool:
    return bool(records.mentioned_handles(post) or post.reply_to or post.options.get("quote"))


async def _resolve_references(session: Session, post: Rendered) -> dict[str, JSON]:
    refs: dict[str, JSON] = {
        "people": {name: await identity.resolve_handle(session, name) for name in records.mentioned_handles(post)}
    }
    if post.reply_to:
        parent = await _fetch_post(session, post.reply_to, "reply_to")
        answered = parent["value"].get("reply") if isinstance(parent.get("value"), dict) else None
        root = answered["root"] if isinstance(answered, dict) and isinstance(answered.get("root"), dict) else parent
        refs["reply"] = {"root": _strong_ref(root), "parent": _strong_ref(parent)}
    if quoted := post.options.get("quote"):
        refs["quote"] = _strong_ref(await _fetch_post(session, quoted, "options.quote"))
    return refs


async def _fetch_post(session: Session, uri: str, field: str) -> dict[str, Any]:
    """The post at an address, as {uri, cid, value}. Raises Rejected where there is none."""
    repo, collection, key = records.split_uri(uri)
    if not repo.startswith("did:"):
        repo = await identity.resolve_handle(session, repo.lower()) or repo
    found = await wire.fetch_record(session, repo, collection, key)
    if found is None:
        raise wire.rejection(
            "no-such-post",
            "{network} has no post with the address {uri}, perhaps because it was deleted. Choose another post.",
            field,
            uri=uri,
        )
    return found


def _strong_ref(one: dict[str, Any]) -> dict[str, JSON]:
    return {"uri": wire.required_text(one, "uri"), "cid": wire.required_text(one, "cid")}


# Parts


async def _write_part(session: Session, delivery: Delivery, part: int) -> PublishResult:
    post, repo = delivery.post, session.account_id
    key, at = records.record_key(delivery.key, part), records.created_at(delivery, part, session.now())
    record = records.post_record(post, part, delivery.progress, at)
    beside = records.reply_and_quote_gates(post, f"at://{repo}/{POST_COLLECTION}/{key}", at) if part == 0 else []
    try:
        if beside:
            answer = await _write_with_gates(session, key, [(POST_COLLECTION, record), *beside])
        else:
            body: dict[str, JSON] = {"repo": repo, "collection": POST_COLLECTION, "rkey": key, "record": record}
            answer = await wire.write_records(
                session, "com.atproto.repo.putRecord", fact_number("put-points"), body, repeatable=True
            )
    except Rejected as refused:
        return _after_refusal(delivery, part, refused)
    now = session.now()  # when it came out; `createdAt` says when it was meant to
    return _advance(session, delivery, _published_part(answer, answer, now, now.isoformat()))


async def _write_with_gates(session: Session, key: str, made: list[tuple[str, dict[str, JSON]]]) -> dict[str, Any]:
    """The post and what says who may answer it, all at once: it is never open to replies for a moment.

    A server refuses to make what is there already with an error that says nothing, so a repeat is not harmless: a lost
    answer is looked up by the post's key, and where the post is, its gates are too.
    """
    writes: list[JSON] = [
        {"$type": "com.atproto.repo.applyWrites#create", "collection": collection, "rkey": key, "value": value}
        for collection, value in made
    ]
    body: dict[str, JSON] = {"repo": session.account_id, "writes": writes}
    answer = await wire.write_records(
        session, "com.atproto.repo.applyWrites", fact_number("create-points") * len(made), body, repeatable=False
    )
    first = next(iter(answer.get("results") or ()), None)
    return {**answer, **first} if isinstance(first, dict) else answer


def _published_part(answer: dict[str, Any], raw: dict[str, JSON], now: datetime, at: str = "") -> dict[str, Any]:
    """A part that is out: where, and when by its own record."""
    value = answer.get("value")
    at = at or str(value.get("createdAt") if isinstance(value, dict) else "") or now.isoformat()
    return {"uri": wire.required_text(answer, "uri"), "cid": wire.required_text(answer, "cid"), "at": at, "raw": raw}


def _after_refusal(delivery: Delivery, part: int, refused: Rejected) -> PendingStep:
    """Files that the server forgot are uploaded again, once; the rest is the author's to fix, in our words."""
    if errors.rejection_code(refused) == errors.BLOB_GONE_CODE and not delivery.progress.get("again"):
        progress = {**delivery.progress, "blobs": {}, "again": True}
        return PendingStep(
            progress=progress,
            note=AttemptNote(
                "The server of this {network} account no longer has the files of this post, so Kicau is uploading the files again.",
                network=NETWORK_LABEL,
            ),
        )
    parts = len(delivery.post.parts)
    raise Rejected(
        *(_shift_problem_to_part(problem, part, parts) for problem in refused.problems), detail=refused.detail
    ) from refused


def _shift_problem_to_part(problem: Problem, part: int, parts: int) -> Problem:
    where = f"part {part + 1} of the text" if parts > 1 else "the text"
    params = {**problem.params, "text_or_part": where} if "text_or_part" in problem.params else problem.params
    return replace(problem, params=params, field=problem.field.replace("parts.0.", f"parts.{part}.", 1))


def _advance(session: Session, delivery: Delivery, out: dict[str, Any]) -> PublishResult:
    """One more part is out."""
    raw: list[JSON] = [*_progress_list(delivery, "raw"), out["raw"]]
    posts = [*_progress_list(delivery, "posts"), {name: out[name] for name in ("uri", "cid", "at")}]
    if len(posts) < len(delivery.post.parts):
        note = AttemptNote(
            "{network} has published part {n} of {all} of the thread.",
            network=NETWORK_LABEL,
            n=len(posts),
            all=len(delivery.post.parts),
        )
        kept = {name: value for name, value in delivery.progress.items() if name != "again"}
        return PendingStep(progress={**kept, "posts": posts, "raw": raw}, note=note)
    first = posts[0]
    return PublishedPost(
        ids=tuple(one["uri"] for one in posts),
        url=post_url(session, first["uri"]),
        at=datetime.fromisoformat(first["at"]),
        raw={"posts": raw},
        warnings=tuple(
            _unknown_mention_warning(name) for name, did in _people_of_progress(delivery).items() if not did
        ),
    )


def post_url(session: Session, uri: str) -> str:
    """Where people see a post."""
    repo, _, key = records.split_uri(uri)
    who = session.handle if "." in session.handle and session.handle != "handle.invalid" else repo
    return f"{session.app.endpoints['web']}/profile/{who}/post/{key}"


def _unknown_mention_warning(name: str) -> Problem:
    return Problem(
        code="unknown-mention",
        message="The post was published on {network}, but the network has no account named @{name}. Therefore this name appears as plain text without a link.",
        params={"network": NETWORK_LABEL, "name": name},
        field="parts.0.text",
    )


def _people_of_progress(delivery: Delivery) -> dict[str, str]:
    people = _progress_dict(delivery, "refs").get("people")
    return people if isinstance(people, dict) else {}


def _progress_dict(delivery: Delivery, key: str) -> dict[str, Any]:
    found = delivery.progress.get(key)
    return found if isinstance(found, dict) else {}


def _progress_list(delivery: Delivery, key: str) -> list[Any]:
    found = delivery.progress.get(key)
    return found if isinstance(found, list) else []
