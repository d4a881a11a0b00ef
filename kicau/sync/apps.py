from __future__ import annotations

from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "kicau.sync"

    def ready(self) -> None:
        """The forecast includes the cost of a sync that was just turned on."""
        from kicau.cost_reports import forecast
        from kicau.sync import sync_settings

        if sync_settings.new_sync_costs not in forecast.NEW_SYNC_COST_HOOKS:
            forecast.NEW_SYNC_COST_HOOKS.append(sync_settings.new_sync_costs)
