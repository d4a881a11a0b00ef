"""Alerts about budgets that the forecast exceeds."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp

from kicau.cost_reports import forecast_alerts
from kicau.engine.periodic_tasks import PeriodicTask, in_own_thread


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(
        name="alert on budgets that the forecast exceeds",
        every=3600.0,
        run=in_own_thread(forecast_alerts.alert_on_forecast),
        gives_way=True,
    )
