"""Leaving a network, and going back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from kicau.api.schemas.base import (
    EXAMPLE_MONTH,
    EXAMPLE_NETWORK,
    UTC_DESCRIPTION,
    ZONE_DESCRIPTION,
    FieldError,
    Page,
    PageQuery,
    Schema,
    StrictInt,
    ZoneName,
    example_config,
)

TimeText = Annotated[str, Field(max_length=60)]
ChannelKeys = Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=100)]
WithdrawalStateName = Literal["proposed", "announced", "withdrawn", "reinstated", "called-off"]
WithdrawalCauseName = Literal["choice", "network", "refused", "disconnected", "lost"]


class WithdrawalInput(Schema):
    """What would be left, and when."""

    model_config = example_config(
        {"network": EXAMPLE_NETWORK, "effective_at": f"{EXAMPLE_MONTH}-01T00:00", "timezone": "Asia/Jakarta"}
    )

    network: str = Field("", max_length=40, description="The network; or give `channel`.")
    channel: str = Field(
        "", max_length=80, description="Key or id of the only channel that is left; empty: all of the network's."
    )
    effective_at: TimeText | None = Field(None, description="From when on nothing is sent, ISO 8601. Null: now.")
    timezone: ZoneName = Field(
        "", description=f"In which `effective_at` is meant. {ZONE_DESCRIPTION} Empty: the workspace's."
    )


class WithdrawalCreate(WithdrawalInput):
    """Leave a network, or one channel."""

    model_config = example_config(
        {
            "network": EXAMPLE_NETWORK,
            "effective_at": f"{EXAMPLE_MONTH}-01T00:00",
            "timezone": "Asia/Jakarta",
            "reason": "The price rises to $42,000 a month",
            "cause": "network",
        }
    )

    reason: str = Field("", max_length=500, description="Why, for those who read it later.")
    cause: Literal["choice", "network"] = Field("choice", description="choice: yours; network: it announced it.")


class Withdrawal(Schema):
    """A network, or a channel, that is or was left."""

    id: str = Field(description="Its id.")
    network: str = Field(description="Its network.")
    channel: str | None = Field(description="Id of the only channel that is left; null: all of the network's.")
    state: WithdrawalStateName = Field(
        description="proposed: frozen, since the network refuses everything, until someone decides; announced: has a date; withdrawn: in effect; reinstated; called-off."
    )
    cause: WithdrawalCauseName = Field(
        description="choice, network: announced by it; refused: it shut its door; disconnected, lost: one channel."
    )
    reason: str = Field(description="Why, in someone's words; may be empty.")
    evidence: dict[str, Any] = Field(
        description="Where the network shut its door: code, said, first, last, refusals, refused_channels, channels."
    )
    by_operator: bool = Field(
        description="Whether the server administrator stopped the network for all workspaces; then only they can resume it."
    )
    effective_at: datetime = Field(description=f"From when on nothing is sent. {UTC_DESCRIPTION}")
    announced_at: datetime = Field(description=UTC_DESCRIPTION)
    withdrawn_at: datetime | None = Field(description=f"When it came into effect. {UTC_DESCRIPTION}")
    ended_at: datetime | None = Field(description=f"When it was canceled, or publishing resumed. {UTC_DESCRIPTION}")


class WithdrawalPage(Page[Withdrawal]):
    """One page of withdrawals, newest first."""


class ChannelOutlook(Schema):
    """One channel's part."""

    channel: str = Field(description="Its key.")
    before: int = Field(description="Deliveries that still go out.")
    after: int = Field(description="Deliveries that are stopped.")
    published: int = Field(description="Deliveries that are out.")


class ReplacementChannel(Schema):
    """A channel that could take over."""

    channel: str = Field(description="Its key.")
    network: str = Field(description="Its network.")
    same_campaign: int = Field(description="Posts that it has in the campaigns of what is stopped.")
    already: int = Field(description="Stopped posts that go to it as well.")


class WithdrawalOutlook(Schema):
    """What leaving does, counted."""

    network: str = Field(description="The network.")
    at: datetime = Field(description=f"From when on nothing is sent. {UTC_DESCRIPTION}")
    channels: list[ChannelOutlook] = Field(description="Those that are left.")
    before: int = Field(description="Deliveries that still go out.")
    after: int = Field(description="Deliveries that are stopped and kept.")
    after_first: datetime | None = Field(description=f"When the first of them is due. {UTC_DESCRIPTION}")
    after_last: datetime | None = Field(description=f"When the last of them is due. {UTC_DESCRIPTION}")
    sending: int = Field(description="Deliveries that are being sent this moment; they are settled first.")
    also_elsewhere: int = Field(
        description="Of the stopped posts, those that go to other channels too, and go on there."
    )
    troubled: int = Field(description="Deliveries that wait for someone already; they stay as they are.")
    published: int = Field(description="Deliveries that are out; they stay told.")
    drafts: int = Field(description="Drafts that are not scheduled; nothing happens to them.")
    media: int = Field(description="Files of all these posts.")
    others: int = Field(description="Deliveries on other channels; they go on.")
    targets: list[ReplacementChannel] = Field(description="Channels that could take over, the likeliest first.")


class WithdrawalDetail(Withdrawal):
    """A withdrawal with what it does."""

    outlook: WithdrawalOutlook = Field(description="Counted now.")
    replaced: int = Field(description="Stopped posts that go to other channels instead.")
    late: int = Field(description="Deliveries on channels that are back, whose time passed meanwhile: someone decides.")


class ReinstateOutlook(Schema):
    """What taking it back does."""

    withdrawal: Withdrawal = Field(description="The withdrawal.")
    channels: list[str] = Field(description="Keys of channels that are as before.")
    elsewhere: list[str] = Field(description="Keys of channels that someone disconnected meanwhile; they stay so.")
    restored: int = Field(description="Deliveries that go on as before.")
    late: int = Field(description="Deliveries whose time has passed.")
    late_first: datetime | None = Field(description=f"When the first of them was due. {UTC_DESCRIPTION}")
    late_last: datetime | None = Field(description=f"When the last of them was due. {UTC_DESCRIPTION}")
    replaced: int = Field(description="Deliveries that were made elsewhere in their place and are still to come.")
    replaced_out: int = Field(description="Deliveries that were made elsewhere and are out.")


class LateDeliveriesInput(Schema):
    """What becomes of deliveries whose time has passed."""

    model_config = example_config({"late": "cancel"})

    late: Literal["ask", "now", "shift", "cancel"] = Field(
        "ask",
        description="ask: they wait; now: publish them; shift: the first at `first_at`, the others after it with their gaps; cancel: never.",
    )
    first_at: TimeText | None = Field(None, description="With shift: when the first goes out, ISO 8601.")
    timezone: ZoneName = Field(
        "", description=f"In which `first_at` is meant. {ZONE_DESCRIPTION} Empty: the workspace's."
    )


class ReinstateInput(LateDeliveriesInput):
    """Take it back."""

    model_config = example_config({"late": "ask"})

    keep_replaced: bool = Field(
        False, description="True: what was made elsewhere and is still to come goes out too. False: it is taken back."
    )


class LateDeliveriesResult(Schema):
    """How many it was decided for."""

    decided: int = Field(description="Deliveries.")


class RetargetInput(Schema):
    """One decision for all posts that are stopped."""

    model_config = example_config({"channels": ["kopi-senja"], "past": "leave"})

    channels: ChannelKeys = Field(description="Keys or ids of the new channels.")
    past: Literal["leave", "now", "shift"] = Field(
        "leave",
        description="Posts whose time has passed: leave: they stay where they are; now: publish them; shift: the first at `first_at`, the others after it with their gaps.",
    )
    first_at: TimeText | None = Field(None, description="With shift: when the first goes out, ISO 8601.")
    timezone: ZoneName = Field(
        "", description=f"In which `first_at` is meant. {ZONE_DESCRIPTION} Empty: the workspace's."
    )
    rest: bool = Field(False, description="True: only posts that have no new target yet.")
    confirm: bool = Field(
        False, description="True: the token's person has read them, for networks that want each post confirmed."
    )


class RetargetCheckInput(RetargetInput):
    """The same, only looked at."""

    limit: Annotated[StrictInt, Field(ge=0, le=1000)] = Field(
        100, description="How many obstacles are listed at most; the counts are of all."
    )


class RetargetProblem(Schema):
    """A post that cannot go to a channel as it stands."""

    delivery: str = Field(description="The stopped delivery.")
    post: str = Field(description="Its post.")
    text: str = Field(description="Its first words.")
    due_at: datetime = Field(description=UTC_DESCRIPTION)
    channel: str = Field(description="Key of the channel that it does not fit.")
    errors: list[FieldError] = Field(description="Why, and what to do.")


class ProblemCount(Schema):
    """How many posts have one kind of problem."""

    channel: str = Field(description="Key of the channel.")
    code: str = Field(description="The problem, for programs.")
    posts: int = Field(description="How many.")


class RetargetOutlook(Schema):
    """What the decision would come to."""

    posts: int = Field(description="Stopped posts looked at.")
    fits: int = Field(description="Deliveries that would be made.")
    already: int = Field(description="Posts that the channel has already.")
    past: int = Field(description="Posts that are left because their time has passed.")
    unconfirmed: int = Field(description="Deliveries that a person must confirm before their time.")
    problems: list[ProblemCount] = Field(description="By channel and kind.")
    obstacles: list[RetargetProblem] = Field(description="Post by post.")
    cost: dict[str, int] = Field(description="Price of publishing them: millionths of each currency.")


class ReplacementChannels(Schema):
    """Channels that could take over."""

    items: list[ReplacementChannel] = Field(description="The likeliest first.")


class WithdrawalJob(Schema):
    """Long work with its progress."""

    id: str = Field(description="Its id.")
    withdrawal: str = Field(description="The withdrawal that it is for.")
    kind: Literal["export", "retarget"] = Field(description="export: the archive; retarget: new targets.")
    state: Literal["waiting", "working", "done", "failed"] = Field(
        description="A worker does it within a second or two, and goes on with it where another died."
    )
    percent: int = Field(description="How far it is.")
    result: dict[str, Any] = Field(
        description="export: counts by table, missing, size; retarget: posts, made, already, past, unconfirmed, problems, cost."
    )
    sentence: str = Field(description="Why it failed; may be empty.")
    asked_at: datetime = Field(description=UTC_DESCRIPTION)
    ended_at: datetime | None = Field(description=UTC_DESCRIPTION)


class WithdrawalJobPage(Page[WithdrawalJob]):
    """One page of jobs, newest first."""


class WithdrawalQuery(PageQuery):
    """Which withdrawals."""

    network: str = Field("", max_length=40, description="Only of this network.")
    state: str = Field("", max_length=20, description="Only in this state.")
