"""The archive hears what accounts say on their networks about machine use."""

from __future__ import annotations

from django.apps import AppConfig


class Archive(AppConfig):
    name = "kicau.archive"

    def ready(self) -> None:
        from kicau.archive import declared
        from kicau.channels import preferences

        preferences.HEARD.append(declared.heard)
