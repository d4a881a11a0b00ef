"""The archive hears what accounts say on their networks about machine use, and of every change of a workspace's rules."""

from __future__ import annotations

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    name = "kicau.archive"

    def ready(self) -> None:
        from kicau.archive import account_declarations, record_statements
        from kicau.channels import preferences
        from kicau.workspaces import actions

        preferences.PREFERENCES_READ_HOOKS.append(account_declarations.record_account_declaration)
        actions.POLICY_CHANGE_HOOKS.append(record_statements.notify_policy_change)
