"""Downloading the export of a network that is left."""

from __future__ import annotations

from django.http import Http404, HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from kicau.offboarding import (
    jobs,
)
from kicau.offboarding.models import (
    OffboardingJobKind,
    OffboardingJobState,
)
from kicau.web.core import files
from kicau.web.core.views import MemberRequest, member_page
from kicau.workspaces.actors import Permission


@member_page
@require_safe
def download(request: MemberRequest, job_id: str) -> HttpResponseBase:
    request.actor.require(Permission.PUBLISH)
    job = jobs.one_job(request.actor, job_id)
    if job.kind != OffboardingJobKind.EXPORT or job.state != OffboardingJobState.DONE:
        raise Http404
    place = content_disposition_header(True, jobs.archive_name(job)) or "attachment"
    try:
        return files.send_file(
            request,
            jobs.archive_file(job),
            "application/zip",
            {"Content-Disposition": place, "Cache-Control": "private, no-store"},
        )
    except OSError:
        raise Http404 from None
