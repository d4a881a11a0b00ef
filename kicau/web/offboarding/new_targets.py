"""Choosing other channels for the posts of a network that is left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.connector import registry
from kicau.offboarding import (
    actions,
    jobs,
)
from kicau.offboarding import (
    new_targets as offboarding_new_targets,
)
from kicau.offboarding.models import (
    FROZEN_STATES,
)
from kicau.offboarding.new_targets import OverdueRetargetAction, RetargetDecision
from kicau.web.core.labels import error_sentence
from kicau.web.core.times import zone_choices
from kicau.web.core.views import MemberRequest, is_partial, member_page, person_of
from kicau.web.offboarding.offboarding import MAX_LISTED
from kicau.web.offboarding.return_to_network import parse_first_time
from kicau.workspaces.actors import Permission


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def new_targets(request: MemberRequest, offboarding_id: str) -> HttpResponseBase:
    """Choose channels, see how each post fits, decide once for all."""
    actor = request.actor
    actor.require(Permission.PUBLISH)
    row = actions.one_offboarding(actor, offboarding_id)
    given = request.POST if request.method == "POST" else request.GET
    found, sentence = None, ""
    suggested = offboarding_new_targets.target_suggestions(actor, row)
    overdue = given.get("overdue", "leave") if given.get("overdue", "leave") in set(OverdueRetargetAction) else "leave"
    zone = given.get("timezone") or person_of(request).timezone
    picked = given.getlist("channel")
    try:
        decision = RetargetDecision(
            channels=tuple(picked),
            overdue=OverdueRetargetAction(overdue),
            first_at=parse_first_time(given, overdue == OverdueRetargetAction.SHIFT),
            confirm=bool(given.get("confirm")),
            rest=bool(given.get("rest")),
        )
        if request.method == "POST":
            jobs.request_retarget(actor, row.id, decision)
            return redirect("offboarding", offboarding_id=row.id)
        if picked:
            found = offboarding_new_targets.preview_retarget(actor, row.id, decision, most=MAX_LISTED)
    except DomainError as exc:
        sentence = error_sentence(exc)
    tomorrow = (clock.now() + timedelta(days=1)).astimezone(clock.find_zone(zone))
    shown = {
        "row": row,
        "rest": bool(given.get("rest")),
        "begun": offboarding_new_targets.retarget_progress(row)["replaced"],
        "suggested": suggested,
        "picked": picked,
        "found": found,
        "sentence": sentence,
        "overdue": overdue,
        "confirm": bool(given.get("confirm")),
        "date": given.get("date") or f"{tomorrow:%Y-%m-%d}",
        "time": given.get("time") or "09:00",
        "zone": zone,
        "zones": zone_choices(zone, actor.workspace.timezone),
        "frozen": row.state in FROZEN_STATES,
        "confirming": [
            s.channel
            for s in suggested
            if s.channel.key in picked and registry.get_connector(s.channel.network).baseline.needs_confirmation
        ],
        "codes": _problem_counts(found) if found else [],
        "unfit": found.unfit if found else 0,
        "costs": list(found.micro.items()) if found else [],
    }
    if is_partial(request):
        return render(request, "offboarding/new_targets.html#found", shown)
    return render(
        request, "offboarding/new_targets.html", shown, status=422 if sentence and request.method == "POST" else 200
    )


def _problem_counts(found: offboarding_new_targets.RetargetPreview) -> list[tuple[str, Any, int]]:
    """(channel key, an example of the problem, how many posts), the most frequent first."""
    examples = {(o.channel.key, p.code): p for o in found.obstacles for p in o.problems}
    return [(key, examples.get((key, code)), n) for (key, code), n in found.codes.most_common(12)]
