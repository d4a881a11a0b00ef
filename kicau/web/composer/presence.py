"""Who else has the post open."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from kicau.base.ids import NO_ID, as_uuid
from kicau.publishing.content import snippets
from kicau.web.core.views import MemberRequest, member_page, person_of
from kicau.workspaces.actors import Permission


@member_page
@require_POST
def presence(request: MemberRequest) -> HttpResponse:
    """This editor is open; the names of others who have the same post open."""
    request.actor.require(Permission.WRITE)
    draft_id = as_uuid(request.POST.get("draft", ""))
    others = (
        snippets.announce_presence(request.actor, draft_id, request.POST.get("hand", "")) if draft_id != NO_ID else []
    )
    me = person_of(request).name
    shown = {"others": [name for name in others if name != me], "elsewhere": me in others}
    return render(request, "composer/presence.html", shown)


@member_page
@require_POST
def end_presence(request: MemberRequest) -> HttpResponse:
    snippets.end_presence(request.actor, as_uuid(request.POST.get("draft", "")), request.POST.get("hand", ""))
    return HttpResponse(status=204)
