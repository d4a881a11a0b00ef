"""Audits that people begin in pages and programs keep their rows here, and hear of every change of permission."""

from __future__ import annotations

from django.apps import AppConfig


class DatasetAuditConfig(AppConfig):
    name = "kicau.dataset_audit"

    def ready(self) -> None:
        from kicau.archive import record_statements
        from kicau.dataset_audit import retraction

        record_statements.PERMISSION_CHANGE_HOOKS.append(retraction.retract_items)
