"""What a notice and a trouble say, in the language that is active."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kicau.notifications.events import EVENTS
from kicau.notifications.models import InstanceProblem, Notification

#: By kind of trouble: what is said when it begins, and when it is over.
INCIDENT_TEXTS: dict[str, tuple[Any, Any]] = {
    "late": (
        _(
            "Number of scheduled posts that Kicau has not published on time: {count}. The longest delay is {seconds} seconds."
        ),
        _("Scheduled posts are no longer late: Kicau publishes on time again."),
    ),
    "workers": (
        _(
            "Kicau cannot publish posts, because the process that publishes them (the worker) stopped. Start the worker again on the server (last active: {since})."
        ),
        _("Kicau can publish posts again, because the process that publishes them (the worker) is running again."),
    ),
    "worker": (
        _(
            "A process that publishes posts (worker {worker}) stopped unexpectedly, and no other worker replaced it. Start the worker again on the server (last active: {since})."
        ),
        _("The process that publishes posts (worker {worker}) is running again, or another worker has replaced it."),
    ),
    "token": (
        _(
            "{network} no longer lets Kicau access {channel} in the workspace {workspace}. The channel's scheduled posts wait until a member of the workspace reconnects the channel."
        ),
        _("The channel {channel} in the workspace {workspace} is connected again. You do not need to do anything."),
    ),
    "budget": (
        _(
            "{percent} % of the budget “{budget}” ({where}) is used. Check whether the rest is enough until the next budget period begins."
        ),
        _("The budget “{budget}” ({where}) is no longer almost used up. You do not need to do anything."),
    ),
    "disk": (
        _(
            "The disk with Kicau's data folder has only {megabytes} MB of free space left. Free some space, because Kicau cannot publish posts when the disk is full."
        ),
        _("The disk with Kicau's data folder has enough free space again. You do not need to do anything."),
    ),
    "clock": (
        _(
            "The clocks of a Kicau server and its database differ by {seconds} seconds. Kicau uses the database's clock. Set up network time (NTP) on both machines."
        ),
        _("The clocks of the Kicau server and its database show the same time again. You do not need to do anything."),
    ),
    "dated": (
        _(
            "{what} ({value}) of {source}, which Kicau uses, expires on {until}. Update Kicau before that date. If you added the certificate or price list yourself, renew it."
        ),
        _(
            "{what} ({value}) of {source} was renewed or replaced, or Kicau no longer uses it. You do not need to do anything."
        ),
    ),
}


ISO_TIME_PATTERN = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d.*)?$")  # or a day


class _BlankIfMissing(dict[str, Any]):
    """A place that nothing fills stays empty; a sentence with a gap is better than none."""

    def __missing__(self, key: str) -> str:
        return ""


def notification_text(notice: Notification) -> str:
    event = EVENTS.get(notice.event)
    if event is None:  # of a version that knew more events
        return notice.event
    return fill_template(event.one if notice.count == 1 else event.many, {**notice.details, "count": notice.count})


def incident_text(row: InstanceProblem) -> str:
    """What the operator is told: that it began or, once it is, that it is over."""
    began, over = INCIDENT_TEXTS[row.kind]
    return fill_template(over if row.over_at else began, row.details)


def fill_template(template: Any, details: Mapping[str, Any]) -> str:
    """A sentence with its details; sentences among them (a reason) in the reader's language, moments as it writes them."""
    return (
        str(template).format_map(_BlankIfMissing({key: _format_value(value) for key, value in details.items()})).strip()
    )


def _format_value(value: Any) -> Any:
    if isinstance(value, str) and ISO_TIME_PATTERN.match(value):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return value
        if len(value) == 10:
            return formats.date_format(at, "DATE_FORMAT")
        return formats.date_format(timezone.localtime(at), "DATETIME_FORMAT")
    return gettext(value) if isinstance(value, str) and value else value
