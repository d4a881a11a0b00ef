"""The operator's page for leaving a network in all workspaces."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.offboarding import (
    instance_wide,
)
from kicau.web.core.labels import error_sentence
from kicau.web.core.times import parse_moment, zone_choices
from kicau.web.core.views import MemberRequest, member_page, person_of

# For all workspaces


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def instance_wide_offboarding(request: MemberRequest) -> HttpResponseBase:
    """The operator's page."""
    person = person_of(request)
    sentence = ""
    if request.method == "POST":
        try:
            _offboard_everywhere(request)
            return redirect("offboarding-instance-wide")
        except DomainError as exc:
            sentence = error_sentence(exc)
    soon = (clock.now() + timedelta(days=30)).astimezone(clock.find_zone(person.timezone))
    shown = {
        "spread": instance_wide.app_usages(person),
        "decisions": instance_wide.open_decisions(person),
        "sentence": sentence,
        "date": f"{soon:%Y-%m-%d}",
        "zone": person.timezone,
        "zones": zone_choices(person.timezone),
    }
    return render(request, "offboarding/instance_wide_offboarding.html", shown, status=422 if sentence else 200)


def _offboard_everywhere(request: MemberRequest) -> None:
    given, person = request.POST, person_of(request)
    if decision_id := given.get("decision_id"):
        instance_wide.resume_everywhere(person, decision_id)
        messages.success(request, _("Kicau publishes to this network again in every workspace."))
        return
    network, _sep, app = given.get("app", "").partition("/")
    at = (
        parse_moment(given.get("date", ""), given.get("time") or "00:00", given.get("timezone", ""))
        if given.get("when") == "at"
        else None
    )
    made = instance_wide.announce_everywhere(
        person, network, app_name=app, effective_at=at, reason=given.get("reason", "")
    )
    messages.success(
        request,
        ngettext(
            "Your decision to stop using this network applies to %(n)s workspace. Kicau notifies its members.",
            "Your decision to stop using this network applies to %(n)s workspaces. Kicau notifies their members.",
            len(made),
        )
        % {"n": len(made)},
    )
