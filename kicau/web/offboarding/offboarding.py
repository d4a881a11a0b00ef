"""Leaving a network: the list, the preview before it, its progress and the export."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.base import clock, outbound
from kicau.base.errors import DomainError
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.offboarding import (
    actions,
    blocked_app_detection,
    impact_preview,
    jobs,
    restore_network,
)
from kicau.offboarding import (
    new_targets as offboarding_new_targets,
)
from kicau.offboarding.models import (
    FROZEN_STATES,
    OPEN_STATES,
    Offboarding,
    OffboardingCause,
    OffboardingJobState,
)
from kicau.publishing.models import Delivery
from kicau.web.core.labels import error_sentence
from kicau.web.core.times import parse_moment, zone_choices
from kicau.web.core.views import MemberRequest, is_partial, member_page, person_of, run_action
from kicau.web.offboarding.return_to_network import decide_overdue_posts
from kicau.workspaces.actors import Permission

MAX_LISTED = 100  # posts on one page


@member_page
@require_safe
def offboarding_list(request: MemberRequest) -> HttpResponse:
    rows = list(actions.offboardings(request.actor)[:200])
    every = [c for c in channels.channels(request.actor) if c.state in actions.CONNECTED_STATES]
    by_network: dict[str, int] = {}
    for channel in every:
        by_network[channel.network] = by_network.get(channel.network, 0) + 1
    shown = {
        "open": [row for row in rows if row.state in OPEN_STATES],
        "ended": [row for row in rows if row.state not in OPEN_STATES],
        "networks": sorted(by_network.items()),
        "operator": person_of(request).is_operator,
    }
    return render(request, "offboarding/offboarding_list.html", shown)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def new_offboarding(request: MemberRequest) -> HttpResponseBase:
    """The assistant: choose when, see what happens, then decide."""
    request.actor.require(Permission.CHANNELS)
    given = request.POST if request.method == "POST" else request.GET
    what = {"network": given.get("network", ""), "channel": given.get("channel", "")}
    only = channels.one_channel(request.actor, what["channel"]) if what["channel"] else None
    network = only.network if only else what["network"]
    if not network:
        return redirect("offboarding-list")
    zone = given.get("timezone") or person_of(request).timezone
    sentence, at = "", None
    try:
        at = (
            parse_moment(given.get("date", ""), given.get("time") or "00:00", zone)
            if given.get("when") == "at"
            else None
        )
        if request.method == "POST":
            row = actions.announce_offboarding(
                request.actor,
                **what,
                effective_at=at,
                reason=given.get("reason", ""),
                cause=given.get("cause", OffboardingCause.CHOICE),
            )
            return redirect("offboarding", offboarding_id=row.id)
    except DomainError as exc:
        sentence = error_sentence(exc)
    ahead = impact_preview.preview_offboarding(request.actor, **what, effective_at=at)
    soon = (clock.now() + timedelta(days=30)).astimezone(clock.find_zone(zone))
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
        "zones": zone_choices(zone, request.actor.workspace.timezone),
    }
    if is_partial(request):
        return render(request, "offboarding/new_offboarding.html#ahead", shown)
    return render(
        request, "offboarding/new_offboarding.html", shown, status=422 if sentence and request.method == "POST" else 200
    )


@member_page
@require_safe
def offboarding_detail(request: MemberRequest, offboarding_id: str) -> HttpResponse:
    row = actions.one_offboarding(request.actor, offboarding_id)
    work = list(jobs.jobs(request.actor, row.id)[:8])
    shown: dict[str, Any] = {
        "row": row,
        "jobs": work,
        "moving": any(j.state in (OffboardingJobState.WAITING, OffboardingJobState.WORKING) for j in work),
    }
    if is_partial(request) and "jobs" in request.GET:
        return render(request, "offboarding/offboarding_detail.html#jobs", shown | _retarget_progress(request, row))
    stopped = (
        impact_preview.affected_deliveries(request.actor, row) if row.state in OPEN_STATES else Delivery.objects.none()
    )
    listed = list(stopped[_offset(request) : _offset(request) + MAX_LISTED + 1])
    shown |= _retarget_progress(request, row) | {
        "ahead": impact_preview.preview_of(request.actor, row),
        "overdue": restore_network.overdue_deliveries(request.actor, row.id).count() if row.ended_at else 0,
        "stopped": listed[:MAX_LISTED],
        "more": _offset(request) + MAX_LISTED if len(listed) > MAX_LISTED else 0,
        "is_frozen": row.state in FROZEN_STATES,
        "may_end": not row.by_operator or person_of(request).is_operator,
        "zones": zone_choices(person_of(request).timezone, request.actor.workspace.timezone),
        "zone": person_of(request).timezone,
    }
    return render(request, "offboarding/offboarding_detail.html", shown)


def _retarget_progress(request: MemberRequest, row: Offboarding) -> dict[str, Any]:
    return (
        {"progress": offboarding_new_targets.retarget_progress(row)}
        if row.state in FROZEN_STATES
        else {"progress": None}
    )


def _offset(request: MemberRequest) -> int:
    said_offset = request.GET.get("after", "")
    return min(int(said_offset), 100_000) if said_offset.isdecimal() and len(said_offset) < 7 else 0


@member_page
@require_POST
def act_on_offboarding(request: MemberRequest, offboarding_id: str, action: str) -> HttpResponse:
    """One act, then the offboarding's page again."""
    actor = request.actor
    match action:
        case "cancel":
            run_action(
                request,
                lambda: actions.cancel_offboarding(actor, offboarding_id),
                _("The plan to stop using this network is canceled. Kicau continues to publish to it."),
            )
        case "leave-now":
            run_action(
                request,
                lambda: actions.offboard_now(actor, offboarding_id),
                _(
                    "Kicau stopped publishing to this network. The posts scheduled on this network are on hold, not deleted."
                ),
            )
        case "dismiss":
            run_action(
                request,
                lambda: restore_network.resume(actor, offboarding_id),
                _("Kicau continues to publish to this network as before."),
            )
        case "export":
            run_action(request, lambda: jobs.request_export(actor, offboarding_id), "")
        case "check-network":
            _probe_network(request, offboarding_id)
        case "overdue":
            run_action(
                request,
                lambda: decide_overdue_posts(request, offboarding_id),
                _("Your choice for the overdue posts was applied."),
            )
        case _:
            raise Http404
    return redirect("offboarding", offboarding_id=offboarding_id)


def _probe_network(request: MemberRequest, offboarding_id: str) -> None:
    async def ask() -> bool:
        async with new_client() as client:
            return await blocked_app_detection.check_if_unblocked(request.actor, offboarding_id, client)

    if outbound.run_request(request.actor.person_id, ask):
        messages.success(request, _("The network responds to Kicau again. You can resume publishing to this network."))
    else:
        messages.warning(
            request, _("The network still blocks Kicau or does not respond. Check the network again later.")
        )
