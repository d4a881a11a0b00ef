"""Publishing in steps: every file is uploaded first, then the parts go out one by one.

Progress, as it is stored between steps:
  media    {"part.place": {id, state, segments, size, until, described}}; state is sending | processing | ready
  posts    [{id, at}] of the parts that are out; raw: what X answered for each
  doubt    since when (ISO, UTC) it was unknown whether the next part is out
  refused  X refused the next part as a duplicate while there was doubt
  again    a file was forgotten by X and has been uploaded a second time
  expired  {"part.place": [how often X forgot this file before it was used, since when (ISO, UTC)]}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kicau.connector.checks.formats import MEDIA_KIND_NAMES, format_duration
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
    wait_until_due,
)
from kicau.connector.errors import AuthExpired, Rejected, Uncertain
from kicau.connector.session import Session
from kicau.connector.transport.http import NETWORK_TIMEOUT_SECONDS, HttpResponse
from kicau.networks.x import errors, wire
from kicau.networks.x.errors import NETWORK_LABEL
from kicau.networks.x.limits import fact_number
from kicau.networks.x.render import charge_of_part, wants_alt

NEXT_STEP_DELAY = timedelta(seconds=5)
PROCESSING_TIMEOUT = timedelta(hours=1)
MAX_EXPIRED_UPLOADS = 5  # of one file within EXPIRY_WINDOW
EXPIRY_WINDOW = timedelta(hours=1)
POSTING_SCOPES = frozenset({"tweet.read", "tweet.write", "users.read"})  # scopes
POSTING_WITH_FILES_SCOPES = POSTING_SCOPES | {"media.write"}
ABANDONED_REQUEST_AGE = timedelta(
    seconds=NETWORK_TIMEOUT_SECONDS
)  # after a step began, the request that it sent has landed or has not
# Posts in each page of a look-up, few first; an account with more than all of these in the minutes of one step cannot
# be told apart. X takes at most 100 posts of an account in 15 minutes (limits.RATES_SOURCE).
LOOKUP_PAGE_SIZES = (wire.PAGE_SIZE, 20, 75, wire.MAX_PAGE_SIZE, wire.MAX_PAGE_SIZE)


@dataclass(frozen=True, slots=True)
class XStep:
    """What comes next: a file's upload, segment, end, state or alt text, or the post of part `part`."""

    name: str  # "upload" | "append" | "finalize" | "status" | "describe" | "post"
    part: int
    key: str = ""
    media: RenderedMedia | None = None


def next_step(delivery: Delivery, now: datetime) -> XStep:
    progress = delivery.progress
    out = len(_progress_list(progress, "posts"))
    for p, part in enumerate(delivery.post.parts[out:], start=out):
        for n, media in enumerate(part.media):
            key = f"{p}.{n}"
            entry = _progress_dict(progress, "media").get(key)
            name = _media_step(entry, media, now) if isinstance(entry, dict) else "upload"
            if name:
                return XStep(name, p, key, media)
    return XStep("post", out)


def _media_step(entry: dict[str, Any], media: RenderedMedia, now: datetime) -> str:
    """The step a file is at; "" when nothing is left to do."""
    if entry.get("until") and entry["until"] <= now.timestamp() + 60:
        return "upload"  # X has forgotten it, or is about to: begin again
    match entry.get("state"):
        case "sending":
            sent_all = entry["segments"] * entry["chunk"] >= entry["size"]
            return "finalize" if sent_all else "append"
        case "processing":
            return "status"
        case _:
            return "describe" if wants_alt(media) and not entry.get("described") else ""


async def publish_step(session: Session, delivery: Delivery) -> PublishResult:
    """Take one step."""
    _check_scopes(session, delivery)
    step = next_step(delivery, session.now())
    if step.media is None:
        wait = wait_until_due(delivery, session.now())
        return wait or await _post_step(session, delivery, step.part)
    entry = dict(_progress_dict(delivery.progress, "media").get(step.key) or {})
    match step.name:
        case "upload" if entry:
            return _restart_upload(session, delivery, step)
        case "upload":
            return await _upload_step(session, delivery, step)
        case "append":
            return await _append_step(session, delivery, step, entry)
        case "finalize":
            upload = await wire.finalize_upload(session, entry["id"])
            return _store_upload_state(session, delivery, step, entry, upload)
        case "status":
            return _store_upload_state(session, delivery, step, entry, await wire.upload_status(session, entry["id"]))
        case _:
            await wire.set_alt_text(session, entry["id"], step.media.media.alt)
            return _store_entry(delivery, step.key, {**entry, "described": True})


async def look_up_outcome(session: Session, delivery: Delivery) -> PublishResult | None:
    """After a broken step. A broken upload shows nothing to anybody; a broken post is looked up on the account."""
    if delivery.restored_at is not None:
        return await _find_restored(session, delivery, delivery.restored_at)
    step = next_step(delivery, delivery.begun_at or session.now())  # as it was then: files may have expired since
    if step.name == "finalize":
        return await _find_finalized(session, delivery, step)
    if step.name != "post":
        return None
    since = _earliest_publish_time(delivery, session.now())
    found = await _look_up_part(
        session, delivery, step.part, since, (delivery.begun_at or session.now()) + ABANDONED_REQUEST_AGE
    )
    if found is not None:
        return _found_part(session, delivery, step.part, found)
    if delivery.progress.get("refused"):
        raise _duplicate_not_found(step.part)
    # Sent again it is either new, or refused as a duplicate, which then is evidence that it is out.
    return PendingStep(
        progress={**delivery.progress, "doubt": since.isoformat()},
        note=AttemptNote(
            "The post is not on {network}, so Kicau is trying again to publish it.", network=NETWORK_LABEL
        ),
    )


async def _find_restored(session: Session, delivery: Delivery, until: datetime) -> PublishResult | None:
    """The next part, wherever the uploads stood: by its text among the posts from backup to restore."""
    part = len(_progress_list(delivery.progress, "posts"))
    found = await _look_up_part(session, delivery, part, _earliest_publish_time(delivery, session.now()), until)
    if found is None:
        return None
    if not delivery.post.parts[part].text:
        raise Uncertain(
            AttemptNote(
                "The account has a new post without text. Kicau cannot tell whether that is the post that it was publishing."
            )
        )
    return _found_part(session, delivery, part, found)


def _duplicate_not_found(part: int) -> Uncertain:
    return Uncertain(
        AttemptNote(
            "{network} rejected part {n} of this post as a duplicate, but Kicau did not find this part among the account's posts.",
            network=NETWORK_LABEL,
            n=part + 1,
        )
    )


def _check_scopes(session: Session, delivery: Delivery) -> None:
    """X answers a missing scope with a bare "Forbidden", so what is missing is told here, by name."""
    needed = POSTING_WITH_FILES_SCOPES if any(part.media for part in delivery.post.parts) else POSTING_SCOPES
    held = session.credentials.scopes
    if held and not needed <= held:
        missing = needed - held
        raise AuthExpired(f"the sign-in lacks {', '.join(sorted(missing))}", missing=missing)


# Files


async def _upload_step(session: Session, delivery: Delivery, step: XStep) -> PendingStep:
    """A picture in one request; GIFs and videos are begun here and sent in segments."""
    assert step.media is not None
    kind = step.media.media.kind
    file = await session.file(step.media)
    if kind is MediaKind.IMAGE:
        return _store_upload_state(session, delivery, step, {}, await wire.upload_whole(session, file, kind))
    begun = await wire.initialize_upload(session, file, kind)
    entry: dict[str, Any] = {
        "id": begun.id,
        "state": "sending",
        "segments": 0,
        "chunk": wire.segment_size(file.size, fact_number("max-segments")),
        "size": file.size,
        "until": _upload_expires_at(session, begun),
    }
    return _store_entry(delivery, step.key, entry)


def _restart_upload(session: Session, delivery: Delivery, step: XStep) -> PendingStep:
    """X has forgotten a file before it was used. It is uploaded again, later and later, a few times in an hour."""
    assert step.media is not None
    now, expired = session.now(), _progress_dict(delivery.progress, "expired")
    times, since = expired.get(step.key) or (0, now.isoformat())
    if now - datetime.fromisoformat(since) > EXPIRY_WINDOW:
        times, since = 0, now.isoformat()
    name = step.media.media.name or step.media.media.ref
    if times >= MAX_EXPIRED_UPLOADS:
        message = "{network} repeatedly deleted the uploaded file {name} before the post could be published. Retry the post in an hour."
        params = {"network": NETWORK_LABEL, "name": name}
        raise Rejected(Problem(code="upload-expires", message=message, params=params, field=_media_field(step)))
    media = {key: value for key, value in _progress_dict(delivery.progress, "media").items() if key != step.key}
    return PendingStep(
        progress={**delivery.progress, "media": media, "expired": {**expired, step.key: [times + 1, since]}},
        after=timedelta(seconds=10 * 2 ** (times - 1) if times else 0),
        note=AttemptNote(
            "{network} no longer has the file {name}, so Kicau is uploading it again.", network=NETWORK_LABEL, name=name
        ),
    )


async def _append_step(session: Session, delivery: Delivery, step: XStep, entry: dict[str, Any]) -> PendingStep:
    assert step.media is not None
    sent, chunk, size = entry["segments"], entry["chunk"], entry["size"]
    file = await session.file(step.media)
    await wire.append_segment(session, file, entry["id"], sent, min(chunk, size - sent * chunk))
    done = min(100, (sent + 1) * chunk * 100 // size)
    return _store_entry(
        delivery,
        step.key,
        {**entry, "segments": sent + 1},
        note=AttemptNote("Kicau has uploaded {done} % of the file to {network}.", done=done, network=NETWORK_LABEL),
    )


def _store_upload_state(
    session: Session, delivery: Delivery, step: XStep, entry: dict[str, Any], upload: wire.UploadState
) -> PendingStep:
    """A file that X has whole: ready, still being processed, or found unusable."""
    assert step.media is not None
    now = session.now()
    kept = {**entry, "id": upload.id, "until": _upload_expires_at(session, upload) or entry.get("until", 0)}
    if upload.state in ("", "succeeded"):
        return _store_entry(delivery, step.key, {**kept, "state": "ready"})
    since = entry.get("processing_since") or now.isoformat()
    if upload.state == "failed" or now - datetime.fromisoformat(since) > PROCESSING_TIMEOUT:
        name = step.media.media.name or step.media.media.ref
        why = upload.why or ("no reason given" if upload.state == "failed" else "it was not done within an hour")
        message = (
            "{network} could not process the file {name} ({why}). Export the file again, or use another copy of it."
        )
        params = {"network": NETWORK_LABEL, "name": name, "why": why}
        raise Rejected(Problem(code="processing-failed", message=message, params=params, field=_media_field(step)))
    kind = MEDIA_KIND_NAMES[step.media.media.kind]
    return _store_entry(
        delivery,
        step.key,
        {**kept, "state": "processing", "processing_since": since},
        after=timedelta(seconds=max(1, upload.check_after)),
        note=AttemptNote(
            "{network} is processing the {kind} ({percent} %).",
            network=NETWORK_LABEL,
            kind=kind,
            percent=upload.percent,
        ),
    )


async def _find_finalized(session: Session, delivery: Delivery, step: XStep) -> PendingStep:
    """Whether a broken FINALIZE took effect; where X cannot tell, the file is uploaded again, which shows nobody anything."""
    media = _progress_dict(delivery.progress, "media")
    entry = dict(media[step.key])
    try:
        upload = await wire.upload_status(session, entry["id"])
    except Rejected:
        upload = None
    if upload is not None and upload.state:
        return _store_entry(delivery, step.key, {**entry, "state": "processing"})  # the next step sees what came of it
    rest = {key: value for key, value in media.items() if key != step.key}
    return PendingStep(
        progress={**delivery.progress, "media": rest},
        note=AttemptNote("Kicau is restarting the upload of the file from the beginning."),
    )


# Posts


async def _post_step(session: Session, delivery: Delivery, part: int) -> PublishResult:
    progress = delivery.progress
    if progress.get("refused"):
        found = await _look_up_part(
            session, delivery, part, _earliest_publish_time(delivery, session.now()), session.now()
        )
        if found is None:
            raise _duplicate_not_found(part)
        return _found_part(session, delivery, part, found)
    charge = _part_charge(delivery, part)

    def counted(reply: HttpResponse) -> Charge:
        return wire.created_post(charge, wire.response_id(wire.response_data(reply), reply))

    try:
        reply = await wire.send_request(
            session, "POST", "/2/tweets", charge=charge, counted=counted, json=post_body(delivery, part)
        )
    except Rejected as refused:
        return _after_refusal(delivery, part, refused)
    data = wire.response_data(reply)
    return _advance(session, delivery, wire.response_id(data, reply), session.now(), data)


def _part_charge(delivery: Delivery, part: int) -> Charge:
    post = delivery.post
    return charge_of_part(post.parts[part], answers=part == 0 and bool(post.reply_to), own=post.answers_own)


def _found_part(session: Session, delivery: Delivery, part: int, found: wire.ListedPost) -> PublishResult:
    """The post whose answer was lost is out, so it was billed."""
    raw = {"id": found.id, "text": found.text}
    return replace(
        _advance(session, delivery, found.id, found.at, raw),
        spent=(wire.created_post(_part_charge(delivery, part), found.id),),
    )


def post_body(delivery: Delivery, part: int) -> dict[str, JSON]:
    """CreatePostsRequest for one part: poll, labels and quote go with the first, the rest of a thread answers it."""
    post, progress = delivery.post, delivery.progress
    asked: dict[str, JSON] = {"text": post.parts[part].text}
    media = _progress_dict(progress, "media")
    if ids := [media[f"{part}.{n}"]["id"] for n in range(len(post.parts[part].media))]:
        asked["media"] = {"media_ids": ids}
    out = _progress_list(progress, "posts")
    if before := (out[-1]["id"] if out else post.reply_to):
        asked["reply"] = {"in_reply_to_tweet_id": before}
    if part == 0:
        if post.poll:
            asked["poll"] = {"options": list(post.poll.options), "duration_minutes": post.poll.minutes}
        if quoted := post.options.get("quote"):
            asked["quote_tweet_id"] = quoted
        if settings := post.options.get("replies"):
            asked["reply_settings"] = settings
    if post.options.get("made_with_ai") == "yes" and (post.parts[part].media or part == 0):
        asked["made_with_ai"] = True
    if post.options.get("paid_partnership") == "yes":
        asked["paid_partnership"] = True
    return asked


def _after_refusal(delivery: Delivery, part: int, refused: Rejected) -> PendingStep:
    """What a refused post means: evidence, a file to upload again, or the author's to fix."""
    progress = delivery.progress
    match errors.rejection_code(refused):
        case errors.DUPLICATE_CODE if progress.get("doubt"):
            note = AttemptNote(
                "{network} reports that this text is already published, so Kicau is looking for the post among the account's posts.",
                network=NETWORK_LABEL,
            )
            return PendingStep(progress={**progress, "refused": True}, after=NEXT_STEP_DELAY, note=note)
        case errors.MEDIA_GONE_CODE if not progress.get("again"):
            media = {
                key: value for key, value in _progress_dict(progress, "media").items() if not key.startswith(f"{part}.")
            }
            return PendingStep(
                progress={**progress, "media": media, "again": True},
                note=AttemptNote("Kicau is uploading the files of this post once more."),
            )
        case errors.TOO_LONG_VIDEO_CODE:
            raise Rejected(*_video_problems(delivery, part, refused), detail=refused.detail) from refused
    if part == 0:
        raise refused
    moved = [_problem_at_part(problem, part) for problem in refused.problems]
    raise Rejected(*moved, detail=refused.detail) from refused


def _video_problems(delivery: Delivery, part: int, refused: Rejected) -> list[Problem]:
    """X's own limit for this account, in the words that the preview uses for the known one."""
    limit = int(refused.problems[0].params.get("limit", 0)) * 60_000
    videos = [m.media for m in delivery.post.parts[part].media if m.media.kind is MediaKind.VIDEO]
    message = "{name} lasts {actual}, but on {network} each {kind} can last at most {limit}. Shorten the {kind}."
    base = {"network": NETWORK_LABEL, "kind": "video", "limit": format_duration(limit)}
    return [
        Problem(
            code=errors.TOO_LONG_VIDEO_CODE,
            message=message,
            params={**base, "name": video.name or video.ref, "actual": format_duration(video.duration_ms)},
            field=f"parts.{part}.media.{n}",
            limit=limit,
            actual=video.duration_ms,
        )
        for n, video in enumerate(videos)
    ] or [_problem_at_part(refused.problems[0], part)]


def _problem_at_part(problem: Problem, part: int) -> Problem:
    field = problem.field.replace("parts.0.", f"parts.{part}.", 1)
    return Problem(code=problem.code, message=problem.message, params=problem.params, field=field)


async def _look_up_part(
    session: Session, delivery: Delivery, part: int, since: datetime, until: datetime
) -> wire.ListedPost | None:
    """The part among the account's posts of that time. Raises Uncertain where there are too many to look through."""
    out = [one["id"] for one in _progress_list(delivery.progress, "posts")]
    root, after = (out[0], out[-1]) if out else ("", "")
    quoted = delivery.post.options.get("quote", "") if part == 0 else ""
    token, oldest = "", None
    for size in LOOKUP_PAGE_SIZES:
        page, token = await wire.list_own_posts(
            session, since=since, until=until, since_id=after, token=token, size=size
        )
        for one in page:
            fits = one.id and one.id not in out and wire.is_same_post(one, delivery.post.parts[part], quoted)
            if fits and _is_in_thread_position(one, root, delivery):
                oldest = one  # newest first, so the last that fits is the first that was sent
        if not token:
            return oldest
    raise Uncertain(
        AttemptNote("The account has too many new posts, so Kicau could not check whether this post is among them.")
    )


def _is_in_thread_position(one: wire.ListedPost, root: str, delivery: Delivery) -> bool:
    """A thread's later parts belong to its conversation; a first part that answers nobody begins its own."""
    if not one.conversation or delivery.post.reply_to:
        return True
    return one.conversation == (root or one.id)


def _advance(session: Session, delivery: Delivery, post_id: str, at: datetime, raw: dict[str, Any]) -> PublishResult:
    """One more part is out."""
    progress = delivery.progress
    posts = [*_progress_list(progress, "posts"), {"id": post_id, "at": at.isoformat()}]
    answers: list[JSON] = [*_progress_list(progress, "raw"), raw]
    if len(posts) < len(delivery.post.parts):
        kept = {k: v for k, v in progress.items() if k not in ("doubt", "refused", "again")}
        note = AttemptNote(
            "{network} has published part {n} of {all} of the thread.",
            network=NETWORK_LABEL,
            n=len(posts),
            all=len(delivery.post.parts),
        )
        return PendingStep(progress={**kept, "posts": posts, "raw": answers}, note=note)
    return PublishedPost(
        ids=tuple(one["id"] for one in posts),
        url=wire.post_url(session.app.endpoints, session.handle, posts[0]["id"]),
        at=datetime.fromisoformat(posts[0]["at"]),
        raw={"posts": answers},
    )


# Progress


def _store_entry(
    delivery: Delivery, key: str, entry: dict[str, Any], *, after: timedelta = timedelta(0), note: str = ""
) -> PendingStep:
    media = {**_progress_dict(delivery.progress, "media"), key: entry}
    return PendingStep(progress={**delivery.progress, "media": media}, after=after, note=note)


def _upload_expires_at(session: Session, upload: wire.UploadState) -> int:
    """When X forgets the file, in epoch seconds; 0 where it does not say."""
    return int(session.now().timestamp()) + upload.lives_for if upload.lives_for else 0


def _earliest_publish_time(delivery: Delivery, now: datetime) -> datetime:
    """Since when the part could be out."""
    known = [at for at in (delivery.begun_at, _parse_time(delivery.progress.get("doubt"))) if at is not None]
    return min(known) if known else (delivery.due_at or now) - timedelta(days=1)


def _parse_time(value: JSON) -> datetime | None:
    at = datetime.fromisoformat(value) if isinstance(value, str) else None
    return at.astimezone(UTC) if at else None


def _media_field(step: XStep) -> str:
    part, place = step.key.split(".")
    return f"parts.{part}.media.{place}"


def _progress_dict(progress: Any, key: str) -> dict[str, Any]:
    found = progress.get(key)
    return found if isinstance(found, dict) else {}


def _progress_list(progress: Any, key: str) -> list[Any]:
    found = progress.get(key)
    return found if isinstance(found, list) else []
