"""A published post is changed: a partial update of its commentary, the one thing that LinkedIn lets anybody change.

https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/posts-api#update-posts (2026-11-26)
"""

from __future__ import annotations

from kicau.connector.content import JSON, AttemptNote
from kicau.connector.errors import AuthExpired, Rejected, Uncertain
from kicau.connector.roles.edits import PartRevision, RemoteContentState
from kicau.connector.session import Session
from kicau.networks.linkedin import little, lookup, wire
from kicau.networks.linkedin.limits import NETWORK_LABEL


async def read_content_state(session: Session, revision: PartRevision) -> RemoteContentState:
    """Few apps may read what they published; without that, Uncertain."""
    lookup.require_read_permission(session, lookup.POSTS_UNREADABLE_NOTE)
    try:
        reply = await wire.call_api(session, "GET", f"/rest/posts/{wire.escape_urn(revision.post_id)}", need="read")
    except Rejected as refused:
        if refused.problems[0].code == "not-found":
            return RemoteContentState.GONE
        raise
    except AuthExpired as expired:
        if not expired.missing:
            raise
        raise Uncertain(
            AttemptNote(
                "{network} does not let Kicau read this account's posts. Message from the network: {said}",
                network=NETWORK_LABEL,
                said=expired.detail,
            )
        ) from expired
    told = reply.json()
    if not isinstance(told, dict) or "id" not in told:
        raise reply.lost(f"{NETWORK_LABEL}'s answer holds no post")
    said = little.displayed_text(str(told.get("commentary") or ""))
    for post, found in ((revision.after, RemoteContentState.AFTER), (revision.before, RemoteContentState.BEFORE)):
        if said == post.parts[revision.part].text:
            return found
    return RemoteContentState.OTHER


async def apply_edit(session: Session, revision: PartRevision) -> dict[str, JSON]:
    part = revision.after.parts[revision.part]
    body: JSON = {"patch": {"$set": {"commentary": little.write_commentary(part.text, part.spans)}}}
    path = f"/rest/posts/{wire.escape_urn(revision.post_id)}"
    await wire.call_api(session, "POST", path, need="write", restli="PARTIAL_UPDATE", json=body)
    return {"commentary": part.text}
