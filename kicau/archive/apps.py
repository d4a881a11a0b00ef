"""The archive hears what accounts say on their networks about machine use."""

from __future__ import annotations

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    name = "kicau.archive"

    def ready(self) -> None:
        from kicau.archive import account_declarations
        from kicau.channels import preferences

        preferences.HEARD.append(account_declarations.heard)
