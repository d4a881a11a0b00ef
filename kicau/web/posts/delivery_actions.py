"""What a person does with one delivery: cancel, retry, confirm, move, resolve, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.base import clock, outbound
from kicau.base.errors import validation_failed
from kicau.publishing.models import (
    Delivery,
)
from kicau.publishing.scheduling import actions
from kicau.web.core.times import parse_moment
from kicau.web.core.views import MemberRequest, member_page, redirect_back, run_action


@member_page
@require_safe
def redirect_to_delivery(request: MemberRequest, delivery_id: str) -> HttpResponse:
    """The address that other programs give: leads to the delivery on its post's page."""
    row = actions.one_delivery(request.actor, delivery_id)
    return HttpResponseRedirect(f"{reverse('post', args=[row.draft_id])}#d-{row.id}")


@member_page
@require_POST
def act_on_delivery(request: MemberRequest, delivery_id: str, action: str) -> HttpResponse:
    """One act on a delivery, then back to where it was asked for."""
    if action not in DELIVERY_ACTIONS:
        raise Http404
    act, done = DELIVERY_ACTIONS[action]
    row = actions.one_delivery(request.actor, delivery_id)
    run_action(request, lambda: act(request, row), str(done()))
    return redirect_back(request, "post", row.draft_id)


def _reschedule(request: MemberRequest, row: Delivery) -> None:
    zone = request.POST.get("timezone") or row.timezone
    day, time = request.POST.get("date", ""), request.POST.get("time", "")
    if day and not time:  # dropped on another day
        time = f"{row.due_at.astimezone(clock.find_zone(zone)):%H:%M:%S}"
    actions.reschedule(request.actor, row.id, parse_moment(day, time, zone), zone)


def _resolve_outcome(request: MemberRequest, row: Delivery) -> None:
    published = request.POST.get("published", "")
    if published not in ("yes", "no"):
        raise validation_failed(
            "published", "Look for the post on the network, then choose whether it was published there."
        )
    actions.resolve_unknown_outcome(
        request.actor,
        row.id,
        published=published == "yes",
        url=request.POST.get("url", "").strip(),
        remote_id=request.POST.get("remote_id", "")[:300],
    )


DELIVERY_ACTIONS: dict[str, tuple[Callable[[MemberRequest, Delivery], Any], Callable[[], str]]] = {
    "cancel": (
        lambda r, row: actions.cancel(r.actor, row.id),
        lambda: _("The post is canceled. It will not be published."),
    ),
    "retry": (lambda r, row: actions.retry(r.actor, row.id), lambda: _("Kicau is trying to publish the post again.")),
    "confirm": (
        lambda r, row: actions.confirm(r.actor, row.id),
        lambda: _("You confirmed that Kicau may publish this post."),
    ),
    "reschedule": (_reschedule, lambda: _("The post was moved to its new time.")),
    "resolve": (
        _resolve_outcome,
        lambda: _("Kicau saved your answer about whether the post was published on the network."),
    ),
    "delete": (
        lambda r, row: outbound.run_request(r.actor.person_id, actions.delete_from_network, r.actor, row.id),
        lambda: _("The post was deleted from the network. Kicau keeps its own record of the post."),
    ),
}
