"""What a network would be given: spans, lengths, problems, prices."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kicau.api.schemas.base import FieldError, Schema


class TextSpan(Schema):
    """A part of the text with a special meaning: a link, mention or tag."""

    kind: Literal["link", "mention", "tag"] = Field(description="link, mention or tag.")
    start: int = Field(description="Start, in code points.")
    end: int = Field(description="End (exclusive), in code points.")
    text: str = Field(description="Text of the span.")
    target: str = Field(description="URL, handle or tag. Can be empty.")


class RenderedMedium(Schema):
    """A file as it is sent to the network."""

    name: str = Field(description="File name.")
    kind: Literal["image", "gif", "video", "document"] = Field(description="Kind of file.")
    mime: str = Field(description="MIME type as sent.")
    converted: bool = Field(description="Whether Kicau creates a copy for this network. The original does not change.")
    alt: str = Field(description="Alt text.")
    cover: str | None = Field(
        description="For a video with a chosen cover: how the cover is sent, `picture` or `frame`."
    )
    cover_ms: int | None = Field(description="Time of the frame in milliseconds.")


class RenderedPostPart(Schema):
    """A post, or one part of a thread."""

    text: str = Field(description="The text as readers will see it.")
    spans: list[TextSpan] = Field(description="Links, mentions and tags, in order.")
    media: list[RenderedMedium] = Field(description="Files, in order.")
    length: int = Field(description="Length, as the network counts it.")
    limit: int = Field(description="Maximum length on the network.")
    unit: str = Field(description="Unit of the text length.")


class RenderedLinkCard(Schema):
    """A link preview."""

    url: str = Field(description="URL of the page.")
    title: str = Field(description="Title. Can be empty.")
    description: str = Field(description="Description. Can be empty.")


class RenderedPoll(Schema):
    """A poll."""

    question: str = Field(description="Question. Can be empty if the text is the question.")
    options: list[str] = Field(description="The options.")
    minutes: int = Field(description="Duration in minutes.")


class CallPrice(Schema):
    """Usage of one request."""

    meter: str = Field(description="The network's name for what it counts.")
    units: int = Field(description="Number of units.")
    micro: int = Field(description="Price in millionths of the currency. 0 if it costs nothing.")
    currency: str = Field(description="Currency code (ISO 4217). Empty if it costs no money.")


class RenderedPost(Schema):
    """Exact content that would be published, with problems and costs."""

    parts: list[RenderedPostPart] = Field(description="One part, or several parts of a thread.")
    link: RenderedLinkCard | None = Field(description="The link preview, if any.")
    poll: RenderedPoll | None = Field(description="The poll, if any.")
    first_comment: RenderedPostPart | None = Field(description="The first comment, if any.")
    reply_to: str = Field(description="The post that this one replies to, as the network identifies it. Empty: none.")
    options: dict[str, str] = Field(description="The network's own options, including defaults.")
    problems: list[FieldError] = Field(description="Problems that prevent publishing. Empty: there are none.")
    notices: list[FieldError] = Field(
        description="Notices, for example about conversions. They do not prevent publishing."
    )
    charges: list[CallPrice] = Field(description="Usage of publishing.")


class ChannelPreview(RenderedPost):
    """Preview for one channel."""

    channel: str = Field(description="Key of the channel.")
    network: str = Field(description="Network of the channel.")


class CheckedPost(RenderedPost):
    """Result of a check."""

    network: str = Field(description="Name of the network.")
    channel: str | None = Field(
        description="Key of the channel whose limits were used. Null: the limits of an ordinary account."
    )
