"""What follows from events here: a comment that was answered from Kicau is done as soon as its reply is out."""

from __future__ import annotations

from collections.abc import Sequence

from kicau.events.catalogue import DeliveryPublished
from kicau.events.dispatch import listens
from kicau.inbox import comments


@listens(DeliveryPublished)
def mark_as_answered(events: Sequence[DeliveryPublished]) -> None:
    comments.record_replies([event for event in events if event.reply_to])
