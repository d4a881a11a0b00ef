"""The pieces of which a calendar holds hundreds, drawn without the template engine: a full month stays quick."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from uuid import UUID

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kicau.cost_reports.post_costs import CalendarCosts
from kicau.publishing import transitions
from kicau.publishing.calendar.calendar_queries import CalendarCard, DeliverySummary
from kicau.publishing.transitions import Verb
from kicau.web.core import labels
from kicau.web.templatetags.kicau import brief, dot, icon, mark

if TYPE_CHECKING:
    from kicau.web.calendar.calendar import GridDay

register = template.Library()

SHORT_TEXT_LENGTH, LONG_TEXT_LENGTH = 70, 150  # characters of a post's text


@lru_cache(maxsize=1)
def _post_url_pattern() -> str:
    return reverse("post", args=[UUID(int=0)]).replace(str(UUID(int=0)), "{}")


def _clock_html(card: CalendarCard) -> str:
    return f'<time datetime="{card.due_at.isoformat()}">{labels.clock_time(timezone.localtime(card.due_at))}</time>'


def _shortened_text(card: CalendarCard, most: int) -> str:
    text = card.text or _("Media without text")
    return escape(text if len(text) <= most else text[: most - 1] + "…")


@register.simple_tag
def chip(card: CalendarCard, may_move: bool, long: bool = False, costs: CalendarCosts | None = None) -> SafeString:
    """A post at its time as a link that can be dragged; `long`: in a line of its own, with its state. With `costs`, what
    it costs where it costs anything."""
    first = card.deliveries[0]
    drag = ""
    if may_move and all(transitions.is_possible(row, Verb.RESCHEDULE) for row in card.deliveries):
        drag = f' draggable="true" data-deliveries="{" ".join(str(row.id) for row in card.deliveries)}"'
    marks = "".join(mark(network, 14) for network in dict.fromkeys(row.network for row in card.deliveries))
    return mark_safe(  # noqa: S308 (every text is escaped above)
        f'<a class="chip tone-{labels.delivery_badge(first).tone}" href="{_post_url_pattern().format(card.draft_id)}"{drag}>'
        f'<span class="when">{_clock_html(card)}</span><span class="marks">{marks}</span>{dot(first) if long else ""}'
        f'<span class="text">{_shortened_text(card, LONG_TEXT_LENGTH if long else SHORT_TEXT_LENGTH)}</span>{_cost_html(card, costs)}</a>'
    )


@register.simple_tag(takes_context=True)
def days_of_month(context: template.Context, compose: str) -> SafeString:
    """All days of a month with what each has room for, which are no free slots."""
    may_move = context["may"]["publish"]
    return SafeString(
        "".join(_day_of_month_html(context, cell, compose, may_move) for week in context["weeks"] for cell in week)
    )


def _day_of_month_html(context: template.Context, cell: GridDay, compose: str, may_move: bool) -> str:
    posts = "".join(chip(card, may_move) for card in cell.cards)
    return f"{day_of_grid(context, cell, compose)}{left_on(context, cell.day)}{posts}{more_of_day(context, cell)}</section>"


@register.simple_tag(takes_context=True)
def day_of_grid(context: template.Context, cell: GridDay, compose: str) -> SafeString:
    """How a day of a month or week begins: its name and number, how many posts it has, what they cost, and a way to
    write one for it. The section stays open."""
    day, today, may = cell.day, context["today"], context["may"]
    looks = {"outside": cell.outside, "today": day == today, "bare": not cell.entries, "dense": cell.dense}
    posts = f'<span class="posts">{cell.posts}</span>' if cell.posts > 1 else ""
    add = ""
    if may["write"] and day >= today:
        label = escape(_("New post on %(day)s") % {"day": labels.day_words(day, "j F")})
        add = f'<a class="add" href="{compose}?day={day:%Y-%m-%d}" aria-label="{label}">{icon("plus")}</a>'
    return mark_safe(  # noqa: S308 (every text is escaped; the others are numbers and our own drawings)
        f'<section class="{" ".join(["day", *(look for look, holds in looks.items() if holds)])}" data-day="{day:%Y-%m-%d}"'
        f' aria-label="{escape(labels.day_words(day, "l, j F"))}"><header><a class="dayof" href="{escape(context["to_day"])}{day:%Y-%m-%d}">'
        f'<span class="name">{escape(labels.day_words(day, "D"))}</span> <span class="number">{day.day}</span></a>{posts}'
        f"{brief(context['costs'].days.get(day))}{add}</header>"
    )


@register.simple_tag(takes_context=True)
def left_on(context: template.Context, day: date) -> SafeString:
    """The networks that are left on that day, each as a link to how."""
    told = [
        f'<a class="chip tone-sun" href="{reverse("offboarding", args=[one.row.id])}"><span class="marks">{mark(one.row.network, 14)}</span>'
        f'<span class="text">{escape(_("Kicau stops publishing to this network on this day"))}</span></a>'
        for one in context["leaving"]
        if one.day == day
    ]
    return mark_safe("".join(told))  # noqa: S308 (our own drawing, and a text that is escaped)


@register.simple_tag(takes_context=True)
def more_of_day(context: template.Context, cell: GridDay) -> SafeString:
    if not cell.more:
        return SafeString("")
    told = escape(ngettext("%(n)s more post", "%(n)s more posts", cell.more) % {"n": cell.more})
    return mark_safe(f'<a class="more" href="{escape(context["to_day"])}{cell.day:%Y-%m-%d}">{told}</a>')  # noqa: S308


@register.simple_tag
def entry(card: CalendarCard, costs: CalendarCosts | None = None) -> SafeString:
    """A post in a list: its time, its text, where it goes and how that stands."""
    picture = ""
    if card.picture:
        address = reverse("medium-thumbnail", args=[card.picture.rpartition("/")[2]])
        picture = f'<img class="thumb" src="{address}" alt="" width="64" height="64" loading="lazy">'
    return mark_safe(  # noqa: S308 (every text is escaped above)
        f'<a class="entry" href="{_post_url_pattern().format(card.draft_id)}"><span class="when">{_clock_html(card)}</span>'
        f'<span class="what"><span class="text">{_shortened_text(card, LONG_TEXT_LENGTH)}</span><span class="to">{"".join(map(_target_html, card.deliveries))}{_cost_html(card, costs)}</span></span>{picture}</a>'
    )


def _cost_html(card: CalendarCard, costs: CalendarCosts | None) -> SafeString:
    found = costs.posts.get((card.draft_id, card.due_at)) if costs else None
    return brief(found) if found else SafeString("")


def _target_html(row: DeliverySummary) -> str:
    return f'<span class="target">{mark(row.network, 16)}<span class="who">{escape(row.channel_name)}</span>{dot(row)}</span>'


@register.filter
def in_words(day: date, form: str) -> str:
    return labels.day_words(day, form)


@register.simple_tag
def card_ids(card: CalendarCard) -> str:
    return " ".join(str(row.id) for row in card.deliveries)
