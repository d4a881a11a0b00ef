"""The process that reads one archive, beside the worker and nicer than it, so that no post is late for it.

python -m kicau.config.import_process IMPORT
"""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

from kicau.base import subprocesses

NICENESS = 10


async def import_due() -> int:
    """Begin the import that is due, if any, and wait until it is read; a chore of the worker."""
    from asgiref.sync import sync_to_async

    from kicau.archive.imports import import_job

    due = await sync_to_async(import_job.next_due_import)()
    if due is None:
        return 0
    return 1 if await _run_in_subprocess(str(due)) == 0 else 0


async def embed_due_items() -> int:
    """Embed what may be embedded, until nothing is left; a chore of the worker."""
    from asgiref.sync import sync_to_async

    from kicau.archive import semantic_search

    if await sync_to_async(semantic_search.has_items_to_embed)():
        await _run_in_subprocess("meaning")
    return 0


async def _run_in_subprocess(what: str) -> int | None:
    """Do it in a process of its own, which ends with this one; its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kicau.config.import_process", what, preexec_fn=subprocesses.die_with_parent
    )
    try:
        await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    return process.returncode


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    os.nice(NICENESS)
    from kicau.base import logs, privileges, setting_definitions

    privileges.keep_files_private()
    logs.set_up_logging(
        setting_definitions.read_setting("KICAU_LOG_LEVEL"),
        setting_definitions.read_setting("KICAU_LOG_FORMAT"),
        process="importer",
    )
    import django

    django.setup()
    from kicau.archive import semantic_search
    from kicau.archive.imports import import_job

    if sys.argv[1] != "meaning":
        import_job.run_import(UUID(sys.argv[1]))
        return
    while semantic_search.embed_due():
        pass


if __name__ == "__main__":
    main()
