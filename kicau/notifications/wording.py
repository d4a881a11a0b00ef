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
from kicau.notifications.models import Notice, Trouble

#: By kind of trouble: what is said when it begins, and when it is over.
INCIDENT_TEXTS: dict[str, tuple[Any, Any]] = {
    "late": (_("Late posts: {count}, the longest by {seconds} seconds."), _("No post is late any more.")),
    "workers": (
        _("No worker is running, so nothing is published. The last sign of one was {since}."),
        _("A worker is running again."),
    ),
    "worker": (
        _("The worker {worker} vanished and was not replaced; its last sign was {since}."),
        _("The worker {worker} is back or was replaced."),
    ),
    "token": (
        _("{network} no longer accepts the permission of {channel} in {workspace}. Its queue waits for a reconnect."),
        _("{channel} in {workspace} is connected again."),
    ),
    "budget": (
        _("The budget {budget} ({where}) is {percent} % used up."),
        _("The budget {budget} ({where}) has room again."),
    ),
    "disk": (
        _("The disk of the data folder has {megabytes} MB left. When it is full, nothing can be published."),
        _("The disk of the data folder has room again."),
    ),
    "clock": (
        _(
            "The clocks of a Kicau machine and its database differ by {seconds} s. Kicau goes by the database's clock. Set both machines by network time (NTP)."
        ),
        _("The clocks of Kicau and its database agree again."),
    ),
    "dated": (
        _("{what} ({value}) of {source} ends on {until}. Update Kicau before that day, or renew it if it is yours."),
        _("{what} ({value}) of {source} no longer ends soon."),
    ),
}


ISO_TIME_PATTERN = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d.*)?$")  # or a day


class _BlankIfMissing(dict[str, Any]):
    """A place that nothing fills stays empty; a sentence with a gap is better than none."""

    def __missing__(self, key: str) -> str:
        return ""


def notification_text(notice: Notice) -> str:
    event = EVENTS.get(notice.event)
    if event is None:  # of a version that knew more events
        return notice.event
    return fill_template(event.one if notice.count == 1 else event.many, {**notice.details, "count": notice.count})


def incident_text(row: Trouble) -> str:
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
