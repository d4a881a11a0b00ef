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
    """A file of the library, as it was found by looking into it."""

    id: str = Field(description="Its id.")
    name: str = Field(description="The file's name.")
    kind: MediaFileKind = Field(description="What it is.")
    mime: str = Field(description="Its type.")
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="Of its content.")
    width: int = Field(description="Pixels, as shown; 0 where it has none.")
    height: int = Field(description="Pixels, as shown; 0 where it has none.")
    duration_ms: int = Field(description="Milliseconds; 0 where it does not run.")
    frames: int = Field(description="Of an animation.")
    pages: int = Field(description="Of a document.")
    alt: str = Field(description="Alt text; may be empty.")
    title: str = Field(description="A document's title; may be empty.")
    tags: list[str] = Field(description="The workspace's own words to find it by.")
    origin: str = Field(description="composed, imported, fetched, received or generated.")
    origin_detail: str = Field(description="More about the origin; may be empty.")
    ai_use: dict[str, str] = Field(description=AI_USE_DESCRIPTION)
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class MediumPage(Page[Medium]):
    """One page of the library, newest first."""


class MediaQuery(PageQuery):
    """Filters; what is left out does not matter."""

    kind: MediaFileKind | None = Field(None, description="Of one kind.")
    tag: str = Field("", max_length=60, description="With this tag.")


class MediumFetch(Schema):
    """A file at a public address."""

    model_config = example_config(
        {"url": "https://kopisenja.example/menu.png", "alt": "Papan menu dengan kopi susu gula aren"}
    )

    url: str = Field(min_length=1, max_length=2000, description="Where it is: https:// or http://, public.")
    alt: PostText = Field("", description="Alt text.")


class MediumChange(Schema):
    """What is left out stays as it is."""

    model_config = example_config({"alt": "Barista menuang susu ke cangkir", "tags": ["barista"]})

    alt: PostText | None = Field(None, description="Alt text.")
    title: str | None = Field(None, max_length=300, description="A document's title.")
    tags: MediaTags | None = Field(None, description="The workspace's own words to find it by.")
    ai_use: AIUseRule | None = Field(None, description=AI_USE_DESCRIPTION)


class LinkedPageInput(Schema):
    """A page that a post links to."""

    model_config = example_config({"url": "https://kopisenja.example/gayo"})

    url: str = Field(min_length=1, max_length=2000, description="Its address, public, with https:// or http://.")
    refresh: StrictBool = Field(False, description="Read the page again even if Kicau read it within the last day.")


class LinkedPage(Schema):
    """What a linked page says of itself, for a post's `link`."""

    url: str = Field(description="Its address.")
    title: str = Field(description="Its title; may be empty.")
    description: str = Field(description="Its description; may be empty.")
    picture: str | None = Field(
        description="Id of its picture in the library, for `thumbnail`; null where it has none."
    )
    why: str = Field(description="Why it, or its picture, could not be read; empty where it could.")
    read_at: datetime = Field(description=f"When it was last read. {UTC_DESCRIPTION}")
