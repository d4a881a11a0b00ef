"""Which audit is due. Apart from the work itself, so that who only asks need not load what searches."""

from __future__ import annotations

from uuid import UUID

from kicau.base.advisory_locks import is_unlocked
from kicau.dataset_audit.models import AuditState, DatasetAudit


def next_due_audit() -> UUID | None:
    """The one that waits longest, or whose process is gone."""
    rows = (
        DatasetAudit.objects.filter(state__in=(AuditState.WAITING, AuditState.RUNNING))
        .order_by("id")
        .values_list("id", flat=True)
    )
    return next((id_ for id_ in rows[:50] if is_unlocked(id_)), None)


def is_stopped(audit_id: UUID) -> bool:
    """Whether somebody has stopped it."""
    return not DatasetAudit.objects.filter(id=audit_id, state__in=(AuditState.WAITING, AuditState.RUNNING)).exists()
