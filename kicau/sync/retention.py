"""Delete what other people wrote to channels (comments, mentions) after KICAU_ANSWER_DAYS."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction

from kicau.base import clock, setting_definitions
from kicau.sync.models import Comment
from kicau.workspaces.actors import system_actor
from kicau.workspaces.models import Workspace

BATCH_SIZE = 5_000  # rows


def retention_cutoff() -> datetime | None:
    """Answers from before this time are not kept; None: all are."""
    days = int(setting_definitions.read_setting("KICAU_ANSWER_DAYS"))
    return clock.now() - timedelta(days=days) if days else None


@transaction.atomic
def delete_old_items() -> int:
    """Delete answers that are too old, some at a time; the activity log says how many. Returns 0 when none are left."""
    since = retention_cutoff()
    if since is None:
        return 0
    old = Comment.objects.select_for_update(skip_locked=True, of=("self",)).filter(at__lt=since).order_by("at")
    found = list(old.values_list("id", "channel__workspace_id")[:BATCH_SIZE])
    Comment.objects.filter(id__in=[answer for answer, _ in found]).delete()
    counts = Counter(workspace for _, workspace in found)
    for workspace in Workspace.objects.filter(id__in=counts):
        system_actor(workspace).record(
            "answers.purged", workspace.id, count=counts[workspace.id], before=since.isoformat()
        )
    return len(found)
