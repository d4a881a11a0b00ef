"""What lies ready where somebody writes: saved texts, groups of channels, contacts and accounts to mention."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kicau.api.schemas.base import EXAMPLE_NETWORK, UTC_DESCRIPTION, Page, PageQuery, Schema, example_config

SavedTextKind = Literal["hashtags", "signature", "template"]
SavedName = Annotated[str, Field(min_length=1, max_length=80)]
MENTIONS_DESCRIPTION = "Handle by network, for example @kopisenja."


class SavedText(Schema):
    """A saved text for repeated use."""

    id: str = Field(description="Unique ID.")
    kind: SavedTextKind = Field(description="Kind of text.")
    name: str = Field(description="Name, unique within its kind.")
    text: str = Field(description="The text.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class SavedTextPage(Page[SavedText]):
    """A page of saved texts, by kind and name."""


class SavedTextQuery(PageQuery):
    """Filters for saved texts."""

    kind: SavedTextKind | None = Field(None, description="Only texts of this kind.")


class SavedTextInput(Schema):
    """A text to save."""

    model_config = example_config({"kind": "hashtags", "name": "Kopi", "text": "#kopi #kopinusantara"})

    kind: SavedTextKind = Field(description="Kind of text.")
    name: SavedName = Field(description="Name. An existing text of this kind and name is replaced.")
    text: str = Field(min_length=1, max_length=10_000, description="The text.")


class ChannelGroup(Schema):
    """A group of channels."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="Name.")
    channels: list[str] = Field(description="Keys of the channels.")


class ChannelGroupPage(Page[ChannelGroup]):
    """A page of groups, by name."""


class ChannelGroupInput(Schema):
    """A group to save."""

    model_config = example_config({"name": "Utama", "channels": ["kopi-senja"]})

    name: SavedName = Field(description="Name. The channels of an existing group with this name are replaced.")
    channels: list[Annotated[str, Field(max_length=80)]] = Field(
        min_length=1, max_length=200, description="Keys of channels."
    )


class Contact(Schema):
    """A contact with handles: @name in a text becomes the right handle on each network."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="The word after the @.")
    mentions: dict[str, str] = Field(description=MENTIONS_DESCRIPTION)


class ContactPage(Page[Contact]):
    """A page of contacts, by name."""


class ContactInput(Schema):
    """A contact to save."""

    model_config = example_config({"name": "Budi", "mentions": {EXAMPLE_NETWORK: "@budi"}})

    name: str = Field(
        min_length=1,
        max_length=61,
        description="One word. The handles of an existing contact with this name are replaced.",
    )
    mentions: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=400)]] = Field(
        min_length=1, max_length=50, description=MENTIONS_DESCRIPTION
    )


class MentionQuery(PageQuery):
    """Filters for accounts."""

    words: str = Field("", max_length=100, description="First characters of a handle or name.")
    network: str = Field("", max_length=40, description="Only items of this network.")


class MentionCandidate(Schema):
    """An account to mention in a text."""

    network: str = Field(description="Name of the network.")
    handle: str = Field(description="Handle without @.")
    name: str = Field(description="As reported by the network. Can be empty.")
    mention: str = Field(description="Text of the mention.")
    found: bool | None = Field(description="Whether the network knows the account. Null: it was never looked up.")
    seen_at: datetime = Field(description=f"When it was last looked up or mentioned. {UTC_DESCRIPTION}")


class MentionCandidatePage(Page[MentionCandidate]):
    """A page of known accounts, by handle."""


class AccountLookupInput(Schema):
    """An account search on a network."""

    model_config = example_config({"channel": "kopi-senja", "words": "kopisenja"})

    channel: str = Field(min_length=1, max_length=80, description="Key or ID of the channel to search with.")
    words: str = Field(
        min_length=1, max_length=100, description="A handle, or its first characters if the network supports search."
    )


class AccountLookupResult(Schema):
    """The results from the network."""

    items: list[MentionCandidate] = Field(description="Most likely first.")
