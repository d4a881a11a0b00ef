"""Posts: what is written, before and after it is scheduled."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kicau.api.schemas.base import (
    AI_USE_DESCRIPTION,
    EXAMPLE_MONTH,
    UTC_DESCRIPTION,
    ZONE_DESCRIPTION,
    AIUseRule,
    Page,
    PersonRef,
    Schema,
    StrictBool,
    StrictInt,
    ZoneName,
    example_config,
)
from kicau.api.schemas.costs import ConvertedAmount
from kicau.api.schemas.rendered import ChannelPreview

PostState = Literal["draft", "submitted", "approved", "scheduled", "archived"]
PostText = Annotated[str, Field(max_length=200_000)]
OptionValues = Annotated[
    dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=20_000)]], Field(max_length=100)
]
ChannelKey = Annotated[str, Field(min_length=1, max_length=80)]

AT_DESCRIPTION = 'ISO 8601 with an offset, or without one together with `timezone`. Also "now", or words such as "tomorrow 09:00" with `timezone`.'
OPTIONS_DESCRIPTION = "The networks' own options, named network.option. See GET /networks/{network}. network.reply_to is the post to reply to."
CHANNELS_DESCRIPTION = "Keys or IDs of channels."


class PostPartMediumInput(Schema):
    """A media file in a part."""

    medium: str = Field(max_length=40, description="ID of the file in the library.")
    alt: PostText | None = Field(
        None, description="Alt text in this post. Null: the alt text of the library. Empty: deliberately none."
    )
    cover: str | None = Field(None, max_length=40, description="For a video: ID of an image as the cover.")
    cover_ms: int | None = Field(
        None,
        ge=0,
        le=86_400_000,
        description="Alternatively, the time of a frame as the cover, in milliseconds. `cover` has priority.",
    )


class PostPartInput(Schema):
    """A post, or one part of a thread."""

    text: PostText = Field("", description="Text of at most 200,000 characters. Networks have their own limits.")
    media: list[PostPartMediumInput] = Field(default_factory=list, max_length=100, description="Files, in order.")


class LinkCardInput(Schema):
    """A link preview. On channels without link previews, the URL is added to the text."""

    url: str = Field(min_length=1, max_length=2000, description="URL of the page.")
    title: str = Field("", max_length=500, description="Your own title, if the network allows one.")
    description: str = Field("", max_length=2000, description="Your own description, if the network allows one.")
    thumbnail: str | None = Field(
        None, max_length=40, description="ID of an image in the library, if the network allows one."
    )


class PostPollInput(Schema):
    """A poll."""

    options: list[Annotated[str, Field(max_length=500)]] = Field(
        min_length=1, max_length=20, description="The options."
    )
    minutes: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = Field(1440, description="Duration in minutes.")
    question: str = Field("", max_length=1000, description="The question. Only for networks with a separate question.")


class PostVariantInput(Schema):
    """A variant: content for one channel or network. Fields that you omit are the same as in the post."""

    channel: str = Field("", max_length=80, description="Key or ID of a channel. Alternatively, set `network`.")
    network: str = Field("", max_length=40, description="Name of a network. Alternatively, set `channel`.")
    parts: list[PostPartInput] | None = Field(None, max_length=100, description="Different text and media.")
    link: LinkCardInput | None = Field(None, description="A different link preview.")
    poll: PostPollInput | None = Field(None, description="A different poll.")
    first_comment: PostText | None = Field(None, description="A different first comment.")
    options: OptionValues = Field(default_factory=dict, description=OPTIONS_DESCRIPTION)


class PostInput(Schema):
    """A post, as written."""

    model_config = example_config(
        {
            "parts": [{"text": "Kopi susu gula aren, kembali mulai Senin. #kopisenja"}],
            "tags": ["menu"],
            "campaign": "November",
        }
    )

    parts: list[PostPartInput] = Field(min_length=1, max_length=100, description="One part, or several for a thread.")
    link: LinkCardInput | None = Field(None, description="The link preview.")
    poll: PostPollInput | None = Field(None, description="The poll.")
    first_comment: PostText = Field("", description="Published right after the post, if the network supports it.")
    options: OptionValues = Field(default_factory=dict, description=OPTIONS_DESCRIPTION)
    variants: list[PostVariantInput] = Field(
        default_factory=list, max_length=100, description="Variants for channels or networks."
    )
    language: str = Field(
        "", max_length=20, description="BCP 47 language code, for example id or en-GB. Empty: not set."
    )
    campaign: str = Field("", max_length=120, description="Name of a campaign. A new name creates one.")
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(
        default_factory=list, max_length=50, description="Your own tags. They are not published."
    )
    timezone: ZoneName = Field("", description=f"Time zone of the author. {ZONE_DESCRIPTION} Empty: the workspace's.")
    convert: StrictBool = Field(True, description="Whether Kicau may convert images that a network would reject.")
    mark_links: StrictBool = Field(
        False, description="Whether Kicau adds network and campaign to links (utm_source, utm_medium, utm_campaign)."
    )
    ai_use: AIUseRule | None = Field(None, description=f"{AI_USE_DESCRIPTION} Null: the workspace's default.")


CONFIRM_DESCRIPTION = "If a person had confirmed the old content. true: the token's person confirms the new content. false: Kicau holds the post until someone confirms it. null: the change is refused with `confirm-again`."


class PostReplace(PostInput):
    """The whole new content of a post."""

    model_config = example_config({"parts": [{"text": "Kopi susu gula aren, kembali mulai Selasa."}]})

    confirm: StrictBool | None = Field(None, description=CONFIRM_DESCRIPTION)


class PostChange(Schema):
    """Changes to a post. All fields are optional. Only deliveries whose publishing has not begun change."""

    model_config = example_config(
        {"at": f"{EXAMPLE_MONTH}-02T10:30", "timezone": "Asia/Jakarta", "add_channels": ["kopi-senja"]},
        {"parts": [{"text": "Kopi susu gula aren, kembali mulai Selasa."}], "confirm": False},
    )

    parts: list[PostPartInput] | None = Field(None, min_length=1, max_length=100, description="All parts.")
    link: LinkCardInput | None = Field(None, description="A link preview. Null removes it.")
    poll: PostPollInput | None = Field(None, description="A poll. Null removes it.")
    first_comment: PostText | None = Field(
        None, description="Published right after the post, if the network supports it."
    )
    options: OptionValues | None = Field(None, description=f"All options. {OPTIONS_DESCRIPTION}")
    variants: list[PostVariantInput] | None = Field(None, max_length=100, description="All variants.")
    language: str | None = Field(
        None, max_length=20, description="BCP 47 language code, for example id or en-GB. Empty: not set."
    )
    campaign: str | None = Field(None, max_length=120, description="Name of a campaign. Empty: none.")
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] | None = Field(
        None, max_length=50, description="Your own tags."
    )
    at: str = Field("", max_length=60, description=f"A new time. {AT_DESCRIPTION}")
    timezone: ZoneName = Field("", description=f"Time zone of `at`. {ZONE_DESCRIPTION}")
    slot: StrictBool = Field(False, description="true: use each channel's next free queue slot instead of `at`.")
    add_channels: list[ChannelKey] = Field(
        default_factory=list, max_length=100, description=f"Channels to add. {CHANNELS_DESCRIPTION}"
    )
    remove_channels: list[ChannelKey] = Field(
        default_factory=list, max_length=100, description=f"Channels to remove. {CHANNELS_DESCRIPTION}"
    )
    confirm: StrictBool | None = Field(None, description=CONFIRM_DESCRIPTION)


class ScheduleInput(Schema):
    """Channels and time. Set `at` or `slot`."""

    model_config = example_config(
        {"channels": ["kopi-senja"], "at": f"{EXAMPLE_MONTH}-01T09:00", "timezone": "Asia/Jakarta"}
    )

    channels: list[ChannelKey] = Field(min_length=1, max_length=100, description=CHANNELS_DESCRIPTION)
    at: str = Field("", max_length=60, description=AT_DESCRIPTION)
    timezone: ZoneName = Field("", description=f"Time zone of `at`. {ZONE_DESCRIPTION}")
    slot: StrictBool = Field(False, description="true: use each channel's next free queue slot.")
    confirm: StrictBool = Field(
        False,
        description="true: the token's person has read the post and confirms it, for networks whose terms require this.",
    )
    again: StrictBool = Field(
        False,
        description="true: also publish on channels that already have this post. Otherwise this is refused.",
    )


class PostCreate(PostInput):
    """A new post. With `schedule`, it is created and scheduled, or neither."""

    model_config = example_config(
        {"parts": [{"text": "Buka lagi besok pukul 07.00."}]},
        {
            "parts": [{"text": "Sore ini: live music di halaman belakang."}],
            "schedule": {
                "channels": ["kopi-senja"],
                "at": f"{EXAMPLE_MONTH}-01T15:00",
                "timezone": "Asia/Jakarta",
                "confirm": True,
            },
        },
    )

    ref: str = Field("", max_length=120, description="Your own ID for the post, unique in the workspace. Empty: none.")
    origin: Literal["composed", "imported", "generated"] = Field(
        "composed",
        description="Origin: written by a person, from its owner's own archive or file, or generated by a model.",
    )
    origin_detail: str = Field(
        "", max_length=500, description="More about the origin, for example the name of a model."
    )
    schedule: ScheduleInput | None = Field(None, description="Also schedule the post.")


class PostPartMedium(Schema):
    """A media file in a part."""

    medium: str = Field(description="ID of the file in the library.")
    alt: str | None = Field(description="Alt text in this post. Null: the alt text of the library.")
    cover: str | None = Field(description="For a video: ID of the image that is its cover.")
    cover_ms: int | None = Field(
        description="Alternatively, the time of the frame in milliseconds. Both null: the network chooses."
    )


class PostPart(Schema):
    """A post, or one part of a thread."""

    text: str = Field(description="The text.")
    media: list[PostPartMedium] = Field(description="Files, in order.")


class LinkCard(Schema):
    """A link preview."""

    url: str = Field(description="URL of the page.")
    title: str = Field(description="Your own title. Can be empty.")
    description: str = Field(description="Your own description. Can be empty.")
    thumbnail: str | None = Field(description="ID of the file in the library.")


class PostPoll(Schema):
    """A poll."""

    options: list[str] = Field(description="The options.")
    minutes: int = Field(description="Duration in minutes.")
    question: str = Field(description="Can be empty.")


class PostVariant(Schema):
    """A variant: content for one channel or network."""

    channel: str = Field(description="ID of a channel, or empty.")
    network: str = Field(description="Name of a network, or empty.")
    parts: list[PostPart] | None = Field(description="Different text and media. Null: same as the post.")
    link: LinkCard | None = Field(description="A different link preview.")
    poll: PostPoll | None = Field(description="A different poll.")
    first_comment: str | None = Field(description="A different first comment. Null: same as the post.")
    options: dict[str, str] = Field(description=OPTIONS_DESCRIPTION)


class Post(Schema):
    """A post, as written. Its deliveries contain the results on each channel."""

    id: str = Field(description="Unique ID.")
    ref: str = Field(description="The creator's own ID. Can be empty.")
    state: PostState = Field(description="draft. submitted: waiting for approval. approved. scheduled. archived.")
    version: int = Field(description="Increases with each change. The ETag contains it.")
    parts: list[PostPart] = Field(description="One part, or several parts of a thread.")
    link: LinkCard | None = Field(description="The link preview.")
    poll: PostPoll | None = Field(description="The poll.")
    first_comment: str = Field(description="Published right after the post, if the network supports it.")
    options: dict[str, str] = Field(description=OPTIONS_DESCRIPTION)
    variants: list[PostVariant] = Field(description="Variants for channels or networks.")
    language: str = Field(description="BCP 47 language code. Can be empty.")
    campaign: str = Field(description="Name of its campaign. Can be empty.")
    tags: list[str] = Field(description="Tags of the post.")
    timezone: str = Field(description=f"Time zone of the author. {ZONE_DESCRIPTION}")
    convert: bool = Field(description="Whether Kicau may convert images for networks.")
    mark_links: bool = Field(description="Whether Kicau adds network and campaign to links.")
    origin: str = Field(description="composed, imported, fetched, received or generated.")
    origin_detail: str = Field(description="More about the origin. Can be empty.")
    ai_use: dict[str, str] = Field(description=AI_USE_DESCRIPTION)
    author: PersonRef | None = Field(description="Author. Null if the account was deleted.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    changed_at: datetime = Field(description=UTC_DESCRIPTION)


class PostPage(Page[Post]):
    """A page of posts, newest first."""


class PreviewInput(Schema):
    """Channels to preview, and the time for the duplicate warning."""

    model_config = example_config({"channels": ["kopi-senja"]})

    channels: list[ChannelKey] = Field(min_length=1, max_length=100, description=CHANNELS_DESCRIPTION)
    at: str = Field("", max_length=60, description=f"{AT_DESCRIPTION} Empty: now.")
    timezone: ZoneName = Field("", description=f"Time zone of `at`. {ZONE_DESCRIPTION}")


class PostPreviews(Schema):
    """Previews for each channel."""

    items: list[ChannelPreview] = Field(description="One preview for each channel, in the order of the request.")
    cost: dict[str, int] = Field(description="Total price, in millionths of each currency.")
    cost_shown: dict[str, ConvertedAmount] = Field(
        description="The same by currency, converted to the workspace's own currency. Currencies without a rate are missing."
    )


class Campaign(Schema):
    """A campaign, which groups posts."""

    id: str = Field(description="Unique ID.")
    name: str = Field(description="Name.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class CampaignPage(Page[Campaign]):
    """A page of campaigns, by name."""
