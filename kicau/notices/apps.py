from __future__ import annotations

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "kicau.notices"

    def ready(self) -> None:
        """Who signs in hears of each change to how they do."""
        from kicau.notices import account_letters
        from kicau.workspaces import account_security

        if account_letters.write not in account_security.CHANGED:
            account_security.CHANGED.append(account_letters.write)
