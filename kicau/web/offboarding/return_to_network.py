"""Going back to a network, and what happens to posts past their time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.offboarding import (
    actions,
    restore_network,
)
from kicau.offboarding.models import (
    FROZEN_STATES,
)
from kicau.offboarding.restore_network import OverdueAction
from kicau.web.core.labels import error_sentence
from kicau.web.core.times import parse_moment, zone_choices
from kicau.web.core.views import MemberRequest, member_page, person_of
from kicau.workspaces.actors import Permission


def decide_overdue_posts(request: MemberRequest, offboarding_id: str) -> int:
    overdue = (
        OverdueAction(request.POST.get("overdue", "ask"))
        if request.POST.get("overdue", "ask") in set(OverdueAction)
        else OverdueAction.ASK
    )
    return restore_network.decide_overdue(
        request.actor, offboarding_id, overdue, parse_first_time(request.POST, overdue == OverdueAction.SHIFT)
    )


def parse_first_time(given: Mapping[str, str], wanted: bool) -> datetime | None:
    """Raises ValidationFailed."""
    if not wanted:
        return None
    return parse_moment(given.get("date", ""), given.get("time", ""), given.get("timezone", ""))


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def return_to_network(request: MemberRequest, offboarding_id: str) -> HttpResponseBase:
    """What taking it back does, what has to be decided, then the act."""
    actor = request.actor
    actor.require(Permission.CHANNELS)
    row = actions.one_offboarding(actor, offboarding_id)
    sentence = ""
    if request.method == "POST":
        try:
            overdue = (
                OverdueAction(request.POST.get("overdue", "ask"))
                if request.POST.get("overdue", "ask") in set(OverdueAction)
                else OverdueAction.ASK
            )
            first_at = parse_first_time(request.POST, overdue == OverdueAction.SHIFT)
            restore_network.resume(
                actor, row.id, overdue=overdue, first_at=first_at, keep_replaced=bool(request.POST.get("keep"))
            )
            messages.success(
                request, _("Kicau publishes to this network again and continues with the scheduled posts.")
            )
            return redirect("offboarding", offboarding_id=row.id)
        except DomainError as exc:
            sentence = error_sentence(exc)
    zone = person_of(request).timezone
    tomorrow = (clock.now() + timedelta(days=1)).astimezone(clock.find_zone(zone))
    shown = {
        "row": row,
        "told": restore_network.preview_resumption(actor, row.id),
        "sentence": sentence,
        "zone": zone,
        "zones": zone_choices(zone, actor.workspace.timezone),
        "date": f"{tomorrow:%Y-%m-%d}",
        "frozen": row.state in FROZEN_STATES,
    }
    return render(request, "offboarding/return_to_network.html", shown, status=422 if sentence else 200)
