from __future__ import annotations

from django.apps import AppConfig


class ReadingConfig(AppConfig):
    name = "kicau.reading"

    def ready(self) -> None:
        """The forecast knows what reading will cost before there is a habit of it."""
        from kicau.publishing import forecasting
        from kicau.reading import choosing

        if choosing.begun not in forecasting.BEGUN:
            forecasting.BEGUN.append(choosing.begun)
