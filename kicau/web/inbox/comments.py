"""What others said to the workspace's channels: newest first, answered from here where the network lets us, or done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.base.ids import as_uuid
from kicau.channels import actions as channels
from kicau.channels.models import Channel
from kicau.inbox import comments
from kicau.sync import sync_settings
from kicau.web.core.views import MemberRequest, member_page, redirect_back, run_action
from kicau.workspaces.actors import Permission

ITEMS_PER_PAGE = 30


@member_page
@require_safe
def comment_list(request: MemberRequest) -> HttpResponse:
    every = list(channels.channels(request.actor))
    chosen = {name: request.GET.get(name, "")[:80] for name in ("channel", "network", "unanswered")}
    wanted = comments.InboxFilter(
        channel=chosen["channel"], network=chosen["network"], unanswered=bool(chosen["unanswered"])
    )
    found = comments.newest_items(
        request.actor, every, wanted, after=_parse_cursor(request.GET.get("after", "")), limit=ITEMS_PER_PAGE
    )
    reads = sync_settings.sync_is_on(request.actor, every)
    shown = {
        "rows": [(row, comments.can_reply(row)) for row in found.rows],
        "wanted": chosen,
        "filtered": any(chosen.values()),
        "following": f"{found.following[0].isoformat()}~{found.following[1]}" if found.following else "",
        "channels": [c for c in every if c.network in reads],
        "networks": sorted(reads),
        "is_read": _sync_prices(every, [slug for slug, on in sorted(reads.items()) if on]),
        "not_read": _sync_prices(every, [slug for slug, on in sorted(reads.items()) if not on]),
    }
    return render(request, "inbox/comment_list.html", shown)


def _parse_cursor(said: str) -> comments.InboxCursor | None:
    at, _sep, key = said.partition("~")
    try:
        place = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (place, as_uuid(key)) if place.tzinfo else None


def _sync_prices(every: Sequence[Channel], slugs: Sequence[str]) -> list[tuple[str, int, str]]:
    """Of each network what one more post or answer that is read costs: micro-units and currency ("" where nothing)."""
    app = {c.network: c.app for c in every}
    return [(slug, *sync_settings.price_per_item(slug, app[slug].plan)) for slug in slugs]


@member_page
@require_POST
def mark_done(request: MemberRequest, comment_id: UUID) -> HttpResponseRedirect:
    done = request.POST.get("done") == "yes"
    run_action(
        request,
        lambda: comments.mark_done(request.actor, comment_id, done=done),
        _("The message in your inbox is marked as done.")
        if done
        else _("The message in your inbox is marked as not done."),
    )
    return redirect_back(request, "inbox")


@member_page
@require_POST
def reply(request: MemberRequest, comment_id: UUID) -> HttpResponseRedirect:
    """To the composer, with what is answered filled in."""
    request.actor.require(Permission.WRITE)
    row = comments.get_item(request.actor, comment_id)
    begun: list[UUID] = []
    if run_action(request, lambda: begun.append(comments.begin_reply(request.actor, row.id).id), ""):
        return redirect(f"/compose/{begun[0]}?channel={row.channel.key}")
    return redirect_back(request, "inbox")
