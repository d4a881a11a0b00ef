"""What the templates of training sets and audits say often."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kicau.audit.models import Audit
from kicau.audit.papers import where
from kicau.audit.showing import Place
from kicau.datasets.models import TrainingSet, Version
from kicau.web import archive_words as a
from kicau.web import audit_words
from kicau.web import set_words as w
from kicau.web.templatetags.kicau import icon
from kicau.web.words import Badge

register = template.Library()


def shown(badge: Badge) -> SafeString:
    return format_html('<span class="badge tone-{}">{}{}</span>', badge.tone, icon(badge.icon), badge.word)


@register.simple_tag
def version_badge(version: Version) -> SafeString:
    return shown(w.STATES[version.state])


@register.simple_tag
def audit_badge(audit: Audit) -> SafeString:
    return shown(audit_words.STATES[audit.state])


@register.simple_tag
def kind_badge(badge: Badge) -> SafeString:
    return shown(badge)


@register.filter
def placed(place: Place) -> str:
    """Where a copy stands, and how much of the post is there."""
    return where(place)


@register.simple_tag
def set_use(of: TrainingSet) -> Any:
    return a.USES[of.use][0]


@register.simple_tag
def total_of(*numbers: int) -> int:
    return sum(numbers)
