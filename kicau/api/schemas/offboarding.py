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
OffboardingStateName = Literal["proposed", "announced", "offboarded", "resumed", "canceled"]
OffboardingCauseName = Literal["choice", "network", "refused", "disconnected", "lost"]


class OffboardingInput(Schema):
    """An offboarding to preview: what to stop publishing to, and when."""

    model_config = example_config(
        {"network": EXAMPLE_NETWORK, "effective_at": f"{EXAMPLE_MONTH}-01T00:00", "timezone": "Asia/Jakarta"}
    )

    network: str = Field("", max_length=40, description="Name of the network. Alternatively, set `channel`.")
    channel: str = Field(
        "",
        max_length=80,
        description="Key or ID of a channel, to stop only this one. Empty: all channels of the network.",
    )
    effective_at: TimeText | None = Field(None, description="When publishing stops (ISO 8601). Null: now.")
    timezone: ZoneName = Field(
        "", description=f"Time zone of `effective_at`. {ZONE_DESCRIPTION} Empty: the workspace's."
    )


class OffboardingCreate(OffboardingInput):
    """Request to stop publishing to a network or channel."""

    model_config = example_config(
        {
            "network": EXAMPLE_NETWORK,
            "effective_at": f"{EXAMPLE_MONTH}-01T00:00",
            "timezone": "Asia/Jakarta",
            "reason": "The price rises to $42,000 a month",
            "cause": "network",
        }
    )

    reason: str = Field("", max_length=500, description="Reason, for people who read the record later.")
    cause: Literal["choice", "network"] = Field(
        "choice", description="choice: your own decision. network: the network announced it."
    )


class Offboarding(Schema):
    """An offboarding: publishing to a network or channel was or will be stopped."""

    id: str = Field(description="Unique ID.")
    network: str = Field(description="Name of the network.")
    channel: str | None = Field(
        description="ID of the channel, if only one is affected. Null: all channels of the network."
    )
    state: OffboardingStateName = Field(
        description="proposed: publishing is paused because the network refuses all requests, until someone decides. announced: planned for a date. offboarded: in effect. resumed. canceled."
    )
    cause: OffboardingCauseName = Field(
        description="choice. network: announced by the network. refused: the network blocked access. disconnected, lost: one channel."
    )
    reason: str = Field(description="Reason, as entered. Can be empty.")
    evidence: dict[str, Any] = Field(
        description="If the network blocked access: code, said, first, last, refusals, refused_channels, channels."
    )
    by_operator: bool = Field(
        description="Whether the server administrator stopped the network for all workspaces; then only they can resume it."
    )
    effective_at: datetime = Field(description=f"When publishing stops. {UTC_DESCRIPTION}")
    announced_at: datetime = Field(description=UTC_DESCRIPTION)
    offboarded_at: datetime | None = Field(description=f"When it took effect. {UTC_DESCRIPTION}")
    ended_at: datetime | None = Field(description=f"When it was canceled, or publishing resumed. {UTC_DESCRIPTION}")


class OffboardingPage(Page[Offboarding]):
    """A page of offboardings, newest first."""


class ChannelOutlook(Schema):
    """The part of one channel."""

    channel: str = Field(description="Key of the channel.")
    before: int = Field(description="Number of deliveries that are still published.")
    after: int = Field(description="Number of stopped deliveries.")
    published: int = Field(description="Number of published deliveries.")


class ReplacementChannel(Schema):
    """A channel that could take over stopped posts."""

    channel: str = Field(description="Key of the channel.")
    network: str = Field(description="Network of the channel.")
    same_campaign: int = Field(description="Number of its posts in the campaigns of the stopped posts.")
    already: int = Field(description="Number of stopped posts that are also scheduled on it.")


class OffboardingOutlook(Schema):
    """Effect of an offboarding, in numbers."""

    network: str = Field(description="Name of the network.")
    at: datetime = Field(description=f"When publishing stops. {UTC_DESCRIPTION}")
    channels: list[ChannelOutlook] = Field(description="The affected channels.")
    before: int = Field(description="Number of deliveries that are still published.")
    after: int = Field(description="Number of deliveries that are stopped and kept.")
    after_first: datetime | None = Field(description=f"Due time of the first of them. {UTC_DESCRIPTION}")
    after_last: datetime | None = Field(description=f"Due time of the last of them. {UTC_DESCRIPTION}")
    sending: int = Field(description="Number of deliveries that are being published now. Kicau completes them first.")
    also_elsewhere: int = Field(
        description="Number of stopped posts that are also scheduled on other channels and will be published there."
    )
    troubled: int = Field(description="Number of deliveries that already wait for a person. They do not change.")
    published: int = Field(description="Number of published deliveries. Their record stays.")
    drafts: int = Field(description="Number of drafts that are not scheduled. They do not change.")
    media: int = Field(description="Number of files of all these posts.")
    others: int = Field(description="Number of deliveries on other channels. They continue.")
    targets: list[ReplacementChannel] = Field(description="Channels that could take over, most suitable first.")


class OffboardingDetail(Offboarding):
    """An offboarding with its effect."""

    outlook: OffboardingOutlook = Field(description="Current numbers.")
    replaced: int = Field(description="Number of stopped posts that were scheduled on other channels instead.")
    overdue: int = Field(description="Number of overdue deliveries on resumed channels that wait for a decision.")


class ResumeOutlook(Schema):
    """Effect of resuming."""

    offboarding: Offboarding = Field(description="The offboarding.")
    channels: list[str] = Field(description="Keys of channels that are restored.")
    elsewhere: list[str] = Field(
        description="Keys of channels that someone disconnected meanwhile. They stay disconnected."
    )
    restored: int = Field(description="Number of deliveries that continue.")
    overdue: int = Field(description="Number of overdue deliveries.")
    overdue_first: datetime | None = Field(description=f"Due time of the first of them. {UTC_DESCRIPTION}")
    overdue_last: datetime | None = Field(description=f"Due time of the last of them. {UTC_DESCRIPTION}")
    replaced: int = Field(description="Number of replacement deliveries on other channels that are not published yet.")
    replaced_published: int = Field(
        description="Number of replacement deliveries on other channels that are published."
    )


class OverdueDeliveriesInput(Schema):
    """What to do with overdue deliveries."""

    model_config = example_config({"overdue": "cancel"})

    overdue: Literal["ask", "now", "shift", "cancel"] = Field(
        "ask",
        description="ask: they wait for a decision. now: publish them. shift: publish the first at `first_at`, the others later with the same gaps. cancel: never publish them.",
    )
    first_at: TimeText | None = Field(None, description="With shift: time of the first post (ISO 8601).")
    timezone: ZoneName = Field("", description=f"Time zone of `first_at`. {ZONE_DESCRIPTION} Empty: the workspace's.")


class ResumeInput(OverdueDeliveriesInput):
    """Request to resume publishing."""

    model_config = example_config({"overdue": "ask"})

    keep_replaced: bool = Field(
        False, description="true: also publish the replacements on other channels. false: cancel the replacements."
    )


class OverdueDeliveriesResult(Schema):
    """Number of affected deliveries."""

    decided: int = Field(description="Number of deliveries.")


class RetargetInput(Schema):
    """Request to schedule stopped posts on other channels."""

    model_config = example_config({"channels": ["kopi-senja"], "overdue": "leave"})

    channels: ChannelKeys = Field(description="Keys or IDs of the new channels.")
    overdue: Literal["leave", "now", "shift"] = Field(
        "leave",
        description="What to do with overdue posts. leave: they stay stopped. now: publish them. shift: publish the first at `first_at`, the others later with the same gaps.",
    )
    first_at: TimeText | None = Field(None, description="With shift: time of the first post (ISO 8601).")
    timezone: ZoneName = Field("", description=f"Time zone of `first_at`. {ZONE_DESCRIPTION} Empty: the workspace's.")
    rest: bool = Field(False, description="true: only posts that have no new channel yet.")
    confirm: bool = Field(
        False,
        description="true: the token's person has read them, for networks whose terms require a confirmation of each post.",
    )


class RetargetCheckInput(RetargetInput):
    """The same request as a preview."""

    limit: Annotated[StrictInt, Field(ge=0, le=1000)] = Field(
        100, description="Maximum number of obstacles to list. The counts include all."
    )


class RetargetProblem(Schema):
    """A post that does not fit a channel."""

    delivery: str = Field(description="The stopped delivery.")
    post: str = Field(description="ID of the post.")
    text: str = Field(description="First words of the post.")
    due_at: datetime = Field(description=UTC_DESCRIPTION)
    channel: str = Field(description="Key of the channel.")
    errors: list[FieldError] = Field(description="Why, and what to do.")


class ProblemCount(Schema):
    """Number of posts with one kind of problem."""

    channel: str = Field(description="Key of the channel.")
    code: str = Field(description="Problem code.")
    posts: int = Field(description="Number of posts.")


class RetargetOutlook(Schema):
    """Result of the preview."""

    posts: int = Field(description="Number of stopped posts.")
    fits: int = Field(description="Number of deliveries that would be created.")
    already: int = Field(description="Number of posts that the channel already has.")
    overdue: int = Field(description="Number of posts that stay stopped because they are overdue.")
    unconfirmed: int = Field(description="Number of deliveries that a person must confirm before their time.")
    problems: list[ProblemCount] = Field(description="By channel and kind of problem.")
    obstacles: list[RetargetProblem] = Field(description="By post.")
    cost: dict[str, int] = Field(description="Price of publishing, in millionths of each currency.")


class ReplacementChannels(Schema):
    """Channels that could take over."""

    items: list[ReplacementChannel] = Field(description="Most suitable first.")


class OffboardingJob(Schema):
    """A background job with its progress."""

    id: str = Field(description="Unique ID.")
    offboarding: str = Field(description="ID of its offboarding.")
    kind: Literal["export", "retarget"] = Field(
        description="export: creates the archive file. retarget: schedules posts on other channels."
    )
    state: Literal["waiting", "working", "done", "failed"] = Field(
        description="A worker starts the job within seconds, and continues it if another worker died."
    )
    percent: int = Field(description="Progress in percent.")
    result: dict[str, Any] = Field(
        description="export: counts by table, missing, size. retarget: posts, made, already, overdue, unconfirmed, problems, cost."
    )
    sentence: str = Field(description="Why it failed. Can be empty.")
    requested_at: datetime = Field(description=UTC_DESCRIPTION)
    ended_at: datetime | None = Field(description=UTC_DESCRIPTION)


class OffboardingJobPage(Page[OffboardingJob]):
    """A page of jobs, newest first."""


class OffboardingQuery(PageQuery):
    """Filters for offboardings."""

    network: str = Field("", max_length=40, description="Only items of this network.")
    state: str = Field("", max_length=20, description="Only offboardings in this state.")
