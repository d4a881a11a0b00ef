"""The media library: the list, uploads, one file and its alt text."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from kicau.base.errors import DomainError
from kicau.base.ids import as_uuid
from kicau.media import actions
from kicau.web.composer.composer import store_upload
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, member_page, run_action

MEDIA_PER_PAGE = 48


@member_page
@require_safe
def media_list(request: MemberRequest) -> HttpResponse:
    found = actions.all_media(request.actor)
    words, kind = request.GET.get("words", "").strip(), request.GET.get("kind", "")
    if words:
        found = (
            found.filter(name__icontains=words)
            | found.filter(alt__icontains=words)
            | found.filter(tags__contains=[words])
        )
    if kind:
        found = found.filter(kind=kind)
    if request.GET.get("alt") == "missing":
        found = found.filter(alt="", kind__in=["image", "gif"])
    at, _sep, key = request.GET.get("after", "").partition("~")
    try:
        place = datetime.fromisoformat(at)
        found = found.filter(created_at__lte=place).exclude(created_at=place, id__gte=as_uuid(key))
    except ValueError:
        pass
    rows = list(found[: MEDIA_PER_PAGE + 1])
    more, rows = len(rows) > MEDIA_PER_PAGE, rows[:MEDIA_PER_PAGE]
    following = f"{rows[-1].created_at.isoformat()}~{rows[-1].id}" if more else ""
    return render(
        request, "library/media_list.html", {"media": rows, "following": following, "words": words, "kind": kind}
    )


@member_page
@require_POST
def upload(request: MemberRequest) -> HttpResponse:
    count = 0
    for file in request.FILES.getlist("file"):
        try:
            store_upload(request, file)
            count += 1
        except DomainError as exc:
            messages.error(request, error_sentence(exc))
    if count:
        messages.success(
            request,
            ngettext("%(n)s file was added to the library.", "%(n)s files were added to the library.", count)
            % {"n": count},
        )
    return redirect("library")


@member_page
@require_safe
def medium_detail(request: MemberRequest, medium_id: str) -> HttpResponse:
    found = actions.one_medium(request.actor, medium_id)
    uses = found.uses.select_related("part").order_by("-id")[:20]
    by_post = {use.part.draft_id: use for use in reversed(uses)}  # the first part of each that has it
    return render(request, "library/medium_detail.html", {"medium": found, "uses": list(reversed(by_post.values()))})


@member_page
@require_POST
def change_medium(request: MemberRequest, medium_id: str) -> HttpResponse:
    tags = [tag.strip() for tag in request.POST.get("tags", "").split(",") if tag.strip()]
    run_action(
        request,
        lambda: actions.update_medium(
            request.actor,
            medium_id,
            alt=request.POST.get("alt", "").replace("\r\n", "\n"),
            title=request.POST.get("title", ""),
            tags=tags,
        ),
        _("Your changes are saved."),
    )
    return redirect("medium", medium_id=medium_id)
