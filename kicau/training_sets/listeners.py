"""What follows from events here: what is no longer permitted leaves the sets."""

from __future__ import annotations

from collections.abc import Sequence

from kicau.events.catalogue import PermissionsChanged
from kicau.events.dispatch import listens
from kicau.training_sets import retraction


@listens(PermissionsChanged)
def retract(events: Sequence[PermissionsChanged]) -> None:
    for event in events:
        retraction.retract_items(event.workspace, event.items)
