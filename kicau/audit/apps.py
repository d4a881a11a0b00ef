"""Audits that people begin in pages and programs keep their rows here, and hear of every change of permission."""

from __future__ import annotations

from django.apps import AppConfig


class Audits(AppConfig):
    name = "kicau.audit"

    def ready(self) -> None:
        from kicau.archive import saying
        from kicau.audit import retraction

        saying.CHANGED.append(retraction.review)
