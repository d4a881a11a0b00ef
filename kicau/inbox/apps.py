from __future__ import annotations

from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "kicau.inbox"

    def ready(self) -> None:
        """A comment that was answered from Kicau is done as soon as its reply is out."""
        from kicau.inbox import comments
        from kicau.publishing.delivery import outcome_writer

        if comments.record_replies not in outcome_writer.REPLY_PUBLISHED_HOOKS:
            outcome_writer.REPLY_PUBLISHED_HOOKS.append(comments.record_replies)
