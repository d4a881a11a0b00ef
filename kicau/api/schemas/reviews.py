"""Approval: what was said of a post, and links by which clients say it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kicau.api.schemas.base import STAMP, Flag, Page, PersonRef, Shape, Whole, examples

ReviewKind = Literal["comment", "submitted", "approved", "returned"]
LONGEST = 4000


class Review(Shape):
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
    at: datetime = Field(description=STAMP)
    resolved_at: datetime | None = Field(description=f"When a comment was settled. {STAMP}")


class ReviewPage(Page[Review]):
    """One page of what was said, oldest first."""


class CommentInput(Shape):
    """What is said, and about which words."""

    model_config = examples({"text": "Which beans?"})

    text: str = Field(min_length=1, max_length=LONGEST, description="The comment.")
    part: Annotated[Whole, Field(ge=1, le=100)] | None = Field(None, description="About this part, from 1.")
    quote: str = Field("", max_length=500, description="About these words, which stand in the post.")


class ResolvedInput(Shape):
    """Settled, or open again."""

    model_config = examples({"resolved": True})

    resolved: Flag = Field(True, description="False opens it again.")


class ApproveInput(Shape):
    """A word with the approval, and what was read."""

    model_config = examples({"text": "Lovely."})

    text: str = Field("", max_length=LONGEST, description="A word to its author.")
    version: Annotated[Whole, Field(ge=1, le=2_000_000_000)] | None = Field(
        None, description="The version that was read; null does not matter."
    )


class ReturnInput(Shape):
    """What is to be mended."""

    model_config = examples({"text": "Say which beans."})

    text: str = Field("", max_length=LONGEST, description="A word to its author; may be empty where comments are open.")


class ReviewLink(Shape):
    """A link for a client, without the link."""

    id: str = Field(description="Its id.")
    name: str = Field(description="For whom it is.")
    may_comment: bool = Field(description="Whether they may comment.")
    may_approve: bool = Field(description="Whether they may approve or ask for changes.")
    created_at: datetime = Field(description=STAMP)
    expires_at: datetime = Field(description=f"Until when it works. {STAMP}")
    opened_at: datetime | None = Field(description=f"When it was last opened; null: never. {STAMP}")


class ReviewLinkPage(Page[ReviewLink]):
    """One page of links, newest first."""


class ReviewLinkCreate(Shape):
    """For whom, for how long, and what they may do besides reading."""

    model_config = examples({"name": "Ibu Ratna, PT Maju", "days": 7})

    name: str = Field(min_length=1, max_length=120, description="For whom it is; what they say carries it.")
    days: Annotated[Whole, Field(ge=1, le=90)] = Field(14, description="How long it works.")
    may_comment: Flag = Field(True, description="Whether they may comment.")
    may_approve: Flag = Field(True, description="Whether they may approve or ask for changes.")


class ReviewLinkMade(ReviewLink):
    """A link that was made just now."""

    link: str = Field(description="The link itself. It is shown this once and kept nowhere.")
