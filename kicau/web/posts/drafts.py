"""The list of drafts, and what is done with one: duplicate, submit, archive."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.publishing.approval import reviews
from kicau.publishing.calendar import post_queries
from kicau.publishing.scheduling import actions
from kicau.web.core.views import MemberRequest, member_page, run_action


@member_page
@require_POST
def duplicate_post(request: MemberRequest, draft_id: str) -> HttpResponse:
    made = actions.duplicate(request.actor, draft_id)
    messages.success(request, _("You are now editing a copy of the post. The copy is not scheduled yet."))
    return redirect("compose-draft", draft_id=made.id)


@member_page
@require_POST
def submit_post(request: MemberRequest, draft_id: str) -> HttpResponse:
    run_action(request, lambda: reviews.submit(request.actor, draft_id), _("The post was submitted for approval."))
    return redirect("post", draft_id=draft_id)


@member_page
@require_POST
def archive_post(request: MemberRequest, draft_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: actions.archive_draft(request.actor, draft_id),
        _("The post was archived in Kicau. It was not deleted from Kicau or from any social network."),
    )
    return redirect("drafts")


@member_page
@require_safe
def draft_list(request: MemberRequest) -> HttpResponse:
    """What is being written or waits for an editor."""
    state = request.GET.get("state", "")
    found, following = post_queries.unscheduled_drafts(request.actor, state=state, before=request.GET.get("before", ""))
    return render(request, "posts/draft_list.html", {"drafts": found, "following": following, "state": state})
