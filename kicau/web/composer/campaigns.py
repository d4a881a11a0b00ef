"""Campaigns that the composer suggests."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.html import format_html_join
from django.views.decorators.http import require_safe

from kicau.publishing.calendar import post_queries
from kicau.web.core.views import MemberRequest, member_page


@member_page
@require_safe
def campaigns(request: MemberRequest) -> HttpResponse:
    """Names to choose from."""
    names = ((name,) for name in post_queries.campaigns(request.actor))
    return HttpResponse(format_html_join("", '<option value="{}"></option>', names))
