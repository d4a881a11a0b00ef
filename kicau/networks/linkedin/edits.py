"""A published post is changed: a partial update of its commentary, the one thing that LinkedIn lets anybody change.

https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/posts-api#update-posts (2026-11-26)
"""

from __future__ import annotations

from kicau.connector.content import JSON
from kicau.connector.errors import AuthExpired, Rejected, Uncertain
from kicau.connector.roles.edits import Reads, Revision
from kicau.connector.session import Session
from kicau.networks.linkedin import little, lookup, wire
from kicau.networks.linkedin.limits import LABEL


async def reads(session: Session, revision: Revision) -> Reads:
    """Few apps may read what they published; without that, Uncertain."""
    lookup.must_read(session, lookup.POSTS_UNREAD)
    try:
        reply = await wire.api(session, "GET", f"/rest/posts/{wire.key(revision.post_id)}", need="read")
    except Rejected as refused:
        if refused.problems[0].code == "not-found":
            return Reads.GONE
        raise
    except AuthExpired as expired:
        if not expired.missing:
            raise
        raise Uncertain(f"{LABEL} does not let this app read what it published: {expired.detail}") from expired
    told = reply.json()
    if not isinstance(told, dict) or "id" not in told:
        raise reply.lost(f"{LABEL}'s answer holds no post")
    said = little.shown(str(told.get("commentary") or ""))
    for post, found in ((revision.after, Reads.AFTER), (revision.before, Reads.BEFORE)):
        if said == post.parts[revision.part].text:
            return found
    return Reads.OTHER


async def revise(session: Session, revision: Revision) -> dict[str, JSON]:
    part = revision.after.parts[revision.part]
    body: JSON = {"patch": {"$set": {"commentary": little.write(part.text, part.spans)}}}
    path = f"/rest/posts/{wire.key(revision.post_id)}"
    await wire.api(session, "POST", path, need="write", restli="PARTIAL_UPDATE", json=body)
    return {"commentary": part.text}
