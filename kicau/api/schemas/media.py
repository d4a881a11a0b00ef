"""Files."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kicau.api.schemas.base import (
    AI_USE_DESCRIPTION,
    UTC_DESCRIPTION,
    AIUseRule,
    Page,
    PageQuery,
    Schema,
    StrictBool,
    example_config,
)
from kicau.api.schemas.posts import PostText

MediaTags = Annotated[list[Annotated[str, Field(min_length=1, max_length=60)]], Field(max_length=50)]
MediaFileKind = Literal["image", "gif", "video", "document"]


class Medium(Schema):
    """A media file in the library."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="File name.")
    kind: MediaFileKind = Field(description="Kind of file.")
    mime: str = Field(description="MIME type.")
    size: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the content.")
    width: int = Field(description="Size in pixels, as displayed. 0 if it has none.")
    height: int = Field(description="Size in pixels, as displayed. 0 if it has none.")
    duration_ms: int = Field(description="Duration in milliseconds. 0 if it has none.")
    frames: int = Field(description="Number of frames of an animation.")
    pages: int = Field(description="Number of pages of a document.")
    alt: str = Field(description="Alt text. Can be empty.")
    title: str = Field(description="Title of a document. Can be empty.")
    tags: list[str] = Field(description="The workspace's own tags for the file.")
    origin: str = Field(description="composed, imported, fetched, received or generated.")
    origin_detail: str = Field(description="More about the origin. Can be empty.")
    ai_use: dict[str, str] = Field(description=AI_USE_DESCRIPTION)
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class MediumPage(Page[Medium]):
    """A page of the library, newest first."""


class MediaQuery(PageQuery):
    """Filters. All are optional."""

    kind: MediaFileKind | None = Field(None, description="Only files of this kind.")
    tag: str = Field("", max_length=60, description="Only posts with this tag.")


class MediumFetch(Schema):
    """A file at a public URL."""

    model_config = example_config(
        {"url": "https://kopisenja.example/menu.png", "alt": "Papan menu dengan kopi susu gula aren"}
    )

    url: str = Field(min_length=1, max_length=2000, description="Public URL (https:// or http://).")
    alt: PostText = Field("", description="Alt text.")


class MediumChange(Schema):
    """Changes to a file. All fields are optional."""

    model_config = example_config({"alt": "Barista menuang susu ke cangkir", "tags": ["barista"]})

    alt: PostText | None = Field(None, description="Alt text.")
    title: str | None = Field(None, max_length=300, description="Title of a document.")
    tags: MediaTags | None = Field(None, description="The workspace's own tags for the file.")
    ai_use: AIUseRule | None = Field(None, description=AI_USE_DESCRIPTION)


class LinkedPageInput(Schema):
    """A page for a link preview."""

    model_config = example_config({"url": "https://kopisenja.example/gayo"})

    url: str = Field(min_length=1, max_length=2000, description="Public URL (https:// or http://).")
    refresh: StrictBool = Field(False, description="Read the page again even if Kicau read it within the last day.")


class LinkedPage(Schema):
    """Link preview data of a page, for a post's `link`."""

    url: str = Field(description="URL.")
    title: str = Field(description="Title. Can be empty.")
    description: str = Field(description="Description. Can be empty.")
    picture: str | None = Field(description="ID of its image in the library, for `thumbnail`. Null if it has none.")
    why: str = Field(description="Why the page or its image could not be read. Empty if it was.")
    read_at: datetime = Field(description=f"When the page was last read. {UTC_DESCRIPTION}")
