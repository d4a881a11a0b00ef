"""Publishing a post a second time: channels and time are chosen, then the question, then the act."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kicau.base import clock
from kicau.base.errors import DomainError, ValidationFailed, validation_failed
from kicau.channels import actions as channels
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.publishing.content import compositions
from kicau.publishing.models import Draft, DraftState
from kicau.publishing.scheduling import schedule, scheduled_posts
from kicau.web.composer.previews import usable
from kicau.web.core.labels import errors_by_field, sentence
from kicau.web.core.times import all_zone_options, parse_moment
from kicau.web.core.views import MemberRequest, member_page, person_of
from kicau.workspaces.actors import Permission


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def publish_again(request: MemberRequest, draft_id: str) -> HttpResponse:
    """GET chooses and, with `ask`, shows the question; POST answers it with yes."""
    request.actor.require(Permission.PUBLISH)
    draft = compositions.one_draft(request.actor, draft_id)
    if draft.state != DraftState.SCHEDULED:
        return redirect("compose-draft", draft_id=draft.id)
    form = request.POST if request.method == "POST" else request.GET
    shown = _render_form(request, draft, form)
    if "ask" not in form and request.method != "POST":
        return render(request, "posts/publish_again.html", shown)
    try:
        shown |= _render_question(request, draft, form, shown["usable"])
        if request.method == "POST":
            return _publish_and_redirect(request, draft, shown)
    except DomainError as exc:
        sentences = [one for found in errors_by_field(exc).values() for one in found]
        return render(request, "posts/publish_again.html", shown | {"errors": sentences}, status=422)
    return render(request, "posts/publish_again.html", shown)


def _render_form(request: MemberRequest, draft: Draft, form: QueryDict) -> dict[str, Any]:
    rows = scheduled_posts.current_deliveries(request.actor, draft.id)
    zone = form.get("timezone", "") or draft.timezone or person_of(request).timezone
    local = (clock.now() + timedelta(hours=2)).astimezone(clock.find_zone(draft.timezone))
    there = [row.channel.key for row in rows]
    return {
        "draft": draft,
        "rows": rows,
        "usable": [c for c in channels.channels(request.actor) if usable(c)],
        "chosen": form.getlist("channel") if "ask" in form else there,
        "when": form.get("when", "at"),
        "date": form.get("date", f"{local:%Y-%m-%d}"),
        "time": form.get("time", f"{local:%H}:00"),
        "timezone": zone,
        "every_zone": all_zone_options(),
        "unsaved": bool(draft.extras.get("pending")),
    }


def _render_question(request: MemberRequest, draft: Draft, form: QueryDict, offered: list[Channel]) -> dict[str, Any]:
    """Where and when the second set would go, with its price. Raises ValidationFailed."""
    picked = [c for c in offered if c.key in form.getlist("channel")]
    if not picked:
        raise validation_failed("channels", "Choose at least one channel.")
    at = _parse_moment(form)
    previews = schedule.preview_posts(request.actor, draft, picked, due_at=at)
    if problems := [p for one in previews for p in one.problems]:
        raise ValidationFailed(problems)
    return {
        "question": [(channel, at) for channel in picked],
        "quote": schedule.quote_previews(previews),
        "at": at,
        "confirming": [c for c in picked if capabilities_of(c).needs_confirmation],
    }


def _parse_moment(form: QueryDict) -> datetime | None:
    """None: now."""
    if form.get("when") == "now":
        return None
    at = parse_moment(form.get("date", ""), form.get("time", ""), form.get("timezone", ""))
    if at < clock.now() - schedule.PAST_TIME_TOLERANCE:
        raise validation_failed(
            "at", "This publishing time is in the past. Choose a future time, or publish the post now."
        )
    return at


def _publish_and_redirect(request: MemberRequest, draft: Draft, shown: dict[str, Any]) -> HttpResponse:
    done = schedule.schedule(
        request.actor,
        draft,
        [channel.key for channel, _at in shown["question"]],
        shown["at"] or clock.now(),
        timezone=shown["timezone"],
        confirm="confirm" in request.POST,
        again=True,
    )
    messages.success(
        request,
        _("A second post with the same content is scheduled. The earlier post stays as it is.")
        if shown["at"]
        else _("Kicau is publishing the post now."),
    )
    for notice in done.notices:
        if notice.code == "duplicate":
            messages.warning(request, sentence(notice))
    return redirect("post", draft_id=draft.id)
