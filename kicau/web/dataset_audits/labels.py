"""Audits' terms as readers see them."""

from __future__ import annotations

from django.utils.translation import pgettext_lazy

from kicau.dataset_audit.models import AuditState
from kicau.web.core.labels import Badge

AUDIT_STATE_BADGES: dict[str, Badge] = {
    AuditState.WAITING: Badge(pgettext_lazy("audit", "Waits for its turn"), "clock", "sky"),
    AuditState.RUNNING: Badge(pgettext_lazy("audit", "Being searched"), "search", "sky"),
    AuditState.DONE: Badge(pgettext_lazy("audit", "Searched"), "check", "leaf"),
    AuditState.FAILED: Badge(pgettext_lazy("audit", "Could not be searched"), "alert", "ember"),
    AuditState.CANCELED: Badge(pgettext_lazy("audit", "Stopped"), "pause", "still"),
}
COPY_KIND_BADGES: dict[str, Badge] = {
    "exact": Badge(pgettext_lazy("copy", "letter by letter"), "copy", "ember"),
    "normalised": Badge(pgettext_lazy("copy", "every word, written otherwise"), "copy", "ember"),
    "near": Badge(pgettext_lazy("copy", "most of its words"), "pen", "sun"),
    "partial": Badge(pgettext_lazy("copy", "a passage of it"), "cut", "sun"),
}
