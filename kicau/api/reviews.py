"""Endpoints: approval of posts, comments on them, and review links for clients."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core import serializers
from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import PUBLISH_SCOPE, READ_SCOPE, WRITE_SCOPE, UuidPath
from kicau.api.schemas import posts as p
from kicau.api.schemas import reviews as s
from kicau.api.schemas.base import PageQuery
from kicau.publishing.approval import review_links, reviews
from kicau.publishing.content import compositions
from kicau.publishing.models import Review, ReviewLink
from kicau.workspaces.actors import Actor

routes = Router(tags=["Approval"])


@routes.get(
    "/posts/{post_id}/reviews",
    response=s.PostReviewPage,
    summary="List comments and decisions on a post",
    openapi_extra=READ_SCOPE,
)
def list_reviews(request: HttpRequest, post_id: UuidPath, asked: Query[PageQuery]) -> dict[str, Any]:
    """Oldest first."""
    return paginate(reviews.review_queryset(authenticated_actor(request), post_id), ("id",), asked, _review_schema)


@routes.post(
    "/posts/{post_id}/review-comments",
    response={201: s.PostReview},
    summary="Comment on a post",
    openapi_extra=WRITE_SCOPE,
)
def create_comment(request: HttpRequest, post_id: UuidPath, given: s.CommentInput) -> s.PostReview:
    """On the whole post, one part, or certain words."""
    part = None if given.part is None else given.part - 1
    return _review_schema(
        reviews.comment(authenticated_actor(request), post_id, given.text, part=part, quote=given.quote)
    )


@routes.post(
    "/review-comments/{comment_id}/resolve",
    response=s.PostReview,
    summary="Resolve a comment",
    openapi_extra=WRITE_SCOPE,
)
def resolve_comment(request: HttpRequest, comment_id: UuidPath, given: s.ResolveCommentInput) -> s.PostReview:
    """With `resolved` false, reopens it."""
    return _review_schema(reviews.resolve_comment(authenticated_actor(request), comment_id, given.resolved))


@routes.post("/posts/{post_id}/approve", response=p.Post, summary="Approve a post", openapi_extra=PUBLISH_SCOPE)
def approve_post(request: HttpRequest, post_id: UuidPath, given: s.ApproveInput) -> p.Post:
    """A later change withdraws the approval. With `version`, returns 409 if someone changed the post since then."""
    actor = authenticated_actor(request)
    return _get_post(actor, reviews.approve(actor, post_id, given.text, version=given.version).id)


@routes.post(
    "/posts/{post_id}/return", response=p.Post, summary="Return a post for changes", openapi_extra=PUBLISH_SCOPE
)
def return_post(request: HttpRequest, post_id: UuidPath, given: s.ReturnInput) -> p.Post:
    """Returns it to its author as a draft. `text` or open comments must say what to change."""
    actor = authenticated_actor(request)
    return _get_post(actor, reviews.send_back(actor, post_id, given.text).id)


@routes.get(
    "/posts/{post_id}/review-links", response=s.ReviewLinkPage, summary="List review links", openapi_extra=READ_SCOPE
)
def list_review_links(request: HttpRequest, post_id: UuidPath, asked: Query[PageQuery]) -> dict[str, Any]:
    """Working links, newest first."""
    actor = authenticated_actor(request)
    rows = review_links.active_links(actor, compositions.one_draft(actor, post_id).id)
    return paginate(rows, ("-id",), asked, lambda row: s.ReviewLink(**_review_link_schema(row)))


@routes.post(
    "/posts/{post_id}/review-links",
    response={201: s.ReviewLinkCreated},
    summary="Create a review link",
    openapi_extra=PUBLISH_SCOPE,
)
def create_review_link(request: HttpRequest, post_id: UuidPath, given: s.ReviewLinkCreate) -> s.ReviewLinkCreated:
    """With the link, a person without an account can read the post and, if allowed, comment, approve it or ask for changes."""
    made = review_links.create_link(
        authenticated_actor(request),
        post_id,
        given.name,
        days=given.days,
        may_comment=given.may_comment,
        may_approve=given.may_approve,
    )
    return s.ReviewLinkCreated(**_review_link_schema(made.row), link=made.link)


@routes.delete(
    "/review-links/{link_id}", response={204: None}, summary="Revoke a review link", openapi_extra=PUBLISH_SCOPE
)
def revoke_review_link(request: HttpRequest, link_id: UuidPath) -> None:
    """It stops working at once. Comments made with it stay."""
    review_links.revoke_link(authenticated_actor(request), link_id)


def _get_post(actor: Actor, post_id: object) -> p.Post:
    return serializers.post_fields(compositions.one_draft(actor, str(post_id)))


def _review_schema(row: Review) -> s.PostReview:
    return s.PostReview(
        id=str(row.id),
        kind=cast(s.ReviewKind, row.kind),
        text=row.text,
        part=None if row.part is None else row.part + 1,
        quote=row.quote,
        version=row.version,
        by=row.name,
        person=serializers.person_fields(row.person) if row.person else None,
        by_link=row.link_id is not None,
        at=row.at,
        resolved_at=row.resolved_at,
    )


def _review_link_schema(row: ReviewLink) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "may_comment": row.may_comment,
        "may_approve": row.may_approve,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "opened_at": row.opened_at,
    }
