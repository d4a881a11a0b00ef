"""What the archive's templates say often."""

from __future__ import annotations

from django import template
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from kicau.archive.models import Item
from kicau.base import clock
from kicau.rights import sentences
from kicau.rights.decisions import Decision
from kicau.rights.models import Statement, Terms
from kicau.web.core.labels import CONDITION_LABELS, PARTY_LABELS, sentence
from kicau.web.rights import labels as w
from kicau.web.templatetags.kicau import icon, moment

register = template.Library()


@register.simple_tag
def answer(value: str) -> SafeString:
    shown = w.VERDICT_BADGES[value]
    return format_html('<span class="badge tone-{}">{}{}</span>', shown.tone, icon(shown.icon), shown.word)


@register.simple_tag
def why(decision: Decision) -> str:
    """The reason in the reader's language."""
    return sentence(sentences.decision_reason(decision))


@register.simple_tag
def dated(item: Item) -> SafeString | str:
    """When it was posted, as exactly as that is known."""
    if item.posted_to == "none":
        return _("date unknown")
    return moment(item.posted_at) if item.posted_to == "second" else date_format(item.posted_at, "DATE_FORMAT")


@register.filter
def is_over(row: Statement) -> bool:
    """Whether it says nothing any more."""
    return row.valid_until is not None and row.valid_until <= clock.now()


@register.filter
def kind(key: str) -> str:
    return str(w.KIND_LABELS.get(key, key))


@register.filter
def way(key: str) -> str:
    return str(w.ACQUISITION_LABELS.get(key, key))


@register.filter
def layer(key: str) -> str:
    return str(w.LAYER_LABELS.get(key, key))


@register.filter
def value(key: str) -> str:
    return str(w.VALUE_LABELS.get(key, key))


@register.filter
def use(key: str) -> str:
    return str(w.USE_LABELS[key][0]) if key in w.USE_LABELS else key


@register.filter
def about(key: str) -> str:
    return str(w.SUBJECT_LABELS.get(key, key))


@register.filter
def by(statement: Statement) -> str:
    """Who says it: their name, or in which role."""
    return statement.party_name or str(PARTY_LABELS[statement.party])


@register.filter
def summarised(terms: Terms) -> str:
    """In the reader's language where it is a proposal that Kicau brought."""
    return _(terms.summary) if terms.summary else ""


@register.filter
def grouped(number: int) -> str:
    """With the reader's own mark between thousands."""
    return number_format(number, 0, use_l10n=True, force_grouping=True)


@register.filter
def vocabulary(key: str) -> str:
    return str(w.VOCABULARY_LABELS.get(key, key))


@register.filter
def place(key: str) -> str:
    return str(w.DECLARATION_PLACE_LABELS.get(key, key))


@register.filter
def condition(key: str) -> str:
    return str(CONDITION_LABELS.get(key, key))


@register.filter
def rule(key: str) -> str:
    return _("no rights statement") if key == "none" else str(w.VALUE_LABELS[key])


@register.filter
def words(text: str) -> list[str]:
    return text.split()
