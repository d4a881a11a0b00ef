"""Everything that happens and that more than one room has to know: one frozen class each.

A `PublicEvent` also goes to other programs: its `name` is what webhooks subscribe to, `description` is in the docs, and
`activity` is its line in the activity log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from kicau.base.sentences import Sentence
    from kicau.channels.models import Channel
    from kicau.connector.roles.preferences import AccountPreferences
    from kicau.costs.models import Budget
    from kicau.workspaces.actors import Actor
    from kicau.workspaces.models import Person, Workspace


INTERNAL = {"internal": True}  # the metadata of fields that only listeners read


class ObjectType(StrEnum):
    """What a public event is about. Each has one form, in webhooks as in the REST API."""

    DELIVERY = "delivery"
    CHANNEL = "channel"
    OFFBOARDING = "offboarding"
    OUTAGE = "outage"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened."""


@dataclass(frozen=True, kw_only=True)
class PublicEvent(Event):
    """Something that happened in a workspace. `actor` did it; without one, the activity log tells of it as part of
    something larger, or not at all."""

    name: ClassVar[str] = ""
    description: ClassVar[str] = ""
    activity: ClassVar[Any] = None  # what somebody did, for the activity log; None: it has no line there
    object_type: ClassVar[ObjectType]

    workspace_id: UUID = field(metadata=INTERNAL)
    object_id: UUID = field(metadata=INTERNAL)
    actor: Actor | None = field(default=None, metadata=INTERNAL)

    def details(self) -> dict[str, Any]:
        """What is told beside the object: its fields, but those that are internal."""
        return {one.name: getattr(self, one.name) for one in self.detail_fields()}

    @classmethod
    def detail_fields(cls) -> Iterator[Field[Any]]:
        return (one for one in fields(cls) if "internal" not in one.metadata)

    @classmethod
    def summarize(cls, events: Sequence[Any]) -> dict[str, Any]:
        """The details of one line in the activity log that stands for many events."""
        return {"count": len(events)}


# Deliveries


@dataclass(frozen=True, kw_only=True)
class AttemptLine:
    """A line of a delivery's attempt log: who acted ("person" or a part of Kicau), what came of it, and in words."""

    did: str = "person"
    outcome: str
    sentence: Sentence


@dataclass(frozen=True, kw_only=True)
class DeliveryEvent(PublicEvent):
    """Something happened to a delivery."""

    object_type = ObjectType.DELIVERY

    attempt: AttemptLine | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True, kw_only=True)
class DeliveryScheduled(DeliveryEvent):
    name = "delivery.scheduled"
    description = "A post was scheduled for a channel."
    activity = _("scheduled a post")

    channel: str  # its key
    due_at: datetime
    confirmed: bool
    post_id: UUID = field(metadata=INTERNAL)

    @classmethod
    def summarize(cls, events: Sequence[DeliveryScheduled]) -> dict[str, Any]:
        posts = {event.post_id for event in events}
        return {"count": len(events), "posts": len(posts), "confirmed": sum(event.confirmed for event in events)}


@dataclass(frozen=True, kw_only=True)
class DeliveryMoved(DeliveryEvent):
    name = "delivery.moved"
    description = "A post has a new time."
    activity = _("rescheduled a post")

    before: datetime
    after: datetime


@dataclass(frozen=True, kw_only=True)
class DeliveryConfirmed(DeliveryEvent):
    name = "delivery.confirmed"
    description = "A person confirmed that a post may be published."
    activity = _("confirmed that a post may be published")


@dataclass(frozen=True, kw_only=True)
class DeliveryRetried(DeliveryEvent):
    name = "delivery.retried"
    description = "Someone asked Kicau to try again to publish a post."
    activity = _("retried publishing a post")


@dataclass(frozen=True, kw_only=True)
class DeliveryReleased(DeliveryEvent):
    name = "delivery.released"
    description = "A post that a budget or a plan held is on its way again."


@dataclass(frozen=True, kw_only=True)
class DeliveryPublished(DeliveryEvent):
    name = "delivery.published"
    description = "A post is public on the network."

    channel_id: UUID = field(metadata=INTERNAL)
    published_at: datetime = field(metadata=INTERNAL)
    reply_to: str = field(default="", metadata=INTERNAL)  # the network's id of what it answers


@dataclass(frozen=True, kw_only=True)
class DeliveryStopped(DeliveryEvent):
    """It needs a person, a budget or a plan."""


@dataclass(frozen=True, kw_only=True)
class DeliveryFailed(DeliveryStopped):
    name = "delivery.failed"
    description = "The network rejected a post, or Kicau has an internal error (state `parked`)."


@dataclass(frozen=True, kw_only=True)
class DeliveryHeld(DeliveryStopped):
    name = "delivery.held"
    description = "A post waits for a person, a budget or a plan."


@dataclass(frozen=True, kw_only=True)
class DeliveryUnknown(DeliveryStopped):
    name = "delivery.unknown"
    description = "Kicau cannot find out whether a post is public. A person has to check on the network."


@dataclass(frozen=True, kw_only=True)
class DeliveryResolved(DeliveryEvent):
    name = "delivery.resolved"
    description = "A person checked on the network whether a post is public."
    activity = _("recorded whether a post was published")

    published: bool


@dataclass(frozen=True, kw_only=True)
class DeliveryCanceled(DeliveryEvent):
    name = "delivery.canceled"
    description = "Someone cancelled a post."
    activity = _("canceled a post")


@dataclass(frozen=True, kw_only=True)
class DeliveryEdited(DeliveryEvent):
    name = "delivery.edited"
    description = "A published post was changed on its network."
    activity = _("edited a published post on the network from Kicau")

    parts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class DeliveryDeleted(DeliveryEvent):
    name = "delivery.deleted"
    description = "A published post was deleted from its network."
    activity = _("deleted a post from its network")


# Channels


@dataclass(frozen=True, kw_only=True)
class ChannelEvent(PublicEvent):
    """Something happened to a channel."""

    object_type = ObjectType.CHANNEL


@dataclass(frozen=True, kw_only=True)
class ChannelConnected(ChannelEvent):
    name = "channel.connected"
    description = "A channel was connected."
    activity = _("connected a channel")

    network: str
    handle: str


@dataclass(frozen=True, kw_only=True)
class ChannelReconnected(ChannelEvent):
    name = "channel.reconnected"
    description = "A channel that had lost its connection has it again."
    activity = _("reconnected a channel")

    network: str
    handle: str
    signed_in_from: str = field(default="", metadata=INTERNAL)  # its state before a person signed in again; else ""


@dataclass(frozen=True, kw_only=True)
class ChannelDisconnected(ChannelEvent):
    name = "channel.disconnected"
    description = "Someone disconnected a channel."
    activity = _("disconnected a channel")


@dataclass(frozen=True, kw_only=True)
class ChannelExpired(ChannelEvent):
    name = "channel.expired"
    description = "A network no longer accepts a channel's credentials."
    activity = _("lost access to a channel, so Kicau can no longer publish to it")

    said: str  # by the network


@dataclass(frozen=True, kw_only=True)
class ChannelHeld(ChannelEvent):
    name = "channel.held"
    description = "A budget does not allow renewing a channel's credentials, and they have expired."
    activity = _("put publishing to a channel on hold because of a budget limit")

    budget: str


@dataclass(frozen=True, kw_only=True)
class ChannelReleased(ChannelEvent):
    name = "channel.released"
    description = "A channel's credentials were renewed after a budget had not allowed it."
    activity = _("resumed publishing to a channel that was on hold because of a budget limit")


@dataclass(frozen=True, kw_only=True)
class ChannelPaused(ChannelEvent):
    name = "channel.paused"
    description = "Someone paused publishing to a channel."
    activity = _("paused publishing to a channel")


@dataclass(frozen=True, kw_only=True)
class ChannelResumed(ChannelEvent):
    name = "channel.resumed"
    description = "Someone resumed publishing to a channel."
    activity = _("resumed publishing to a channel")


# Networks


@dataclass(frozen=True, kw_only=True)
class NetworkUnreachable(PublicEvent):
    name = "network.unreachable"
    description = "A network or one of its servers doesn't respond. Posts wait."
    object_type = ObjectType.OUTAGE


@dataclass(frozen=True, kw_only=True)
class OffboardingEvent(PublicEvent):
    """Something happened to the leaving of a network or a channel."""

    object_type = ObjectType.OFFBOARDING

    network: str


@dataclass(frozen=True, kw_only=True)
class OffboardingProposed(OffboardingEvent):
    name = "offboarding.proposed"
    description = "A network seems to have blocked an app. A person has to confirm it."
    activity = _("detected that Kicau can no longer access a network")

    channels: int
    frozen: int


@dataclass(frozen=True, kw_only=True)
class OffboardingAnnounced(OffboardingEvent):
    name = "offboarding.announced"
    description = "Someone planned to stop publishing to a network or channel."
    activity = _("set a date to stop using a network")

    effective_at: datetime
    channels: int
    after: int  # deliveries that are due after it


@dataclass(frozen=True, kw_only=True)
class OffboardingCanceled(OffboardingEvent):
    name = "offboarding.canceled"
    description = "Someone cancelled this plan."
    activity = _("canceled the plan to stop using a network")


@dataclass(frozen=True, kw_only=True)
class OffboardingStopped(OffboardingEvent):
    name = "offboarding.stopped"
    description = "Publishing to the network or channel stopped. Its queue is kept."
    activity = _("stopped using a network")

    channels: int
    frozen: int


@dataclass(frozen=True, kw_only=True)
class OffboardingRetargeted(OffboardingEvent):
    name = "offboarding.retargeted"
    description = "Stopped posts were scheduled on other channels."
    activity = _("moved posts to other channels")

    made: int
    problems: int
    channels: tuple[str, ...]  # their keys


@dataclass(frozen=True, kw_only=True)
class OffboardingResumed(OffboardingEvent):
    name = "offboarding.resumed"
    description = "Publishing was resumed."
    activity = _("resumed publishing to a network")

    restored: int
    overdue: int


# What only rooms of Kicau have to know


@dataclass(frozen=True, kw_only=True)
class ChannelDisconnecting(Event):
    """Someone disconnects a channel; its credentials can still be read."""

    channel: Channel


@dataclass(frozen=True, kw_only=True)
class AccountPreferencesRead(Event):
    """A channel's network told what an account allows."""

    actor: Actor
    channel: Channel
    preferences: AccountPreferences


@dataclass(frozen=True, kw_only=True)
class PolicyChanged(Event):
    """A workspace has another rule for its own words or for others' words."""

    workspace: Workspace


@dataclass(frozen=True, kw_only=True)
class PermissionsChanged(Event):
    """What is permitted may have changed: of these items, or (None) of any of the workspace."""

    workspace: Workspace
    items: Collection[UUID] | None


@dataclass(frozen=True, kw_only=True)
class HardBudgetChanged(Event):
    """A hard budget came into force or changed; nothing else moves meanwhile."""

    budget: Budget


@dataclass(frozen=True, kw_only=True)
class RightsReduced(Event):
    """A person may do less in a workspace. `role`: their new one, or "" for none."""

    actor: Actor
    person: Person
    role: str


@dataclass(frozen=True, kw_only=True)
class SignInChanged(Event):
    """How a person signs in changed. `change`: its name in the activity log; `name`: what was changed, or ""."""

    person: Person
    change: str
    name: str


# The catalogue


def event_group(name: str) -> str:
    """What stands for it and for all of its kind: "delivery.*"."""
    return name.split(".")[0] + ".*"


def _public_events(base: type[PublicEvent]) -> Iterator[type[PublicEvent]]:
    for one in base.__subclasses__():
        if one.name:
            yield one
        yield from _public_events(one)


PUBLIC_EVENTS: Mapping[str, type[PublicEvent]] = {one.name: one for one in _public_events(PublicEvent)}
EVENT_GROUPS = tuple(dict.fromkeys(event_group(name) for name in PUBLIC_EVENTS))
