"""What follows from every public event: a line in the activity log, and messages to webhooks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from kicau.base.bulk import to_json_value
from kicau.events.catalogue import PublicEvent
from kicau.events.dispatch import listens
from kicau.workspaces import webhooks

MAX_SINGLE_LINES = 20  # lines in the activity log of what one act did; of more, one line tells how many


@listens(PublicEvent)
def write_activity_log(events: Sequence[PublicEvent]) -> None:
    by_class: dict[type[PublicEvent], list[PublicEvent]] = defaultdict(list)
    for event in events:
        if event.actor and event.activity is not None:
            by_class[type(event)].append(event)
    for kind, some in by_class.items():
        if len(some) > MAX_SINGLE_LINES and some[0].actor:
            some[0].actor.record(kind.name, **kind.summarize(some))
            continue
        for event in some:
            if event.actor:
                event.actor.record(event.name, event.object_id, **to_json_value(event.details()))


@listens(PublicEvent)
def queue_webhook_messages(events: Sequence[PublicEvent]) -> None:
    webhooks.queue_messages(events)
