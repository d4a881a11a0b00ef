"""A published post is changed: the words of a Page post, or of a video, that this app published.

https://developers.facebook.com/docs/pages-api/posts#update-a-post and
https://developers.facebook.com/docs/graph-api/reference/video#Updating (2026-11-26)
"""

from __future__ import annotations

from collections.abc import Mapping

from kicau.connector.content import JSON
from kicau.connector.errors import Rejected
from kicau.connector.roles.edits import PartRevision, RemoteContentState
from kicau.connector.session import Session
from kicau.networks._meta.errors import is_missing_object
from kicau.networks._meta.graph import page_graph, required_text


def _content_field(revision: PartRevision) -> str:
    """A post is "page_post", a video or a reel one number."""
    return "message" if "_" in revision.post_id else "description"


async def read_content_state(session: Session, revision: PartRevision) -> RemoteContentState:
    field = _content_field(revision)
    try:
        told = await page_graph(session).get(revision.post_id, fields=field)
    except Rejected as refused:
        if is_missing_object(refused):
            return RemoteContentState.GONE
        raise
    required_text(told, "id")  # an answer without it tells nothing of the post
    for post, found in ((revision.after, RemoteContentState.AFTER), (revision.before, RemoteContentState.BEFORE)):
        if str(told.get(field) or "").split() == post.parts[revision.part].text.split():
            return found
    return RemoteContentState.OTHER


async def apply_edit(session: Session, revision: PartRevision) -> Mapping[str, JSON]:
    text = revision.after.parts[revision.part].text
    return await page_graph(session).post(revision.post_id, {_content_field(revision): text})
