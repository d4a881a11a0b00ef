"""Channels, signing in to networks, queue slots, and what networks can do."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from kicau.api.schemas.base import (
    EXAMPLE_NETWORK,
    UTC_DESCRIPTION,
    ZONE_DESCRIPTION,
    Page,
    Schema,
    StrictInt,
    ZoneName,
    example_config,
)


class MediaRule(Schema):
    """Limits for media of one kind. Zero or empty: no known limit."""

    mimes: list[str] = Field(description="Accepted MIME types.")
    max_count: int = Field(description="Maximum number of files in one part.")
    max_size: int = Field(description="Size in bytes.")
    min_size: int = Field(description="Size in bytes.")
    min_width: int = Field(description="Size in pixels.")
    max_width: int = Field(description="Size in pixels.")
    min_height: int = Field(description="Size in pixels.")
    max_height: int = Field(description="Size in pixels.")
    max_pixels: int = Field(description="Maximum width times height.")
    min_aspect: float = Field(description="Ratio of width to height.")
    max_aspect: float = Field(description="Ratio of width to height.")
    min_duration_ms: int = Field(description="Duration in milliseconds.")
    max_duration_ms: int = Field(description="Duration in milliseconds.")
    min_fps: float = Field(description="Frames per second.")
    max_fps: float = Field(description="Frames per second.")
    max_frames: int = Field(description="Maximum number of frames of an animation.")
    max_pages: int = Field(description="Maximum number of pages of a document.")
    max_bitrate: int = Field(description="Bits per second.")
    video_codecs: list[str] = Field(description="Accepted codecs.")
    audio_codecs: list[str] = Field(description="Accepted codecs.")
    max_alt: int = Field(description="Maximum number of characters of the alt text.")
    needs_alt: bool = Field(description="Whether alt text is required.")
    covers: list[Literal["frame", "picture"]] = Field(description="How the cover of a video can be chosen.")


class PollRule(Schema):
    """Limits for polls."""

    min_options: int = Field(description="Minimum number of options.")
    max_options: int = Field(description="Maximum number of options.")
    max_option_length: int = Field(description="Maximum number of characters.")
    min_minutes: int = Field(description="Minimum duration.")
    max_minutes: int = Field(description="Maximum duration.")
    durations: list[int] = Field(description="Allowed durations in minutes, if only certain ones are allowed.")
    max_question_length: int = Field(
        description="Maximum length of the question. 0: the poll has no separate question."
    )


class ChannelOption(Schema):
    """An option that only this network has."""

    name: str = Field(description="Name.")
    label: str = Field(description="Label for people.")
    choices: dict[str, str] = Field(description="{value: label}. Empty: free text.")
    default: str = Field(description="Default value.")
    secret: bool = Field(description="Whether to hide the value while it is typed.")
    long: bool = Field(description="Whether the free text can have several lines, such as the content of a file.")
    help: str = Field(description="Explanation. Can be empty.")


class SourcedFact(Schema):
    """A limit or rule with its source."""

    value: str = Field(description="The rule.")
    source: str = Field(description="URL, or name of the official document.")
    checked: date = Field(description="When the source was last checked.")


class Capabilities(Schema):
    """Capabilities of a channel or network."""

    max_length: int = Field(description="Maximum length of a part's text, in `unit`.")
    unit: str = Field(description="Unit of the text length.")
    max_comment_length: int = Field(description="Maximum length of a first comment. 0: not supported.")
    max_parts: int = Field(description="Maximum number of parts of a thread.")
    media: dict[str, MediaRule] = Field(description="By kind: image, gif, video or document.")
    max_media: int = Field(description="Maximum number of files of all kinds in one part. 0: no separate limit.")
    mixes_media: bool = Field(description="Whether one part can contain images and videos.")
    needs_media: bool = Field(description="Whether a file is required.")
    needs_confirmation: bool = Field(description="Whether a person must confirm each post.")
    poll: PollRule | None = Field(description="Null: polls are not supported.")
    abilities: list[str] = Field(description="thread, reply, edit, delete, alt-text, poll, link-card, first-comment.")
    editable: list[str] = Field(description="What can be edited in a published post: text, alt, options.NAME.")
    options: list[ChannelOption] = Field(description="Options of a post, named network.option.")
    facts: dict[str, SourcedFact] = Field(description="Sources of the limits.")
    quota: dict[str, int] = Field(description="Quota values from the network, if it reports them.")


class ConnectedChannel(Schema):
    """A channel: one connected account on a network."""

    id: str = Field(description="Unique ID.")
    key: str = Field(description="Key of the channel, for example kopi-senja.")
    network: str = Field(description="Network of the channel.")
    name: str = Field(description="Display name on the network.")
    handle: str = Field(description="Handle on the network, without @.")
    kind: str = Field(description="person, organisation, page or professional.")
    host: str = Field(description="Server of the account, if the network has several. Can be empty.")
    url: str = Field(description="Public URL of the account. Can be empty.")
    state: Literal["active", "expired", "held", "removed", "offboarded"] = Field(
        description="active. expired: must be reconnected. held: a budget does not allow renewing the credentials. removed: disconnected. offboarded: publishing to the network was stopped."
    )
    reason: str = Field(description="Why the channel is not active. Can be empty.")
    renewal_problem: str = Field(description="The budget that does not allow renewing the credentials. Can be empty.")
    paused: bool = Field(description="Whether a person paused the queue.")
    paused_until: datetime | None = Field(
        description=f"Until when Kicau pauses publishing because of the network's rate limit. {UTC_DESCRIPTION}"
    )
    capabilities_delayed_until: datetime | None = Field(
        description=f"When Kicau next asks the network for the capabilities, if this was postponed. {UTC_DESCRIPTION}"
    )
    capabilities_delay_reason: str = Field(
        description="Why this was postponed, for example because of a budget. Can be empty."
    )
    sync_paused_until: datetime | None = Field(
        description=f"Until when Kicau reads nothing on this channel, because its rate limit is almost used up. {UTC_DESCRIPTION}"
    )
    token_expires_at: datetime | None = Field(
        description=f"When the credentials expire. Kicau renews them well before. {UTC_DESCRIPTION}"
    )
    connected_at: datetime = Field(description=UTC_DESCRIPTION)


class ChannelDetail(ConnectedChannel):
    """A channel with its current capabilities."""

    capabilities: Capabilities = Field(
        description="As last reported by the network. Before that, the network's usual limits."
    )


class ChannelPage(Page[ConnectedChannel]):
    """A page of channels, by key."""


class ConnectedChannels(Schema):
    """The connected channels."""

    items: list[ConnectedChannel] = Field(description="New channels, and channels with renewed credentials.")


class SignInRequest(Schema):
    """Request to connect channels of a network."""

    model_config = example_config({"network": EXAMPLE_NETWORK})

    network: str = Field(max_length=40, description="Name of the network. See GET /networks.")
    app: str = Field("", max_length=80, description="Which of the operator's app keys to use. Empty: the first.")
    answers: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=2000)]], Field(max_length=20)
    ] = Field(
        default_factory=dict,
        description="Values that the network needs before the sign-in, by name. See the questions in GET /networks.",
    )


class NetworkIdentity(Schema):
    """An account that the sign-in gives access to."""

    id: str = Field(description="The network's ID of the account.")
    handle: str = Field(description="Handle without @.")
    name: str = Field(description="Name.")
    kind: str = Field(description="person, organisation, page or professional.")
    url: str = Field(description="Public URL of the account. Can be empty.")


class SignInState(Schema):
    """A sign-in in progress. It is valid for an hour."""

    state: str = Field(description="Identifies the sign-in in later requests.")
    url: str = Field(description="URL to send the person to. Empty: no redirect is needed.")
    accounts: list[NetworkIdentity] = Field(description="Accounts to choose from. Empty before the person returns.")


class SignInCallback(Schema):
    """The parameters of the redirect from the network."""

    model_config = example_config({"returned": {"state": "…", "code": "…"}})

    returned: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=8000)]], Field(max_length=50)
    ] = Field(description="The decoded query parameters of the redirect URL.")


class SignInChoice(Schema):
    """The accounts to connect."""

    model_config = example_config({"accounts": ["1780"]})

    accounts: list[Annotated[str, Field(max_length=200)]] | None = Field(
        None, max_length=200, description="IDs of the chosen accounts. Null: all."
    )
    keys: Annotated[
        dict[Annotated[str, Field(max_length=200)], Annotated[str, Field(max_length=70)]], Field(max_length=200)
    ] = Field(default_factory=dict, description="Channel keys, by account ID.")


class WeeklySlot(Schema):
    """A weekly time slot."""

    weekday: Annotated[StrictInt, Field(ge=0, le=6)] = Field(description="Weekday. 0 is Monday.")
    time: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Field(
        description="Time of day, for example 09:30."
    )


class WeeklySlots(Schema):
    """The weekly time slots of a channel's queue."""

    model_config = example_config(
        {"timezone": "Asia/Jakarta", "slots": [{"weekday": 0, "time": "09:00"}, {"weekday": 3, "time": "16:30"}]}
    )

    timezone: ZoneName = Field(description=f"Time zone of the slots. {ZONE_DESCRIPTION}")
    slots: list[WeeklySlot] = Field(max_length=500, description="The slots. They replace all existing slots.")


class NextSlot(Schema):
    """A channel's next free queue slot."""

    at: datetime = Field(description=UTC_DESCRIPTION)


class InstalledNetwork(Schema):
    """An installed network."""

    slug: str = Field(description="Name for programs.")
    label: str = Field(description="Name for people.")
    ready: bool = Field(description="Whether the operator has added app keys for it.")
    needs_confirmation: bool = Field(description="Whether a person must confirm each post.")
    can_verify_posts: bool = Field(description="Whether Kicau can always find out if a post was published.")
    questions: list[ChannelOption] = Field(description="Values that are needed before connecting a channel.")


class InstalledNetworks(Schema):
    """All installed networks."""

    items: list[InstalledNetwork] = Field(description="By name.")


class NetworkPrices(Schema):
    """Prices of requests from a certain day."""

    name: str = Field(description="Name of the plan.")
    since: date = Field(description="First day (UTC).")
    currency: str = Field(description="Currency code (ISO 4217).")
    source: str = Field(description="Source of the prices.")
    prices: dict[str, int] = Field(description="Price of one unit of each meter, in millionths of the currency.")


class NetworkDetail(InstalledNetwork):
    """A network with the limits of an ordinary account, and the prices of requests."""

    capabilities: Capabilities = Field(description="Limits of an ordinary account.")
    prices: list[NetworkPrices] = Field(description="Oldest first. Empty if requests cost nothing.")
