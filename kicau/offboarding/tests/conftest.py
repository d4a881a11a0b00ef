"""Two channels that are left together, one that stays, and posts on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps

from kicau.base import clock
from kicau.channels.models import Channel
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import schedule

KEPT = ("channels", "publishing", "media")  # the rooms whose rows are a workspace's content


@pytest.fixture
def posts(actor):
    """Write and schedule: posts("ana", 3, hours=2) makes three, an hour apart."""

    def make(key: str, count: int = 1, *, hours: float = 1, text: str = "Kopi", **more: Any) -> list[Delivery]:
        made = []
        for n in range(count):
            given = compositions.Composition(parts=(compositions.PartContent(text=f"{text} {key} {n}"),), **more)
            draft = compositions.one_draft(actor, compositions.create_draft(actor, given).id)
            at = clock.now() + timedelta(hours=hours + n)
            made += schedule.schedule(actor, draft, [key], at).deliveries
        return made

    return make


def everything(workspace_id: Any) -> dict[tuple[str, Any], dict[str, Any]]:
    """Every row of a workspace's content, but for when it was last touched and how often its channel was."""
    channels = set(Channel.objects.filter(workspace=workspace_id).values_list("id", flat=True))
    found = {}
    for label in KEPT:
        for model in apps.get_app_config(label).get_models():
            for row in model._default_manager.values():
                if row.get("workspace_id", workspace_id) == workspace_id and row.get("channel_id") in {None, *channels}:
                    row.pop("changed_at", None)
                    row.pop("version", None)
                    found[model._meta.label, row[model._meta.pk.attname]] = row
    return found


def states(rows: list[Delivery]) -> list[tuple[str, str]]:
    fresh = {d.id: (d.state, d.hold) for d in Delivery.objects.filter(id__in=[r.id for r in rows])}
    return [fresh[row.id] for row in rows]
