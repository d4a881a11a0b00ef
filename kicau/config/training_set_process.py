"""The process that makes one training set, beside the worker and nicer than it, so that no post is late for it.

python -m kicau.config.training_set_process
"""

from __future__ import annotations

import asyncio
import os
import sys

from kicau.base import subprocesses

NICENESS = 10


async def make_due_version() -> int:
    """Look for copies where permissions changed, look at the set or make the version that waits, if any; a chore of the
    worker."""
    from asgiref.sync import sync_to_async

    if not await sync_to_async(_is_due)():
        return 0
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kicau.config.training_set_process", preexec_fn=subprocesses.die_with_parent
    )
    try:
        await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    return 1 if process.returncode == 0 else 0


def _is_due() -> bool:
    """Without what making needs: numbers and tables are loaded by the other process only."""
    from kicau.training_sets import build_queue

    return (
        bool(build_queue.sets_to_review())
        or build_queue.next_waiting_version() is not None
        or build_queue.next_waiting_preview() is not None
    )


def review_all_sets() -> int:
    """What ended by itself (a grant's last day, terms in force from today, a deletion) leaves the sets too, and what was
    taken back from a day on the audits."""
    from kicau.dataset_audit import retraction as audits
    from kicau.dataset_audit.models import DatasetAudit
    from kicau.training_sets import retraction
    from kicau.training_sets.models import TrainingSet
    from kicau.workspaces.models import Workspace

    for workspace in Workspace.objects.filter(id__in=DatasetAudit.objects.values("workspace")):
        audits.retract_items(workspace)
    with_sets = Workspace.objects.filter(id__in=TrainingSet.objects.values("workspace"))
    return sum(len(retraction.retract_expired(workspace)) for workspace in with_sets)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    os.nice(NICENESS)
    from kicau.base import logs, privileges, setting_definitions

    privileges.keep_files_private()
    logs.set_up_logging(
        setting_definitions.read_setting("KICAU_LOG_LEVEL"),
        setting_definitions.read_setting("KICAU_LOG_FORMAT"),
        process="maker",
    )
    import django

    django.setup()
    from kicau.training_sets import build

    build.make_next()


if __name__ == "__main__":
    main()
