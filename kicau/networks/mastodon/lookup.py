"""After a lost answer: is the post there? The account's own posts are read; never a guess, else Uncertain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from kicau.connector.content import AttemptNote, RenderedPart, SpanKind
from kicau.connector.errors import Rejected, Uncertain
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks.mastodon import errors, servers, wire
from kicau.networks.mastodon.limits import NETWORK_LABEL

PAGE_SIZE = 40  # the most that a server gives at once
MAX_PAGES = 10  # 400 posts of one account since a step began are beyond what can be told apart
MAX_SOURCES = 25  # posts whose source is asked for because their HTML reads differently
# Servers tell when a post was made in whole seconds, some rounded down; their clock is read from each answer.
CLOCK_MARGIN = timedelta(seconds=3)
BLIND_CLOCK_MARGIN = timedelta(seconds=60)  # where an answer tells no time


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPost:
    """What the part would look like on the server."""

    part: RenderedPart
    since: datetime  # on our clock
    reply_to: str = ""
    files: frozenset[str] = frozenset()  # ids and addresses of the files that were uploaded for it
    known: frozenset[str] = frozenset()  # ids of posts that are something else


async def find_post(session: Session, wanted: ExpectedPost, *, public: bool) -> Mapping[str, Any] | None:
    """The earliest post that is this part; None where the account has none. `public`: its own list shows it.

    Raises Uncertain where there are too many posts to tell.
    """
    found = await _search_statuses(
        session, f"/api/v1/accounts/{wire.path_segment(session.account_id)}/statuses", wanted
    )
    if found is None and not public:
        # Some (snac) list only public posts of an account, but show all of them to itself among the newest of all.
        found = await _search_statuses(session, "/api/v1/timelines/home", wanted)
    return found


async def _search_statuses(session: Session, path: str, wanted: ExpectedPost) -> Mapping[str, Any] | None:
    fits: list[Mapping[str, Any]] = []
    unsure: list[Mapping[str, Any]] = []
    async for status in _statuses_since(session, path, wanted.since):
        if _is_candidate(session, status, wanted):
            (fits if _matches_part(status, wanted) else unsure).append(status)
    if (
        not wanted.part.text
        and not wanted.files
        and any(not _comparable_text(wire.plain_text(str(one.get("content") or ""))) for one in unsure)
    ):
        raise Uncertain(
            AttemptNote(
                "The account has a new post without text. Kicau cannot tell whether that is the post that it was publishing."
            )
        )
    if fits:
        return next((one for one in fits if _shows_part_media(one, wanted, "id")), fits[-1])  # newest first
    for status in unsure[::-1][:MAX_SOURCES]:
        if await _source_matches(session, status, wanted):
            return status
    return None


async def _statuses_since(session: Session, path: str, since: datetime) -> AsyncIterator[Mapping[str, Any]]:
    """The statuses of a list that are not older, newest first."""
    params = {"limit": str(PAGE_SIZE)}
    for _ in range(MAX_PAGES):
        try:
            reply = await wire.call_api(session, "GET", path, params=params)
        except Rejected as exc:
            raise Uncertain(
                AttemptNote(
                    "{network} does not let Kicau see this account's posts. Message from the network: {said}",
                    network=NETWORK_LABEL,
                    said=exc.detail,
                )
            ) from exc
        page = reply.json()
        if not isinstance(page, list):
            raise Uncertain(
                AttemptNote("Kicau could not read the list of posts from {network}.", network=NETWORK_LABEL)
            )
        oldest = since + _clock_skew(session, reply)
        for status in page:
            at = wire.parse_time(status.get("created_at"))
            if at is not None and at < oldest:
                return
            yield status
        if len(page) < PAGE_SIZE or params.get("max_id") == str(page[-1]["id"]):
            return
        params["max_id"] = str(page[-1]["id"])
    raise Uncertain(
        AttemptNote("The account has too many new posts, so Kicau could not check whether this post is among them.")
    )


def _clock_skew(session: Session, reply: HttpResponse) -> timedelta:
    """How far the server's clock is ahead of ours, less the margin."""
    try:
        theirs = parsedate_to_datetime(reply.headers.get("date", ""))
        return theirs - session.now() - CLOCK_MARGIN
    except (TypeError, ValueError):
        return -BLIND_CLOCK_MARGIN


def _is_candidate(session: Session, status: Mapping[str, Any], wanted: ExpectedPost) -> bool:
    author = status.get("account")
    mine = not isinstance(author, dict) or str(author.get("id")) == session.account_id
    return (
        mine
        and not status.get("reblog")
        and str(status.get("id")) not in wanted.known
        and str(status.get("in_reply_to_id") or "") == wanted.reply_to
        and len(media_of_status(status)) == len(wanted.part.media)
    )


def _matches_part(status: Mapping[str, Any], wanted: ExpectedPost) -> bool:
    """By its text; by its files alone only where there is no text, for a server may give equal files one address."""
    if not wanted.part.text:
        return not _comparable_text(wire.plain_text(str(status.get("content") or ""))) and _shows_part_media(
            status, wanted, "id", "url"
        )
    said = status.get("text")
    if isinstance(said, str) and said:
        return fold_high_characters(said).strip() == fold_high_characters(wanted.part.text).strip()
    return _comparable_text(wire.plain_text(str(status.get("content") or ""))) == _comparable_text(
        _displayed_part_text(wanted.part)
    )


def _shows_part_media(status: Mapping[str, Any], wanted: ExpectedPost, *names: str) -> bool:
    """Whether it has one of the files that were uploaded for the part."""
    return any(str(one.get(name)) in wanted.files for one in media_of_status(status) for name in names if one.get(name))


def media_of_status(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A status's files."""
    found = status.get("media_attachments")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _displayed_part_text(part: RenderedPart) -> str:
    """Readers see a mention of another server without the server."""
    text, shown, done = part.text, [], 0
    for span in part.spans:
        if span.kind is SpanKind.MENTION:
            shown += [text[done : span.start], "@" + span.target.split("@")[0]]
            done = span.end
    return "".join([*shown, text[done:]])


def _comparable_text(text: str) -> str:
    """Without what a server may change: blanks, line ends, and what snac makes of characters beyond U+20000."""
    return "".join(fold_high_characters(text).split())


def fold_high_characters(text: str) -> str:
    """Characters beyond U+1FFFF as snac gives them back; the others as they are."""
    if not text or max(text) < "\U00020000":
        return text
    return "".join(chr((ord(c) - 0x10000) | 0x10000) if c > "\uffff" else c for c in text)


async def _source_matches(session: Session, status: Mapping[str, Any], wanted: ExpectedPost) -> bool:
    """Whether the text was sent as this part; where a server keeps no source, a file of its own tells."""
    try:
        answer = (
            await wire.call_api(session, "GET", f"/api/v1/statuses/{wire.path_segment(str(status['id']))}/source")
        ).json()
    except Rejected as refused:
        if errors.rejection_code(refused) == errors.NOT_FOUND_CODE:
            if _shows_part_media(status, wanted, "id"):
                return True
            if not (await servers.fetch_server_info(session, session.host)).keeps_keys:
                return False
        raise Uncertain(
            AttemptNote(
                "{network} does not let Kicau read the text of this account's posts. Message from the network: {said}",
                network=NETWORK_LABEL,
                said=refused.detail,
            )
        ) from refused
    if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
        raise Uncertain(AttemptNote("Kicau could not read the text of a post from {network}.", network=NETWORK_LABEL))
    return fold_high_characters(answer["text"]).strip() == fold_high_characters(wanted.part.text).strip()
