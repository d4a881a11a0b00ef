"""The media library: what is there, its alt text, and the files themselves for those who may see them."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from kicau.base.errors import Refusal
from kicau.base.ids import as_uuid
from kicau.media import actions, library
from kicau.media.models import Medium
from kicau.publishing.content.compositions import LONGEST_VIDEO
from kicau.web.composer.views import store
from kicau.web.core import files
from kicau.web.core.labels import said
from kicau.web.core.views import Asked, attempt, page

EACH_PAGE = 48
FOREVER = "private, max-age=31536000, immutable"  # a file is named by its content
INLINE = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "image/avif",
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "application/pdf",
)


@page
@require_safe
def index(request: Asked) -> HttpResponse:
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
    rows = list(found[: EACH_PAGE + 1])
    more, rows = len(rows) > EACH_PAGE, rows[:EACH_PAGE]
    following = f"{rows[-1].created_at.isoformat()}~{rows[-1].id}" if more else ""
    return render(request, "web/library.html", {"media": rows, "following": following, "words": words, "kind": kind})


@page
@require_POST
def upload(request: Asked) -> HttpResponse:
    count = 0
    for file in request.FILES.getlist("file"):
        try:
            store(request, file)
            count += 1
        except Refusal as exc:
            messages.error(request, said(exc))
    if count:
        messages.success(
            request, ngettext("%(n)s file is in the library.", "%(n)s files are in the library.", count) % {"n": count}
        )
    return redirect("library")


@page
@require_safe
def medium(request: Asked, medium_id: str) -> HttpResponse:
    found = actions.one_medium(request.actor, medium_id)
    uses = found.uses.select_related("part").order_by("-id")[:20]
    by_post = {use.part.draft_id: use for use in reversed(uses)}  # the first part of each that has it
    return render(request, "web/medium.html", {"medium": found, "uses": list(reversed(by_post.values()))})


@page
@require_POST
def change(request: Asked, medium_id: str) -> HttpResponse:
    tags = [tag.strip() for tag in request.POST.get("tags", "").split(",") if tag.strip()]
    attempt(
        request,
        lambda: actions.change_medium(
            request.actor,
            medium_id,
            alt=request.POST.get("alt", "").replace("\r\n", "\n"),
            title=request.POST.get("title", ""),
            tags=tags,
        ),
        _("Saved."),
    )
    return redirect("medium", medium_id=medium_id)


def paper() -> str:
    """Address of a drawn page, for files that have no picture of their own."""
    return static("web/paper.svg")


@page
@require_safe
def small(request: Asked, digest: str) -> HttpResponseBase:
    """A small picture of a picture or video of this workspace; a drawn page of what has none, such as a document."""
    try:
        path = library.small(f"{request.actor.workspace.id.hex}/{digest}", _within(request, digest))
        if path is None:
            return redirect(paper())
        return files.send(request, path, "image/jpeg", {"Cache-Control": FOREVER})
    except (OSError, ValueError):
        raise Http404 from None


def _within(request: Asked, digest: str) -> int | None:
    """The time that is asked for, within the film."""
    at = moment_asked(request)
    if at is None:
        return None
    lasts = actions.all_media(request.actor).filter(sha256=digest).values_list("duration_ms", flat=True).first()
    return min(at, lasts) if lasts else None


def moment_asked(request: HttpRequest) -> int | None:
    """The time of a video's frame, in milliseconds; None where none was asked for."""
    at = request.GET.get("at", "")
    return min(int(at), LONGEST_VIDEO) if at.isdecimal() and len(at) < 12 else None


@page
@require_safe
def whole(request: Asked, digest: str) -> HttpResponseBase:
    found: Medium | None = actions.all_media(request.actor).filter(sha256=digest).first()
    if found is None:
        raise Http404
    place = content_disposition_header(found.mime not in INLINE, found.name) or "inline"
    try:
        return files.send(
            request, library.original(found.ref), found.mime, {"Cache-Control": FOREVER, "Content-Disposition": place}
        )
    except (OSError, ValueError):
        raise Http404 from None
