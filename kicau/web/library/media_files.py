"""The files of the media library, and their thumbnails, for those who may see them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.templatetags.static import static
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from kicau.media import actions, library
from kicau.media.models import Medium
from kicau.publishing.content.compositions import MAX_VIDEO_MS
from kicau.web.core import files
from kicau.web.core.views import MemberRequest, member_page

IMMUTABLE_CACHE_CONTROL = "private, max-age=31536000, immutable"  # a file is named by its content

INLINE_MIME_TYPES = (
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


def placeholder_url() -> str:
    """Address of a drawn page, for files that have no picture of their own."""
    return static("web/paper.svg")


@member_page
@require_safe
def thumbnail(request: MemberRequest, digest: str) -> HttpResponseBase:
    """A small picture of a picture or video of this workspace; a drawn page of what has none, such as a document."""
    try:
        path = library.thumbnail_path(
            f"{request.actor.workspace.id.hex}/{digest}", _requested_frame_ms(request, digest)
        )
        if path is None:
            return redirect(placeholder_url())
        return files.send_file(request, path, "image/jpeg", {"Cache-Control": IMMUTABLE_CACHE_CONTROL})
    except (OSError, ValueError):
        raise Http404 from None


def _requested_frame_ms(request: MemberRequest, digest: str) -> int | None:
    """The time that is asked for, within the film."""
    at = moment_asked(request)
    if at is None:
        return None
    lasts = actions.all_media(request.actor).filter(sha256=digest).values_list("duration_ms", flat=True).first()
    return min(at, lasts) if lasts else None


def moment_asked(request: HttpRequest) -> int | None:
    """The time of a video's frame, in milliseconds; None where none was asked for."""
    at = request.GET.get("at", "")
    return min(int(at), MAX_VIDEO_MS) if at.isdecimal() and len(at) < 12 else None


@member_page
@require_safe
def original_file(request: MemberRequest, digest: str) -> HttpResponseBase:
    found: Medium | None = actions.all_media(request.actor).filter(sha256=digest).first()
    if found is None:
        raise Http404
    place = content_disposition_header(found.mime not in INLINE_MIME_TYPES, found.name) or "inline"
    try:
        return files.send_file(
            request,
            library.original_path(found.ref),
            found.mime,
            {"Cache-Control": IMMUTABLE_CACHE_CONTROL, "Content-Disposition": place},
        )
    except (OSError, ValueError):
        raise Http404 from None
