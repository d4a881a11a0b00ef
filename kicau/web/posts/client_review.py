"""What a client's review link opens: the post as its readers will see it, and, where the link allows, their word on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kicau.archive import published_policy
from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.media import library
from kicau.publishing.approval import review_links, reviews
from kicau.publishing.models import ReviewLink
from kicau.web.core import files
from kicau.web.core.labels import client_review_badge, error_sentence
from kicau.web.library.media_files import moment_asked, placeholder_url
from kicau.web.posts.approval import reviewed_parts

type View = Callable[..., HttpResponseBase]


def with_review_link(view: View) -> View:
    """The view gets the link; one that is over says so. Nothing of it is kept by caches or
    search engines; other sites are told no address of ours anyway (Referrer-Policy)."""

    @never_cache
    @wraps(view)
    def run(request: HttpRequest, secret: str, **more: Any) -> HttpResponseBase:
        try:
            link = review_links.open_link(secret)
        except DomainError as exc:
            answer: HttpResponseBase = render(
                request, "core/invalid_link.html", {"sentence": error_sentence(exc)}, status=410
            )
        else:
            with timezone.override(clock.find_zone(link.workspace.timezone)):
                answer = view(request, link, secret, **more)
            for name, value in published_policy.rule_headers(link.workspace, link.workspace.ai_use).items():
                answer[name] = value
        answer["X-Robots-Tag"] = "noindex"
        return answer

    return run


@require_safe
@with_review_link
def client_review(request: HttpRequest, link: ReviewLink, secret: str) -> HttpResponse:
    draft = review_links.draft_of(link)
    mine = review_links.reviews_by_link(link)
    return render(
        request,
        "posts/client_review.html",
        {
            "link": link,
            "secret": secret,
            "draft": draft,
            "standing": client_review_badge(link, draft, mine),
            "shown": reviews.channel_renderings(draft),
            "reviews": mine,
            "read": reviewed_parts(draft, mine),
            "media_base": f"/review/{secret}",
            "zone": link.workspace.timezone,
        },
    )


@require_POST
@with_review_link
def submit_review(request: HttpRequest, link: ReviewLink, secret: str) -> HttpResponse:
    """A comment or a verdict."""
    text, version = request.POST.get("text", ""), request.POST.get("version", "")
    read = int(version) if version.isdigit() else None
    try:
        match request.POST.get("verdict", ""):
            case "approve":
                review_links.submit_verdict(link, True, text, version=read)
                messages.success(request, _("Thank you. Your approval of the post is recorded."))
            case "return":
                review_links.submit_verdict(link, False, text, version=read)
                messages.success(request, _("Thank you. Your request for changes was sent to the team."))
            case _:
                review_links.comment(link, text, quote=request.POST.get("quote", ""))
                messages.success(request, _("Your comment was sent to the team."))
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
    return redirect("client-review", secret=secret)


@require_safe
@with_review_link
def review_picture(request: HttpRequest, link: ReviewLink, secret: str, digest: str) -> HttpResponseBase:
    """A small picture of a file of this post, and of nothing else; of films the chosen covers."""
    draft, at = review_links.draft_of(link), moment_asked(request)
    if digest not in review_links.media_digests(draft):
        raise Http404
    if at is not None and (digest, at) not in review_links.video_frames(draft):
        at = None  # each frame that is asked for would be kept as a file
    try:
        path = library.thumbnail_path(f"{link.workspace_id.hex}/{digest}", at)
        if path is None:
            return redirect(placeholder_url())
        return files.send_file(request, path, "image/jpeg", {})
    except (OSError, ValueError):
        raise Http404 from None
