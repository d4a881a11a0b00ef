"""What came back of a post: numbers and answers, and whether they are read."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from kicau.api.schemas.base import (
    EXAMPLE_NETWORK,
    UTC_DESCRIPTION,
    Page,
    PageQuery,
    Schema,
    StrictBool,
    example_config,
)


class PartMetrics(Schema):
    """One part of a post on one channel, and its numbers as they were last read."""

    id: int = Field(description="Its id.")
    delivery: str = Field(description="Id of the delivery.")
    channel: str = Field(description="Id of the channel.")
    part: int = Field(description="Of the thread, from 1.")
    remote_id: str = Field(description="The network's id.")
    values: dict[str, int] = Field(description="By the network's own names.")
    read_at: datetime = Field(description=f"When they were read. {UTC_DESCRIPTION}")
    next_at: datetime | None = Field(description=f"When they are read next; null: no more. {UTC_DESCRIPTION}")
    gone_at: datetime | None = Field(description=f"Since when the network has it no more. {UTC_DESCRIPTION}")


class PartMetricsPage(Page[PartMetrics]):
    """One page of numbers."""


class Reply(Schema):
    """Somebody's answer to a post. Their words are theirs."""

    id: str = Field(description="Its id.")
    delivery: str = Field(description="Id of the delivery that it answers.")
    channel: str = Field(description="Id of the channel.")
    remote_id: str = Field(description="The network's id.")
    author: str = Field(description="The network's id of who wrote it.")
    handle: str = Field(description="Of who wrote it, without @; empty where the network does not tell.")
    name: str = Field(description="Of who wrote it, as readers see it; empty where the network does not tell.")
    text: str = Field(description="What it says.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    fetched_at: datetime = Field(description=f"When it was read. {UTC_DESCRIPTION}")


class ReplyPage(Page[Reply]):
    """One page of answers, oldest first."""


class InboxEntry(Schema):
    """What somebody said to a channel. Their words are theirs."""

    id: str = Field(description="Its id.")
    channel: str = Field(description="Key of the channel.")
    network: str = Field(description="The network.")
    delivery: str = Field(description="Id of the delivery that it answers; empty: it only mentions the channel.")
    remote_id: str = Field(description="The network's id.")
    author: str = Field(description="The network's id of who wrote it.")
    handle: str = Field(description="Of who wrote it, without @; empty where the network does not tell.")
    name: str = Field(description="Of who wrote it, as readers see it; empty where the network does not tell.")
    text: str = Field(description="What it says.")
    url: str = Field(description="Where readers see it; may be empty.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    answered_at: datetime | None = Field(description=f"When a post of ours that answers it went out. {UTC_DESCRIPTION}")
    done_at: datetime | None = Field(description=f"When someone marked it as done. {UTC_DESCRIPTION}")


class InboxPage(Page[InboxEntry]):
    """One page of answers, newest first."""


class InboxQuery(PageQuery):
    """Which answers."""

    channel: str = Field("", max_length=80, description="Only to the channel of this key.")
    network: str = Field("", max_length=40, description="Only on this network.")
    waits: bool = Field(False, description="Only what is neither answered nor marked as done.")


class InboxEntryChange(Schema):
    """Whether it is done."""

    model_config = example_config({"done": True})

    done: StrictBool = Field(description="True: nobody needs to answer it; false: it waits again.")


class ReplyDraft(Schema):
    """The draft that answers it."""

    post: str = Field(description="Id of the post; write, shape and schedule it as any other.")


class SyncState(Schema):
    """Whether a network is read, and what that costs."""

    network: str = Field(description="The network.")
    channels: int = Field(description="How many channels the workspace has there.")
    reads: bool = Field(description="Whether answers and numbers are read.")
    chosen: bool = Field(description="Whether someone decided so.")
    costs: bool = Field(description="Whether it costs money, or something of which the plan allows only so much.")
    posts: int = Field(description="Posts in 30 days, as in the last 28.")
    answers: int = Field(description="Answers in 30 days, as in the last 28.")
    micro: int = Field(description="What 30 days would cost, in millionths of the currency.")
    each: int = Field(description="What one more answer costs, in millionths of the currency.")
    currency: str = Field(description="ISO 4217; empty where it costs no money.")


class SyncStates(Schema):
    """The networks that can be read."""

    items: list[SyncState] = Field(description="By network.")


class SyncSwitch(Schema):
    """Whether a network is to be read."""

    model_config = example_config({"network": EXAMPLE_NETWORK, "reads": True, "accepts": 12_500_000})

    network: str = Field(min_length=1, max_length=40, description="The network.")
    reads: StrictBool = Field(description="Whether it is read from now on.")
    accepts: int | None = Field(
        None, ge=0, le=10**15, description="Where it costs: `micro` of the state that was seen."
    )


class NetworkWebhookChannel(Schema):
    """A channel of which its network tells, or is to tell."""

    channel: str = Field(description="The channel's id.")
    since: datetime | None = Field(
        description=f"Since when the network tells; null while it was not asked, or refuses. {UTC_DESCRIPTION}"
    )
    told_at: datetime | None = Field(
        description=f"When the last webhook came; null where none did, or one stayed away. {UTC_DESCRIPTION}"
    )
    told: int = Field(description="What came so far.")
    reason: str = Field(description="Why it is not told; empty where it is.")


class NetworkWebhookState(Schema):
    """A network's webhooks for comments and replies."""

    network: str = Field(description="The network.")
    on: bool = Field(description="Whether webhooks are on.")
    obstacle: str = Field(description="Why they cannot be turned on; empty if they can.")
    setup: str = Field(description="What the server administrator sets up at the network once; empty if nothing.")
    usual: int = Field(description="How many times a day Kicau reads comments in a channel without webhooks.")
    sparse: int = Field(description="How many times a day Kicau reads comments in a channel with webhooks.")
    channels: list[NetworkWebhookChannel] = Field(
        description="The channels with a webhook subscription, or whose subscription is requested."
    )


class NetworkWebhookStates(Schema):
    """The networks that offer webhooks."""

    items: list[NetworkWebhookState] = Field(description="By network.")


class NetworkWebhookSwitch(Schema):
    """Turns a network's webhooks on or off."""

    model_config = example_config({"network": EXAMPLE_NETWORK, "on": True})

    network: str = Field(min_length=1, max_length=40, description="The network.")
    on: StrictBool = Field(description="true turns webhooks on, false turns them off.")
