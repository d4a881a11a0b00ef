from __future__ import annotations

from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "kicau.inbox"

    def ready(self) -> None:
        """A comment that was answered from Kicau is done as soon as its reply is out."""
        from kicau.inbox import comments
        from kicau.publishing.delivery import outcome_writer

        if comments.note_replies not in outcome_writer.ANSWERED:
            outcome_writer.ANSWERED.append(comments.note_replies)
