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
    """What files of one kind are taken. Zero and empty: no limit known."""

    mimes: list[str] = Field(description="Types that are taken.")
    max_count: int = Field(description="Files in one part.")
    max_size: int = Field(description="Bytes.")
    min_size: int = Field(description="Bytes.")
    min_width: int = Field(description="Pixels.")
    max_width: int = Field(description="Pixels.")
    min_height: int = Field(description="Pixels.")
    max_height: int = Field(description="Pixels.")
    max_pixels: int = Field(description="Width times height.")
    min_aspect: float = Field(description="Width divided by height.")
    max_aspect: float = Field(description="Width divided by height.")
    min_duration_ms: int = Field(description="Milliseconds.")
    max_duration_ms: int = Field(description="Milliseconds.")
    min_fps: float = Field(description="Frames a second.")
    max_fps: float = Field(description="Frames a second.")
    max_frames: int = Field(description="Of an animation.")
    max_pages: int = Field(description="Of a document.")
    max_bitrate: int = Field(description="Bits a second.")
    video_codecs: list[str] = Field(description="Codecs that are taken.")
    audio_codecs: list[str] = Field(description="Codecs that are taken.")
    max_alt: int = Field(description="Characters of alt text.")
    needs_alt: bool = Field(description="Whether an alt text must be given.")
    covers: list[Literal["frame", "picture"]] = Field(description="Of a video: how its cover may be chosen.")


class PollRule(Schema):
    """What polls are taken."""

    min_options: int = Field(description="How many at least.")
    max_options: int = Field(description="How many at most.")
    max_option_length: int = Field(description="Characters.")
    min_minutes: int = Field(description="How long it runs at least.")
    max_minutes: int = Field(description="How long it runs at most.")
    durations: list[int] = Field(description="Minutes, where only these are taken.")
    max_question_length: int = Field(description="0: no question of its own.")


class ChannelOption(Schema):
    """A choice or answer that only this network has."""

    name: str = Field(description="Its name.")
    label: str = Field(description="What people read.")
    choices: dict[str, str] = Field(description="{value: label}; empty: free text.")
    default: str = Field(description="What holds where nothing is said.")
    secret: bool = Field(description="Whether it is to be hidden when typed.")
    long: bool = Field(description="Whether the free text has many lines, such as what a file holds.")
    help: str = Field(description="What it means; may be empty.")


class SourcedFact(Schema):
    """A number or rule, and where it is written."""

    value: str = Field(description="What it says.")
    source: str = Field(description="An address, or the official document's name.")
    checked: date = Field(description="When it was last read there.")


class Capabilities(Schema):
    """What can be done, as data."""

    max_length: int = Field(description="Of a part's text, in `unit`.")
    unit: str = Field(description="What is counted.")
    max_comment_length: int = Field(description="Of a first comment; 0: none.")
    max_parts: int = Field(description="Parts of a thread.")
    media: dict[str, MediaRule] = Field(description="By kind: image, gif, video, document.")
    max_media: int = Field(description="Files in one part, all kinds together; 0: no limit of its own.")
    mixes_media: bool = Field(description="Whether pictures and videos go in one part.")
    needs_media: bool = Field(description="Whether a file must be there.")
    needs_confirmation: bool = Field(description="Whether a named person must confirm each post.")
    poll: PollRule | None = Field(description="Null: no polls.")
    abilities: list[str] = Field(description="thread, reply, edit, delete, alt-text, poll, link-card, first-comment.")
    editable: list[str] = Field(description="What of a published post can be changed: text, alt, options.NAME.")
    options: list[ChannelOption] = Field(description="Options that a post may have here, named network.option.")
    facts: dict[str, SourcedFact] = Field(description="Where the numbers come from.")
    quota: dict[str, int] = Field(description="Read from the network, where it tells.")


class ConnectedChannel(Schema):
    """One connected identity on a network."""

    id: str = Field(description="Its id.")
    key: str = Field(description="What people type, such as kopi-senja.")
    network: str = Field(description="Its network.")
    name: str = Field(description="Its name on the network.")
    handle: str = Field(description="Its handle on the network, without @.")
    kind: str = Field(description="person, organisation, page or professional.")
    host: str = Field(description="Its server, where a network has many; may be empty.")
    url: str = Field(description="Its public page; may be empty.")
    state: Literal["active", "expired", "held", "removed", "withdrawn"] = Field(
        description="active; expired: wants a reconnect; held: a budget has no room to renew its permission; removed: disconnected; withdrawn: its network is gone."
    )
    reason: str = Field(description="Why it is not active, in a sentence; may be empty.")
    renewal_why: str = Field(
        description="Which budget has no room for renewing its permission, in a sentence; may be empty."
    )
    paused: bool = Field(description="Whether a person holds its queue.")
    paused_until: datetime | None = Field(description=f"Until when the network's own limit holds it. {UTC_DESCRIPTION}")
    asks_from: datetime | None = Field(
        description=f"When it is asked again what it can do, where that was put off. {UTC_DESCRIPTION}"
    )
    asks_why: str = Field(description="Why it was put off, in a sentence: a budget has no room, say; may be empty.")
    reads_from: datetime | None = Field(
        description=f"Until when nothing is read with it: its network says that its allowance is nearly used up. {UTC_DESCRIPTION}"
    )
    token_expires_at: datetime | None = Field(
        description=f"Of its credentials, which are renewed well before. {UTC_DESCRIPTION}"
    )
    connected_at: datetime = Field(description=UTC_DESCRIPTION)


class ChannelDetail(ConnectedChannel):
    """A channel with what it can do now."""

    capabilities: Capabilities = Field(description="As the network last said; the network's usual before that.")


class ChannelPage(Page[ConnectedChannel]):
    """One page of channels, by key."""


class ConnectedChannels(Schema):
    """Channels that were connected."""

    items: list[ConnectedChannel] = Field(description="New ones, and those that were renewed.")


class SignInRequest(Schema):
    """Start connecting channels of a network."""

    model_config = example_config({"network": EXAMPLE_NETWORK})

    network: str = Field(max_length=40, description="A network; GET /networks lists them.")
    app: str = Field("", max_length=80, description="Which of the operator's app keys; empty: the first.")
    answers: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=2000)]], Field(max_length=20)
    ] = Field(
        default_factory=dict, description="What the network asks before, by name; GET /networks lists its questions."
    )


class NetworkIdentity(Schema):
    """One identity that a sign-in gives access to."""

    id: str = Field(description="The network's id of it.")
    handle: str = Field(description="Without @.")
    name: str = Field(description="Its name.")
    kind: str = Field(description="person, organisation, page or professional.")
    url: str = Field(description="Its public page; may be empty.")


class SignInState(Schema):
    """A sign-in under way. It lasts an hour."""

    state: str = Field(description="Names the sign-in in what follows.")
    url: str = Field(description="Send the person here. Empty: nobody need go anywhere.")
    accounts: list[NetworkIdentity] = Field(description="To choose among; empty before the person's return.")


class SignInCallback(Schema):
    """The person came back from the network."""

    model_config = example_config({"returned": {"state": "…", "code": "…"}})

    returned: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=8000)]], Field(max_length=50)
    ] = Field(description="The query of the address they came back to, decoded.")


class SignInChoice(Schema):
    """Which identities become channels."""

    model_config = example_config({"accounts": ["1780"]})

    accounts: list[Annotated[str, Field(max_length=200)]] | None = Field(
        None, max_length=200, description="Ids of the chosen ones; null: all."
    )
    keys: Annotated[
        dict[Annotated[str, Field(max_length=200)], Annotated[str, Field(max_length=70)]], Field(max_length=200)
    ] = Field(default_factory=dict, description="Keys of your own, by account id.")


class WeeklySlot(Schema):
    """A weekly time."""

    weekday: Annotated[StrictInt, Field(ge=0, le=6)] = Field(description="0 is Monday.")
    time: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Field(
        description="Of the day, such as 09:30."
    )


class WeeklySlots(Schema):
    """The weekly times at which a channel's queue publishes."""

    model_config = example_config(
        {"timezone": "Asia/Jakarta", "slots": [{"weekday": 0, "time": "09:00"}, {"weekday": 3, "time": "16:30"}]}
    )

    timezone: ZoneName = Field(description=f"The zone of the times. {ZONE_DESCRIPTION}")
    slots: list[WeeklySlot] = Field(max_length=500, description="The times; they replace all that were there.")


class NextSlot(Schema):
    """A channel's next queue slot in which nothing is scheduled yet."""

    at: datetime = Field(description=UTC_DESCRIPTION)


class InstalledNetwork(Schema):
    """A network that is installed."""

    slug: str = Field(description="Its name for programs.")
    label: str = Field(description="Its name for people.")
    ready: bool = Field(description="Whether the operator has given app keys for it.")
    needs_confirmation: bool = Field(description="Whether a named person must confirm each post.")
    can_tell: bool = Field(description="Whether it can always be found out what happened to a post.")
    questions: list[ChannelOption] = Field(description="What must be answered before a channel is connected.")


class InstalledNetworks(Schema):
    """All networks that are installed."""

    items: list[InstalledNetwork] = Field(description="By name.")


class NetworkPrices(Schema):
    """What calls cost, from a day on."""

    name: str = Field(description="The plan.")
    since: date = Field(description="First day (UTC).")
    currency: str = Field(description="ISO 4217.")
    source: str = Field(description="Where it is written.")
    prices: dict[str, int] = Field(description="Millionths of the currency for one unit of each meter.")


class NetworkDetail(InstalledNetwork):
    """A network with what a usual account can do, and what calls cost."""

    capabilities: Capabilities = Field(description="Of a usual account.")
    prices: list[NetworkPrices] = Field(description="Oldest first; empty where calls cost no money.")
