"""What lies ready where somebody writes: saved texts, groups of channels, contacts and accounts to mention."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kicau.api.schemas.base import A_NETWORK, STAMP, Page, PageQuery, Shape, examples

Kind = Literal["hashtags", "signature", "template"]
Name = Annotated[str, Field(min_length=1, max_length=80)]
MENTIONS = "By network: what stands in a text there, such as @kopisenja."


class SavedText(Shape):
    """Words that a workspace uses again and again."""

    id: str = Field(description="Its id.")
    kind: Kind = Field(description="What it is for.")
    name: str = Field(description="Its name, one of its kind.")
    text: str = Field(description="The words.")
    created_at: datetime = Field(description=STAMP)


class SavedTextPage(Page[SavedText]):
    """One page of saved texts, by kind and name."""


class SavedTextQuery(PageQuery):
    """Which saved texts."""

    kind: Kind | None = Field(None, description="Only of this kind.")


class SavedTextInput(Shape):
    """A text to keep."""

    model_config = examples({"kind": "hashtags", "name": "Kopi", "text": "#kopi #kopinusantara"})

    kind: Kind = Field(description="What it is for.")
    name: Name = Field(description="Its name; the same kind and name again replaces the text.")
    text: str = Field(min_length=1, max_length=10_000, description="The words.")


class ChannelGroup(Shape):
    """Channels that are chosen together."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    channels: list[str] = Field(description="Keys of the channels.")


class ChannelGroupPage(Page[ChannelGroup]):
    """One page of groups, by name."""


class ChannelGroupInput(Shape):
    """A group to keep."""

    model_config = examples({"name": "Utama", "channels": ["kopi-senja"]})

    name: Name = Field(description="Its name; the same name again replaces its channels.")
    channels: list[Annotated[str, Field(max_length=80)]] = Field(
        min_length=1, max_length=200, description="Keys of channels."
    )


class Contact(Shape):
    """One person or firm with several handles: @name in a text becomes the right one on each network."""

    id: str = Field(description="Its id.")
    name: str = Field(description="The word after the @.")
    mentions: dict[str, str] = Field(description=MENTIONS)


class ContactPage(Page[Contact]):
    """One page of contacts, by name."""


class ContactInput(Shape):
    """A contact to keep."""

    model_config = examples({"name": "Budi", "mentions": {A_NETWORK: "@budi"}})

    name: str = Field(min_length=1, max_length=61, description="One word; the same name again replaces its mentions.")
    mentions: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=400)]] = Field(
        min_length=1, max_length=50, description=MENTIONS
    )


class AccountQuery(PageQuery):
    """Whom to offer."""

    words: str = Field("", max_length=100, description="How a handle or name begins.")
    network: str = Field("", max_length=40, description="Only of this network.")


class Account(Shape):
    """An account that a text may mention."""

    network: str = Field(description="Its network.")
    handle: str = Field(description="Without @.")
    name: str = Field(description="As the network tells; may be empty.")
    mention: str = Field(description="What to write.")
    found: bool | None = Field(description="Whether the network knows it; null: written here, and never looked up.")
    seen_at: datetime = Field(description=f"When it was looked up or written, last. {STAMP}")


class AccountPage(Page[Account]):
    """One page of known accounts, by handle."""


class LookUp(Shape):
    """A question to a channel's network."""

    model_config = examples({"channel": "kopi-senja", "words": "kopisenja"})

    channel: str = Field(min_length=1, max_length=80, description="Key or id of the channel that asks.")
    words: str = Field(
        min_length=1, max_length=100, description="A handle, or where the network searches, its beginning."
    )


class Found(Shape):
    """What the network answered."""

    items: list[Account] = Field(description="The likeliest first.")
