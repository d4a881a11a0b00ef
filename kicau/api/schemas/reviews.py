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
    """A comment, or a verdict."""

    id: str = Field(description="Its id.")
    kind: ReviewKind = Field(description="comment, submitted, approved or returned.")
    text: str = Field(description="What was said; may be empty for a verdict.")
    part: int | None = Field(description="The part that it is about, from 1; null: the whole post.")
    quote: str = Field(description="The words that it is about; may be empty.")
    version: int = Field(description="Of the post when it was said.")
    by: str = Field(description="Who said it, as they were called then.")
    person: PersonRef | None = Field(description="The member; null for a client, or where they are gone.")
    by_link: bool = Field(description="Whether a client said it by a review link.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    resolved_at: datetime | None = Field(description=f"When a comment was settled. {UTC_DESCRIPTION}")


class PostReviewPage(Page[PostReview]):
    """One page of what was said, oldest first."""


class CommentInput(Schema):
    """What is said, and about which words."""

    model_config = example_config({"text": "Which beans?"})

    text: str = Field(min_length=1, max_length=MAX_COMMENT_LENGTH, description="The comment.")
    part: Annotated[StrictInt, Field(ge=1, le=100)] | None = Field(None, description="About this part, from 1.")
    quote: str = Field("", max_length=500, description="About these words, which stand in the post.")


class ResolveCommentInput(Schema):
    """Settled, or open again."""

    model_config = example_config({"resolved": True})

    resolved: StrictBool = Field(True, description="False opens it again.")


class ApproveInput(Schema):
    """A word with the approval, and what was read."""

    model_config = example_config({"text": "Lovely."})

    text: str = Field("", max_length=MAX_COMMENT_LENGTH, description="A word to its author.")
    version: Annotated[StrictInt, Field(ge=1, le=2_000_000_000)] | None = Field(
        None, description="The version that was read; null does not matter."
    )


class ReturnInput(Schema):
    """What is to be mended."""

    model_config = example_config({"text": "Say which beans."})

    text: str = Field(
        "", max_length=MAX_COMMENT_LENGTH, description="A word to its author; may be empty where comments are open."
    )


class ReviewLink(Schema):
    """A link for a client, without the link."""

    id: str = Field(description="Its id.")
    name: str = Field(description="For whom it is.")
    may_comment: bool = Field(description="Whether they may comment.")
    may_approve: bool = Field(description="Whether they may approve or ask for changes.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    expires_at: datetime = Field(description=f"Until when it works. {UTC_DESCRIPTION}")
    opened_at: datetime | None = Field(description=f"When it was last opened; null: never. {UTC_DESCRIPTION}")


class ReviewLinkPage(Page[ReviewLink]):
    """One page of links, newest first."""


class ReviewLinkCreate(Schema):
    """For whom, for how long, and what they may do besides reading."""

    model_config = example_config({"name": "For example: Ibu Ratna, PT Maju", "days": 7})

    name: str = Field(min_length=1, max_length=120, description="For whom it is; what they say carries it.")
    days: Annotated[StrictInt, Field(ge=1, le=90)] = Field(14, description="How long it works.")
    may_comment: StrictBool = Field(True, description="Whether they may comment.")
    may_approve: StrictBool = Field(True, description="Whether they may approve or ask for changes.")


class ReviewLinkCreated(ReviewLink):
    """A link that was made just now."""

    link: str = Field(description="The link itself. It is shown this once and kept nowhere.")
