from __future__ import annotations

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "kicau.notifications"

    def ready(self) -> None:
        """Who signs in hears of each change to how they do."""
        from kicau.notifications import account_emails
        from kicau.workspaces import account_security

        if account_emails.queue_security_email not in account_security.SECURITY_CHANGE_HOOKS:
            account_security.SECURITY_CHANGE_HOOKS.append(account_emails.queue_security_email)
