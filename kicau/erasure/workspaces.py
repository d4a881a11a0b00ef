"""Delete a workspace and all that is in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import transaction

from kicau.archive.models import ArchiveImport
from kicau.base.errors import Conflict, NotAllowed, validation_failed
from kicau.channels import actions as channels
from kicau.channels.models import Channel, ChannelState
from kicau.dataset_audit import actions as audits
from kicau.dataset_audit.models import DatasetAudit
from kicau.erasure import model_ownership
from kicau.offboarding import jobs
from kicau.offboarding.models import OffboardingJob
from kicau.publishing.models import ATTENTION_STATES, PENDING_STATES, Delivery
from kicau.publishing.scheduling import actions as publishing
from kicau.training_sets import versions
from kicau.training_sets.models import TrainingSetVersion
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Role, Workspace


@transaction.atomic
def delete_workspace(actor: Actor, *, confirmation: str) -> dict[str, int]:
    """Delete the actor's workspace; returns how many rows of each kind went.

    Queued deliveries are canceled, credentials of channels erased, files removed. Posts that are public stay public. The
    ledger and the activity log stay. `confirmation` is the workspace's name, typed.
    Raises NotAllowed, ValidationFailed, and Conflict while something is being sent.
    """
    actor.require(Permission.SETTINGS)
    if actor.role != Role.OWNER:
        raise NotAllowed("Only an owner of the workspace can delete the workspace. Ask an owner to do it.")
    if actor.scopes is not None and not actor.scopes >= set(Permission):
        raise NotAllowed(
            "To delete a workspace, you need an API token with all permissions (scopes). Create such a token, then try again."
        )
    workspace = Workspace.objects.select_for_update().get(id=actor.workspace.id)
    if confirmation.strip() != workspace.name:
        raise validation_failed(
            "confirmation",
            "To confirm that you want to delete this workspace, type its name: {name}.",
            name=workspace.name,
        )
    canceled = _cancel_queue(actor)
    connected = Channel.objects.filter(workspace=workspace).exclude(state=ChannelState.REMOVED)
    disconnected = [channels.disconnect(actor, one.id) for one in connected]
    files = _workspace_files(workspace)
    removed: dict[str, int] = {}
    for label, rows in model_ownership.rows_of_workspace(workspace.id):
        if count := cast(Any, rows)._raw_delete("default"):  # children first; constraints are checked at the end
            removed[label] = count
    actor.record(
        "workspace.deleted",
        workspace.id,
        name=workspace.name,
        canceled=canceled,
        disconnected=len(disconnected),
        removed=removed,
    )
    cast(Any, Workspace.objects.filter(id=workspace.id))._raw_delete("default")
    transaction.on_commit(lambda: _remove_files(files))
    return removed


def _cancel_queue(actor: Actor) -> int:
    queued = Delivery.objects.select_for_update().filter(
        workspace=actor.workspace, state__in=(*PENDING_STATES, *ATTENTION_STATES)
    )
    rows = list(queued.order_by("id"))
    if any(row.begun_at is not None and row.state in PENDING_STATES for row in rows):
        raise Conflict(
            "Kicau is publishing a post of this workspace right now, so the workspace cannot be deleted yet. Try again in a minute."
        )
    for row in rows:
        publishing.cancel(actor, row.id)
    return len(rows)


def _workspace_files(workspace: Workspace) -> list[Path]:
    """Files and folders of the workspace, below the data folder alone."""
    data = Path(settings.KICAU_DATA).resolve()
    found = [data / "media" / workspace.id.hex]
    found += [audits.audit_folder(row.id) for row in DatasetAudit.objects.filter(workspace=workspace)]
    found += [versions.version_folder(row) for row in TrainingSetVersion.objects.filter(set__workspace=workspace)]
    found += [jobs.archive_file(row) for row in OffboardingJob.objects.filter(workspace=workspace)]
    found += [
        Path(path) for path in ArchiveImport.objects.filter(workspace=workspace).values_list("path", flat=True) if path
    ]
    return [one for one in found if data in one.resolve().parents]


def _remove_files(files: list[Path]) -> None:
    for one in files:
        if one.is_dir():
            shutil.rmtree(one, ignore_errors=True)
        else:
            one.unlink(missing_ok=True)
