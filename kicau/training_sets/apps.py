"""Sets tell who was given what."""

from __future__ import annotations

from django.apps import AppConfig


class TrainingSetsConfig(AppConfig):
    name = "kicau.training_sets"

    def ready(self) -> None:
        from kicau.archive import policy_preview
        from kicau.training_sets import retraction

        policy_preview.PAST_RECIPIENT_HOOKS.append(retraction.affected_recipients)
