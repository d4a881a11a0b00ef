"""What the templates of training sets and audits say often."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kicau.dataset_audit.models import DatasetAudit
from kicau.dataset_audit.passages import CopyInContext
from kicau.dataset_audit.report_documents import place_sentence
from kicau.training_sets.models import TrainingSet, TrainingSetVersion
from kicau.web.core.labels import Badge
from kicau.web.dataset_audits import labels
from kicau.web.rights import labels as a
from kicau.web.templatetags.kicau import icon
from kicau.web.training_sets import labels as w

register = template.Library()


def shown(badge: Badge) -> SafeString:
    return format_html('<span class="badge tone-{}">{}{}</span>', badge.tone, icon(badge.icon), badge.word)


@register.simple_tag
def version_badge(version: TrainingSetVersion) -> SafeString:
    return shown(w.VERSION_STATE_BADGES[version.state])


@register.simple_tag
def audit_badge(audit: DatasetAudit) -> SafeString:
    return shown(labels.AUDIT_STATE_BADGES[audit.state])


@register.simple_tag
def kind_badge(badge: Badge) -> SafeString:
    return shown(badge)


@register.filter
def placed(place: CopyInContext) -> str:
    """Where a copy stands, and how much of the post is there."""
    return place_sentence(place)


@register.simple_tag
def set_use(of: TrainingSet) -> Any:
    return a.USE_LABELS[of.use][0]


@register.simple_tag
def total_of(*numbers: int) -> int:
    return sum(numbers)
