"""What follows from events here: what is no longer permitted leaves the audits."""

from __future__ import annotations

from collections.abc import Sequence

from kicau.dataset_audit import retraction
from kicau.events.catalogue import PermissionsChanged
from kicau.events.dispatch import listens


@listens(PermissionsChanged)
def retract(events: Sequence[PermissionsChanged]) -> None:
    for event in events:
        retraction.retract_items(event.workspace, event.items)
