"""App keys: where the operator enters the keys of each network's app, guided step by step."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from kicau.base import outbound
from kicau.base.errors import DomainError, ServerBusy
from kicau.channels import app_keys
from kicau.channels.channel_session import CALLBACK_PATH
from kicau.connector import registry
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import MemberRequest, member_page, person_of

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@member_page
@require_safe
def all_app_keys(request: MemberRequest) -> HttpResponse:
    shown = {
        "networks": app_keys.all_keys(request.actor),
        "is_operator": person_of(request).is_operator,
        "address": _address_troubles(request),
    }
    return render(request, "channels/app_keys.html", shown)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def network_app_keys(request: MemberRequest, network: str) -> HttpResponse:
    """The guide of one network and the form for its keys; a POST tests them and saves them."""
    app_keys.require_operator(request.actor)
    if network not in registry.installed_slugs():
        return redirect("app-keys")
    keys = app_keys.network_keys(request.actor, network)
    if keys.guide is None:
        return redirect("channels-connect", network)
    app = keys.app if keys.app and not keys.app.is_sandbox else None
    given = {
        "client_id": app.client_id if app else "",
        "tier": app.tier if app else "",
        "plan": app.plan if app else "",
    }
    if request.method != "POST":
        return _render_guide(request, keys, given, {})
    given = {name: request.POST.get(name, "").strip() for name in given}
    try:
        saved = outbound.run_request(
            request.actor.person_id,
            app_keys.save_keys,
            request.actor,
            network,
            given["client_id"],
            request.POST.get("client_secret", ""),
            tier=given["tier"],
            plan=given["plan"],
        )
    except ServerBusy:
        raise
    except DomainError as exc:
        return _render_guide(request, keys, given, errors_by_field(exc), status=422)
    if saved.untested:
        messages.warning(
            request,
            _(
                "Kicau saved the keys without testing them, because %(network)s did not answer. If you cannot connect a channel, check the keys again."
            )
            % {"network": keys.label},
        )
    else:
        messages.success(
            request, _("%(network)s accepted the keys. You can now connect a channel.") % {"network": keys.label}
        )
    return redirect("channels-connect", network)


def _render_guide(
    request: MemberRequest,
    keys: app_keys.NetworkKeys,
    given: dict[str, str],
    errors: dict[str, list[str]],
    status: int = 200,
) -> HttpResponse:
    assert keys.guide is not None
    fields = {"client_id", "client_secret"}
    app = keys.app
    shown = {
        "keys": keys,
        "guide": keys.guide,
        "id_name": keys.guide.key_names[0],
        "secret_name": keys.guide.key_names[1],
        "site": urlsplit(keys.guide.url).hostname,
        "source": keys.guide.source.split(" ")[0],
        "callback": settings.KICAU_PUBLIC_URL + CALLBACK_PATH,
        "scopes": registry.get_connector(keys.network).auth.scopes,
        "plans": app_keys.plan_prices(keys.network),
        "has_secret": bool(app and not app.is_sandbox and app.client_secret),
        "given": given,
        "errors": errors,
        "form_errors": [one for field, some in errors.items() if field not in fields for one in some],
        "address": _address_troubles(request, fetches_files=keys.guide.fetches_files),
    }
    return render(request, "channels/network_app_keys.html", shown, status=status)


def _address_troubles(request: MemberRequest, *, fetches_files: bool = False) -> list[str]:
    """What networks would have against the address that Kicau believes it has, as the operator is told it."""
    ours, here = urlsplit(settings.KICAU_PUBLIC_URL), urlsplit(request.build_absolute_uri("/"))
    found = []
    if (ours.scheme, ours.netloc) != (here.scheme, here.netloc):
        found.append(
            _(
                "You opened Kicau at %(here)s, but Kicau's own address is %(ours)s. Networks send people back to %(ours)s after they sign in. If that is wrong, set KICAU_PUBLIC_URL and restart Kicau."
            )
            % {"here": f"{here.scheme}://{here.netloc}", "ours": settings.KICAU_PUBLIC_URL}
        )
    if ours.scheme != "https" and ours.hostname not in LOOPBACK_HOSTS:
        found.append(
            _(
                "Kicau's address %(ours)s does not begin with https://. Most networks accept only callback addresses with https."
            )
            % {"ours": settings.KICAU_PUBLIC_URL}
        )
    if fetches_files and ours.hostname in LOOPBACK_HOSTS:
        found.append(
            _(
                "This network downloads pictures and videos from Kicau. It cannot reach %(ours)s, which exists only on this machine. Posts without files work."
            )
            % {"ours": settings.KICAU_PUBLIC_URL}
        )
    return found
