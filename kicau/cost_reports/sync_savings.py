"""What reading sparingly saves the channels of a workspace."""

from __future__ import annotations

from django.db.models import Count

from kicau.base import clock
from kicau.channels.models import Channel
from kicau.connector.prices import price_lists_in_force
from kicau.costs import pricing, read_policy
from kicau.workspaces.actors import Actor, Permission


def sync_savings(actor: Actor) -> list[tuple[str, str, read_policy.SyncSavings]]:
    """Network, currency and what the reading policy saves, for each network that bills its readings and has channels
    here: ten posts and five answers a day in each."""
    actor.require(Permission.READ)
    found = []
    rows = Channel.objects.filter(workspace=actor.workspace, state="active").order_by("network").values_list("network")
    for slug, count in rows.annotate(n=Count("id")):
        listed = price_lists_in_force(pricing.network_price_lists(slug), clock.now().date())
        plan = next((one for one in reversed(listed) if one.daily and one.is_default), None)
        if plan:
            meter = max(plan.daily, key=lambda m: (m.startswith("post"), plan.prices.get(m, 0)))
            work = read_policy.SyncWorkload(channels=count, posts=10, answers=5)
            found.append((slug, plan.currency, read_policy.sync_savings(read_policy.sync_policy(), work, plan, meter)))
    return found
