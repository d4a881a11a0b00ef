"""What a network would be given: spans, lengths, problems, prices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kicau.api.schemas.base import FieldError, Schema


class TextSpan(Schema):
    """A stretch of the text that the network treats specially."""

    kind: Literal["link", "mention", "tag"] = Field(description="What it is.")
    start: int = Field(description="Where it begins, in code points.")
    end: int = Field(description="Where it ends, exclusive.")
    text: str = Field(description="The stretch itself.")
    target: str = Field(description="The URL, handle or tag that it stands for; may be empty.")


class RenderedMedium(Schema):
    """A file as the network would get it."""

    name: str = Field(description="The file's name.")
    kind: Literal["image", "gif", "video", "document"] = Field(description="What it is.")
    mime: str = Field(description="Its type as it will be sent.")
    converted: bool = Field(description="Whether a copy is made for this network; the original stays as it is.")
    alt: str = Field(description="Its alt text.")
    cover: str | None = Field(
        description="Of a video whose cover is chosen and taken: what is sent, `picture` or `frame`."
    )
    cover_ms: int | None = Field(description="The time of the frame, in milliseconds, however it is sent.")


class RenderedPostPart(Schema):
    """One post, or one of a thread."""

    text: str = Field(description="As readers will see it.")
    spans: list[TextSpan] = Field(description="Links, mentions and tags, in order.")
    media: list[RenderedMedium] = Field(description="Its files, in order.")
    length: int = Field(description="As the network counts it.")
    limit: int = Field(description="What the network allows.")
    unit: str = Field(description="What is counted.")


class RenderedLinkCard(Schema):
    """A link card."""

    url: str = Field(description="Where it leads.")
    title: str = Field(description="Its title; may be empty.")
    description: str = Field(description="Its description; may be empty.")


class RenderedPoll(Schema):
    """A poll."""

    question: str = Field(description="May be empty where the text is the question.")
    options: list[str] = Field(description="What can be chosen.")
    minutes: int = Field(description="How long it runs.")


class CallPrice(Schema):
    """What one call uses up."""

    meter: str = Field(description="The network's own word for what it counts.")
    units: int = Field(description="How many of them.")
    micro: int = Field(description="Price in millionths of the currency; 0 where it costs no money.")
    currency: str = Field(description="ISO 4217; empty where it costs no money.")


class RenderedPost(Schema):
    """Exactly what would be sent, what is wrong with it, and what it would cost."""

    parts: list[RenderedPostPart] = Field(description="One, or several of a thread.")
    link: RenderedLinkCard | None = Field(description="The link card, where there is one.")
    poll: RenderedPoll | None = Field(description="The poll, where there is one.")
    first_comment: RenderedPostPart | None = Field(description="The first comment, where there is one.")
    reply_to: str = Field(description="The post that this one answers, as the network names it; empty: none.")
    options: dict[str, str] = Field(description="The network's own options, defaults filled in.")
    problems: list[FieldError] = Field(description="Why it cannot go out as it stands; empty: it can.")
    notices: list[FieldError] = Field(description="What will be done to it or is worth knowing; never blocks.")
    charges: list[CallPrice] = Field(description="What publishing will use up.")


class ChannelPreview(RenderedPost):
    """What one channel would get."""

    channel: str = Field(description="The channel's key.")
    network: str = Field(description="The channel's network.")


class CheckedPost(RenderedPost):
    """What a network says to a post that nobody sends."""

    network: str = Field(description="The network that was asked.")
    channel: str | None = Field(
        description="Key of the channel whose abilities counted; null: the network's usual ones."
    )
