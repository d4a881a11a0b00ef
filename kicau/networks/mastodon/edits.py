"""A published post is changed: PUT /api/v1/statuses/:id, after a look at how it reads.

https://docs.joinmastodon.org/methods/statuses/#edit (2026-11-26). What is left out of the request is taken from the post:
its files and its poll are named again, with what is left of the poll's time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kicau.connector.content import JSON, Problem
from kicau.connector.errors import Rejected
from kicau.connector.roles.edits import PartRevision, RemoteContentState
from kicau.connector.session import Session
from kicau.networks.mastodon import errors, lookup, wire
from kicau.networks.mastodon.limits import NETWORK_LABEL, fact_number
from kicau.networks.mastodon.render import focal_point


async def read_content_state(session: Session, revision: PartRevision) -> RemoteContentState:
    """By its source where the server keeps one, else by what readers see."""
    try:
        status = await _fetch_status(session, revision)
        source = await _fetch_source(session, revision, status)
    except Rejected as refused:
        if errors.rejection_code(refused) == errors.NOT_FOUND_CODE:
            return RemoteContentState.GONE
        raise
    hides = _is_sensitive(revision.before.options) != _is_sensitive(revision.after.options)
    for post, found in ((revision.after, RemoteContentState.AFTER), (revision.before, RemoteContentState.BEFORE)):
        part = post.parts[revision.part]
        said = (
            lookup.fold_high_characters(part.text).strip(),
            post.options.get("warning", "").strip(),
            [one.media.alt.strip() for one in part.media],
        )
        if said == source and (not hides or bool(status.get("sensitive")) == _is_sensitive(post.options)):
            return found
    return RemoteContentState.OTHER


def _is_sensitive(options: Mapping[str, str]) -> bool:
    """A post with a warning hides its files too."""
    return options.get("sensitive") == "yes" or bool(options.get("warning", "").strip())


async def apply_edit(session: Session, revision: PartRevision) -> dict[str, JSON]:
    status = await _fetch_status(session, revision)
    reply = await wire.call_api(session, "PUT", _status_path(revision), json=_edit_body(revision, status, session))
    return wire.stored_status(wire.status_from_response(reply))


def _status_path(revision: PartRevision) -> str:
    return f"/api/v1/statuses/{wire.path_segment(revision.post_id)}"


async def _fetch_status(session: Session, revision: PartRevision) -> Mapping[str, Any]:
    return wire.status_from_response(await wire.call_api(session, "GET", _status_path(revision)))


async def _fetch_source(
    session: Session, revision: PartRevision, status: Mapping[str, Any]
) -> tuple[str, str, list[str]]:
    reply = await wire.call_api(session, "GET", f"{_status_path(revision)}/source")
    told = reply.json()
    text = told.get("text") if isinstance(told, dict) else None
    if not isinstance(text, str):
        raise reply.lost(f"{NETWORK_LABEL}'s answer about how the post was written could not be read")
    alts = [str(one.get("description") or "").strip() for one in lookup.media_of_status(status)]
    return lookup.fold_high_characters(text).strip(), str(status.get("spoiler_text") or "").strip(), alts


def _edit_body(revision: PartRevision, status: Mapping[str, Any], session: Session) -> dict[str, JSON]:
    post, part = revision.after, revision.after.parts[revision.part]
    options = post.options
    body: dict[str, JSON] = {
        "status": part.text,
        "spoiler_text": options.get("warning", "").strip(),
        "sensitive": options.get("sensitive") == "yes",
    }
    if post.language:
        body["language"] = post.language
    files = [str(one["id"]) for one in lookup.media_of_status(status) if one.get("id")]
    if files:
        first = sum(len(one.media) for one in post.parts[: revision.part])
        body["media_ids"] = list[JSON](files)
        body["media_attributes"] = [
            _media_attributes(file, one.media.alt, focal_point(post, first + n))
            for n, (file, one) in enumerate(zip(files, part.media, strict=False))
        ]
    if revision.part == 0 and post.poll:
        body["poll"] = {
            "options": list[JSON](post.poll.options),
            "expires_in": _poll_seconds_left(status, session),
            "multiple": options.get("poll_multiple") == "yes",
            "hide_totals": options.get("poll_hide_totals") == "yes",
        }
    return body


def _media_attributes(file: str, alt: str, focus: str) -> dict[str, JSON]:
    said: dict[str, JSON] = {"id": file, "description": alt}
    return {**said, "focus": focus} if focus else said


def _poll_seconds_left(status: Mapping[str, Any], session: Session) -> int:
    """Seconds until the poll ends, as it was said. Raises Rejected where a server would end it at another time."""
    poll = status.get("poll")
    ends = wire.parse_time(poll.get("expires_at")) if isinstance(poll, dict) else None
    left = round((ends - session.now()).total_seconds()) if ends else 0
    if left < fact_number("poll-min-seconds"):
        message = "Kicau did not change this post on {network}, because its poll has ended or will end within minutes. A change would extend the poll."
        raise Rejected(
            Problem(code="poll-over", message=message, params={"network": NETWORK_LABEL}, field="parts.0.text")
        )
    return left
