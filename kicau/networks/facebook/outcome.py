"""What a post comes to once readers can see it."""

from __future__ import annotations

from collections.abc import Mapping

from kicau.connector.content import JSON, AttemptNote, Delivery, PendingStep, PublishedPost, PublishResult
from kicau.connector.session import Session
from kicau.networks.facebook.limits import NETWORK_LABEL


def finish_post(session: Session, delivery: Delivery, post: str, url: str, raw: Mapping[str, JSON]) -> PublishResult:
    """The post is out: what remains is its comment, if it has one."""
    at = session.now()
    if delivery.post.first_comment is None:
        return PublishedPost(ids=(post,), url=url, at=at, raw=raw)
    done: dict[str, JSON] = {"post": post, "url": url, "at": at.isoformat(), "raw": dict(raw)}
    return PendingStep(
        progress=done,
        note=AttemptNote(
            "{network} has published the post. Next, Kicau will publish the first comment on it.", network=NETWORK_LABEL
        ),
    )
