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
    NOW = "now", pgettext_lazy("mail", "At once")
    DAILY = "daily", pgettext_lazy("mail", "Daily digest")


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
            label=_("A post did not go out"),
            one=_("“{post}” did not go out on {channel}. {reason}"),
            many=_("{count} posts did not go out on {channel}. The last of them: {reason}"),
            who=Permission.PUBLISH,
            icon="alert",
            tone="ember",
        ),
        NotificationEvent(
            name="delivery.unknown",
            label=_("A post's outcome is unknown"),
            one=_("Whether “{post}” is out on {channel} is not known. Look there, then say what you found."),
            many=_("Whether {count} posts are out on {channel} is not known. Look there, then say what you found."),
            who=Permission.PUBLISH,
            icon="question",
            tone="plum",
        ),
        NotificationEvent(
            name="delivery.confirm",
            label=_("A post wants a person to confirm it"),
            one=_("“{post}” waits for somebody to confirm it for {channel}."),
            many=_("{count} posts wait for somebody to confirm them for {channel}."),
            who=Permission.PUBLISH,
            icon="hand",
            tone="sun",
        ),
        NotificationEvent(
            name="channel.expired",
            label=_("A channel wants a reconnect"),
            one=_("{channel} has to be connected again; its queue is kept and goes on by itself then."),
            many=_("{channel} has to be connected again; its queue is kept and goes on by itself then."),
            who=Permission.CHANNELS,
            icon="channels",
            tone="ember",
        ),
        NotificationEvent(
            name="channel.held",
            label=_("A channel's permission is not renewed because a budget is spent"),
            one=_(
                "The permission of {channel} is not renewed: the budget {budget} of {limit} has {left} left, and this needs {wanted}. Raise it, and the channel goes on by itself."
            ),
            many=_(
                "The permission of {channel} is not renewed: the budget {budget} of {limit} has {left} left, and this needs {wanted}. Raise it, and the channel goes on by itself."
            ),
            who=Permission.SETTINGS,
            icon="coin",
            tone="sun",
        ),
        NotificationEvent(
            name="network.unreachable",
            label=_("A network cannot be reached"),
            one=_(
                "{network} cannot be reached. What is due there waits, and goes out by itself when it answers again."
            ),
            many=_(
                "{network} cannot be reached. What is due there waits, and goes out by itself when it answers again."
            ),
            who=Permission.PUBLISH,
            icon="alert",
            tone="sun",
        ),
        NotificationEvent(
            name="draft.submitted",
            label=_("A post was submitted for approval"),
            one=_("{name} asks for approval of “{post}”."),
            many=_("{count} posts wait for approval, the last “{post}” by {name}."),
            who=Permission.PUBLISH,
            icon="hand",
            tone="sun",
        ),
        NotificationEvent(
            name="draft.returned",
            label=_("A post of yours was sent back"),
            one=_("{name} sent “{post}” back: {reason}"),
            many=_("{count} posts were sent back, the last “{post}” by {name}: {reason}"),
            who=None,
            icon="retry",
            tone="sun",
        ),
        NotificationEvent(
            name="draft.approved",
            label=_("A post of yours was approved"),
            one=_("{name} approved “{post}”."),
            many=_("{count} posts were approved, the last “{post}” by {name}."),
            who=None,
            icon="check",
            tone="leaf",
            mail=EmailFrequency.DAILY,
        ),
        NotificationEvent(
            name="draft.commented",
            label=_("Somebody commented on a post of yours"),
            one=_("{name} wrote about “{post}”: {reason}"),
            many=_("{count} comments on “{post}”, the last by {name}: {reason}"),
            who=None,
            icon="comment",
            tone="sky",
            mail=EmailFrequency.DAILY,
        ),
        NotificationEvent(
            name="member.invited",
            label=_("You were invited to a workspace"),
            one=_("{name} invites you to {workspace}."),
            many=_("{name} invites you to {workspace}."),
            who=None,
            icon="team",
            tone="sky",
        ),
        NotificationEvent(
            name="network.shut",
            label=_("A network seems to have shut its door"),
            one=_(
                "{what} refuses everything and says: {reason} Its queue is frozen and kept; somebody has to decide what becomes of it."
            ),
            many=_(
                "{what} refuses everything and says: {reason} Its queue is frozen and kept; somebody has to decide what becomes of it."
            ),
            who=Permission.CHANNELS,
            icon="alert",
            tone="ember",
        ),
        NotificationEvent(
            name="network.leaving",
            label=_("A network will be left"),
            one=_("{what} is left on {when}. Posts that are due after it: {after}; give them new targets. {reason}"),
            many=_("{what} is left on {when}. {reason}"),
            who=Permission.PUBLISH,
            icon="clock",
            tone="sun",
        ),
        NotificationEvent(
            name="network.withdrawn",
            label=_("A network was left"),
            one=_(
                "{what} was left. {reason} Nothing is lost: what was scheduled there is frozen, can be exported and can go elsewhere."
            ),
            many=_(
                "{what} was left. {reason} Nothing is lost: what was scheduled there is frozen, can be exported and can go elsewhere."
            ),
            who=Permission.PUBLISH,
            icon="cross",
            tone="ember",
        ),
        NotificationEvent(
            name="network.reinstated",
            label=_("A network was taken back"),
            one=_(
                "{what} is back, and its queue goes on. Posts whose time passed meanwhile wait for a decision: {late}."
            ),
            many=_(
                "{what} is back, and its queue goes on. Posts whose time passed meanwhile wait for a decision: {late}."
            ),
            who=Permission.PUBLISH,
            icon="retry",
            tone="leaf",
        ),
        NotificationEvent(
            name="budget.near",
            label=_("A budget nears its end"),
            one=_("{budget} is {percent} % used up; it is renewed on {until}."),
            many=_("{budget} is {percent} % used up; it is renewed on {until}."),
            who=Permission.SETTINGS,
            icon="coin",
            tone="sun",
        ),
        NotificationEvent(
            name="budget.forecast",
            label=_("A budget will not last"),
            one=_("{budget} will not last: {expected} is expected until {until}, of {amount}."),
            many=_("{budget} will not last: {expected} is expected until {until}, of {amount}."),
            who=Permission.SETTINGS,
            icon="coin",
            tone="sun",
            mail=EmailFrequency.DAILY,
        ),
        NotificationEvent(
            name="budget.held",
            label=_("A post is held because a budget is spent"),
            one=_("“{post}” is held for {channel}: {reason}"),
            many=_("{count} posts are held for {channel}: {reason}"),
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
