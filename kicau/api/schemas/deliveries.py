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
RANGE_DESCRIPTION = "A day or a time in ISO 8601; without an offset, in the workspace's zone."


class ChannelRef(Schema):
    """A channel."""

    id: str = Field(description="Its id.")
    key: str = Field(description="Its key.")
    network: str = Field(description="Its network.")
    name: str = Field(description="Its name on the network.")


class Delivery(Schema):
    """A post on its way to one channel."""

    id: str = Field(description="Its id.")
    post: str = Field(description="Id of the post.")
    channel: ChannelRef = Field(description="Where it goes.")
    text: str = Field(description="Text of the first part, as it is or will be sent.")
    parts: int = Field(description="How many posts it is on the network.")
    state: DeliveryState = Field(
        description="scheduled, publishing, published; held until what `hold` names is done; failed: needs mending; unknown: a person must look; parked: a fault of ours; canceled; deleted from the network."
    )
    hold: str = Field(description="confirmation, budget, withdrawn, or empty.")
    reason: str = Field(description="Why it is in its state, in a sentence, its times in `timezone`; may be empty.")
    problems: list[FieldError] = Field(description="What the network would not take, field by field.")
    due_at: datetime = Field(description=f"When it was wanted. {UTC_DESCRIPTION}")
    timezone: str = Field(description=f"The zone in which that was said. {ZONE_DESCRIPTION}")
    published_at: datetime | None = Field(description=UTC_DESCRIPTION)
    late_ms: int | None = Field(description="Milliseconds between the wanted and the real time; null before it is out.")
    url: str = Field(description="Where it can be read on the network; may be empty.")
    remote_ids: list[str] = Field(description="The network's ids, one for each part.")
    campaign: str = Field(description="Name of the post's campaign; may be empty.")
    tags: list[str] = Field(description="The post's tags.")
    confirmed_by: PersonRef | None = Field(description="Who confirmed it, where the network's terms ask for that.")
    confirmed_at: datetime | None = Field(description=UTC_DESCRIPTION)
    created_at: datetime = Field(description=UTC_DESCRIPTION)
    changed_at: datetime = Field(description=UTC_DESCRIPTION)


class DeliveryPage(Page[Delivery]):
    """One page of the calendar, by due time."""


class AttemptEntry(Schema):
    """One step, or one decision of a person."""

    at: datetime = Field(description=UTC_DESCRIPTION)
    did: str = Field(description="publish, find or person.")
    outcome: str = Field(description="What came of it, for programs.")
    sentence: str = Field(
        description="What came of it, for people, its times in the delivery's `timezone`; may be empty."
    )


class DeliveryDetail(Delivery):
    """A delivery with its story."""

    rendered: list[RenderedPostPart] = Field(description="Exactly what is or will be sent.")
    attempts: list[AttemptEntry] = Field(description="What was done so far, oldest first; at most 500.")


class ScheduledDeliveries(Schema):
    """What was scheduled."""

    deliveries: list[Delivery] = Field(description="One for each channel.")
    notices: list[FieldError] = Field(description="What the author should know: conversions, duplicates.")


class PostCreated(Schema):
    """A post that was made, and, where that was asked, scheduled."""

    post: Post = Field(description="The post.")
    deliveries: list[Delivery] = Field(description="One for each channel; empty where it was not scheduled.")
    notices: list[FieldError] = Field(description="What the author should know.")


class PostChangeResult(Schema):
    """A post after a change. The last four lists hold ids of deliveries."""

    post: Post = Field(description="The post.")
    deliveries: list[Delivery] = Field(description="All that are neither canceled nor deleted, by due time.")
    changed: list[str] = Field(description="Have the new content and the new time.")
    added: list[str] = Field(description="Are new.")
    canceled: list[str] = Field(description="Are never sent.")
    begun: list[str] = Field(description="Not changed, because they are published or on their way.")
    notices: list[FieldError] = Field(description="What the author should know.")


class DeliveryQuery(PageQuery):
    """The calendar's filters; what is left out does not matter."""

    since: str = Field("", alias="from", max_length=60, description=f"Due from here on. {RANGE_DESCRIPTION}")
    until: str = Field("", alias="to", max_length=60, description=f"Due before here. {RANGE_DESCRIPTION}")
    channel: str = Field("", max_length=80, description="Key or id of a channel.")
    network: str = Field("", max_length=40, description="A network.")
    state: list[DeliveryState] = Field(default_factory=list, max_length=20, description="One or more states.")
    campaign: str = Field("", max_length=120, description="Name of a campaign.")
    tag: str = Field("", max_length=60, description="A tag of the post.")
    post: str = Field("", max_length=40, description="Id of a post.")


class RescheduleInput(Schema):
    """Another time."""

    model_config = example_config({"at": f"{EXAMPLE_MONTH}-02T10:30", "timezone": "Asia/Jakarta"})

    at: str = Field(min_length=1, max_length=60, description=AT_DESCRIPTION)
    timezone: ZoneName = Field("", description=f"The zone that `at` is meant in. {ZONE_DESCRIPTION}")


class RescheduleOneInput(RescheduleInput):
    """Another time for one delivery."""

    delivery: str = Field(max_length=40, description="Id of the delivery.")


class RescheduleManyInput(Schema):
    """Other times for many."""

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

    moves: list[RescheduleOneInput] = Field(min_length=1, max_length=500, description="All of them are done, or none.")


class DeliveryIds(Schema):
    """Many deliveries."""

    model_config = example_config({"deliveries": ["01931f3e-0000-7000-8000-000000000001"]})

    deliveries: list[Annotated[str, Field(max_length=40)]] = Field(
        min_length=1, max_length=500, description="Their ids."
    )


class FailedDelivery(Schema):
    """One that was left as it is."""

    delivery: str = Field(description="Its id.")
    detail: str = Field(description="Why, in a sentence for people.")


class BulkDeliveryResult(Schema):
    """What became of many."""

    done: list[Delivery] = Field(description="Those that it was done to.")
    refused: list[FailedDelivery] = Field(description="The others, each with its reason.")


class RescheduledDeliveries(Schema):
    """The deliveries at their new times."""

    items: list[Delivery] = Field(description="In the order in which they were given.")


class ResolveInput(Schema):
    """What a person found on the network after an outcome that was unknown."""

    model_config = example_config({"published": False}, {"published": True, "url": "https://social.example/posts/1"})

    published: StrictBool = Field(description="Whether it is there.")
    url: str = Field("", max_length=1000, description="Where it is, if it is there.")
    remote_id: str = Field("", max_length=300, description="The network's id, if it is there.")


class TextEdit(Schema):
    """Another text for one part."""

    part: int = Field(1, ge=1, le=500, description="Which part of a thread; the first is 1.")
    text: str = Field(
        max_length=200_000, description="How it is to read, with mentions as a post's author writes them."
    )


class AltEdit(Schema):
    """Another alt text for one file."""

    part: int = Field(1, ge=1, le=500, description="Which part of a thread; the first is 1.")
    file: int = Field(1, ge=1, le=100, description="Which of its files; the first is 1.")
    alt: str = Field(max_length=20_000, description="What it shows.")


class EditInput(Schema):
    """What is to read otherwise; what is left out stays."""

    model_config = example_config({"texts": [{"part": 1, "text": "Without the slip of the pen"}]})

    texts: list[TextEdit] = Field(default_factory=list, max_length=500, description="Texts, by part.")
    alts: list[AltEdit] = Field(default_factory=list, max_length=500, description="Alt texts, by file.")
    options: dict[str, str] = Field(
        default_factory=dict, max_length=50, description="The network's options by name, where it lets them be changed."
    )


class PublishedEditPreview(Schema):
    """How a published post would read."""

    parts: list[RenderedPostPart] = Field(description="As readers would see it.")
    changed: list[int] = Field(description="Which parts would be changed; empty where nothing differs.")
    problems: list[FieldError] = Field(description="Why it cannot be changed so; empty where it can.")


class ResolveEditInput(Schema):
    """What a person found on the network, where it cannot tell itself."""

    model_config = example_config({"reads": ""}, {"reads": "after"})

    reads: Literal["", "after", "before"] = Field(
        "", description="after: it is changed; before: it is not, and is sent again; empty: the network is asked."
    )


class ChargeEntry(Schema):
    """What one call to a network used up."""

    id: int = Field(description="Rises with time.")
    at: datetime = Field(description=UTC_DESCRIPTION)
    network: str = Field(description="The network.")
    channel: str | None = Field(description="Id of the channel.")
    delivery: str | None = Field(description="Id of the delivery.")
    purpose: str = Field(description="publish, find, connect, refresh, read, answers, numbers, withdraw or edit.")
    meter: str = Field(description="The network's own word for what it counts.")
    units: int = Field(description="How many of them.")
    micro: int = Field(description="Price in millionths of the currency.")
    currency: str = Field(description="ISO 4217; empty where it cost no money.")


class ChargeEntryPage(Page[ChargeEntry]):
    """One page of charges, newest first."""


class ChargeQuery(PageQuery):
    """Filters; what is left out does not matter."""

    since: str = Field("", alias="from", max_length=60, description=f"From here on. {RANGE_DESCRIPTION}")
    until: str = Field("", alias="to", max_length=60, description=f"Before here. {RANGE_DESCRIPTION}")
    network: str = Field("", max_length=40, description="A network.")
    channel: str = Field("", max_length=80, description="Key or id of a channel.")
    delivery: str = Field("", max_length=40, description="Id of a delivery.")


class RangeQuery(Schema):
    """A range of time."""

    since: str = Field("", alias="from", max_length=60, description=f"From here on. {RANGE_DESCRIPTION}")
    until: str = Field("", alias="to", max_length=60, description=f"Before here. {RANGE_DESCRIPTION}")


class ChargeTotal(Schema):
    """A total."""

    network: str = Field(description="The network.")
    meter: str = Field(description="The network's own word for what it counts.")
    purpose: str = Field(description="publish, find, connect, refresh, read, answers, numbers, withdraw or edit.")
    currency: str = Field(description="ISO 4217; empty where it cost no money.")
    calls: int = Field(description="How many calls.")
    units: int = Field(description="How many units.")
    micro: int = Field(description="Price in millionths of the currency.")


class ChargeTotals(Schema):
    """Totals by network, meter, purpose and currency."""

    items: list[ChargeTotal] = Field(description="One for each combination that occurs.")
