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
from kicau.offboarding.announcements import withdrawal_fields
from kicau.offboarding.models import Job, OffboardingJobKind, OffboardingJobState, Withdrawal
from kicau.offboarding.new_targets import OverdueRetargetAction, RetargetDecision, TargetSuggestion
from kicau.offboarding.restore_network import OverdueAction
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Stop using a network"])
_ZIP_RESPONSE = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}


@routes.get("/withdrawals", response=s.WithdrawalPage, summary="List withdrawals", openapi_extra=READ_SCOPE)
def list_withdrawals(request: HttpRequest, asked: Query[s.WithdrawalQuery]) -> dict[str, Any]:
    """Newest first, including ended ones."""
    rows = actions.offboardings(authenticated_actor(request))
    if asked.network:
        rows = rows.filter(network=asked.network)
    if asked.state:
        rows = rows.filter(state=asked.state)
    return paginate(rows, ("-announced_at", "-id"), asked, _withdrawal_schema)


@routes.post(
    "/withdrawals/check", response=s.WithdrawalOutlook, summary="Preview a withdrawal", openapi_extra=READ_SCOPE
)
def check_withdrawal(request: HttpRequest, given: s.WithdrawalInput) -> s.WithdrawalOutlook:
    """Nothing is changed."""
    actor = authenticated_actor(request)
    at = _parse_time(actor, given.effective_at, given.timezone, "effective_at")
    return _outlook_schema(
        impact_preview.preview_offboarding(actor, network=given.network, channel=given.channel, effective_at=at)
    )


@routes.post(
    "/withdrawals",
    response={201: s.Withdrawal},
    summary="Stop publishing to a network or channel",
    openapi_extra=CHANNELS_SCOPE,
)
def create_withdrawal(request: HttpRequest, given: s.WithdrawalCreate) -> s.Withdrawal:
    """At once or from a date. Nothing is deleted: posts that are due later are kept and restored when you resume. Repeat
    the request to change the date."""
    actor = authenticated_actor(request)
    actor.require(Permission.CHANNELS)
    at = _parse_time(actor, given.effective_at, given.timezone, "effective_at")
    row = actions.announce_offboarding(
        actor, network=given.network, channel=given.channel, effective_at=at, reason=given.reason, cause=given.cause
    )
    return _withdrawal_schema(row)


@routes.get(
    "/withdrawals/{withdrawal_id}",
    response=s.WithdrawalDetail,
    summary="Retrieve a withdrawal",
    openapi_extra=READ_SCOPE,
)
def get_withdrawal(request: HttpRequest, withdrawal_id: UuidPath) -> s.WithdrawalDetail:
    actor = authenticated_actor(request)
    row = actions.one_offboarding(actor, withdrawal_id)
    return s.WithdrawalDetail(
        **withdrawal_fields(row),
        outlook=_outlook_schema(impact_preview.preview_of(actor, row)),
        replaced=new_targets.retarget_progress(row)["replaced"],
        late=restore_network.overdue_deliveries(actor, row.id).count() if row.ended_at else 0,
    )


@routes.post(
    "/withdrawals/{withdrawal_id}/call-off",
    response=s.Withdrawal,
    summary="Cancel a planned withdrawal",
    openapi_extra=CHANNELS_SCOPE,
)
def call_off_withdrawal(request: HttpRequest, withdrawal_id: UuidPath) -> s.Withdrawal:
    """Before its date."""
    return _withdrawal_schema(actions.cancel_offboarding(authenticated_actor(request), withdrawal_id))


@routes.post(
    "/withdrawals/{withdrawal_id}/withdraw",
    response=s.Withdrawal,
    summary="Apply a withdrawal now",
    openapi_extra=CHANNELS_SCOPE,
)
def take_withdrawal_into_effect(request: HttpRequest, withdrawal_id: UuidPath) -> s.Withdrawal:
    """Applies an announced withdrawal before its date, or confirms one that Kicau proposed."""
    return _withdrawal_schema(actions.offboard_now(authenticated_actor(request), withdrawal_id))


@routes.get(
    "/withdrawals/{withdrawal_id}/return",
    response=s.ReinstateOutlook,
    summary="Preview resuming",
    openapi_extra=READ_SCOPE,
)
def check_return(request: HttpRequest, withdrawal_id: UuidPath) -> s.ReinstateOutlook:
    return _return_schema(restore_network.preview_reinstatement(authenticated_actor(request), withdrawal_id))


@routes.post(
    "/withdrawals/{withdrawal_id}/reinstate",
    response=s.ReinstateOutlook,
    summary="Resume publishing",
    openapi_extra=CHANNELS_SCOPE,
)
def reinstate_withdrawal(request: HttpRequest, withdrawal_id: UuidPath, given: s.ReinstateInput) -> s.ReinstateOutlook:
    """The queue continues as before. Overdue posts are not published unless `late` says so."""
    actor = authenticated_actor(request)
    actor.require(Permission.CHANNELS)
    at = _parse_time(actor, given.first_at, given.timezone, "first_at")
    done = restore_network.reinstate(
        actor, withdrawal_id, late=OverdueAction(given.late), first_at=at, keep_replaced=given.keep_replaced
    )
    return _return_schema(done)


@routes.post(
    "/withdrawals/{withdrawal_id}/late",
    response=s.LateDeliveriesResult,
    summary="Decide about overdue posts",
    openapi_extra=PUBLISH_SCOPE,
)
def decide_late(request: HttpRequest, withdrawal_id: UuidPath, given: s.LateDeliveriesInput) -> s.LateDeliveriesResult:
    """For all overdue posts of the channels that are active again. To decide about one post, retry, reschedule or cancel its delivery."""
    actor = authenticated_actor(request)
    actor.require(Permission.PUBLISH)
    at = _parse_time(actor, given.first_at, given.timezone, "first_at")
    return s.LateDeliveriesResult(
        decided=restore_network.decide_overdue(actor, withdrawal_id, OverdueAction(given.late), at)
    )


@routes.get(
    "/withdrawals/{withdrawal_id}/targets",
    response=s.ReplacementChannels,
    summary="List channels that could take over",
    openapi_extra=READ_SCOPE,
)
def list_targets(request: HttpRequest, withdrawal_id: UuidPath) -> s.ReplacementChannels:
    actor = authenticated_actor(request)
    found = new_targets.target_suggestions(actor, actions.one_offboarding(actor, withdrawal_id))
    return s.ReplacementChannels(items=[_replacement_schema(one) for one in found])


@routes.post(
    "/withdrawals/{withdrawal_id}/targets/check",
    response=s.RetargetOutlook,
    summary="Preview new channels for stopped posts",
    openapi_extra=READ_SCOPE,
)
def check_targets(request: HttpRequest, withdrawal_id: UuidPath, given: s.RetargetCheckInput) -> s.RetargetOutlook:
    """Checks each stopped post for each channel. Nothing is changed."""
    actor = authenticated_actor(request)
    found = new_targets.preview_retarget(actor, withdrawal_id, _retarget_decision(actor, given), most=given.limit or 1)
    return s.RetargetOutlook(
        posts=found.posts,
        fits=found.fits,
        already=found.already,
        past=found.past,
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
    "/withdrawals/{withdrawal_id}/targets",
    response={202: s.WithdrawalJob},
    summary="Schedule stopped posts on other channels",
    openapi_extra=PUBLISH_SCOPE,
)
def retarget(request: HttpRequest, withdrawal_id: UuidPath, given: s.RetargetInput) -> s.WithdrawalJob:
    """Schedules each stopped post at its own time on the channels where it fits. The other posts stay stopped. Repeating the
    request schedules nothing twice. When you resume publishing, posts that are still scheduled there are canceled."""
    actor = authenticated_actor(request)
    actor.require(Permission.PUBLISH)
    return _job_schema(jobs.request_retarget(actor, withdrawal_id, _retarget_decision(actor, given)))


@routes.post(
    "/withdrawals/{withdrawal_id}/exports",
    response={202: s.WithdrawalJob},
    summary="Export all posts and files",
    openapi_extra=PUBLISH_SCOPE,
)
def export(request: HttpRequest, withdrawal_id: UuidPath) -> s.WithdrawalJob:
    """A ZIP file with JSON, CSV, JSON Schema, media, and pages for any browser."""
    return _job_schema(jobs.request_export(authenticated_actor(request), withdrawal_id))


@routes.get(
    "/withdrawals/{withdrawal_id}/jobs",
    response=s.WithdrawalJobPage,
    summary="List a withdrawal's jobs",
    openapi_extra=READ_SCOPE,
)
def list_jobs(request: HttpRequest, withdrawal_id: UuidPath, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(jobs.jobs(authenticated_actor(request), withdrawal_id), ("-asked_at", "-id"), asked, _job_schema)


@routes.get("/withdrawals/jobs/{job_id}", response=s.WithdrawalJob, summary="Retrieve a job", openapi_extra=READ_SCOPE)
def get_job(request: HttpRequest, job_id: UuidPath) -> s.WithdrawalJob:
    return _job_schema(jobs.one_job(authenticated_actor(request), job_id))


@routes.get(
    "/withdrawals/jobs/{job_id}/file",
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
        past=OverdueRetargetAction(given.past),
        first_at=at,
        confirm=given.confirm,
        rest=given.rest,
    )


def _withdrawal_schema(row: Withdrawal) -> s.Withdrawal:
    return s.Withdrawal(**withdrawal_fields(row))


def _replacement_schema(one: TargetSuggestion) -> s.ReplacementChannel:
    return s.ReplacementChannel(
        channel=one.channel.key, network=one.channel.network, same_campaign=one.same_campaign, already=one.already
    )


def _outlook_schema(found: impact_preview.OffboardingPreview) -> s.WithdrawalOutlook:
    return s.WithdrawalOutlook(
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


def _return_schema(found: restore_network.Reinstatement) -> s.ReinstateOutlook:
    return s.ReinstateOutlook(
        withdrawal=_withdrawal_schema(found.withdrawal),
        channels=[c.key for c in found.channels],
        elsewhere=[c.key for c in found.elsewhere],
        restored=found.restored,
        late=found.late,
        late_first=found.late_first,
        late_last=found.late_last,
        replaced=found.replaced,
        replaced_out=found.replaced_out,
    )


def _job_schema(row: Job) -> s.WithdrawalJob:
    return s.WithdrawalJob(
        id=str(row.id),
        withdrawal=str(row.withdrawal_id),
        kind=cast(Any, row.kind),
        state=cast(Any, row.state),
        percent=row.percent,
        result=row.result,
        sentence=row.sentence,
        asked_at=row.asked_at,
        ended_at=row.ended_at,
    )
