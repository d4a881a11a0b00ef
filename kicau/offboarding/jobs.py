"""Long work with its progress, done by any worker; one that dies leaves its job to the next, which goes on with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, DomainError, NotFound
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.offboarding import new_targets
from kicau.offboarding.actions import one_offboarding
from kicau.offboarding.export.write import write_export
from kicau.offboarding.models import FROZEN_STATES, OffboardingJob, OffboardingJobKind, OffboardingJobState
from kicau.offboarding.new_targets import OverdueRetargetAction, RetargetDecision, RetargetPreview
from kicau.workspaces.actions import actor_for
from kicau.workspaces.actors import Actor, Permission

log = structlog.get_logger("kicau.offboarding")

JOB_LEASE = timedelta(seconds=60)  # a worker that says nothing for so long has died
ARCHIVE_RETENTION = timedelta(days=30)  # an archive stays to be fetched; it can be made again at any time
MAX_OBSTACLES_KEPT = 500  # obstacles that a job keeps in its answer; the page of targets has all


def jobs(actor: Actor, offboarding_id: UUID | str) -> QuerySet[OffboardingJob]:
    """An offboarding's jobs, newest first. Raises NotFound."""
    row = one_offboarding(actor, offboarding_id)
    return OffboardingJob.objects.filter(offboarding=row).order_by("-requested_at", "-id")


def one_job(actor: Actor, job_id: UUID | str) -> OffboardingJob:
    """Raises NotFound."""
    actor.require(Permission.READ)
    found = (
        OffboardingJob.objects.filter(workspace=actor.workspace, id=as_uuid(job_id))
        .select_related("offboarding")
        .first()
    )
    if found is None:
        raise NotFound("job", job_id)
    return found


@transaction.atomic
def request_export(actor: Actor, offboarding_id: UUID | str) -> OffboardingJob:
    """Have the archive made; the one that is being made already, where there is one. Raises NotAllowed, NotFound."""
    actor.require(Permission.PUBLISH)
    return _request_job(actor, offboarding_id, OffboardingJobKind.EXPORT, {})


@transaction.atomic
def request_retarget(actor: Actor, offboarding_id: UUID | str, decision: RetargetDecision) -> OffboardingJob:
    """Have one decision carried out for all that is frozen. Raises NotAllowed, NotFound, ValidationFailed, Conflict."""
    actor.require(Permission.PUBLISH)
    row = one_offboarding(actor, offboarding_id)
    if row.state not in FROZEN_STATES:
        raise Conflict(
            Sentence(
                "You can move posts to other channels only after Kicau has stopped publishing to this network. Status of the plan to stop using the network: {state}.",
                state=row.get_state_display(),
            )
        )
    new_targets.check_decision(actor, row, decision)
    wanted = {
        **asdict(decision),
        "channels": list(decision.channels),
        "first_at": decision.first_at.isoformat() if decision.first_at else None,
    }
    return _request_job(actor, offboarding_id, OffboardingJobKind.RETARGET, wanted)


def _request_job(actor: Actor, offboarding_id: UUID | str, kind: str, wanted: dict[str, Any]) -> OffboardingJob:
    row = one_offboarding(actor, offboarding_id)
    under_way = OffboardingJob.objects.filter(
        offboarding=row, kind=kind, state__in=[OffboardingJobState.WAITING, OffboardingJobState.WORKING]
    )
    if found := under_way.first():
        if kind == OffboardingJobKind.RETARGET and found.parameters != wanted:
            raise Conflict("Kicau is moving posts to other channels right now. Try again when all posts are moved.")
        return found
    made = OffboardingJob.objects.create(
        workspace=actor.workspace,
        offboarding=row,
        kind=kind,
        parameters=wanted,
        requested_by=actor.person,
        via=actor.via,
    )
    actor.record(f"offboarding.{kind}-asked", row.id, job=str(made.id))
    return made


def archive_file(job: OffboardingJob) -> Path:
    """The archive of an export that is done."""
    return Path(settings.KICAU_DATA) / "exports" / f"{job.id}.zip"


def archive_name(job: OffboardingJob) -> str:
    """What the archive is called where it is saved."""
    return f"{job.offboarding.network}-{job.requested_at:%Y-%m-%d}.zip"


# Working


def run_job(job_id: UUID | None = None) -> int:
    """Do the named job, or the one that waits longest, to its end. 0 where there was none."""
    job = _claim_job(job_id)
    if job is None:
        return 0
    try:
        result = _execute(job)
    except DomainError as exc:
        _end_job(job, OffboardingJobState.FAILED, sentence=str(exc))
    except OSError:
        _end_job(
            job,
            OffboardingJobState.FAILED,
            sentence="Kicau could not write the export to the server's disk. Free some disk space on the server, then start the export again.",
        )
    except Exception:
        log.exception("a job failed by a fault of ours", job=str(job.id), kind=job.kind)
        _end_job(
            job,
            OffboardingJobState.FAILED,
            sentence="This export or move of posts failed because of an internal error in Kicau. Nothing was lost. Start again, or ask the server administrator to look at the server's log.",
        )
    else:
        _end_job(job, OffboardingJobState.DONE, result=result)
    return 1


def has_waiting_jobs() -> bool:
    """Whether `run_job` has something to do."""
    return _available_jobs(clock.now()).exists()


def _available_jobs(now: datetime) -> QuerySet[OffboardingJob]:
    return OffboardingJob.objects.filter(
        Q(state=OffboardingJobState.WAITING) | Q(state=OffboardingJobState.WORKING, lease_until__lt=now)
    )


@transaction.atomic
def _claim_job(job_id: UUID | None) -> OffboardingJob | None:
    now = clock.now()
    rows = _available_jobs(now).select_for_update(skip_locked=True, of=("self",)).order_by("requested_at")
    job = (rows.filter(id=job_id) if job_id else rows).select_related("offboarding__workspace", "workspace").first()
    if job is not None:
        job.state, job.lease_until = OffboardingJobState.WORKING, now + JOB_LEASE
        job.save(update_fields=["state", "lease_until"])
    return job


def _execute(job: OffboardingJob) -> dict[str, Any]:
    if job.requested_by is None:
        raise Conflict(
            "The person who started this export or move of posts is no longer in the workspace. Start the export or move again yourself."
        )
    actor = actor_for(job.requested_by, job.workspace_id, job.via)
    actor.require(Permission.PUBLISH)
    if job.kind == OffboardingJobKind.EXPORT:
        return write_export(
            one_offboarding(actor, job.offboarding_id),
            archive_file(job),
            job.requested_by.language,
            _progress_callback(job),
        )
    done = new_targets.retarget(
        actor,
        job.offboarding_id,
        parse_decision(job.parameters),
        most=MAX_OBSTACLES_KEPT,
        tell_progress=_progress_callback(job),
    )
    return preview_summary(done)


def parse_decision(wanted: dict[str, Any]) -> RetargetDecision:
    at = wanted.get("first_at")
    return RetargetDecision(
        channels=tuple(wanted["channels"]),
        overdue=OverdueRetargetAction(wanted["overdue"]),
        first_at=datetime.fromisoformat(at) if at else None,
        confirm=wanted["confirm"],
        rest=wanted["rest"],
    )


def preview_summary(done: RetargetPreview) -> dict[str, Any]:
    """A look as JSON; obstacles by post and channel."""
    return {
        "posts": done.posts,
        "made": done.fits,
        "already": done.already,
        "overdue": done.overdue,
        "unconfirmed": done.unconfirmed,
        "problems": [{"channel": key, "code": code, "posts": n} for (key, code), n in done.codes.most_common()],
        "cost": dict(done.micro),
    }


def _progress_callback(job: OffboardingJob) -> Callable[[int, int], None]:
    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > 0.25 or done >= total:
            told = time.monotonic()
            OffboardingJob.objects.filter(id=job.id).update(done=done, total=total, lease_until=clock.now() + JOB_LEASE)
        time.sleep(0)  # others in this process get their turn

    return tell


def _end_job(job: OffboardingJob, state: str, *, sentence: str = "", result: dict[str, Any] | None = None) -> None:
    OffboardingJob.objects.filter(id=job.id).update(
        state=state, sentence=sentence, result=result or {}, lease_until=None, ended_at=clock.now()
    )


def delete_old_archives() -> int:
    """Delete archives that were made long ago; returns how many."""
    old = OffboardingJob.objects.filter(
        kind=OffboardingJobKind.EXPORT, state=OffboardingJobState.DONE, ended_at__lt=clock.now() - ARCHIVE_RETENTION
    )
    count = 0
    for job in old.exclude(result={}):
        archive_file(job).unlink(missing_ok=True)
        OffboardingJob.objects.filter(id=job.id).update(result={})
        count += 1
    return count
