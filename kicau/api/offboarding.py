"""Endpoints: leaving a network or a channel, exports, new targets, and going back."""

from __future__ import annotations

from typing import Any, cast

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header
from ninja import Query, Router

from kicau.api.core import serializers
from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.routes import CHANNELS, PUBLISHES, READS, Id
from kicau.api.core.times import moment
from kicau.api.media import in_chunks
from kicau.api.schemas import offboarding as s
from kicau.api.schemas.base import PageQuery
from kicau.base.errors import NotFound
from kicau.offboarding import actions, impact_preview, jobs, new_targets, restore_network
from kicau.offboarding.models import Job, JobKind, JobState, Withdrawal
from kicau.offboarding.new_targets import Decision, Past, Suggestion
from kicau.offboarding.restore_network import Late
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Leaving a network"])
_ZIP = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}


@routes.get("/withdrawals", response=s.WithdrawalPage, summary="List withdrawals", openapi_extra=READS)
def list_withdrawals(request: HttpRequest, asked: Query[s.WithdrawalQuery]) -> dict[str, Any]:
    """Newest first, ended ones too."""
    rows = actions.withdrawals(acting(request))
    if asked.network:
        rows = rows.filter(network=asked.network)
    if asked.state:
        rows = rows.filter(state=asked.state)
    return page(rows, ("-announced_at", "-id"), asked, _withdrawal)


@routes.post("/withdrawals/check", response=s.Outlook, summary="See what leaving would do", openapi_extra=READS)
def check_withdrawal(request: HttpRequest, given: s.WithdrawalAsk) -> s.Outlook:
    """Nothing is changed."""
    actor = acting(request)
    at = _at(actor, given.effective_at, given.timezone, "effective_at")
    return _outlook(impact_preview.look_ahead(actor, network=given.network, channel=given.channel, effective_at=at))


@routes.post("/withdrawals", response={201: s.Withdrawal}, summary="Leave a network", openapi_extra=CHANNELS)
def create_withdrawal(request: HttpRequest, given: s.WithdrawalCreate) -> s.Withdrawal:
    """At once or from a date on. Nothing is deleted: what is due after it is kept, and comes back as it was. The same
    again moves the date."""
    actor = acting(request)
    actor.require(Permission.CHANNELS)
    at = _at(actor, given.effective_at, given.timezone, "effective_at")
    row = actions.announce(
        actor, network=given.network, channel=given.channel, effective_at=at, reason=given.reason, cause=given.cause
    )
    return _withdrawal(row)


@routes.get(
    "/withdrawals/{withdrawal_id}", response=s.WithdrawalWhole, summary="Read a withdrawal", openapi_extra=READS
)
def get_withdrawal(request: HttpRequest, withdrawal_id: Id) -> s.WithdrawalWhole:
    actor = acting(request)
    row = actions.one_withdrawal(actor, withdrawal_id)
    return s.WithdrawalWhole(
        **_fields(row),
        outlook=_outlook(impact_preview.outlook_of(actor, row)),
        replaced=new_targets.progress_of(row)["replaced"],
        late=restore_network.late_ones(actor, row.id).count() if row.ended_at else 0,
    )


@routes.post(
    "/withdrawals/{withdrawal_id}/call-off", response=s.Withdrawal, summary="Stay after all", openapi_extra=CHANNELS
)
def call_off_withdrawal(request: HttpRequest, withdrawal_id: Id) -> s.Withdrawal:
    """Before the date came."""
    return _withdrawal(actions.call_off(acting(request), withdrawal_id))


@routes.post(
    "/withdrawals/{withdrawal_id}/withdraw", response=s.Withdrawal, summary="Leave now", openapi_extra=CHANNELS
)
def take_withdrawal_into_effect(request: HttpRequest, withdrawal_id: Id) -> s.Withdrawal:
    """What was announced comes into effect before its date; what Kicau proposed is confirmed."""
    return _withdrawal(actions.withdraw(acting(request), withdrawal_id))


@routes.get(
    "/withdrawals/{withdrawal_id}/return",
    response=s.Return,
    summary="See what taking it back would do",
    openapi_extra=READS,
)
def check_return(request: HttpRequest, withdrawal_id: Id) -> s.Return:
    return _return(restore_network.look_back(acting(request), withdrawal_id))


@routes.post(
    "/withdrawals/{withdrawal_id}/reinstate", response=s.Return, summary="Take it back", openapi_extra=CHANNELS
)
def reinstate_withdrawal(request: HttpRequest, withdrawal_id: Id, given: s.Reinstate) -> s.Return:
    """The queue goes on as it was. Nothing whose time has passed goes out unless `late` says so."""
    actor = acting(request)
    actor.require(Permission.CHANNELS)
    at = _at(actor, given.first_at, given.timezone, "first_at")
    done = restore_network.reinstate(
        actor, withdrawal_id, late=Late(given.late), first_at=at, keep_replaced=given.keep_replaced
    )
    return _return(done)


@routes.post(
    "/withdrawals/{withdrawal_id}/late",
    response=s.LateDecided,
    summary="Decide for posts whose time passed",
    openapi_extra=PUBLISHES,
)
def decide_late(request: HttpRequest, withdrawal_id: Id, given: s.LateDecision) -> s.LateDecided:
    """For all that wait on channels that are back; one by one they are retried, moved or canceled like any delivery."""
    actor = acting(request)
    actor.require(Permission.PUBLISH)
    at = _at(actor, given.first_at, given.timezone, "first_at")
    return s.LateDecided(decided=restore_network.decide_late(actor, withdrawal_id, Late(given.late), at))


@routes.get(
    "/withdrawals/{withdrawal_id}/targets",
    response=s.Suggestions,
    summary="List channels that could take over",
    openapi_extra=READS,
)
def list_targets(request: HttpRequest, withdrawal_id: Id) -> s.Suggestions:
    actor = acting(request)
    found = new_targets.suggestions(actor, actions.one_withdrawal(actor, withdrawal_id))
    return s.Suggestions(items=[_suggestion(one) for one in found])


@routes.post(
    "/withdrawals/{withdrawal_id}/targets/check",
    response=s.RetargetLook,
    summary="See how posts fit new targets",
    openapi_extra=READS,
)
def check_targets(request: HttpRequest, withdrawal_id: Id, given: s.RetargetCheck) -> s.RetargetLook:
    """Each stopped post is rendered anew for each channel; nothing is changed."""
    actor = acting(request)
    found = new_targets.look(actor, withdrawal_id, _decision(actor, given), most=given.limit or 1)
    return s.RetargetLook(
        posts=found.posts,
        fits=found.fits,
        already=found.already,
        past=found.past,
        unconfirmed=found.unconfirmed,
        problems=[s.ProblemCount(channel=key, code=code, posts=n) for (key, code), n in found.codes.most_common()],
        obstacles=[
            s.Obstacle(
                delivery=str(o.delivery),
                post=str(o.draft),
                text=o.text,
                due_at=o.due_at,
                channel=o.channel.key,
                errors=serializers.errors(o.problems),
            )
            for o in found.obstacles[: given.limit]
        ],
        cost=dict(found.micro),
    )


@routes.post(
    "/withdrawals/{withdrawal_id}/targets",
    response={202: s.Job},
    summary="Give posts new targets",
    openapi_extra=PUBLISHES,
)
def retarget(request: HttpRequest, withdrawal_id: Id, given: s.RetargetAsk) -> s.Job:
    """Each stopped post is scheduled where it fits, at its own time; the others stay as they are. A second time makes
    nothing twice. Taking the withdrawal back takes back what is still to come there."""
    actor = acting(request)
    actor.require(Permission.PUBLISH)
    return _job(jobs.ask_retarget(actor, withdrawal_id, _decision(actor, given)))


@routes.post(
    "/withdrawals/{withdrawal_id}/exports", response={202: s.Job}, summary="Export all of it", openapi_extra=PUBLISHES
)
def export(request: HttpRequest, withdrawal_id: Id) -> s.Job:
    """A zip: JSON and CSV with JSON Schema, the media, and pages that open in any browser."""
    return _job(jobs.ask_export(acting(request), withdrawal_id))


@routes.get(
    "/withdrawals/{withdrawal_id}/jobs", response=s.JobPage, summary="List a withdrawal's jobs", openapi_extra=READS
)
def list_jobs(request: HttpRequest, withdrawal_id: Id, asked: Query[PageQuery]) -> dict[str, Any]:
    return page(jobs.jobs(acting(request), withdrawal_id), ("-asked_at", "-id"), asked, _job)


@routes.get("/withdrawals/jobs/{job_id}", response=s.Job, summary="Read a job", openapi_extra=READS)
def get_job(request: HttpRequest, job_id: Id) -> s.Job:
    return _job(jobs.one_job(acting(request), job_id))


@routes.get(
    "/withdrawals/jobs/{job_id}/file",
    summary="Download an export",
    openapi_extra={**PUBLISHES, "responses": {200: {"description": "The archive.", **_ZIP}}},
)
def download_export(request: HttpRequest, job_id: Id) -> StreamingHttpResponse:
    """Once its job is done, and for 30 days."""
    actor = acting(request)
    actor.require(Permission.PUBLISH)
    job = jobs.one_job(actor, job_id)
    path = jobs.file_of(job)
    if job.kind != JobKind.EXPORT or job.state != JobState.DONE or not path.exists():
        raise NotFound("archive", job_id)
    content = in_chunks(path) if isinstance(request, ASGIRequest) else FileResponse(path.open("rb"))
    answer = StreamingHttpResponse(content, content_type="application/zip")
    answer["Content-Length"] = str(path.stat().st_size)
    answer["Content-Disposition"] = content_disposition_header(True, jobs.name_of(job)) or "attachment"
    return answer


def _at(actor: Actor, said: str | None, timezone: str, field: str) -> Any:
    if said is None:
        return None
    return moment(said, timezone or actor.workspace.timezone, field=field)


def _decision(actor: Actor, given: s.RetargetAsk) -> Decision:
    at = _at(actor, given.first_at, given.timezone, "first_at")
    return Decision(
        channels=tuple(given.channels), past=Past(given.past), first_at=at, confirm=given.confirm, rest=given.rest
    )


def _fields(row: Withdrawal) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "network": row.network,
        "channel": str(row.channel_id) if row.channel_id else None,
        "state": row.state,
        "cause": row.cause,
        "reason": row.reason,
        "evidence": row.evidence,
        "by_operator": row.by_operator,
        "effective_at": row.effective_at,
        "announced_at": row.announced_at,
        "withdrawn_at": row.withdrawn_at,
        "ended_at": row.ended_at,
    }


def _withdrawal(row: Withdrawal) -> s.Withdrawal:
    return s.Withdrawal(**_fields(row))


def _suggestion(one: Suggestion) -> s.Suggestion:
    return s.Suggestion(
        channel=one.channel.key, network=one.channel.network, same_campaign=one.same_campaign, already=one.already
    )


def _outlook(found: impact_preview.Outlook) -> s.Outlook:
    return s.Outlook(
        network=found.network,
        at=found.at,
        before=found.before,
        after=found.after,
        after_first=found.after_first,
        after_last=found.after_last,
        channels=[
            s.Share(channel=one.channel.key, before=one.before, after=one.after, published=one.published)
            for one in found.shares
        ],
        sending=found.sending,
        also_elsewhere=found.also_elsewhere,
        troubled=found.troubled,
        published=found.published,
        drafts=found.drafts,
        media=found.media,
        others=found.others,
        targets=[_suggestion(one) for one in found.targets],
    )


def _return(found: restore_network.Return) -> s.Return:
    return s.Return(
        withdrawal=_withdrawal(found.withdrawal),
        channels=[c.key for c in found.channels],
        elsewhere=[c.key for c in found.elsewhere],
        restored=found.restored,
        late=found.late,
        late_first=found.late_first,
        late_last=found.late_last,
        replaced=found.replaced,
        replaced_out=found.replaced_out,
    )


def _job(row: Job) -> s.Job:
    return s.Job(
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
