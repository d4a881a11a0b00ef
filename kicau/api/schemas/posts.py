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

AT_DESCRIPTION = "ISO 8601 with an offset, or without one together with `timezone`; or now, or words such as tomorrow 09:00 with `timezone`."
OPTIONS_DESCRIPTION = "The networks' own options, named network.option; GET /networks/{network} lists them; network.reply_to names the post that this one answers."
CHANNELS_DESCRIPTION = "Keys or ids of channels."


class PostPartMediumInput(Schema):
    """A file of the library in a part."""

    medium: str = Field(max_length=40, description="Id of a medium.")
    alt: PostText | None = Field(
        None, description="Alt text for this use; null: the library's own; empty: deliberately none."
    )
    cover: str | None = Field(
        None, max_length=40, description="Of a video: id of a picture that it shows before it plays."
    )
    cover_ms: int | None = Field(
        None, ge=0, le=86_400_000, description="Or the frame at this time of it, in milliseconds; `cover` counts first."
    )


class PostPartInput(Schema):
    """One post, or one of a thread."""

    text: PostText = Field("", description="The text; at most 200,000 characters, whatever a network then says.")
    media: list[PostPartMediumInput] = Field(default_factory=list, max_length=100, description="Files, in order.")


class LinkCardInput(Schema):
    """A link card. Where a channel has none, its address joins the text."""

    url: str = Field(min_length=1, max_length=2000, description="Where it leads.")
    title: str = Field("", max_length=500, description="A title of our own, where the network lets us.")
    description: str = Field("", max_length=2000, description="A description of our own, where the network lets us.")
    thumbnail: str | None = Field(None, max_length=40, description="Id of a medium, where the network lets us.")


class PostPollInput(Schema):
    """A poll."""

    options: list[Annotated[str, Field(max_length=500)]] = Field(
        min_length=1, max_length=20, description="What can be chosen."
    )
    minutes: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = Field(1440, description="How long it runs.")
    question: str = Field("", max_length=1000, description="Only where a network asks for one beside the text.")


class PostVariantInput(Schema):
    """What differs for one channel, or for all of one network. What is left out is as in the post itself."""

    channel: str = Field("", max_length=80, description="Key or id of a channel; or give `network`.")
    network: str = Field("", max_length=40, description="A network; or give `channel`.")
    parts: list[PostPartInput] | None = Field(None, max_length=100, description="Text and media of its own.")
    link: LinkCardInput | None = Field(None, description="A link card of its own.")
    poll: PostPollInput | None = Field(None, description="A poll of its own.")
    first_comment: PostText | None = Field(None, description="A first comment of its own.")
    options: OptionValues = Field(default_factory=dict, description=OPTIONS_DESCRIPTION)


class PostInput(Schema):
    """A whole post as its author gives it."""

    model_config = example_config(
        {
            "parts": [{"text": "Kopi susu gula aren, kembali mulai Senin. #kopisenja"}],
            "tags": ["menu"],
            "campaign": "November",
        }
    )

    parts: list[PostPartInput] = Field(min_length=1, max_length=100, description="One part, or several for a thread.")
    link: LinkCardInput | None = Field(None, description="A link card.")
    poll: PostPollInput | None = Field(None, description="A poll.")
    first_comment: PostText = Field("", description="Published right after the post, where the network lets us.")
    options: OptionValues = Field(default_factory=dict, description=OPTIONS_DESCRIPTION)
    variants: list[PostVariantInput] = Field(
        default_factory=list, max_length=100, description="What differs by channel or network."
    )
    language: str = Field("", max_length=20, description="BCP 47, such as id or en-GB; empty: not said.")
    campaign: str = Field("", max_length=120, description="Name of a campaign; a new name begins one.")
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(
        default_factory=list, max_length=50, description="Your own words to find it by; no network sees them."
    )
    timezone: ZoneName = Field("", description=f"The author's. {ZONE_DESCRIPTION} Empty: the workspace's.")
    convert: StrictBool = Field(
        True, description="Whether pictures that a network would refuse may be converted for it."
    )
    mark_links: StrictBool = Field(
        False, description="Whether links carry the network and the campaign (utm_source, utm_medium, utm_campaign)."
    )
    ai_use: AIUseRule | None = Field(None, description=f"{AI_USE_DESCRIPTION} Null: the workspace's default.")


CONFIRM_DESCRIPTION = "Where the change alters what a person confirmed: true: the token's person confirms the new content; false: it is held until someone does; null: such a change is refused with `confirm-again`."


class PostReplace(PostInput):
    """A post's whole new content."""

    model_config = example_config({"parts": [{"text": "Kopi susu gula aren, kembali mulai Selasa."}]})

    confirm: StrictBool | None = Field(None, description=CONFIRM_DESCRIPTION)


class PostChange(Schema):
    """What becomes different; what is left out stays as it is. Only deliveries that have not begun change."""

    model_config = example_config(
        {"at": f"{EXAMPLE_MONTH}-02T10:30", "timezone": "Asia/Jakarta", "add_channels": ["kopi-senja"]},
        {"parts": [{"text": "Kopi susu gula aren, kembali mulai Selasa."}], "confirm": False},
    )

    parts: list[PostPartInput] | None = Field(None, min_length=1, max_length=100, description="All parts.")
    link: LinkCardInput | None = Field(None, description="A link card; null takes it away.")
    poll: PostPollInput | None = Field(None, description="A poll; null takes it away.")
    first_comment: PostText | None = Field(
        None, description="Published right after the post, where the network lets us."
    )
    options: OptionValues | None = Field(None, description=f"All options. {OPTIONS_DESCRIPTION}")
    variants: list[PostVariantInput] | None = Field(None, max_length=100, description="All that differs by channel.")
    language: str | None = Field(None, max_length=20, description="BCP 47, such as id or en-GB; empty: not said.")
    campaign: str | None = Field(None, max_length=120, description="Name of a campaign; empty: none.")
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] | None = Field(
        None, max_length=50, description="Your own words to find it by."
    )
    at: str = Field("", max_length=60, description=f"Another time. {AT_DESCRIPTION}")
    timezone: ZoneName = Field("", description=f"The zone that `at` is meant in. {ZONE_DESCRIPTION}")
    slot: StrictBool = Field(False, description="True: each channel's next free queue slot, in place of `at`.")
    add_channels: list[ChannelKey] = Field(
        default_factory=list, max_length=100, description=f"Where it goes as well. {CHANNELS_DESCRIPTION}"
    )
    remove_channels: list[ChannelKey] = Field(
        default_factory=list, max_length=100, description=f"Where it no longer goes. {CHANNELS_DESCRIPTION}"
    )
    confirm: StrictBool | None = Field(None, description=CONFIRM_DESCRIPTION)


class ScheduleInput(Schema):
    """Where and when. Give `at`, or `slot`."""

    model_config = example_config(
        {"channels": ["kopi-senja"], "at": f"{EXAMPLE_MONTH}-01T09:00", "timezone": "Asia/Jakarta"}
    )

    channels: list[ChannelKey] = Field(min_length=1, max_length=100, description=CHANNELS_DESCRIPTION)
    at: str = Field("", max_length=60, description=AT_DESCRIPTION)
    timezone: ZoneName = Field("", description=f"The zone that `at` is meant in. {ZONE_DESCRIPTION}")
    slot: StrictBool = Field(False, description="True: each channel's next free queue slot.")
    confirm: StrictBool = Field(
        False,
        description="True: the token's person has read the post and confirms it, for networks whose terms ask for that.",
    )
    again: StrictBool = Field(
        False,
        description="True: make a second post on channels that this post goes to already; without it, that is refused.",
    )


class PostCreate(PostInput):
    """A new post; with `schedule`, made and scheduled at once, or not at all."""

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

    ref: str = Field("", max_length=120, description="Your own id for it, unique in the workspace; empty: none.")
    origin: Literal["composed", "imported", "generated"] = Field(
        "composed", description="Written by a person, from its owner's own archive or file, or made by a model."
    )
    origin_detail: str = Field("", max_length=500, description="More about the origin, such as a model's name.")
    schedule: ScheduleInput | None = Field(None, description="Schedule it too.")


class PostPartMedium(Schema):
    """A file of the library in a part."""

    medium: str = Field(description="Id of the medium.")
    alt: str | None = Field(description="Alt text for this use; null: the library's own.")
    cover: str | None = Field(description="Of a video: id of the picture that it shows before it plays.")
    cover_ms: int | None = Field(
        description="Or the time of the frame, in milliseconds; both null: as the network chooses."
    )


class PostPart(Schema):
    """One post, or one of a thread."""

    text: str = Field(description="The text.")
    media: list[PostPartMedium] = Field(description="Files, in order.")


class LinkCard(Schema):
    """A link card."""

    url: str = Field(description="Where it leads.")
    title: str = Field(description="A title of our own; may be empty.")
    description: str = Field(description="A description of our own; may be empty.")
    thumbnail: str | None = Field(description="Id of a medium.")


class PostPoll(Schema):
    """A poll."""

    options: list[str] = Field(description="What can be chosen.")
    minutes: int = Field(description="How long it runs.")
    question: str = Field(description="May be empty.")


class PostVariant(Schema):
    """What differs for one channel, or for all of one network."""

    channel: str = Field(description="Id of a channel, or empty.")
    network: str = Field(description="A network, or empty.")
    parts: list[PostPart] | None = Field(description="Text and media of its own; null: the post's.")
    link: LinkCard | None = Field(description="A link card of its own.")
    poll: PostPoll | None = Field(description="A poll of its own.")
    first_comment: str | None = Field(description="A first comment of its own; null: the post's.")
    options: dict[str, str] = Field(description=OPTIONS_DESCRIPTION)


class Post(Schema):
    """A post as it was written. What became of it on each channel, its deliveries tell."""

    id: str = Field(description="Its id.")
    ref: str = Field(description="Its maker's own id; may be empty.")
    state: PostState = Field(description="draft; submitted, waiting for an editor; approved; scheduled; or archived.")
    version: int = Field(description="Rises with each change; the ETag holds it.")
    parts: list[PostPart] = Field(description="One part, or several of a thread.")
    link: LinkCard | None = Field(description="A link card.")
    poll: PostPoll | None = Field(description="A poll.")
    first_comment: str = Field(description="Published right after the post, where the network lets us.")
    options: dict[str, str] = Field(description=OPTIONS_DESCRIPTION)
    variants: list[PostVariant] = Field(description="What differs by channel or network.")
    language: str = Field(description="BCP 47; may be empty.")
    campaign: str = Field(description="Name of its campaign; may be empty.")
    tags: list[str] = Field(description="The workspace's own words to find it by.")
    timezone: str = Field(description=f"The author's. {ZONE_DESCRIPTION}")
    convert: bool = Field(description="Whether pictures may be converted for networks.")
    mark_links: bool = Field(description="Whether links carry the network and the campaign.")
    origin: str = Field(description="composed, imported, fetched, received or generated.")
    origin_detail: str = Field(description="More about the origin; may be empty.")
    ai_use: dict[str, str] = Field(description=AI_USE_DESCRIPTION)
    author: PersonRef | None = Field(description="Who wrote it; null where they are gone.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    changed_at: datetime = Field(description=UTC_DESCRIPTION)


class PostPage(Page[Post]):
    """One page of posts, newest first."""


class PreviewInput(Schema):
    """For which channels, and, for the warning of duplicates, when."""

    model_config = example_config({"channels": ["kopi-senja"]})

    channels: list[ChannelKey] = Field(min_length=1, max_length=100, description=CHANNELS_DESCRIPTION)
    at: str = Field("", max_length=60, description=f"{AT_DESCRIPTION} Empty: now.")
    timezone: ZoneName = Field("", description=f"The zone that `at` is meant in. {ZONE_DESCRIPTION}")


class PostPreviews(Schema):
    """What each channel would get."""

    items: list[ChannelPreview] = Field(description="One for each channel, in the order asked.")
    cost: dict[str, int] = Field(description="Price of all together: millionths of each currency.")
    cost_shown: dict[str, ConvertedAmount] = Field(
        description="The same by currency, in the workspace's own; without those that have no rate."
    )


class Campaign(Schema):
    """A name that posts are gathered under."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class CampaignPage(Page[Campaign]):
    """One page of campaigns, by name."""
