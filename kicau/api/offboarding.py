"""Endpoints: leaving a network or a channel, exports, new targets, and going back."""

from __future__ import annotations

from typing import Any, cast

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header
from ninja import Query, Router

from kicau.api.core import serializers
from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import CHANNELS_SCOPE, PUBLISH_SCOPE, READ_SCOPE, UuidPath
from kicau.api.core.times import parse_time
from kicau.api.media import file_chunks
from kicau.api.schemas import offboarding as s
from kicau.api.schemas.base import PageQuery
from kicau.base.errors import NotFound
from kicau.offboarding import actions, impact_preview, jobs, new_targets, restore_network
from kicau.offboarding.announcements import offboarding_fields
from kicau.offboarding.models import Offboarding, OffboardingJob, OffboardingJobKind, OffboardingJobState
from kicau.offboarding.new_targets import OverdueRetargetAction, RetargetDecision, TargetSuggestion
from kicau.offboarding.restore_network import OverdueAction
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Stop using a network"])
_ZIP_RESPONSE = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}


@routes.get("/offboarding", response=s.OffboardingPage, summary="List offboardings", openapi_extra=READ_SCOPE)
def list_offboardings(request: HttpRequest, asked: Query[s.OffboardingQuery]) -> dict[str, Any]:
    """Newest first, including ended ones."""
    rows = actions.offboardings(authenticated_actor(request))
    if asked.network:
        rows = rows.filter(network=asked.network)
    if asked.state:
        rows = rows.filter(state=asked.state)
    return paginate(rows, ("-announced_at", "-id"), asked, _offboarding_schema)


@routes.post(
    "/offboarding/preview", response=s.OffboardingOutlook, summary="Preview an offboarding", openapi_extra=READ_SCOPE
)
def preview_offboarding(request: HttpRequest, given: s.OffboardingInput) -> s.OffboardingOutlook:
    """Nothing is changed."""
    actor = authenticated_actor(request)
    at = _parse_time(actor, given.effective_at, given.timezone, "effective_at")
    return _outlook_schema(
        impact_preview.preview_offboarding(actor, network=given.network, channel=given.channel, effective_at=at)
    )


@routes.post(
    "/offboarding",
    response={201: s.Offboarding},
    summary="Stop publishing to a network or channel",
    openapi_extra=CHANNELS_SCOPE,
)
def create_offboarding(request: HttpRequest, given: s.OffboardingCreate) -> s.Offboarding:
    """At once or from a date. Nothing is deleted: posts that are due later are kept and restored when you resume. Repeat
    the request to change the date."""
    actor = authenticated_actor(request)
    actor.require(Permission.CHANNELS)
    at = _parse_time(actor, given.effective_at, given.timezone, "effective_at")
    row = actions.announce_offboarding(
        actor, network=given.network, channel=given.channel, effective_at=at, reason=given.reason, cause=given.cause
    )
    return _offboarding_schema(row)


@routes.get(
    "/offboarding/{offboarding_id}",
    response=s.OffboardingDetail,
    summary="Retrieve an offboarding",
    openapi_extra=READ_SCOPE,
)
def get_offboarding(request: HttpRequest, offboarding_id: UuidPath) -> s.OffboardingDetail:
    actor = authenticated_actor(request)
    row = actions.one_offboarding(actor, offboarding_id)
    return s.OffboardingDetail(
        **offboarding_fields(row),
        outlook=_outlook_schema(impact_preview.preview_of(actor, row)),
        replaced=new_targets.retarget_progress(row)["replaced"],
        overdue=restore_network.overdue_deliveries(actor, row.id).count() if row.ended_at else 0,
    )


@routes.post(
    "/offboarding/{offboarding_id}/cancel",
    response=s.Offboarding,
    summary="Cancel a planned offboarding",
    openapi_extra=CHANNELS_SCOPE,
)
def cancel_offboarding(request: HttpRequest, offboarding_id: UuidPath) -> s.Offboarding:
    """Before its date."""
    return _offboarding_schema(actions.cancel_offboarding(authenticated_actor(request), offboarding_id))


@routes.post(
    "/offboarding/{offboarding_id}/stop-now",
    response=s.Offboarding,
    summary="Apply an offboarding now",
    openapi_extra=CHANNELS_SCOPE,
)
def stop_now(request: HttpRequest, offboarding_id: UuidPath) -> s.Offboarding:
    """Applies an announced offboarding before its date, or confirms one that Kicau proposed."""
    return _offboarding_schema(actions.offboard_now(authenticated_actor(request), offboarding_id))


@routes.get(
    "/offboarding/{offboarding_id}/resume",
    response=s.ResumeOutlook,
    summary="Preview resuming",
    openapi_extra=READ_SCOPE,
)
def preview_resumption(request: HttpRequest, offboarding_id: UuidPath) -> s.ResumeOutlook:
    return _resumption_schema(restore_network.preview_resumption(authenticated_actor(request), offboarding_id))


@routes.post(
    "/offboarding/{offboarding_id}/resume",
    response=s.ResumeOutlook,
    summary="Resume publishing",
    openapi_extra=CHANNELS_SCOPE,
)
def resume_publishing(request: HttpRequest, offboarding_id: UuidPath, given: s.ResumeInput) -> s.ResumeOutlook:
    """The queue continues as before. Overdue posts are not published unless `overdue` says so."""
    actor = authenticated_actor(request)
    actor.require(Permission.CHANNELS)
    at = _parse_time(actor, given.first_at, given.timezone, "first_at")
    done = restore_network.resume(
        actor, offboarding_id, overdue=OverdueAction(given.overdue), first_at=at, keep_replaced=given.keep_replaced
    )
    return _resumption_schema(done)


@routes.post(
    "/offboarding/{offboarding_id}/overdue",
    response=s.OverdueDeliveriesResult,
    summary="Decide about overdue posts",
    openapi_extra=PUBLISH_SCOPE,
)
def decide_overdue(
    request: HttpRequest, offboarding_id: UuidPath, given: s.OverdueDeliveriesInput
) -> s.OverdueDeliveriesResult:
    """For all overdue posts of the channels that are active again. To decide about one post, retry, reschedule or cancel its delivery."""
    actor = authenticated_actor(request)
    actor.require(Permission.PUBLISH)
    at = _parse_time(actor, given.first_at, given.timezone, "first_at")
    return s.OverdueDeliveriesResult(
        decided=restore_network.decide_overdue(actor, offboarding_id, OverdueAction(given.overdue), at)
    )


@routes.get(
    "/offboarding/{offboarding_id}/new-targets",
    response=s.ReplacementChannels,
    summary="List channels that could take over",
    openapi_extra=READ_SCOPE,
)
def list_new_targets(request: HttpRequest, offboarding_id: UuidPath) -> s.ReplacementChannels:
    actor = authenticated_actor(request)
    found = new_targets.target_suggestions(actor, actions.one_offboarding(actor, offboarding_id))
    return s.ReplacementChannels(items=[_replacement_schema(one) for one in found])


@routes.post(
    "/offboarding/{offboarding_id}/new-targets/preview",
    response=s.RetargetOutlook,
    summary="Preview new channels for stopped posts",
    openapi_extra=READ_SCOPE,
)
def preview_new_targets(
    request: HttpRequest, offboarding_id: UuidPath, given: s.RetargetCheckInput
) -> s.RetargetOutlook:
    """Checks each stopped post for each channel. Nothing is changed."""
    actor = authenticated_actor(request)
    found = new_targets.preview_retarget(actor, offboarding_id, _retarget_decision(actor, given), most=given.limit or 1)
    return s.RetargetOutlook(
        posts=found.posts,
        fits=found.fits,
        already=found.already,
        overdue=found.overdue,
        unconfirmed=found.unconfirmed,
        problems=[s.ProblemCount(channel=key, code=code, posts=n) for (key, code), n in found.codes.most_common()],
        obstacles=[
            s.RetargetProblem(
                delivery=str(o.delivery),
                post=str(o.draft),
                text=o.text,
                due_at=o.due_at,
                channel=o.channel.key,
                errors=serializers.error_list(o.problems),
            )
            for o in found.obstacles[: given.limit]
        ],
        cost=dict(found.micro),
    )


@routes.post(
    "/offboarding/{offboarding_id}/new-targets",
    response={202: s.OffboardingJob},
    summary="Schedule stopped posts on other channels",
    openapi_extra=PUBLISH_SCOPE,
)
def retarget(request: HttpRequest, offboarding_id: UuidPath, given: s.RetargetInput) -> s.OffboardingJob:
    """Schedules each stopped post at its own time on the channels where it fits. The other posts stay stopped. Repeating the
    request schedules nothing twice. When you resume publishing, posts that are still scheduled there are canceled."""
    actor = authenticated_actor(request)
    actor.require(Permission.PUBLISH)
    return _job_schema(jobs.request_retarget(actor, offboarding_id, _retarget_decision(actor, given)))


@routes.post(
    "/offboarding/{offboarding_id}/exports",
    response={202: s.OffboardingJob},
    summary="Export all posts and files",
    openapi_extra=PUBLISH_SCOPE,
)
def export(request: HttpRequest, offboarding_id: UuidPath) -> s.OffboardingJob:
    """A ZIP file with JSON, CSV, JSON Schema, media, and pages for any browser."""
    return _job_schema(jobs.request_export(authenticated_actor(request), offboarding_id))


@routes.get(
    "/offboarding/{offboarding_id}/jobs",
    response=s.OffboardingJobPage,
    summary="List an offboarding's jobs",
    openapi_extra=READ_SCOPE,
)
def list_jobs(request: HttpRequest, offboarding_id: UuidPath, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(
        jobs.jobs(authenticated_actor(request), offboarding_id), ("-requested_at", "-id"), asked, _job_schema
    )


@routes.get("/offboarding/jobs/{job_id}", response=s.OffboardingJob, summary="Retrieve a job", openapi_extra=READ_SCOPE)
def get_job(request: HttpRequest, job_id: UuidPath) -> s.OffboardingJob:
    return _job_schema(jobs.one_job(authenticated_actor(request), job_id))


@routes.get(
    "/offboarding/jobs/{job_id}/file",
    summary="Download an export",
    openapi_extra={**PUBLISH_SCOPE, "responses": {200: {"description": "The archive.", **_ZIP_RESPONSE}}},
)
def download_export(request: HttpRequest, job_id: UuidPath) -> StreamingHttpResponse:
    """When its job is done, for 30 days."""
    actor = authenticated_actor(request)
    actor.require(Permission.PUBLISH)
    job = jobs.one_job(actor, job_id)
    path = jobs.archive_file(job)
    if job.kind != OffboardingJobKind.EXPORT or job.state != OffboardingJobState.DONE or not path.exists():
        raise NotFound("archive", job_id)
    content = file_chunks(path) if isinstance(request, ASGIRequest) else FileResponse(path.open("rb"))
    answer = StreamingHttpResponse(content, content_type="application/zip")
    answer["Content-Length"] = str(path.stat().st_size)
    answer["Content-Disposition"] = content_disposition_header(True, jobs.archive_name(job)) or "attachment"
    return answer


def _parse_time(actor: Actor, said: str | None, timezone: str, field: str) -> Any:
    if said is None:
        return None
    return parse_time(said, timezone or actor.workspace.timezone, field=field)


def _retarget_decision(actor: Actor, given: s.RetargetInput) -> RetargetDecision:
    at = _parse_time(actor, given.first_at, given.timezone, "first_at")
    return RetargetDecision(
        channels=tuple(given.channels),
        overdue=OverdueRetargetAction(given.overdue),
        first_at=at,
        confirm=given.confirm,
        rest=given.rest,
    )


def _offboarding_schema(row: Offboarding) -> s.Offboarding:
    return s.Offboarding(**offboarding_fields(row))


def _replacement_schema(one: TargetSuggestion) -> s.ReplacementChannel:
    return s.ReplacementChannel(
        channel=one.channel.key, network=one.channel.network, same_campaign=one.same_campaign, already=one.already
    )


def _outlook_schema(found: impact_preview.OffboardingPreview) -> s.OffboardingOutlook:
    return s.OffboardingOutlook(
        network=found.network,
        at=found.at,
        before=found.before,
        after=found.after,
        after_first=found.after_first,
        after_last=found.after_last,
        channels=[
            s.ChannelOutlook(channel=one.channel.key, before=one.before, after=one.after, published=one.published)
            for one in found.shares
        ],
        sending=found.sending,
        also_elsewhere=found.also_elsewhere,
        troubled=found.troubled,
        published=found.published,
        drafts=found.drafts,
        media=found.media,
        others=found.others,
        targets=[_replacement_schema(one) for one in found.targets],
    )


def _resumption_schema(found: restore_network.Resumption) -> s.ResumeOutlook:
    return s.ResumeOutlook(
        offboarding=_offboarding_schema(found.offboarding),
        channels=[c.key for c in found.channels],
        elsewhere=[c.key for c in found.elsewhere],
        restored=found.restored,
        overdue=found.overdue,
        overdue_first=found.overdue_first,
        overdue_last=found.overdue_last,
        replaced=found.replaced,
        replaced_published=found.replaced_published,
    )


def _job_schema(row: OffboardingJob) -> s.OffboardingJob:
    return s.OffboardingJob(
        id=str(row.id),
        offboarding=str(row.offboarding_id),
        kind=cast(Any, row.kind),
        state=cast(Any, row.state),
        percent=row.percent,
        result=row.result,
        sentence=row.sentence,
        requested_at=row.requested_at,
        ended_at=row.ended_at,
    )
