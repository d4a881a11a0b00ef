from __future__ import annotations

from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "kicau.sync"

    def ready(self) -> None:
        """The forecast includes the cost of a sync that was just turned on. Webhooks end with their channel."""
        from kicau.channels import actions
        from kicau.cost_reports import forecast
        from kicau.sync import sync_settings, webhook_subscriptions

        if sync_settings.begun not in forecast.BEGUN:
            forecast.BEGUN.append(sync_settings.begun)
        if webhook_subscriptions.part not in actions.GOES:
            actions.GOES.append(webhook_subscriptions.part)
