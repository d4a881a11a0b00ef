"""Leaving a network: what will happen before it does, its progress, new targets, the export, and going back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.base import clock, outbound
from kicau.base.errors import Refusal
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.connector import registry
from kicau.offboarding import (
    actions,
    blocked_app_detection,
    impact_preview,
    instance_wide,
    jobs,
    restore_network,
)
from kicau.offboarding import (
    new_targets as offboarding_new_targets,
)
from kicau.offboarding.models import FROZEN_STATES, OPEN, Cause, JobKind, JobState, Withdrawal
from kicau.offboarding.new_targets import Decision, Past
from kicau.offboarding.restore_network import Late
from kicau.publishing.models import Delivery
from kicau.web.core import files
from kicau.web.core.labels import said
from kicau.web.core.times import moment_of, zones
from kicau.web.core.views import Asked, attempt, is_partial, page, person_of
from kicau.workspaces.actors import Permission

LISTED = 100  # posts on one page


@page
@require_safe
def index(request: Asked) -> HttpResponse:
    rows = list(actions.withdrawals(request.actor)[:200])
    every = [c for c in channels.channels(request.actor) if c.state in actions.IN_USE]
    by_network: dict[str, int] = {}
    for channel in every:
        by_network[channel.network] = by_network.get(channel.network, 0) + 1
    shown = {
        "open": [row for row in rows if row.state in OPEN],
        "past": [row for row in rows if row.state not in OPEN],
        "networks": sorted(by_network.items()),
        "operator": person_of(request).is_operator,
    }
    return render(request, "web/withdrawals.html", shown)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Asked) -> HttpResponseBase:
    """The assistant: choose when, see what happens, then decide."""
    request.actor.require(Permission.CHANNELS)
    given = request.POST if request.method == "POST" else request.GET
    what = {"network": given.get("network", ""), "channel": given.get("channel", "")}
    only = channels.one_channel(request.actor, what["channel"]) if what["channel"] else None
    network = only.network if only else what["network"]
    if not network:
        return redirect("withdrawals")
    zone = given.get("timezone") or person_of(request).timezone
    sentence, at = "", None
    try:
        at = moment_of(given.get("date", ""), given.get("time") or "00:00", zone) if given.get("when") == "at" else None
        if request.method == "POST":
            row = actions.announce(
                request.actor,
                **what,
                effective_at=at,
                reason=given.get("reason", ""),
                cause=given.get("cause", Cause.CHOICE),
            )
            return redirect("withdrawal", withdrawal_id=row.id)
    except Refusal as exc:
        sentence = said(exc)
    ahead = impact_preview.look_ahead(request.actor, **what, effective_at=at)
    soon = (clock.now() + timedelta(days=30)).astimezone(clock.zone(zone))
    shown = {
        "ahead": ahead,
        "network": network,
        "only": only,
        "sentence": sentence,
        "at": at,
        "asked": what,
        "form": {
            "when": given.get("when", "now"),
            "date": given.get("date") or f"{soon:%Y-%m-%d}",
            "time": given.get("time") or "00:00",
            "reason": given.get("reason", ""),
            "cause": given.get("cause", "choice"),
        },
        "zone": zone,
        "zones": zones(zone, request.actor.workspace.timezone),
    }
    if is_partial(request):
        return render(request, "web/withdrawal_new.html#ahead", shown)
    return render(
        request, "web/withdrawal_new.html", shown, status=422 if sentence and request.method == "POST" else 200
    )


@page
@require_safe
def withdrawal(request: Asked, withdrawal_id: str) -> HttpResponse:
    row = actions.one_withdrawal(request.actor, withdrawal_id)
    work = list(jobs.jobs(request.actor, row.id)[:8])
    shown: dict[str, Any] = {
        "row": row,
        "jobs": work,
        "moving": any(j.state in (JobState.WAITING, JobState.WORKING) for j in work),
    }
    if is_partial(request) and "jobs" in request.GET:
        return render(request, "web/withdrawal.html#jobs", shown | _frozen(request, row))
    stopped = impact_preview.due_after(request.actor, row) if row.state in OPEN else Delivery.objects.none()
    listed = list(stopped[_offset(request) : _offset(request) + LISTED + 1])
    shown |= _frozen(request, row) | {
        "ahead": impact_preview.outlook_of(request.actor, row),
        "late": restore_network.late_ones(request.actor, row.id).count() if row.ended_at else 0,
        "stopped": listed[:LISTED],
        "more": _offset(request) + LISTED if len(listed) > LISTED else 0,
        "is_frozen": row.state in FROZEN_STATES,
        "may_end": not row.by_operator or person_of(request).is_operator,
        "zones": zones(person_of(request).timezone, request.actor.workspace.timezone),
        "zone": person_of(request).timezone,
    }
    return render(request, "web/withdrawal.html", shown)


def _frozen(request: Asked, row: Withdrawal) -> dict[str, Any]:
    return {"progress": offboarding_new_targets.progress_of(row)} if row.state in FROZEN_STATES else {"progress": None}


def _offset(request: Asked) -> int:
    said_offset = request.GET.get("after", "")
    return min(int(said_offset), 100_000) if said_offset.isdecimal() and len(said_offset) < 7 else 0


@page
@require_POST
def do(request: Asked, withdrawal_id: str, verb: str) -> HttpResponse:
    """One act, then the withdrawal's page again."""
    actor = request.actor
    match verb:
        case "call-off":
            attempt(request, lambda: actions.call_off(actor, withdrawal_id), _("It is called off; everything goes on."))
        case "withdraw":
            attempt(
                request, lambda: actions.withdraw(actor, withdrawal_id), _("It is left; its queue is frozen and kept.")
            )
        case "dismiss":
            attempt(request, lambda: restore_network.reinstate(actor, withdrawal_id), _("It goes on as before."))
        case "export":
            attempt(request, lambda: jobs.ask_export(actor, withdrawal_id), "")
        case "knock":
            _knock(request, withdrawal_id)
        case "late":
            attempt(request, lambda: _decide_late(request, withdrawal_id), _("It is done as you decided."))
        case _:
            raise Http404
    return redirect("withdrawal", withdrawal_id=withdrawal_id)


def _knock(request: Asked, withdrawal_id: str) -> None:
    async def ask() -> bool:
        async with new_client() as client:
            return await blocked_app_detection.knock(request.actor, withdrawal_id, client)

    if outbound.run(request.actor.person_id, ask):
        messages.success(request, _("The network answers again. You can take it back."))
    else:
        messages.warning(request, _("The network still refuses, or does not answer."))


def _decide_late(request: Asked, withdrawal_id: str) -> int:
    late = Late(request.POST.get("late", "ask")) if request.POST.get("late", "ask") in set(Late) else Late.ASK
    return restore_network.decide_late(request.actor, withdrawal_id, late, _first_at(request.POST, late == Late.SHIFT))


def _first_at(given: Mapping[str, str], wanted: bool) -> datetime | None:
    """Raises Unacceptable."""
    if not wanted:
        return None
    return moment_of(given.get("date", ""), given.get("time", ""), given.get("timezone", ""))


@page
@require_http_methods(["GET", "HEAD", "POST"])
def new_targets(request: Asked, withdrawal_id: str) -> HttpResponseBase:
    """Choose channels, see how each post fits, decide once for all."""
    actor = request.actor
    actor.require(Permission.PUBLISH)
    row = actions.one_withdrawal(actor, withdrawal_id)
    given = request.POST if request.method == "POST" else request.GET
    found, sentence = None, ""
    suggested = offboarding_new_targets.suggestions(actor, row)
    past = given.get("past", "leave") if given.get("past", "leave") in set(Past) else "leave"
    zone = given.get("timezone") or person_of(request).timezone
    picked = given.getlist("channel")
    try:
        decision = Decision(
            channels=tuple(picked),
            past=Past(past),
            first_at=_first_at(given, past == Past.SHIFT),
            confirm=bool(given.get("confirm")),
            rest=bool(given.get("rest")),
        )
        if request.method == "POST":
            jobs.ask_retarget(actor, row.id, decision)
            return redirect("withdrawal", withdrawal_id=row.id)
        if picked:
            found = offboarding_new_targets.look(actor, row.id, decision, most=LISTED)
    except Refusal as exc:
        sentence = said(exc)
    tomorrow = (clock.now() + timedelta(days=1)).astimezone(clock.zone(zone))
    shown = {
        "row": row,
        "rest": bool(given.get("rest")),
        "begun": offboarding_new_targets.progress_of(row)["replaced"],
        "suggested": suggested,
        "picked": picked,
        "found": found,
        "sentence": sentence,
        "past": past,
        "confirm": bool(given.get("confirm")),
        "date": given.get("date") or f"{tomorrow:%Y-%m-%d}",
        "time": given.get("time") or "09:00",
        "zone": zone,
        "zones": zones(zone, actor.workspace.timezone),
        "frozen": row.state in FROZEN_STATES,
        "confirming": [
            s.channel
            for s in suggested
            if s.channel.key in picked and registry.get(s.channel.network).baseline.needs_confirmation
        ],
        "codes": _codes(found) if found else [],
        "unfit": found.unfit if found else 0,
        "costs": list(found.micro.items()) if found else [],
    }
    if is_partial(request):
        return render(request, "web/withdrawal_targets.html#found", shown)
    return render(
        request, "web/withdrawal_targets.html", shown, status=422 if sentence and request.method == "POST" else 200
    )


def _codes(found: offboarding_new_targets.Look) -> list[tuple[str, Any, int]]:
    """(channel key, an example of the problem, how many posts), the most frequent first."""
    examples = {(o.channel.key, p.code): p for o in found.obstacles for p in o.problems}
    return [(key, examples.get((key, code)), n) for (key, code), n in found.codes.most_common(12)]


@page
@require_http_methods(["GET", "HEAD", "POST"])
def back(request: Asked, withdrawal_id: str) -> HttpResponseBase:
    """What taking it back does, what has to be decided, then the act."""
    actor = request.actor
    actor.require(Permission.CHANNELS)
    row = actions.one_withdrawal(actor, withdrawal_id)
    sentence = ""
    if request.method == "POST":
        try:
            late = Late(request.POST.get("late", "ask")) if request.POST.get("late", "ask") in set(Late) else Late.ASK
            first_at = _first_at(request.POST, late == Late.SHIFT)
            restore_network.reinstate(
                actor, row.id, late=late, first_at=first_at, keep_replaced=bool(request.POST.get("keep"))
            )
            messages.success(request, _("It is taken back, and its queue goes on."))
            return redirect("withdrawal", withdrawal_id=row.id)
        except Refusal as exc:
            sentence = said(exc)
    zone = person_of(request).timezone
    tomorrow = (clock.now() + timedelta(days=1)).astimezone(clock.zone(zone))
    shown = {
        "row": row,
        "told": restore_network.look_back(actor, row.id),
        "sentence": sentence,
        "zone": zone,
        "zones": zones(zone, actor.workspace.timezone),
        "date": f"{tomorrow:%Y-%m-%d}",
        "frozen": row.state in FROZEN_STATES,
    }
    return render(request, "web/withdrawal_return.html", shown, status=422 if sentence else 200)


@page
@require_safe
def download(request: Asked, job_id: str) -> HttpResponseBase:
    request.actor.require(Permission.PUBLISH)
    job = jobs.one_job(request.actor, job_id)
    if job.kind != JobKind.EXPORT or job.state != JobState.DONE:
        raise Http404
    place = content_disposition_header(True, jobs.name_of(job)) or "attachment"
    try:
        return files.send(
            request,
            jobs.file_of(job),
            "application/zip",
            {"Content-Disposition": place, "Cache-Control": "private, no-store"},
        )
    except OSError:
        raise Http404 from None


# For all workspaces


@page
@require_http_methods(["GET", "HEAD", "POST"])
def for_all(request: Asked) -> HttpResponseBase:
    """The operator's page."""
    person = person_of(request)
    sentence = ""
    if request.method == "POST":
        try:
            _for_all(request)
            return redirect("withdrawals-for-all")
        except Refusal as exc:
            sentence = said(exc)
    soon = (clock.now() + timedelta(days=30)).astimezone(clock.zone(person.timezone))
    shown = {
        "spread": instance_wide.spread(person),
        "decisions": instance_wide.decisions(person),
        "sentence": sentence,
        "date": f"{soon:%Y-%m-%d}",
        "zone": person.timezone,
        "zones": zones(person.timezone),
    }
    return render(request, "web/withdrawals_for_all.html", shown, status=422 if sentence else 200)


def _for_all(request: Asked) -> None:
    given, person = request.POST, person_of(request)
    if together := given.get("together"):
        instance_wide.go_back(person, together)
        messages.success(request, _("It is taken back in every workspace."))
        return
    network, _sep, app = given.get("app", "").partition("/")
    at = (
        moment_of(given.get("date", ""), given.get("time") or "00:00", given.get("timezone", ""))
        if given.get("when") == "at"
        else None
    )
    made = instance_wide.announce(person, network, app_name=app, effective_at=at, reason=given.get("reason", ""))
    messages.success(request, _("Decided for %(n)s workspaces; their people are told.") % {"n": len(made)})
