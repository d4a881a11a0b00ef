"""Channels: their health, connecting them by the network's own sign-in, pausing, slots, disconnecting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.base import clock, outbound
from kicau.base.errors import DomainError, ServerBusy, validation_failed
from kicau.channels import actions, app_keys, local_sandboxes, token_refresh
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import ChannelState, PendingSignIn
from kicau.connector import registry
from kicau.connector.errors import ConnectorError
from kicau.publishing.calendar import calendar_queries, post_queries
from kicau.web.core.labels import error_sentence, errors_by_field, localize_sentence
from kicau.web.core.times import zone_choices
from kicau.web.core.views import WORKSPACE_SESSION_KEY, MemberRequest, member_page, person_of, run_action
from kicau.workspaces.actions import actor_for
from kicau.workspaces.actors import Permission

CLOCK_PATTERN = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)")


@member_page
@require_safe
def channel_list(request: MemberRequest) -> HttpResponse:
    found = list(actions.channels(request.actor))
    without_keys = {one.network for one in app_keys.all_keys(request.actor) if one.needs_keys and not one.app}
    networks = registry.installed_connectors()
    shown = {
        "channels": found,
        "waiting": calendar_queries.count_waiting(request.actor, found),
        "networks": {slug: networks[slug] for slug in sorted(networks, key=lambda slug: slug in without_keys)},
        "now": clock.now(),
        "troubles": post_queries.latest_problems(request.actor) if found else {},
        "ending": {c.id for c in found if token_refresh.expires_soon(c)},
        "sandboxes": _sandboxes(request) if not found else [],
        "without_keys": without_keys,
        "is_operator": person_of(request).is_operator,
    }
    return render(request, "channels/channel_list.html", shown)


def _sandboxes(request: MemberRequest) -> list[str]:
    """Sandbox networks that run here and could be tried, for whoever may take their keys."""
    if not (person_of(request).is_operator and request.actor.may(Permission.CHANNELS)) or actions.apps().exists():
        return []
    try:
        return sorted(outbound.run_request(request.actor.person_id, local_sandboxes.running_sandboxes))
    except ServerBusy:
        return []


@member_page
@require_POST
def try_sandboxes(request: MemberRequest) -> HttpResponse:
    """From now on connecting leads to the sandboxes."""
    run_action(
        request,
        lambda: outbound.run_request(request.actor.person_id, local_sandboxes.use_sandboxes, request.actor),
        _("The simulated social networks (sandbox) are ready. Choose one, then sign in with any of its test accounts."),
    )
    return redirect("channels")


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: MemberRequest, network: str) -> HttpResponse:
    """What must be known beforehand, if anything; then off to the network."""
    request.actor.require(Permission.CHANNELS)
    if network not in registry.installed_slugs():
        return redirect("channels")
    questions = registry.get_connector(network).auth.questions
    given = {q.name: request.POST.get(q.name, q.default).strip() for q in questions}
    try:
        actions.find_app(network)
    except DomainError as exc:
        return _render_questions(request, network, given, errors_by_field(exc), status=422, can_connect=False)
    if request.method != "POST":
        return _render_questions(request, network, given, {})
    try:
        begun = outbound.run_request(request.actor.person_id, actions.begin_sign_in, request.actor, network, given)
    except ServerBusy:
        raise
    except DomainError as exc:
        return _render_questions(request, network, given, errors_by_field(exc), status=422)
    except ConnectorError as exc:
        sentence = _("Kicau could not connect to %(network)s: %(why)s") % {
            "network": registry.get_connector(network).label,
            "why": exc,
        }
        return _render_questions(request, network, given, {"": [sentence]}, status=502)
    # By a page of ours: a form may not be redirected to another host (Content-Security-Policy form-action).
    if begun.url:
        return render(request, "channels/redirect_to_network.html", {"url": begun.url, "network": network})
    return render(request, "channels/choose_accounts.html", {"begun": begun, "network": network})


def _render_questions(
    request: MemberRequest,
    network: str,
    given: Mapping[str, str],
    wrong: Mapping[str, list[str]],
    status: int = 200,
    *,
    can_connect: bool = True,
) -> HttpResponse:
    """The questions with what was typed, except secrets; what is wrong stands beside its question, else above them all."""
    questions = registry.get_connector(network).auth.questions
    asked = {q.name for q in questions}
    shown = {
        "network": network,
        "questions": [(q, "" if q.secret else given[q.name], wrong.get(q.name, [])) for q in questions],
        "can_connect": can_connect,
        "is_operator": person_of(request).is_operator,
        "takes_secret": any(q.secret for q in questions),
        "sentences": list(dict.fromkeys(one for field in wrong if field not in asked for one in wrong[field])),
    }
    return render(request, "channels/connect.html", shown, status=status)


@member_page
@require_safe
def callback(request: MemberRequest) -> HttpResponseBase:
    """Where every network sends people back to."""
    returned = {key: str(value) for key, value in request.GET.items()}
    _switch_to_workspace(request, returned.get("state", ""))
    try:
        begun = outbound.run_request(request.actor.person_id, actions.finish_sign_in, request.actor, returned)
    except ConnectorError as exc:
        return render(
            request, "core/action_failed.html", {"sentence": str(exc), "status": 502, "way": "channels"}, status=502
        )
    except ServerBusy:
        raise
    except DomainError as exc:
        return render(
            request,
            "core/action_failed.html",
            {"sentence": error_sentence(exc), "status": 422, "way": "channels"},
            status=422,
        )
    return render(request, "channels/choose_accounts.html", {"begun": begun})


def _switch_to_workspace(request: MemberRequest, state: str) -> None:
    """Go on in the workspace in which the sign-in was begun, perhaps at the shell."""
    pending = PendingSignIn.objects.filter(state=state, person=person_of(request)).first()
    if pending is not None and pending.workspace_id != request.actor.workspace.id:
        request.actor = actor_for(person_of(request), pending.workspace_id, "page")
        request.session[WORKSPACE_SESSION_KEY] = str(pending.workspace_id)


@member_page
@require_POST
def choose_accounts(request: MemberRequest) -> HttpResponse:
    """The identities that become channels."""
    state, wanted = request.POST.get("state", ""), request.POST.getlist("identity")
    if not wanted:
        messages.error(request, _("Choose at least one account to connect."))
        return HttpResponseRedirect(f"{reverse('channels-callback')}?{urlencode({'state': state})}")
    try:
        made = outbound.run_request(request.actor.person_id, actions.connect, request.actor, state, wanted)
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
        return redirect("channels")
    messages.success(
        request,
        ngettext("%(n)s channel was connected.", "%(n)s channels were connected.", len(made)) % {"n": len(made)},
    )
    return redirect("channels")


@member_page
@require_safe
def channel_detail(request: MemberRequest, key: str) -> HttpResponse:
    found = actions.one_channel(request.actor, key)
    can = capabilities_of(found)
    coming = calendar_queries.agenda(
        request.actor, calendar_queries.DeliveryFilter(channel=found.key), since=clock.now(), limit=8
    )
    slots = list(found.slots.all())
    shown = {
        "channel": found,
        "ends_soon": token_refresh.expires_soon(found),
        "trouble": post_queries.latest_problems(request.actor, found).get(found.id),
        "put_off": localize_sentence(found.capabilities_delay_reason, found.asks_said),
        "not_renewed": localize_sentence(found.renewal_problem, found.renewal_said)
        if found.state == ChannelState.ACTIVE
        else "",
        "can": can,
        "abilities": can.abilities,
        "coming": coming.cards,
        "facts": sorted(can.facts.items()),
        "week": [(day, ", ".join(f"{s.time:%H:%M}" for s in slots if s.weekday == day)) for day in range(7)],
        "zone": slots[0].timezone if slots else person_of(request).timezone,
        "zones": zone_choices(
            slots[0].timezone if slots else "", person_of(request).timezone, request.actor.workspace.timezone
        ),
    }
    return render(request, "channels/channel_detail.html", shown)


@member_page
@require_POST
def act_on_channel(request: MemberRequest, key: str, action: str) -> HttpResponse:
    match action:
        case "pause":
            run_action(
                request,
                lambda: actions.pause(request.actor, key, True),
                _("The channel is paused. Posts in its queue wait until you resume the channel."),
            )
        case "resume":
            run_action(
                request,
                lambda: actions.pause(request.actor, key, False),
                _("The channel is active again. Kicau now publishes the posts in the channel's queue."),
            )
        case "disconnect":
            run_action(
                request,
                lambda: actions.disconnect(request.actor, key),
                _(
                    "The channel was disconnected. Kicau keeps the channel's posts and queue, and continues the queue after you reconnect the channel."
                ),
            )
        case "slots":
            run_action(
                request,
                lambda: actions.set_slots(request.actor, key, _parse_slots(request), request.POST.get("timezone", "")),
                _("The channel's posting times are saved."),
            )
    return redirect("channel", key=key)


def _parse_slots(request: MemberRequest) -> list[tuple[int, time]]:
    """Times of day by weekday, as people write them: "09:00, 17.30"."""
    found = []
    for day in range(7):
        for word in re.split(r"[,;\s]+", request.POST.get(f"day-{day}", "").strip()):
            if not word:
                continue
            said_time = CLOCK_PATTERN.fullmatch(word)
            if said_time is None:
                raise validation_failed(
                    "slots",
                    "{word!r} is not a valid posting time. Separate posting times with commas, for example: 09:00, 17:30.",
                    word=word,
                )
            found.append((day, time(int(said_time[1]), int(said_time[2]))))
    return found
