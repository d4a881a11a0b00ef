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
    """Latest metrics of one part of a post on one channel."""

    id: int = Field(description="Unique ID.")
    delivery: str = Field(description="ID of the delivery.")
    channel: str = Field(description="ID of the channel.")
    part: int = Field(description="Number of the thread part, starting at 1.")
    remote_id: str = Field(description="ID on the network.")
    values: dict[str, int] = Field(description="Metrics by the network's own names.")
    read_at: datetime = Field(description=f"When they were read. {UTC_DESCRIPTION}")
    next_at: datetime | None = Field(description=f"When they are read next. Null: never. {UTC_DESCRIPTION}")
    gone_at: datetime | None = Field(description=f"When the part was found deleted on the network. {UTC_DESCRIPTION}")


class PartMetricsPage(Page[PartMetrics]):
    """A page of metrics."""


class Reply(Schema):
    """A comment on a post, written by someone else."""

    id: str = Field(description="Unique ID.")
    delivery: str = Field(description="ID of the delivery that it replies to.")
    channel: str = Field(description="ID of the channel.")
    remote_id: str = Field(description="ID on the network.")
    author: str = Field(description="The network's ID of the author.")
    handle: str = Field(description="Handle of the author, without @. Empty if unknown.")
    name: str = Field(description="Display name of the author. Empty if unknown.")
    text: str = Field(description="Text of the comment.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    fetched_at: datetime = Field(description=f"When Kicau read it. {UTC_DESCRIPTION}")


class ReplyPage(Page[Reply]):
    """A page of comments, oldest first."""


class InboxEntry(Schema):
    """A comment or mention, written by someone else."""

    id: str = Field(description="Unique ID.")
    channel: str = Field(description="Key of the channel.")
    network: str = Field(description="Name of the network.")
    delivery: str = Field(description="ID of the delivery that it replies to. Empty: a mention that is not a reply.")
    remote_id: str = Field(description="ID on the network.")
    author: str = Field(description="The network's ID of the author.")
    handle: str = Field(description="Handle of the author, without @. Empty if unknown.")
    name: str = Field(description="Display name of the author. Empty if unknown.")
    text: str = Field(description="Text of the message.")
    url: str = Field(description="Public URL. Can be empty.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    answered_at: datetime | None = Field(description=f"When your reply was published. {UTC_DESCRIPTION}")
    done_at: datetime | None = Field(description=f"When someone marked it as done. {UTC_DESCRIPTION}")


class InboxPage(Page[InboxEntry]):
    """A page of comments and mentions, newest first."""


class InboxQuery(PageQuery):
    """Inbox filters."""

    channel: str = Field("", max_length=80, description="Only messages to the channel with this key.")
    network: str = Field("", max_length=40, description="Only messages on this network.")
    unanswered: bool = Field(False, description="Only messages without a reply that are not marked as done.")


class InboxEntryChange(Schema):
    """Whether a message is done."""

    model_config = example_config({"done": True})

    done: StrictBool = Field(description="true: marks the message as done. false: marks it as not done.")


class ReplyDraft(Schema):
    """The draft reply."""

    post: str = Field(description="ID of the post. Edit and schedule it like any other post.")


class SyncState(Schema):
    """Whether Kicau reads comments and metrics on a network, and the cost."""

    network: str = Field(description="Name of the network.")
    channels: int = Field(description="Number of channels of the workspace on this network.")
    enabled: bool = Field(description="Whether Kicau reads comments and metrics.")
    is_decision: bool = Field(description="Whether someone decided this, instead of the default.")
    costs: bool = Field(description="Whether reading costs money, or uses a quota of the plan.")
    posts: int = Field(description="Expected posts in 30 days, based on the last 28 days.")
    comments: int = Field(description="Expected comments in 30 days, based on the last 28 days.")
    micro: int = Field(description="Expected cost of 30 days, in millionths of the currency.")
    micro_per_comment: int = Field(description="Cost of one more comment, in millionths of the currency.")
    currency: str = Field(description="Currency code (ISO 4217). Empty if it costs no money.")


class SyncStates(Schema):
    """The networks where Kicau can read comments and metrics."""

    items: list[SyncState] = Field(description="By network.")


class SyncSwitch(Schema):
    """Turns reading on or off."""

    model_config = example_config({"network": EXAMPLE_NETWORK, "enabled": True, "accepted_micro": 12_500_000})

    network: str = Field(min_length=1, max_length=40, description="Name of the network.")
    enabled: StrictBool = Field(description="Whether to read comments and metrics from now on.")
    accepted_micro: int | None = Field(
        None, ge=0, le=10**15, description="The cost that you accept: `micro` of the state that you read."
    )


class NetworkWebhookChannel(Schema):
    """A channel with a webhook subscription, or whose subscription was requested."""

    channel: str = Field(description="ID of the channel.")
    since: datetime | None = Field(
        description=f"Start of the subscription. Null if it is not confirmed. {UTC_DESCRIPTION}"
    )
    last_received_at: datetime | None = Field(
        description=f"Time of the last webhook. Null if there was none, or if one was missed. {UTC_DESCRIPTION}"
    )
    received: int = Field(description="Number of webhooks received.")
    reason: str = Field(description="Why there is no subscription. Empty if there is one.")


class NetworkWebhookState(Schema):
    """A network's webhooks for comments and replies."""

    network: str = Field(description="Name of the network.")
    on: bool = Field(description="Whether webhooks are on.")
    obstacle: str = Field(description="Why they cannot be turned on; empty if they can.")
    setup: str = Field(description="What the server administrator sets up at the network once; empty if nothing.")
    reads_a_day: int = Field(description="How many times a day Kicau reads comments in a channel without webhooks.")
    reads_a_day_with_webhooks: int = Field(
        description="How many times a day Kicau reads comments in a channel with webhooks."
    )
    channels: list[NetworkWebhookChannel] = Field(
        description="The channels with a webhook subscription, or whose subscription is requested."
    )


class NetworkWebhookStates(Schema):
    """The networks that offer webhooks."""

    items: list[NetworkWebhookState] = Field(description="By network.")


class NetworkWebhookSwitch(Schema):
    """Turns a network's webhooks on or off."""

    model_config = example_config({"network": EXAMPLE_NETWORK, "on": True})

    network: str = Field(min_length=1, max_length=40, description="Name of the network.")
    on: StrictBool = Field(description="true turns webhooks on, false turns them off.")
