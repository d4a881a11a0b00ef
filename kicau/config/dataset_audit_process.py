"""The process that searches one data set, beside the worker and nicer than it, so that no post is late for it.

python -m kicau.config.dataset_audit_process AUDIT
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from uuid import UUID

from kicau.base import subprocesses

NICENESS = 10
STOP_CHECK_SECONDS = 2.0  # seconds between two looks at whether somebody has stopped it


async def run_due_audit() -> int:
    """Search what is due, if anything, and wait until it is done or stopped; a chore of the worker."""
    from asgiref.sync import sync_to_async

    from kicau.dataset_audit import audit_queue

    due = await sync_to_async(audit_queue.next_due_audit)()
    if due is None:
        return 0
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kicau.config.dataset_audit_process",
        str(due),
        preexec_fn=subprocesses.die_with_parent,
        start_new_session=True,
    )
    try:
        while process.returncode is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_CHECK_SECONDS)
            if process.returncode is None and await sync_to_async(audit_queue.is_stopped)(due):
                _kill_session(process)
    finally:
        _kill_session(process)
        await process.wait()
    return 1 if process.returncode == 0 else 0


def _kill_session(process: asyncio.subprocess.Process) -> None:
    """It and those that search for it: they are a session of their own."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    os.nice(NICENESS)
    from kicau.base import logs, privileges, setting_definitions

    privileges.keep_files_private()
    logs.set_up_logging(
        setting_definitions.read_setting("KICAU_LOG_LEVEL"),
        setting_definitions.read_setting("KICAU_LOG_FORMAT"),
        process="auditor",
    )
    import django

    django.setup()
    from kicau.dataset_audit.audit_job import run_audit

    run_audit(UUID(sys.argv[1]))


if __name__ == "__main__":
    main()
