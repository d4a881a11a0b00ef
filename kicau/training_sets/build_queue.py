"""What waits to be made, and is not being made."""

from __future__ import annotations

from kicau.base import clock
from kicau.base.advisory_locks import is_unlocked
from kicau.training_sets.models import CopyReview, TrainingSet, TrainingSetPreview, TrainingSetVersion, VersionState

UNFINISHED_STATES = (VersionState.WAITING, VersionState.MAKING)  # the second counts where its process is gone


def sets_to_review() -> list[TrainingSet]:
    """Sets in which copies are to be looked for now."""
    due = CopyReview.objects.filter(not_before__lte=clock.now()).values("set")
    return list(TrainingSet.objects.select_related("workspace").filter(id__in=due).order_by("id"))


def next_waiting_preview() -> TrainingSetPreview | None:
    """The one that waits longest and that nobody works on."""
    rows = (
        TrainingSetPreview.objects.select_related("set__workspace")
        .filter(state__in=UNFINISHED_STATES)
        .order_by("as_of")[:50]
    )
    return next((row for row in rows if is_unlocked(row.set_id)), None)


def next_waiting_version() -> TrainingSetVersion | None:
    """The one that waits longest and that nobody works on."""
    rows = (
        TrainingSetVersion.objects.select_related("set__workspace")
        .filter(state__in=UNFINISHED_STATES)
        .order_by("id")[:50]
    )
    return next((row for row in rows if is_unlocked(row.id)), None)
