"""Saved groups of channels in the composer."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from kicau.base.errors import DomainError
from kicau.publishing.content import snippets
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, member_page


@member_page
@require_POST
def save_channel_group(request: MemberRequest) -> HttpResponse:
    try:
        snippets.save_group(request.actor, request.POST.get("group-name", ""), request.POST.getlist("channel"))
    except DomainError as exc:
        return _render_groups(request, error_sentence(exc))
    return _render_groups(request)


@member_page
@require_POST
def delete_channel_group(request: MemberRequest, group_id: UUID) -> HttpResponse:
    snippets.delete_group(request.actor, group_id)
    return _render_groups(request)


def _render_groups(request: MemberRequest, sentence: str = "") -> HttpResponse:
    shown = {"chosen_groups": list(snippets.channel_groups(request.actor)), "sentence": sentence}
    return render(request, "composer/channel_groups.html", shown)
