"""What every page has in common: who asks, in which workspace, and how a refusal is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from kicau.base.errors import DomainError, NotFound, ServerBusy
from kicau.costs import display_currency
from kicau.notifications import actions as notices
from kicau.web.core.labels import error_sentence
from kicau.workspaces import factors
from kicau.workspaces.actors import Actor
from kicau.workspaces.models import Membership, Person

WORKSPACE_SESSION_KEY = "workspace"  # the session's key for the chosen workspace
SECOND_FACTOR_SESSION_KEY = "second_factor"  # the session's key for which one was shown in it: one of the next two
KICAU_FACTOR, PROVIDER_FACTOR = "own", "provider"
# Put together once, since every page asks it of somebody; nothing is read before that.
MEMBERSHIP_QUERY = (
    Membership.objects.select_related("workspace")
    .annotate(unread=notices.unread_count_column("person"))
    .order_by("created_at")
)


class MemberRequest(HttpRequest):
    """A request of somebody who is signed in and has a workspace."""

    actor: Actor
    memberships: list[Membership]
    unread: int  # notices


type View = Callable[..., HttpResponseBase]


def member_page(view: View) -> View:
    """The view gets an `MemberRequest`; whoever is not signed in goes to the sign-in page, whoever lacks a second factor that the
    workspace requires goes to set it up, and refusals become pages."""
    return _wrap_view(view, enters_workspace=True)


def personal_page(view: View) -> View:
    """The same for what people do for themselves, such as setting up the second factor that a workspace requires."""
    return _wrap_view(view, enters_workspace=False)


def _wrap_view(view: View, *, enters_workspace: bool) -> View:
    @wraps(view)
    def run(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        actor = actor_of(request)
        if actor is None:
            return redirect("no-workspace")
        if enters_workspace and lacks_second_factor(request, actor):
            return _to_second_factor(request)
        request.actor = actor
        drop_nul(request)
        display_currency.activate_display(display_currency.CurrencyDisplay(actor.workspace.currency))
        try:
            return view(request, *args, **kwargs)
        except DomainError as exc:
            return error_response(request, exc)

    return run


def drop_nul(request: HttpRequest) -> None:
    """Take the one letter that PostgreSQL cannot keep out of what was asked and typed; pasted text may hold it."""
    for name in ("GET", "POST"):
        given: QueryDict = getattr(request, name)
        if any("\x00" in value for _field, values in given.lists() for value in values):
            clean = given.copy()
            for field, values in given.lists():
                clean.setlist(field, [value.replace("\x00", "") for value in values])
            setattr(request, name, clean)


def person_of(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)
    return request.user


def is_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece of the page and not for all of it."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def error_response(request: HttpRequest, exc: DomainError) -> HttpResponse:
    """The refusal as a page or, for htmx, as a notice above the page; the status says which kind it is."""
    status = exc.http_status
    if is_partial(request):
        answer = render(request, "core/error_notice.html", {"sentence": error_sentence(exc)}, status=status)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#notices", "innerHTML"
    else:
        answer = render(
            request, "core/action_failed.html", {"sentence": error_sentence(exc), "status": status}, status=status
        )
    if isinstance(exc, ServerBusy):
        answer["Retry-After"] = str(exc.retry_after)
    return answer


def run_action(request: HttpRequest, act: Callable[[], object], done: str) -> bool:
    """Do an act; what came of it is told on the next page."""
    try:
        act()
    except NotFound:
        raise
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
        return False
    if done:
        messages.success(request, done)
    return True


def redirect_back(request: HttpRequest, otherwise: str, *args: Any) -> HttpResponseRedirect:
    """To the page that the form names (of ours), else to a named one."""
    return safe_redirect(request, request.POST.get("next", ""), otherwise, *args)


def safe_redirect(request: HttpRequest, wanted: str, otherwise: str = "home", *args: Any) -> HttpResponseRedirect:
    """To `wanted` where that is an address of ours, else to a named page."""
    if wanted and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return HttpResponseRedirect(wanted)
    return HttpResponseRedirect(reverse(otherwise, args=args))


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if is_partial(request):
        sentence = _("You are signed out. Your text is saved in this browser. Sign in again to continue.")
        answer = render(request, "core/error_notice.html", {"sentence": sentence, "signed_out": True}, status=401)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#notices", "innerHTML"
        return answer
    return HttpResponseRedirect(f"{reverse('sign-in')}?{urlencode({'next': request.get_full_path()})}")


def lacks_second_factor(request: HttpRequest, actor: Actor) -> bool:
    """Whether the workspace requires a second factor that was not shown in this session or is gone from the account."""
    if not actor.workspace.requires_second_factor:
        return False
    shown = request.session.get(SECOND_FACTOR_SESSION_KEY)
    return shown != PROVIDER_FACTOR and not (
        shown == KICAU_FACTOR and factors.has_own_second_factor(person_of(request))
    )


def _to_second_factor(request: HttpRequest) -> HttpResponse:
    if is_partial(request):
        answer = HttpResponse(status=403)
        answer["HX-Redirect"] = reverse("second-factor-required")
        return answer
    return redirect("second-factor-required")


def actor_of(request: HttpRequest) -> Actor | None:
    """Who asks, in the workspace that they chose; None for somebody without one. One query gives the workspaces of the switcher and the actor."""
    person = person_of(request)
    memberships = list(MEMBERSHIP_QUERY.filter(person=person))
    request.memberships = memberships  # type: ignore[attr-defined]  # an Asked has them
    wanted = request.session.get(WORKSPACE_SESSION_KEY)
    chosen = next((m for m in memberships if str(m.workspace_id) == wanted), None) or next(iter(memberships), None)
    if chosen is None:
        return None
    request.unread = chosen.unread  # type: ignore[attr-defined]
    return Actor(workspace=chosen.workspace, person=person, role=chosen.role, via="page")
