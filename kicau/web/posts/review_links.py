"""Links by which clients review a post: creating and revoking them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kicau.base.errors import DomainError
from kicau.publishing.approval import review_links
from kicau.publishing.content import compositions
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import MemberRequest, member_page
from kicau.web.posts.approval import run_and_return


@never_cache
@member_page
@require_POST
def create_review_link(request: MemberRequest, draft_id: str) -> HttpResponse:
    """The link is on this answer and never again."""
    draft = compositions.one_draft(request.actor, draft_id)
    days = request.POST.get("days", "")
    name = request.POST.get("name", "")
    given = {"draft": draft, "name": name}
    try:
        made = review_links.create_link(
            request.actor,
            draft.id,
            name,
            days=int(days) if days.isdigit() else 0,
            may_comment="comment" in request.POST,
            may_approve="approve" in request.POST,
        )
    except DomainError as exc:
        return render(request, "posts/create_review_link.html", given | {"errors": errors_by_field(exc)}, status=422)
    return render(request, "posts/create_review_link.html", given | {"made": made})


@member_page
@require_POST
def revoke_review_link(request: MemberRequest, draft_id: str, link_id: str) -> HttpResponse:
    return run_and_return(
        request,
        draft_id,
        lambda: review_links.revoke_link(request.actor, link_id),
        _("The review link is revoked. Nobody can open it anymore."),
    )
