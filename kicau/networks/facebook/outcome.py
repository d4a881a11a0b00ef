"""What a post comes to once readers can see it."""

from __future__ import annotations

from collections.abc import Mapping

from kicau.connector.content import JSON, Continue, Delivery, Note, Published, PublishResult
from kicau.connector.session import Session
from kicau.networks.facebook.limits import NETWORK


def posted(session: Session, delivery: Delivery, post: str, url: str, raw: Mapping[str, JSON]) -> PublishResult:
    """The post is out: what remains is its comment, if it has one."""
    at = session.now()
    if delivery.post.first_comment is None:
        return Published(ids=(post,), url=url, at=at, raw=raw)
    done: dict[str, JSON] = {"post": post, "url": url, "at": at.isoformat(), "raw": dict(raw)}
    return Continue(progress=done, note=Note("{network} has the post; its first comment is next.", network=NETWORK))
