from __future__ import annotations

from django.apps import AppConfig


class PublishingConfig(AppConfig):
    name = "kicau.publishing"

    def ready(self) -> None:
        """What is under way when a budget comes into force is set aside for it."""
        from kicau.plans import acts
        from kicau.publishing import capping

        if capping.set_aside not in acts.UNDER_WAY:
            acts.UNDER_WAY.append(capping.set_aside)
