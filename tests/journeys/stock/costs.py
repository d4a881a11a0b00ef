"""A month of charges, budgets, and a second client."""

from __future__ import annotations

from datetime import timedelta


def spend(actor, channel, rows) -> None:
    """A month of charges, and two budgets."""
    from kicau.base import clock
    from kicau.costs import actions as costs_actions
    from kicau.costs.models import Charge

    def charge(n, meter, micro, purpose, delivery=None):
        campaign = delivery.draft.campaign_id if delivery else None
        return Charge(
            at=clock.now() - timedelta(hours=7 * n),
            workspace_id=actor.workspace.id,
            channel_id=channel.id,
            app_id=channel.app_id,
            network=channel.network,
            meter=meter,
            units=1,
            micro=micro,
            currency="USD",
            purpose=purpose,
            campaign_id=campaign,
            person_id=actor.person_id,
        )

    kinds = (
        ("post", 15_000, "publish"),
        ("post-with-link", 200_000, "publish"),
        ("post-read", 5_000, "numbers"),
        ("post-read", 45_000, "answers"),
    )
    Charge.objects.bulk_create(
        charge(n, *kinds[(n * 7 // 3) % 4], rows[n % len(rows)] if rows else None) for n in range(110)
    )
    costs_actions.set_budget(actor, costs_actions.BudgetValues(name="November, everything", amount=12_000_000))
    costs_actions.set_budget(
        actor, costs_actions.BudgetValues(name="Reading", amount=2_000_000, purpose="answers", is_hard=False)
    )
    second_client(actor)


def second_client(actor) -> None:
    """Another workspace of the same agency, whose costs are shown in rupiah."""
    from kicau.base import clock
    from kicau.costs import actions as costs_actions
    from kicau.costs.models import Charge, ExchangeRate
    from kicau.workspaces.actions import actor_for, create_workspace, update_workspace

    theirs = actor_for(actor.person, create_workspace(actor.person, "Batik Laut", timezone="Asia/Jakarta").id, "page")
    update_workspace(theirs, currency="IDR")
    ExchangeRate.objects.create(currency="USD", shown_in="IDR", since="2026-01-01", rate=16_250)
    Charge.objects.bulk_create(
        Charge(
            at=clock.now() - timedelta(hours=11 * n),
            workspace_id=theirs.workspace.id,
            network="x",
            meter="post",
            units=1,
            micro=15_000,
            currency="USD",
            purpose="publish",
        )
        for n in range(90)
    )
    costs_actions.set_budget(theirs, costs_actions.BudgetValues(name="Batik Laut", amount=600_000))
