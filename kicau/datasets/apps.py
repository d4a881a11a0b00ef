"""Sets hear of every change of permission, and tell who was given what."""

from __future__ import annotations

from django.apps import AppConfig


class Datasets(AppConfig):
    name = "kicau.datasets"

    def ready(self) -> None:
        from kicau.archive import saying, simulating
        from kicau.datasets import retraction

        saying.CHANGED.append(retraction.review)
        simulating.PAST_RECIPIENTS.append(retraction.recipients)
