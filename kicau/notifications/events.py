"""Every event that people can be told of: its words, who hears of it where nobody is named, and how without a choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kicau.workspaces.actors import Permission


class EmailFrequency(models.TextChoices):
    """When an event comes by e-mail."""

    NEVER = "never", pgettext_lazy("mail", "Never")
    NOW = "now", pgettext_lazy("mail", "Immediately")
    DAILY = "daily", pgettext_lazy("mail", "Daily e-mail digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationEvent:
    """`one` and `many` are lazy translations of sentences with places for the details and `count`."""

    name: str
    label: Any  # on the page of choices
    one: Any
    many: Any  # what is said of several that were gathered
    who: Permission | None  # who is told where nobody is named; None: only who is named
    icon: str
    tone: str
    mail: EmailFrequency = EmailFrequency.NOW
    in_page: bool = True


EVENTS: dict[str, NotificationEvent] = {
    event.name: event
    for event in (
        NotificationEvent(
            name="delivery.failed",
            label=_("A post could not be published"),
            one=_("“{post}” was not published on {channel}. {reason}"),
            many=_("{count} posts were not published on {channel}. The latest error: {reason}"),
            who=Permission.PUBLISH,
            icon="alert",
            tone="ember",
        ),
        NotificationEvent(
            name="delivery.unknown",
            label=_("Kicau does not know whether a post was published"),
            one=_(
                "Kicau does not know whether “{post}” was published on {channel}. Look for the post on the channel, then mark it in Kicau as published or not published."
            ),
            many=_(
                "Kicau does not know whether {count} posts were published on {channel}. Look for the posts on the channel, then mark each one in Kicau as published or not published."
            ),
            who=Permission.PUBLISH,
            icon="question",
            tone="plum",
        ),
        NotificationEvent(
            name="delivery.confirm",
            label=_("A post needs confirmation by a person before Kicau publishes it"),
            one=_(
                "“{post}” on {channel} is waiting for confirmation. Kicau publishes the post after a person confirms it."
            ),
            many=_(
                "{count} posts on {channel} are waiting for confirmation. Kicau publishes each post after a person confirms it."
            ),
            who=Permission.PUBLISH,
            icon="hand",
            tone="sun",
        ),
        NotificationEvent(
            name="channel.expired",
            label=_("A channel lost its connection and has to be reconnected"),
            one=_(
                "Kicau can no longer publish to {channel}. Reconnect the channel so that Kicau publishes the posts that are waiting."
            ),
            many=_(
                "Kicau can no longer publish to {channel}. Reconnect the channel so that Kicau publishes the posts that are waiting."
            ),
            who=Permission.CHANNELS,
            icon="channels",
            tone="ember",
        ),
        NotificationEvent(
            name="channel.held",
            label=_("Kicau could not renew its access to a channel because a budget is used up"),
            one=_(
                "Kicau could not renew its access to {channel}. The budget “{budget}” has {left} of {limit} left, but the renewal needs {wanted}. Kicau renews the access as soon as you raise the budget."
            ),
            many=_(
                "Kicau could not renew its access to {channel}. The budget “{budget}” has {left} of {limit} left, but the renewal needs {wanted}. Kicau renews the access as soon as you raise the budget."
            ),
            who=Permission.SETTINGS,
            icon="coin",
            tone="sun",
        ),
        NotificationEvent(
            name="network.unreachable",
            label=_("Kicau cannot reach a network"),
            one=_(
                "Kicau cannot reach {network}. Kicau publishes the waiting posts as soon as the network is reachable again. You do not need to do anything."
            ),
            many=_(
                "Kicau cannot reach {network}. Kicau publishes the waiting posts as soon as the network is reachable again. You do not need to do anything."
            ),
            who=Permission.PUBLISH,
            icon="alert",
            tone="sun",
        ),
        NotificationEvent(
            name="draft.submitted",
            label=_("A post was submitted for approval"),
            one=_("{name} asks you to approve “{post}”."),
            many=_("{count} posts are waiting for approval. The latest is “{post}”, submitted by {name}."),
            who=Permission.PUBLISH,
            icon="hand",
            tone="sun",
        ),
        NotificationEvent(
            name="draft.returned",
            label=_("Your post was returned to you for changes"),
            one=_("{name} returned “{post}” for changes: {reason}"),
            many=_("{count} posts were returned for changes. The latest is “{post}”, returned by {name}: {reason}"),
            who=None,
            icon="retry",
            tone="sun",
        ),
        NotificationEvent(
            name="draft.approved",
            label=_("Your post was approved"),
            one=_("{name} approved “{post}”."),
            many=_("{count} posts were approved. The latest is “{post}”, approved by {name}."),
            who=None,
            icon="check",
            tone="leaf",
            mail=EmailFrequency.DAILY,
        ),
        NotificationEvent(
            name="draft.commented",
            label=_("Someone commented on your post in Kicau"),
            one=_("{name} commented on “{post}” in Kicau: {reason}"),
            many=_("“{post}” has {count} new comments in Kicau. {name} wrote the latest one: {reason}"),
            who=None,
            icon="comment",
            tone="sky",
            mail=EmailFrequency.DAILY,
        ),
        NotificationEvent(
            name="member.invited",
            label=_("You were invited to a workspace"),
            one=_("{name} invites you to the workspace {workspace}."),
            many=_("{name} invites you to the workspace {workspace}."),
            who=None,
            icon="team",
            tone="sky",
        ),
        NotificationEvent(
            name="network.shut",
            label=_("A network seems to have blocked Kicau's access"),
            one=_(
                "{what} rejects all requests from Kicau with this message: {reason} The scheduled posts are on hold until your team decides what to do with them."
            ),
            many=_(
                "{what} rejects all requests from Kicau with this message: {reason} The scheduled posts are on hold until your team decides what to do with them."
            ),
            who=Permission.CHANNELS,
            icon="alert",
            tone="ember",
        ),
        NotificationEvent(
            name="network.leaving",
            label=_("Your workspace set a date to stop using a network"),
            one=_(
                "Kicau will stop publishing to {what} on {when}. Number of posts scheduled after that date: {after}. Choose other channels for these posts. {reason}"
            ),
            many=_("Kicau will stop publishing to {what} on {when}. {reason}"),
            who=Permission.PUBLISH,
            icon="clock",
            tone="sun",
        ),
        NotificationEvent(
            name="network.offboarded",
            label=_("Your workspace stopped using a network"),
            one=_(
                "Kicau stopped publishing to {what}. {reason} The scheduled posts are on hold. You can export these posts or move them to other channels."
            ),
            many=_(
                "Kicau stopped publishing to {what}. {reason} The scheduled posts are on hold. You can export these posts or move them to other channels."
            ),
            who=Permission.PUBLISH,
            icon="cross",
            tone="ember",
        ),
        NotificationEvent(
            name="network.resumed",
            label=_("Your workspace uses a network again"),
            one=_(
                "Kicau publishes to {what} again. Number of posts that were not published at their scheduled time: {late}. Decide whether to publish or cancel these posts."
            ),
            many=_(
                "Kicau publishes to {what} again. Number of posts that were not published at their scheduled time: {late}. Decide whether to publish or cancel these posts."
            ),
            who=Permission.PUBLISH,
            icon="retry",
            tone="leaf",
        ),
        NotificationEvent(
            name="budget.near",
            label=_("A budget is almost used up"),
            one=_("{percent} % of the budget “{budget}” is used. The next period of this budget begins on {until}."),
            many=_("{percent} % of the budget “{budget}” is used. The next period of this budget begins on {until}."),
            who=Permission.SETTINGS,
            icon="coin",
            tone="sun",
        ),
        NotificationEvent(
            name="budget.forecast",
            label=_("A budget is expected to run out before its period ends"),
            one=_(
                "The budget “{budget}” will probably be exceeded. Kicau expects {expected} to be used by {until}, but the budget is only {amount}."
            ),
            many=_(
                "The budget “{budget}” will probably be exceeded. Kicau expects {expected} to be used by {until}, but the budget is only {amount}."
            ),
            who=Permission.SETTINGS,
            icon="coin",
            tone="sun",
            mail=EmailFrequency.DAILY,
        ),
        NotificationEvent(
            name="budget.held",
            label=_("A post is on hold because a budget is used up"),
            one=_("“{post}” is on hold on {channel}: {reason}"),
            many=_("{count} posts are on hold on {channel}: {reason}"),
            who=Permission.SETTINGS,
            icon="coin",
            tone="sun",
        ),
    )
}


class UnknownNotificationEvent(LookupError):
    """A fault of ours: nothing in kicau/notifications/events.py has that name."""


def find_event(name: str) -> NotificationEvent:
    """Raises UnknownNotificationEvent."""
    try:
        return EVENTS[name]
    except KeyError:
        raise UnknownNotificationEvent(f"There is no event {name!r}; the events are: {', '.join(EVENTS)}.") from None
