"""What reading sparingly saves the channels of a workspace."""

from __future__ import annotations

from django.db.models import Count

from kicau.base import clock
from kicau.channels.models import Channel
from kicau.connector.prices import in_force
from kicau.costs import pricing, read_policy
from kicau.workspaces.actors import Actor, Permission


def savings(actor: Actor) -> list[tuple[str, str, read_policy.Saving]]:
    """Network, currency and what the reading policy saves, for each network that bills its readings and has channels
    here: ten posts and five answers a day in each."""
    actor.require(Permission.READ)
    found = []
    rows = Channel.objects.filter(workspace=actor.workspace, state="active").order_by("network").values_list("network")
    for slug, count in rows.annotate(n=Count("id")):
        listed = in_force(pricing.lists(slug), clock.now().date())
        plan = next((one for one in reversed(listed) if one.daily and one.is_default), None)
        if plan:
            meter = max(plan.daily, key=lambda m: (m.startswith("post"), plan.prices.get(m, 0)))
            work = read_policy.Work(channels=count, posts=10, answers=5)
            found.append((slug, plan.currency, read_policy.saving(read_policy.policy(), work, plan, meter)))
    return found
