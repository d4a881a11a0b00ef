"""The archive hears what accounts say on their networks about machine use."""

from __future__ import annotations

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    name = "kicau.archive"

    def ready(self) -> None:
        from kicau.archive import account_declarations
        from kicau.channels import preferences

        preferences.PREFERENCES_READ_HOOKS.append(account_declarations.record_account_declaration)
