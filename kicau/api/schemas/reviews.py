"""Approval: what was said of a post, and links by which clients say it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kicau.api.schemas.base import (
    UTC_DESCRIPTION,
    Page,
    PersonRef,
    Schema,
    StrictBool,
    StrictInt,
    example_config,
)

ReviewKind = Literal["comment", "submitted", "approved", "returned"]
MAX_COMMENT_LENGTH = 4000


class PostReview(Schema):
    """A comment or decision."""

    id: str = Field(description="Unique ID.")
    kind: ReviewKind = Field(description="comment, submitted, approved or returned.")
    text: str = Field(description="Text. Can be empty for a decision.")
    part: int | None = Field(description="Number of the part, starting at 1. Null: the whole post.")
    quote: str = Field(description="Words of the post that it is about. Can be empty.")
    version: int = Field(description="Version of the post at that time.")
    by: str = Field(description="Name of the author at that time.")
    person: PersonRef | None = Field(description="ID of the member. Null for a client, or if the account was deleted.")
    by_link: bool = Field(description="Whether a client wrote it through a review link.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    resolved_at: datetime | None = Field(description=f"When the comment was resolved. {UTC_DESCRIPTION}")


class PostReviewPage(Page[PostReview]):
    """A page of comments and decisions, oldest first."""


class CommentInput(Schema):
    """A new comment."""

    model_config = example_config({"text": "Which beans?"})

    text: str = Field(min_length=1, max_length=MAX_COMMENT_LENGTH, description="Text of the comment.")
    part: Annotated[StrictInt, Field(ge=1, le=100)] | None = Field(
        None, description="Number of the part, starting at 1."
    )
    quote: str = Field("", max_length=500, description="Words of the post that the comment is about.")


class ResolveCommentInput(Schema):
    """Whether a comment is resolved."""

    model_config = example_config({"resolved": True})

    resolved: StrictBool = Field(True, description="false reopens it.")


class ApproveInput(Schema):
    """An approval."""

    model_config = example_config({"text": "Lovely."})

    text: str = Field("", max_length=MAX_COMMENT_LENGTH, description="Message to the author.")
    version: Annotated[StrictInt, Field(ge=1, le=2_000_000_000)] | None = Field(
        None, description="Version that you read. Null: any."
    )


class ReturnInput(Schema):
    """A request for changes."""

    model_config = example_config({"text": "Say which beans."})

    text: str = Field(
        "", max_length=MAX_COMMENT_LENGTH, description="Message to the author. Can be empty if there are open comments."
    )


class ReviewLink(Schema):
    """A review link, without the URL."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="Name of the client.")
    may_comment: bool = Field(description="Whether the client can comment.")
    may_approve: bool = Field(description="Whether the client can approve or ask for changes.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    expires_at: datetime = Field(description=f"When it expires. {UTC_DESCRIPTION}")
    opened_at: datetime | None = Field(description=f"When it was last opened. Null: never. {UTC_DESCRIPTION}")


class ReviewLinkPage(Page[ReviewLink]):
    """A page of links, newest first."""


class ReviewLinkCreate(Schema):
    """A new review link."""

    model_config = example_config({"name": "For example: Ibu Ratna, PT Maju", "days": 7})

    name: str = Field(
        min_length=1, max_length=120, description="Name of the client. It appears on the client's comments."
    )
    days: Annotated[StrictInt, Field(ge=1, le=90)] = Field(14, description="Number of days that the link works.")
    may_comment: StrictBool = Field(True, description="Whether the client can comment.")
    may_approve: StrictBool = Field(True, description="Whether the client can approve or ask for changes.")


class ReviewLinkCreated(ReviewLink):
    """A review link that was just created."""

    link: str = Field(description="URL of the link. It is returned only once and not stored.")
