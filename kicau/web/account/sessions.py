"""The browsers in which somebody is signed in: listed, and signed out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from kicau.base.errors import NotFound
from kicau.web.core.views import actor_of, lacks_second_factor, person_of, redirect_back
from kicau.workspaces import account_security, factors, passkeys, sessions

# Looked for in this order, since a browser also names those that it descends from.
BROWSER_PATTERNS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEM_PATTERNS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class BrowserSessionRow:
    handle: UUID
    device: str
    address: str
    used_at: datetime
    is_this: bool


def browser_sessions(request: HttpRequest) -> list[BrowserSessionRow]:
    """This browser first."""
    key = request.session.session_key
    found = [
        BrowserSessionRow(row.handle, device_name(row.user_agent), row.address, row.used_at, row.session_key == key)
        for row in sessions.sessions_of(person_of(request))
    ]
    return sorted(found, key=lambda one: not one.is_this)


def device_name(user_agent: str) -> str:
    """A browser and its system in plain words."""
    browser = next((name for mark, name in BROWSER_PATTERNS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEM_PATTERNS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown device")


@require_POST
def end_session(request: HttpRequest, handle: UUID) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect("sign-in")
    try:
        account_security.end_session(person_of(request), handle)
    except NotFound:
        raise Http404 from None
    messages.success(request, _("You are now signed out on the device that you chose."))
    return redirect_back(request, "sign-in-settings")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect("sign-in")
    count = account_security.end_other_sessions(person_of(request), request.session.session_key or "")
    done = ngettext(
        "You are now signed out on %(n)s other device.", "You are now signed out on %(n)s other devices.", count
    ) % {"n": count}
    messages.success(request, done)
    return redirect_back(request, "sign-in-settings")


@require_safe
def second_factor_required(request: HttpRequest) -> HttpResponse:
    """For a member who has not shown the second factor that the workspace requires: the way to it."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    person, actor = person_of(request), actor_of(request)
    if actor is None or not lacks_second_factor(request, actor):
        return redirect("home")
    found = {
        "person": person,
        "required_by": actor.workspace,
        "others": [one for one in request.memberships if one.workspace_id != actor.workspace.id],  # type: ignore[attr-defined]  # set by actor_of
        "has_own": factors.has_own_second_factor(person),
        "has_app": factors.is_second_factor_on(person),
        "has_passkey": person.passkeys.exists() and passkeys.are_passkeys_possible(),
    }
    return render(request, "account/second_factor_required.html", found)
