"""Loads the module `listeners` of each room, as Django loads `admin`."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventsConfig(AppConfig):
    name = "kicau.events"

    def ready(self) -> None:
        autodiscover_modules("listeners")
