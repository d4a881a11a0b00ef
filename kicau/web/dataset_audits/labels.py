"""Audits' terms as readers see them."""

from __future__ import annotations

from django.utils.translation import pgettext_lazy

from kicau.dataset_audit.models import AuditState
from kicau.web.core.labels import Badge

AUDIT_STATE_BADGES: dict[str, Badge] = {
    AuditState.WAITING: Badge(pgettext_lazy("audit", "Search waiting to start"), "clock", "sky"),
    AuditState.RUNNING: Badge(pgettext_lazy("audit", "Search running"), "search", "sky"),
    AuditState.DONE: Badge(pgettext_lazy("audit", "Search finished"), "check", "leaf"),
    AuditState.FAILED: Badge(pgettext_lazy("audit", "Search failed"), "alert", "ember"),
    AuditState.CANCELED: Badge(pgettext_lazy("audit", "Search stopped"), "pause", "still"),
}
COPY_KIND_BADGES: dict[str, Badge] = {
    "exact": Badge(pgettext_lazy("copy", "exact copy"), "copy", "ember"),
    "normalised": Badge(
        pgettext_lazy("copy", "copy with the same words as the post but different formatting"), "copy", "ember"
    ),
    "near": Badge(pgettext_lazy("copy", "copy of most of the words of the post"), "pen", "sun"),
    "partial": Badge(pgettext_lazy("copy", "copy of one text passage of the post"), "cut", "sun"),
}
