"""After a lost answer: is the post, or its comment, there? Never a guess: where it cannot be read, Uncertain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kicau.connector.content import AttemptNote, Delivery
from kicau.connector.errors import AuthExpired, Uncertain
from kicau.connector.session import Session
from kicau.networks.linkedin import little, wire
from kicau.networks.linkedin.limits import NETWORK_LABEL

CLOCK_MARGIN = timedelta(seconds=60)  # between LinkedIn's clock and ours
PAGE_SIZE = 100  # the most that one page gives (https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/posts-api, 2026-11-24)
MAX_PAGES = 10  # 1,000 posts of one author since the step began is beyond every limit known


@dataclass(frozen=True, slots=True)
class FoundPost:
    urn: str
    at: datetime


POSTS_UNREADABLE_NOTE = AttemptNote(
    "{network} does not allow Kicau's app to read the posts of this account.", network=NETWORK_LABEL
)
COMMENTS_UNREADABLE_NOTE = AttemptNote(
    "{network} does not allow Kicau's app to read the comments on this account's posts.", network=NETWORK_LABEL
)


def require_read_permission(session: Session, why_not: AttemptNote) -> None:
    """Raises Uncertain where nothing that was granted lets us look."""
    if not wire.has_permission(session.credentials.scopes, "read", session.kind):
        raise Uncertain(why_not)


async def find_post(session: Session, delivery: Delivery, urns: list[str]) -> FoundPost | None:
    """The author's post with these files, or with this text since the step began; None where there is none."""
    require_read_permission(session, POSTS_UNREADABLE_NOTE)
    since = (delivery.begun_at or session.now()) - CLOCK_MARGIN
    async for element in _own_posts(session):
        if wire.created_at(element) < since:
            return None
        if _matches_delivery(element, delivery, urns):
            return FoundPost(str(element.get("id") or ""), wire.created_at(element))
    return None


async def find_restored_post(session: Session, delivery: Delivery) -> FoundPost | None:
    """The author's post with this text, and media or none as it should have, since a backup was made: which files were
    uploaded for it is not known."""
    require_read_permission(session, POSTS_UNREADABLE_NOTE)
    since, wanted = (delivery.begun_at or session.now()) - CLOCK_MARGIN, delivery.post
    async for element in _own_posts(session):
        if wire.created_at(element) < since:
            return None
        content = element.get("content")
        media = bool(set(_media_urns(content if isinstance(content, dict) else {})) - {""})
        if not any(True for _ in wire.files_of_post(wanted)):
            if not _matches_delivery(element, delivery, []):
                continue
        elif not media or little.displayed_text(str(element.get("commentary") or "")) != wanted.parts[0].text:
            continue
        elif not wanted.parts[0].text:
            raise Uncertain(
                AttemptNote(
                    "The account has a new post without text. Kicau cannot tell whether that is the post that it was publishing."
                )
            )
        return FoundPost(str(element.get("id") or ""), wire.created_at(element))
    return None


async def _own_posts(session: Session) -> AsyncIterator[Mapping[str, Any]]:
    """The author's posts, newest first."""
    for page in range(MAX_PAGES):
        query = f"author={wire.escape_urn(session.account_id)}&count={PAGE_SIZE}&q=author&sortBy=CREATED&start={page * PAGE_SIZE}"
        elements = await _fetch_elements(session, "/rest/posts", query)
        for element in elements:
            yield element
        if len(elements) < PAGE_SIZE:
            return
    raise Uncertain(
        AttemptNote("The account has too many new posts, so Kicau could not check whether this post is among them.")
    )


async def _fetch_elements(session: Session, path: str, query: str, restli: str = "FINDER") -> list[Mapping[str, Any]]:
    try:
        elements = (await wire.call_api(session, "GET", path, need="read", query=query, restli=restli)).listed(
            "elements"
        )
    except AuthExpired as exc:
        if not exc.missing:
            raise
        raise Uncertain(
            AttemptNote(
                "{network} does not let Kicau read this account's posts. Message from the network: {said}",
                network=NETWORK_LABEL,
                said=exc.detail,
            )
        ) from exc
    return [element for element in elements if isinstance(element, dict)]


def _matches_delivery(element: Mapping[str, Any], delivery: Delivery, urns: list[str]) -> bool:
    content = element.get("content")
    content = content if isinstance(content, dict) else {}
    if urns:  # a file was uploaded for this delivery alone, so its URN decides
        return not set(_media_urns(content)).isdisjoint(urns)
    wanted = delivery.post
    if little.displayed_text(str(element.get("commentary") or "")) != wanted.parts[0].text:
        return False
    if wanted.poll:
        return bool(content.get("poll")) and content["poll"].get("question") == wanted.poll.question
    if wanted.link:
        return bool(content.get("article")) and content["article"].get("source") == wanted.link.url
    return not content


def _media_urns(content: Mapping[str, Any]) -> Iterator[str]:
    for name, urn in (("media", "id"), ("article", "thumbnail")):
        if isinstance(one := content.get(name), dict):
            yield str(one.get(urn) or "")
    many = content.get("multiImage")
    for image in many.get("images") or () if isinstance(many, dict) else ():
        yield str(image.get("id") or "")


async def find_comment(session: Session, urn: str, text: str, *, since: datetime | None = None) -> str:
    """The id of our comment of this text under the post (or comment), made `since` then; "" where there is none."""
    require_read_permission(session, COMMENTS_UNREADABLE_NOTE)
    path = f"/rest/socialActions/{wire.escape_urn(urn)}/comments"
    for element in await _fetch_elements(session, path, "count=100&start=0", restli=""):
        message = element.get("message")
        said = message.get("text") if isinstance(message, dict) else ""
        recent = since is None or wire.created_at(element) >= since
        if element.get("actor") == session.account_id and said == text and recent:
            return str(element.get("commentUrn") or element.get("id") or "yes")
    return ""
