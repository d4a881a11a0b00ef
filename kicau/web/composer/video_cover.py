"""Choosing the cover of a video."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kicau.channels import actions as channels
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.connector.content import MediaKind
from kicau.media.actions import all_media, one_medium
from kicau.web.core.views import MemberRequest, member_page

MAX_COVER_CHOICES = 12


@member_page
@require_safe
def choose_cover(request: MemberRequest) -> HttpResponse:
    """What a video shows before it plays: a frame by its time or a picture, and who takes which."""
    medium, wanted = one_medium(request.actor, request.GET.get("medium", "")), set(request.GET.getlist("channel"))
    rules = {c.network: _cover_rule(c) for c in channels.channels(request.actor) if c.key in wanted}
    at = request.GET.get("at", "")
    shown = {
        "medium": medium,
        "key": request.GET.get("key", ""),
        "at": int(at) if at.isdecimal() and len(at) < 9 else min(1000, medium.duration_ms // 2),
        "chosen": request.GET.get("picture", ""),
        "has_cover": bool(at or request.GET.get("picture")),
        "pictures": list(all_media(request.actor).filter(kind=MediaKind.IMAGE)[:MAX_COVER_CHOICES]),
        "takers": [network for network, rule in rules.items() if rule],
        "others": [network for network, rule in rules.items() if not rule],
    }
    return render(request, "composer/choose_cover.html", shown)


def _cover_rule(channel: Channel) -> bool:
    rule = capabilities_of(channel).media.get(MediaKind.VIDEO)
    return bool(rule and rule.cover)
