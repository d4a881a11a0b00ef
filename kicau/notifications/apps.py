from __future__ import annotations

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "kicau.notifications"

    def ready(self) -> None:
        """Who signs in hears of each change to how they do."""
        from kicau.notifications import account_emails
        from kicau.workspaces import account_security

        if account_emails.write not in account_security.CHANGED:
            account_security.CHANGED.append(account_emails.write)
