"""A client reviews a post by a link, without a sign-in: reads it as every channel would show it and, where the link
allows, comments, approves or asks for changes. Nothing can be changed through it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.notifications import actions as notices
from kicau.publishing.approval import reviews
from kicau.publishing.content import compositions
from kicau.publishing.models import Draft, DraftState, Review, ReviewLink
from kicau.rights.models import ActivityEntry
from kicau.workspaces.actors import ROLE_PERMISSIONS, Actor, Permission
from kicau.workspaces.models import Membership, Person

MAX_LINK_DAYS = 90
MAX_LINKS_PER_POST = 50  # of one post at once
MAX_REVIEWS_PER_LINK = 100  # by one link


@dataclass(frozen=True, slots=True)
class NewReviewLink:
    """A link just made; it is told once and kept nowhere."""

    row: ReviewLink
    link: str

    def __repr__(self) -> str:
        return f"Made({self.row.name})"


@transaction.atomic
def create_link(
    actor: Actor, draft_id: UUID | str, name: str, *, days: int = 14, may_comment: bool = True, may_approve: bool = True
) -> NewReviewLink:
    """For somebody outside, called `name`. Raises NotAllowed, NotFound, ValidationFailed, Conflict."""
    actor.require(Permission.PUBLISH)
    draft = compositions.one_draft(actor, draft_id)
    name = " ".join(name.split())
    if not name or len(name) > 120 or "\x00" in name:
        raise validation_failed(
            "name",
            "Enter the name of the person to whom you will send this review link, in at most {limit} characters.",
            limit=120,
        )
    if not 1 <= days <= MAX_LINK_DAYS:
        raise validation_failed(
            "days",
            "A review link can be valid for 1 to {limit} days, but you entered {actual}. Enter a number in this range.",
            limit=MAX_LINK_DAYS,
            actual=days,
        )
    if _active_links().filter(draft=draft).count() >= MAX_LINKS_PER_POST:
        raise Conflict(
            "This post already has the maximum number of review links. Revoke a link that is no longer needed, then create a new one."
        )
    secret = secrets.token_urlsafe(32)
    row = ReviewLink.objects.create(
        workspace=actor.workspace,
        draft=draft,
        digest=_digest(secret),
        name=name,
        may_comment=may_comment,
        may_approve=may_approve,
        created_by=actor.person,
        expires_at=clock.now() + timedelta(days=days),
    )
    actor.record("review.link_made", draft.id, name=name, days=days, comment=may_comment, approve=may_approve)
    return NewReviewLink(row, settings.KICAU_PUBLIC_URL + reverse("client-review", args=[secret]))


def active_links(actor: Actor, draft_id: UUID | str) -> QuerySet[ReviewLink]:
    """A post's links that still work, newest first."""
    actor.require(Permission.READ)
    return _active_links().filter(workspace=actor.workspace, draft_id=as_uuid(draft_id)).order_by("-id")


@transaction.atomic
def revoke_link(actor: Actor, link_id: UUID | str) -> ReviewLink:
    """It stops working at once; what was said by it stays. Raises NotFound."""
    actor.require(Permission.PUBLISH)
    found = _active_links().select_for_update().filter(workspace=actor.workspace, id=as_uuid(link_id)).first()
    if found is None:
        raise NotFound("review link", link_id)
    found.revoked_at = clock.now()
    found.save(update_fields=["revoked_at"])
    actor.record("review.link_revoked", found.draft_id, name=found.name)
    return found


def revoke_links_of(actor: Actor, person: Person, role: str) -> None:
    """The links that `person` made stop working where their new role ("" for none) may make none."""
    if role and Permission.PUBLISH in ROLE_PERMISSIONS[role]:
        return
    ended = _active_links().filter(workspace=actor.workspace, created_by=person)
    for one in ended:
        actor.record("review.link_revoked", one.draft_id, name=one.name, made_by=str(person))
    ended.update(revoked_at=clock.now())


def _active_links() -> QuerySet[ReviewLink]:
    return ReviewLink.objects.filter(revoked_at=None, expires_at__gt=clock.now())


# The client's side


def open_link(secret: str) -> ReviewLink:
    """The link behind a secret, while it works. Raises Conflict with what to do."""
    found = _active_links().select_related("workspace", "created_by").filter(digest=_digest(secret)).first()
    if found is None or not _creator_may_review(found):
        raise Conflict(
            "This review link has expired or was revoked by the team. Ask the person who sent you the link for a new one."
        )
    if found.opened_at is None or clock.now() - found.opened_at > timedelta(minutes=1):
        ReviewLink.objects.filter(id=found.id).update(opened_at=clock.now())
    return found


def _creator_may_review(link: ReviewLink) -> bool:
    """Whether who made the link could make one today."""
    member = Membership.objects.filter(workspace=link.workspace, person=link.created_by, person__is_active=True).first()
    return member is not None and Permission.PUBLISH in ROLE_PERMISSIONS[member.role]


def draft_of(link: ReviewLink) -> Draft:
    """The post, whole."""
    return compositions.with_content(Draft.objects.filter(id=link.draft_id)).get()


def media_digests(draft: Draft) -> set[str]:
    """The digests of the files that the link may show."""
    uses = [use for part in draft.parts.all() for use in part.uses.all()]
    used = {one.sha256 for use in uses for one in (use.medium, use.cover) if one}
    thumbnail = (draft.extras.get("link") or {}).get("thumbnail")
    if thumbnail:
        used |= set(draft.workspace.media.filter(id=as_uuid(thumbnail)).values_list("sha256", flat=True))
    return used


def video_frames(draft: Draft) -> set[tuple[str, int]]:
    """The frames of films that the link may show: digest of the film and time in milliseconds of each chosen cover."""
    uses = [use for part in draft.parts.all() for use in part.uses.all()]
    return {(use.medium.sha256, use.cover_ms) for use in uses if use.cover_ms is not None}


def reviews_by_link(link: ReviewLink) -> list[Review]:
    """What was said by this link. What the team says among themselves is not a client's to read."""
    return list(Review.objects.filter(link=link).order_by("id"))


@transaction.atomic
def comment(link: ReviewLink, text: str, *, part: int | None = None, quote: str = "") -> Review:
    """Raises NotAllowed, ValidationFailed, Conflict."""
    if not link.may_comment:
        raise NotAllowed(
            "With this review link, you can only read the post. Ask the person who sent you the link for a link that allows comments."
        )
    draft = _lock_draft(link)
    made = _add_review(
        link, draft, Review.Kind.COMMENT, reviews.require_text(text), *reviews.check_anchor(draft, part, quote)
    )
    _notify_team(link, draft, "draft.commented", made.text)
    return made


@transaction.atomic
def submit_verdict(link: ReviewLink, approved: bool, text: str = "", *, version: int | None = None) -> Draft:
    """The client approves, or asks for changes (and says which). Raises NotAllowed, ValidationFailed, Conflict.

    What is scheduled or out stays as it is: the team is told and decides.
    """
    if not link.may_approve:
        raise NotAllowed(
            "With this review link, you cannot approve the post. Ask the person who sent you the link for a link that allows approval."
        )
    draft = _lock_draft(link)
    if version is not None and version != draft.version:
        raise Conflict(
            "This post was changed after you opened it. Read the new content, then approve the post or request changes."
        )
    said = text.strip() if approved else reviews.require_text(text)
    _add_review(
        link, draft, Review.Kind.APPROVED if approved else Review.Kind.RETURNED, said[: reviews.MAX_COMMENT_LENGTH]
    )
    if draft.state in reviews.REVIEWABLE_STATES:
        draft.state = DraftState.APPROVED if approved else DraftState.DRAFT
        draft.save(update_fields=["state"])
    _notify_team(link, draft, "draft.approved" if approved else "draft.returned", said)
    return draft


def _lock_draft(link: ReviewLink) -> Draft:
    return Draft.objects.select_for_update().get(id=link.draft_id)


def _add_review(
    link: ReviewLink, draft: Draft, kind: str, text: str, part: int | None = None, quote: str = ""
) -> Review:
    if Review.objects.filter(link=link).count() >= MAX_REVIEWS_PER_LINK:
        raise Conflict(
            "This review link has reached its limit of comments and approvals. Ask the person who sent you the link for a new one."
        )
    made = reviews.add_review(draft, kind, text, link.name, part, quote, link=link)
    ActivityEntry.objects.create(
        workspace_id=link.workspace_id,
        actor=link.name,
        via="link",
        act=f"review.{kind}",
        subject=str(draft.id),
        detail={"link": str(link.id), "version": draft.version},
    )
    return made


def _notify_team(link: ReviewLink, draft: Draft, event: str, reason: str) -> None:
    post = reviews.short_text(list(draft.parts.filter(variant=None, position=0).values_list("text", flat=True)))
    to = tuple({draft.author_id, link.created_by_id} - {None})
    if to:
        notices.notify(
            event,
            link.workspace_id,
            to=to,
            gather=f"{event}:{draft.id}",
            page=f"/posts/{draft.id}",
            name=link.name,
            post=post,
            reason=reason,
        )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
