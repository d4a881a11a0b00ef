"""Deliveries: a post on its way to one channel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kicau.api.schemas.base import (
    EXAMPLE_MONTH,
    UTC_DESCRIPTION,
    ZONE_DESCRIPTION,
    FieldError,
    Page,
    PageQuery,
    PersonRef,
    Schema,
    StrictBool,
    ZoneName,
    example_config,
)
from kicau.api.schemas.posts import AT_DESCRIPTION, Post
from kicau.api.schemas.rendered import RenderedPostPart

DeliveryState = Literal[
    "scheduled", "publishing", "published", "held", "failed", "unknown", "parked", "canceled", "deleted"
]
DeliveryAction = Literal["confirm", "retry", "reschedule", "cancel", "resolve", "edit", "edit/resolve", "delete"]
RANGE_DESCRIPTION = "A day or time in ISO 8601. Without an offset, in the workspace's time zone."


class ChannelRef(Schema):
    """A channel."""

    id: str = Field(description="Unique ID.")
    key: str = Field(description="Key of the channel.")
    network: str = Field(description="Network of the channel.")
    name: str = Field(description="Display name on the network.")


class Delivery(Schema):
    """A delivery: a post on one channel."""

    id: str = Field(description="Unique ID.")
    post: str = Field(description="ID of the post.")
    channel: ChannelRef = Field(description="Channel of the delivery.")
    text: str = Field(description="Text of the first part, as it was or will be published.")
    parts: int = Field(description="Number of posts on the network.")
    state: DeliveryState = Field(
        description="scheduled, publishing, published. held: waiting for what `hold` names. failed: the post must be changed. unknown: a person must check the network. parked: stopped by an error in Kicau. canceled. deleted: from the network."
    )
    hold: str = Field(description="confirmation, budget, offboarded or empty.")
    actions: list[DeliveryAction] = Field(
        description="What can be done with the delivery in its state. Each is the end of an address: POST /deliveries/{id}/{action}. Your role or token must also allow it."
    )
    reason: str = Field(description="Why the delivery has this state, with times in `timezone`. Can be empty.")
    problems: list[FieldError] = Field(description="What the network rejected, by field.")
    due_at: datetime = Field(description=f"Scheduled time. {UTC_DESCRIPTION}")
    timezone: str = Field(description=f"Time zone of the schedule. {ZONE_DESCRIPTION}")
    published_at: datetime | None = Field(description=UTC_DESCRIPTION)
    late_ms: int | None = Field(
        description="Delay in milliseconds between the scheduled and the actual time. Null before publishing."
    )
    url: str = Field(description="URL of the published post. Can be empty.")
    remote_ids: list[str] = Field(description="IDs on the network, one for each part.")
    campaign: str = Field(description="Name of the post's campaign. Can be empty.")
    tags: list[str] = Field(description="The post's tags.")
    confirmed_by: PersonRef | None = Field(description="Who confirmed the post, if the network's terms require this.")
    confirmed_at: datetime | None = Field(description=UTC_DESCRIPTION)
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    changed_at: datetime = Field(description=UTC_DESCRIPTION)


class DeliveryPage(Page[Delivery]):
    """A page of deliveries, by due time."""


class AttemptEntry(Schema):
    """A publishing step, or a decision by a person."""

    at: datetime = Field(description=UTC_DESCRIPTION)
    did: str = Field(description="publish, find or person.")
    outcome: str = Field(description="Result code.")
    sentence: str = Field(description="Result in words, with times in the delivery's `timezone`. Can be empty.")


class DeliveryDetail(Delivery):
    """A delivery with its attempts."""

    rendered: list[RenderedPostPart] = Field(description="The exact content that was or will be published.")
    attempts: list[AttemptEntry] = Field(description="All steps so far, oldest first, at most 500.")


class ScheduledDeliveries(Schema):
    """The created deliveries."""

    deliveries: list[Delivery] = Field(description="One delivery for each channel.")
    notices: list[FieldError] = Field(description="Notices for the author: conversions and duplicates.")


class PostCreated(Schema):
    """The created post and its deliveries."""

    post: Post = Field(description="The post.")
    deliveries: list[Delivery] = Field(
        description="One delivery for each channel. Empty if the post was not scheduled."
    )
    notices: list[FieldError] = Field(description="Notices for the author.")


class PostChangeResult(Schema):
    """A post after an update. The last four lists contain IDs of deliveries."""

    post: Post = Field(description="The post.")
    deliveries: list[Delivery] = Field(description="All deliveries that are not canceled or deleted, by due time.")
    changed: list[str] = Field(description="Deliveries with new content or time.")
    added: list[str] = Field(description="New deliveries.")
    canceled: list[str] = Field(description="Canceled deliveries.")
    begun: list[str] = Field(description="Deliveries that were not changed, because publishing has begun.")
    notices: list[FieldError] = Field(description="Notices for the author.")


class DeliveryQuery(PageQuery):
    """Calendar filters. All are optional."""

    since: str = Field(
        "", alias="from", max_length=60, description=f"Only deliveries due from this time. {RANGE_DESCRIPTION}"
    )
    until: str = Field(
        "", alias="to", max_length=60, description=f"Only deliveries due before this time. {RANGE_DESCRIPTION}"
    )
    channel: str = Field("", max_length=80, description="Key or ID of a channel.")
    network: str = Field("", max_length=40, description="Name of the network.")
    state: list[DeliveryState] = Field(default_factory=list, max_length=20, description="One or more states.")
    campaign: str = Field("", max_length=120, description="Only posts of the campaign with this name.")
    tag: str = Field("", max_length=60, description="A tag of the post.")
    post: str = Field("", max_length=40, description="ID of a post.")


class RescheduleInput(Schema):
    """A new time."""

    model_config = example_config({"at": f"{EXAMPLE_MONTH}-02T10:30", "timezone": "Asia/Jakarta"})

    at: str = Field(min_length=1, max_length=60, description=AT_DESCRIPTION)
    timezone: ZoneName = Field("", description=f"Time zone of `at`. {ZONE_DESCRIPTION}")


class RescheduleOneInput(RescheduleInput):
    """A new time for one delivery."""

    delivery: str = Field(max_length=40, description="ID of the delivery.")


class RescheduleManyInput(Schema):
    """New times for several deliveries."""

    model_config = example_config(
        {
            "moves": [
                {
                    "delivery": "01931f3e-0000-7000-8000-000000000001",
                    "at": f"{EXAMPLE_MONTH}-02T10:30",
                    "timezone": "Asia/Jakarta",
                }
            ]
        }
    )

    moves: list[RescheduleOneInput] = Field(
        min_length=1, max_length=500, description="All of them are changed, or none."
    )


class DeliveryIds(Schema):
    """IDs of several deliveries."""

    model_config = example_config({"deliveries": ["01931f3e-0000-7000-8000-000000000001"]})

    deliveries: list[Annotated[str, Field(max_length=40)]] = Field(
        min_length=1, max_length=500, description="IDs of the deliveries."
    )


class FailedDelivery(Schema):
    """A delivery that was not changed."""

    delivery: str = Field(description="ID of the delivery.")
    detail: str = Field(description="Reason in words.")


class BulkDeliveryResult(Schema):
    """Results for several deliveries."""

    done: list[Delivery] = Field(description="Deliveries that were changed.")
    refused: list[FailedDelivery] = Field(description="Deliveries that were not changed, each with the reason.")


class RescheduledDeliveries(Schema):
    """The rescheduled deliveries."""

    items: list[Delivery] = Field(description="In the order of the request.")


class ResolveInput(Schema):
    """What a person found on the network for a delivery with an unknown result."""

    model_config = example_config({"published": False}, {"published": True, "url": "https://social.example/posts/1"})

    published: StrictBool = Field(description="Whether the post is on the network.")
    url: str = Field("", max_length=1000, description="URL of the post, if it was published.")
    remote_id: str = Field("", max_length=300, description="ID on the network, if the post was published.")


class TextEdit(Schema):
    """A new text for one part."""

    part: int = Field(1, ge=1, le=500, description="Number of the thread part, starting at 1.")
    text: str = Field(max_length=200_000, description="The new text, with mentions in the form of a post's text.")


class AltEdit(Schema):
    """A new alt text for one file."""

    part: int = Field(1, ge=1, le=500, description="Number of the thread part, starting at 1.")
    file: int = Field(1, ge=1, le=100, description="Number of the file, starting at 1.")
    alt: str = Field(max_length=20_000, description="The alt text.")


class EditInput(Schema):
    """Changes to a published post. All fields are optional."""

    model_config = example_config({"texts": [{"part": 1, "text": "Without the slip of the pen"}]})

    texts: list[TextEdit] = Field(default_factory=list, max_length=500, description="New texts, by part.")
    alts: list[AltEdit] = Field(default_factory=list, max_length=500, description="New alt texts, by file.")
    options: dict[str, str] = Field(
        default_factory=dict, max_length=50, description="The network's options by name, if it lets you change them."
    )


class PublishedEditPreview(Schema):
    """Preview of an edit."""

    parts: list[RenderedPostPart] = Field(description="The post as readers would see it.")
    changed: list[int] = Field(description="Numbers of the parts that would change. Empty if nothing differs.")
    problems: list[FieldError] = Field(description="Why the edit is not possible. Empty if it is.")


class ResolveEditInput(Schema):
    """What a person found on the network, if Kicau cannot read the post."""

    model_config = example_config({"reads": ""}, {"reads": "after"})

    reads: Literal["", "after", "before"] = Field(
        "",
        description="after: the edit is visible. before: it is not, and Kicau sends it again. Empty: Kicau checks the network.",
    )


class ChargeEntry(Schema):
    """A charge: what one request to a network used."""

    id: int = Field(description="Increases over time.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    network: str = Field(description="Name of the network.")
    channel: str | None = Field(description="ID of the channel.")
    delivery: str | None = Field(description="ID of the delivery.")
    purpose: str = Field(description="publish, find, connect, refresh, read, answers, numbers, delete or edit.")
    meter: str = Field(description="The network's name for what it counts.")
    units: int = Field(description="Number of units.")
    micro: int = Field(description="Price in millionths of the currency.")
    currency: str = Field(description="Currency code (ISO 4217). Empty if it cost no money.")


class ChargeEntryPage(Page[ChargeEntry]):
    """A page of charges, newest first."""


class ChargeQuery(PageQuery):
    """Filters. All are optional."""

    since: str = Field("", alias="from", max_length=60, description=f"Start, inclusive. {RANGE_DESCRIPTION}")
    until: str = Field("", alias="to", max_length=60, description=f"End, exclusive. {RANGE_DESCRIPTION}")
    network: str = Field("", max_length=40, description="Name of the network.")
    channel: str = Field("", max_length=80, description="Key or ID of a channel.")
    delivery: str = Field("", max_length=40, description="ID of a delivery.")


class RangeQuery(Schema):
    """A time range."""

    since: str = Field("", alias="from", max_length=60, description=f"Start, inclusive. {RANGE_DESCRIPTION}")
    until: str = Field("", alias="to", max_length=60, description=f"End, exclusive. {RANGE_DESCRIPTION}")


class ChargeTotal(Schema):
    """A total."""

    network: str = Field(description="Name of the network.")
    meter: str = Field(description="The network's name for what it counts.")
    purpose: str = Field(description="publish, find, connect, refresh, read, answers, numbers, delete or edit.")
    currency: str = Field(description="Currency code (ISO 4217). Empty if it cost no money.")
    calls: int = Field(description="Number of requests.")
    units: int = Field(description="Number of units.")
    micro: int = Field(description="Price in millionths of the currency.")


class ChargeTotals(Schema):
    """Totals by network, meter, purpose and currency."""

    items: list[ChargeTotal] = Field(description="One total for each combination.")
