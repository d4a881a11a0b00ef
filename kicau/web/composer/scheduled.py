"""The composer for a post that is scheduled already: it opens with the real channels and times, and saves what changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.contrib import messages
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kicau.base import clock
from kicau.base.errors import Refusal, Unacceptable
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.publishing.models import Delivery, Draft, DraftState
from kicau.publishing.scheduling import scheduled_posts
from kicau.publishing.scheduling.schedule import Preview
from kicau.publishing.scheduling.scheduled_posts import Change, Changed
from kicau.web.composer.form import Sheet
from kicau.web.core import network_logos
from kicau.web.core.labels import sentence
from kicau.web.core.times import moment_of
from kicau.web.core.views import Asked
from kicau.web.templatetags.kicau import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmations:
    """What the author is asked to confirm, and what is confirmed already."""

    asked: list[Channel]
    lapsed: list[Delivery]  # those whose confirmed content the sheet changes
    kept: list[Delivery]


def deliveries(request: Asked, draft: Draft | None) -> list[Delivery]:
    """The deliveries of a scheduled post without canceled and deleted ones; none for any other post."""
    if draft is None or draft.state != DraftState.SCHEDULED:
        return []
    return scheduled_posts.current(request.actor, draft.id)


def fill(sheet: Sheet, rows: Sequence[Delivery]) -> None:
    """Give a sheet the channels and the time that the deliveries have. What its author changed before stays changed."""
    there = list(dict.fromkeys(row.channel.key for row in rows))
    added = [key for key in sheet.channels if key not in sheet.channels_before]
    removed = set(sheet.channels_before) - set(sheet.channels)
    sheet.channels = [key for key in there if key not in removed] + [key for key in added if key not in there]
    sheet.channels_before = there
    when, date, time, timezone = sheet.when, sheet.date, sheet.time, sheet.timezone
    was_changed = sheet.is_time_changed
    waiting = [row for row in rows if scheduled_posts.is_changeable(row)]
    sheet.when, sheet.date, sheet.time = "keep", "", ""
    if len({row.due_at for row in waiting}) == 1 and waiting[0].due_at > clock.now():
        sheet.timezone = waiting[0].timezone
        local = waiting[0].due_at.astimezone(clock.zone(sheet.timezone))
        sheet.when, sheet.date, sheet.time = "at", f"{local:%Y-%m-%d}", f"{local:%H:%M}"
    sheet.note_time()
    if was_changed:
        sheet.when, sheet.date, sheet.time, sheet.timezone = when, date, time, timezone


def change_of(sheet: Sheet, usable: Iterable[Channel], *, confirm: bool | None) -> Change:
    """What the author changed. A channel that the form did not offer stays. Raises Unacceptable for a bad time."""
    offered = {channel.key for channel in usable}
    wanted = Change(composition=sheet.composition(), confirm=confirm)
    if sheet.time_before:  # the form says what it began with
        added = tuple(key for key in sheet.channels if key not in sheet.channels_before)
        removed = tuple(key for key in sheet.channels_before if key not in sheet.channels and key in offered)
        wanted = replace(wanted, add=added, remove=removed)
    if not sheet.is_time_changed or sheet.when == "keep":
        return wanted
    if sheet.when == "slot":
        return replace(wanted, next_slot=True)
    at = clock.now() if sheet.when == "now" else moment_of(sheet.date, sheet.time, sheet.timezone)
    return replace(wanted, due_at=at, timezone=sheet.timezone)


def confirmations(sheet: Sheet, rows: Sequence[Delivery], previews: Sequence[Preview]) -> Confirmations:
    """Which of the chosen channels ask for a confirmation. Where nothing changed, the one that is there is kept."""
    found = Confirmations(asked=[], lapsed=[], kept=[])
    by_channel: dict[str, list[Delivery]] = {}
    for row in rows:
        by_channel.setdefault(row.channel.key, []).append(row)
    for one in previews:
        if not capabilities_of(one.channel).needs_confirmation:
            continue
        theirs = by_channel.get(one.channel.key, [])
        waiting = [row for row in theirs if scheduled_posts.is_changeable(row)]
        lapsed = [row for row in waiting if scheduled_posts.confirmation_lapses(row, one.rendered)]
        found.lapsed.extend(lapsed)
        found.kept.extend(row for row in waiting if row.confirmed_at and row not in lapsed)
        if lapsed or not theirs or any(row.confirmed_at is None for row in waiting):
            found.asked.append(one.channel)
    return found


def asks_to_confirm(exc: Refusal) -> bool:
    """Whether nothing else is in the way of saving than a confirmation."""
    return isinstance(exc, Unacceptable) and {p.code for p in exc.problems} == {scheduled_posts.CONFIRM_AGAIN}


def questions(exc: Unacceptable) -> list[str]:
    return [sentence(problem) for problem in exc.problems]


def report(request: Asked, done: Changed) -> None:
    """Say what was saved, and what could not be changed any more, channel by channel."""
    saved = _("Saved.")
    if times := dict.fromkeys(row.due_at for row in done.moved):
        word = ngettext("New time: %(times)s.", "New times: %(times)s.", len(times))
        saved = format_html(
            "{} {}", saved, _with(word, "times", format_html_join("; ", "{}", ((moment(at),) for at in times)))
        )
    messages.success(request, saved)
    for rows, message in (
        (done.added, _("Scheduled on %(channels)s.")),
        (done.canceled, _("Cancelled on %(channels)s.")),
    ):
        if rows:
            messages.success(request, message % {"channels": names(rows)})
    if done.unconfirmed:
        held = _("Held until somebody confirms it: %(channels)s.")
        messages.warning(request, held % {"channels": names(done.unconfirmed)})
    if done.begun:
        begun = _("Not changed, because it is published or on its way: %(channels)s.")
        messages.warning(request, begun % {"channels": names(done.begun)})
    for notice in done.notices:
        if notice.code == "duplicate":
            messages.warning(request, sentence(notice))


def names(rows: Iterable[Delivery]) -> str:
    """Channels with their networks, as a list in a sentence."""
    return ", ".join(dict.fromkeys(f"{row.channel.name} ({network_logos.label(row.network)})" for row in rows))


def _with(message: str, name: str, value: SafeString) -> SafeString:
    before, _place, after = message.partition(f"%({name})s")
    return format_html("{}{}{}", before, value, after)
