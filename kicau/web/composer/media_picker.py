"""Choosing a file of the media library for a post."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kicau.media.actions import all_media
from kicau.web.core.views import MemberRequest, member_page

MAX_LIBRARY_ITEMS = 60


@member_page
@require_safe
def pick_medium(request: MemberRequest) -> HttpResponse:
    """The library as a choice for one part."""
    found = all_media(request.actor)
    if words := request.GET.get("words", "").strip():
        found = found.filter(name__icontains=words) | found.filter(alt__icontains=words)
    shown = {"key": request.GET.get("key", ""), "media": list(found[:MAX_LIBRARY_ITEMS])}
    return render(request, "composer/pick_medium.html", shown)
