"""What was read, for pages, REST and exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from kicau.sync.models import Comment, PostMetrics
from kicau.workspaces.actors import Actor, Permission

MAX_ITEMS_SHOWN = 200  # answers of one post on its page, the newest; REST gives all


def post_metrics(actor: Actor, draft_id: UUID) -> QuerySet[PostMetrics]:
    """Of every delivery of a post, each part's numbers as they were last read; those that were read at all."""
    actor.require(Permission.READ)
    return PostMetrics.objects.filter(
        delivery__draft=draft_id, delivery__workspace=actor.workspace, read_at__isnull=False
    )


def inbox_items(actor: Actor, draft_id: UUID) -> QuerySet[Comment]:
    """What others answered to any delivery of a post."""
    actor.require(Permission.READ)
    return Comment.objects.filter(delivery__draft=draft_id, delivery__workspace=actor.workspace)


def group_by_delivery[Row: (PostMetrics, Comment)](rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        if row.delivery_id:
            found[row.delivery_id].append(row)
    return found
