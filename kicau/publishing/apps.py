from __future__ import annotations

from django.apps import AppConfig


class PublishingConfig(AppConfig):
    name = "kicau.publishing"

    def ready(self) -> None:
        """What is under way when a budget comes into force is set aside for it; and a link ends with its maker's right."""
        from kicau.plans import acts
        from kicau.publishing import capping, reviewing
        from kicau.workspaces import acts as workspaces

        if capping.set_aside not in acts.UNDER_WAY:
            acts.UNDER_WAY.append(capping.set_aside)
        if reviewing.end_links_of not in workspaces.RIGHTS_REDUCED:
            workspaces.RIGHTS_REDUCED.append(reviewing.end_links_of)
