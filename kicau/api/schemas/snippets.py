"""What lies ready where somebody writes: saved texts, groups of channels, contacts and accounts to mention."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kicau.api.schemas.base import EXAMPLE_NETWORK, UTC_DESCRIPTION, Page, PageQuery, Schema, example_config

SavedTextKind = Literal["hashtags", "signature", "template"]
SavedName = Annotated[str, Field(min_length=1, max_length=80)]
MENTIONS_DESCRIPTION = "By network: what stands in a text there, such as @kopisenja."


class SavedText(Schema):
    """Words that a workspace uses again and again."""

    id: str = Field(description="Its id.")
    kind: SavedTextKind = Field(description="What it is for.")
    name: str = Field(description="Its name, one of its kind.")
    text: str = Field(description="The words.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class SavedTextPage(Page[SavedText]):
    """One page of saved texts, by kind and name."""


class SavedTextQuery(PageQuery):
    """Which saved texts."""

    kind: SavedTextKind | None = Field(None, description="Only of this kind.")


class SavedTextInput(Schema):
    """A text to keep."""

    model_config = example_config({"kind": "hashtags", "name": "Kopi", "text": "#kopi #kopinusantara"})

    kind: SavedTextKind = Field(description="What it is for.")
    name: SavedName = Field(description="Its name; the same kind and name again replaces the text.")
    text: str = Field(min_length=1, max_length=10_000, description="The words.")


class ChannelGroup(Schema):
    """Channels that are chosen together."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    channels: list[str] = Field(description="Keys of the channels.")


class ChannelGroupPage(Page[ChannelGroup]):
    """One page of groups, by name."""


class ChannelGroupInput(Schema):
    """A group to keep."""

    model_config = example_config({"name": "Utama", "channels": ["kopi-senja"]})

    name: SavedName = Field(description="Its name; the same name again replaces its channels.")
    channels: list[Annotated[str, Field(max_length=80)]] = Field(
        min_length=1, max_length=200, description="Keys of channels."
    )


class Contact(Schema):
    """One person or firm with several handles: @name in a text becomes the right one on each network."""

    id: str = Field(description="Its id.")
    name: str = Field(description="The word after the @.")
    mentions: dict[str, str] = Field(description=MENTIONS_DESCRIPTION)


class ContactPage(Page[Contact]):
    """One page of contacts, by name."""


class ContactInput(Schema):
    """A contact to keep."""

    model_config = example_config({"name": "Budi", "mentions": {EXAMPLE_NETWORK: "@budi"}})

    name: str = Field(min_length=1, max_length=61, description="One word; the same name again replaces its mentions.")
    mentions: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=400)]] = Field(
        min_length=1, max_length=50, description=MENTIONS_DESCRIPTION
    )


class MentionQuery(PageQuery):
    """Whom to offer."""

    words: str = Field("", max_length=100, description="How a handle or name begins.")
    network: str = Field("", max_length=40, description="Only of this network.")


class MentionCandidate(Schema):
    """An account that a text may mention."""

    network: str = Field(description="Its network.")
    handle: str = Field(description="Without @.")
    name: str = Field(description="As the network tells; may be empty.")
    mention: str = Field(description="What to write.")
    found: bool | None = Field(description="Whether the network knows it; null: written here, and never looked up.")
    seen_at: datetime = Field(description=f"When it was looked up or written, last. {UTC_DESCRIPTION}")


class MentionCandidatePage(Page[MentionCandidate]):
    """One page of known accounts, by handle."""


class AccountLookupInput(Schema):
    """A question to a channel's network."""

    model_config = example_config({"channel": "kopi-senja", "words": "kopisenja"})

    channel: str = Field(min_length=1, max_length=80, description="Key or id of the channel that asks.")
    words: str = Field(
        min_length=1, max_length=100, description="A handle, or where the network searches, its beginning."
    )


class AccountLookupResult(Schema):
    """What the network answered."""

    items: list[MentionCandidate] = Field(description="The likeliest first.")
