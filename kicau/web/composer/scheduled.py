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
from kicau.base.errors import DomainError, ValidationFailed
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.publishing.models import Delivery, Draft, DraftState
from kicau.publishing.scheduling import scheduled_posts
from kicau.publishing.scheduling.schedule import PostPreview
from kicau.publishing.scheduling.scheduled_posts import ScheduledPostChange, ScheduledPostResult
from kicau.web.composer.form import PostForm
from kicau.web.composer.publishing_time import moment_of
from kicau.web.core import network_logos
from kicau.web.core.labels import sentence
from kicau.web.core.views import MemberRequest
from kicau.web.templatetags.kicau import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationState:
    """What the author is asked to confirm, and what is confirmed already."""

    asked: list[Channel]
    lapsed: list[Delivery]  # those whose confirmed content the sheet changes
    kept: list[Delivery]


def active_deliveries(request: MemberRequest, draft: Draft | None) -> list[Delivery]:
    """The deliveries of a scheduled post without canceled and deleted ones; none for any other post."""
    if draft is None or draft.state != DraftState.SCHEDULED:
        return []
    return scheduled_posts.current_deliveries(request.actor, draft.id)


def fill_form(sheet: PostForm, rows: Sequence[Delivery]) -> None:
    """Give a sheet the channels and the time that the deliveries have. What its author changed before stays changed."""
    there = list(dict.fromkeys(row.channel.key for row in rows))
    added = [key for key in sheet.channels if key not in sheet.channels_before]
    removed = set(sheet.channels_before) - set(sheet.channels)
    sheet.channels = [key for key in there if key not in removed] + [key for key in added if key not in there]
    sheet.channels_before = there
    when, date, time, timezone = sheet.when, sheet.date, sheet.time, sheet.timezone
    text, problem = sheet.time_text, sheet.time_problem
    was_changed = sheet.is_time_changed
    waiting = [row for row in rows if scheduled_posts.is_changeable(row)]
    sheet.when, sheet.date, sheet.time, sheet.time_text, sheet.time_problem = "keep", "", "", "", None
    if len({row.due_at for row in waiting}) == 1 and waiting[0].due_at > clock.now():
        sheet.timezone = waiting[0].timezone
        local = waiting[0].due_at.astimezone(clock.find_zone(sheet.timezone))
        sheet.when, sheet.date, sheet.time = "at", f"{local:%Y-%m-%d}", f"{local:%H:%M}"
    sheet.note_time()
    if was_changed:
        sheet.when, sheet.date, sheet.time, sheet.timezone = when, date, time, timezone
        sheet.time_text, sheet.time_problem = text, problem


def change_from_form(sheet: PostForm, usable: Iterable[Channel], *, confirm: bool | None) -> ScheduledPostChange:
    """What the author changed. A channel that the form did not offer stays. Raises ValidationFailed for a bad time."""
    offered = {channel.key for channel in usable}
    wanted = ScheduledPostChange(composition=sheet.composition(), confirm=confirm)
    if sheet.time_before:  # the form says what it began with
        added = tuple(key for key in sheet.channels if key not in sheet.channels_before)
        removed = tuple(key for key in sheet.channels_before if key not in sheet.channels and key in offered)
        wanted = replace(wanted, add=added, remove=removed)
    if not sheet.is_time_changed or sheet.when == "keep":
        return wanted
    if sheet.when == "slot":
        return replace(wanted, next_slot=True)
    at = clock.now() if sheet.when == "now" else moment_of(sheet)
    return replace(wanted, due_at=at, timezone=sheet.timezone)


def confirmations(sheet: PostForm, rows: Sequence[Delivery], previews: Sequence[PostPreview]) -> ConfirmationState:
    """Which of the chosen channels ask for a confirmation. Where nothing changed, the one that is there is kept."""
    found = ConfirmationState(asked=[], lapsed=[], kept=[])
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


def asks_to_confirm(exc: DomainError) -> bool:
    """Whether nothing else is in the way of saving than a confirmation."""
    return isinstance(exc, ValidationFailed) and {p.code for p in exc.problems} == {scheduled_posts.CONFIRM_AGAIN_CODE}


def confirmation_questions(exc: ValidationFailed) -> list[str]:
    return [sentence(problem) for problem in exc.problems]


def report_result(request: MemberRequest, done: ScheduledPostResult) -> None:
    """Say what was saved, and what could not be changed any more, channel by channel."""
    saved = _("Your changes are saved.")
    if times := dict.fromkeys(row.due_at for row in done.moved):
        word = ngettext(
            "New publishing time of the post: %(times)s.", "New publishing times of the post: %(times)s.", len(times)
        )
        saved = format_html(
            "{} {}", saved, _wrap_value(word, "times", format_html_join("; ", "{}", ((moment(at),) for at in times)))
        )
    messages.success(request, saved)
    for rows, message in (
        (done.added, _("The post is scheduled on %(channels)s.")),
        (done.canceled, _("The post was canceled on %(channels)s.")),
    ):
        if rows:
            messages.success(request, message % {"channels": channel_names(rows)})
    if done.unconfirmed:
        held = _("The post is on hold on these channels until someone confirms it: %(channels)s.")
        messages.warning(request, held % {"channels": channel_names(done.unconfirmed)})
    if done.begun:
        begun = _(
            "Kicau did not change the post on these channels, because it is already published or being published: %(channels)s."
        )
        messages.warning(request, begun % {"channels": channel_names(done.begun)})
    for notice in done.notices:
        if notice.code == "duplicate":
            messages.warning(request, sentence(notice))


def channel_names(rows: Iterable[Delivery]) -> str:
    """Channels with their networks, as a list in a sentence."""
    return ", ".join(dict.fromkeys(f"{row.channel.name} ({network_logos.network_label(row.network)})" for row in rows))


def _wrap_value(message: str, name: str, value: SafeString) -> SafeString:
    before, _place, after = message.partition(f"%({name})s")
    return format_html("{}{}{}", before, value, after)
