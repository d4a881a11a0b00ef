"""Sets hear of every change of permission, and tell who was given what."""

from __future__ import annotations

from django.apps import AppConfig


class TrainingSetsConfig(AppConfig):
    name = "kicau.training_sets"

    def ready(self) -> None:
        from kicau.archive import policy_preview, record_statements
        from kicau.training_sets import retraction

        record_statements.PERMISSION_CHANGE_HOOKS.append(retraction.retract_items)
        policy_preview.PAST_RECIPIENT_HOOKS.append(retraction.affected_recipients)
