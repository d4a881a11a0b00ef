from __future__ import annotations

from django.apps import AppConfig


class PublishingConfig(AppConfig):
    name = "kicau.publishing"

    def ready(self) -> None:
        """What is under way when a budget comes into force is set aside for it; and a link ends with its maker's right."""
        from kicau.costs import actions
        from kicau.publishing.approval import review_links
        from kicau.publishing.budget import plan_quotas
        from kicau.workspaces import actions as workspaces

        if plan_quotas.reserve_in_flight not in actions.BUDGET_CHANGED_HOOKS:
            actions.BUDGET_CHANGED_HOOKS.append(plan_quotas.reserve_in_flight)
        if review_links.revoke_links_of not in workspaces.RIGHTS_REDUCED_HOOKS:
            workspaces.RIGHTS_REDUCED_HOOKS.append(review_links.revoke_links_of)
