"""The process that reads one archive, beside the worker and nicer than it, so that no post is late for it.

python -m kicau.config.importer IMPORT
"""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

from kicau.base import children

NICE = 10


async def read_due() -> int:
    """Begin the import that is due, if any, and wait until it is read; a chore of the worker."""
    from asgiref.sync import sync_to_async

    from kicau.archive.imports import running

    due = await sync_to_async(running.due)()
    if due is None:
        return 0
    return 1 if await _beside(str(due)) == 0 else 0


async def embed_due() -> int:
    """Embed what may be embedded, until nothing is left; a chore of the worker."""
    from asgiref.sync import sync_to_async

    from kicau.archive import meaning

    if await sync_to_async(meaning.is_due)():
        await _beside("meaning")
    return 0


async def _beside(what: str) -> int | None:
    """Do it in a process of its own, which ends with this one; its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kicau.config.importer", what, preexec_fn=children.die_with_parent
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
    os.nice(NICE)
    from kicau.base import logs, options, privileges

    privileges.keep_files_private()
    logs.set_up(options.read("KICAU_LOG_LEVEL"), options.read("KICAU_LOG_FORMAT"), process="importer")
    import django

    django.setup()
    from kicau.archive import meaning
    from kicau.archive.imports import running

    if sys.argv[1] != "meaning":
        running.run_import(UUID(sys.argv[1]))
        return
    while meaning.embed_due():
        pass


if __name__ == "__main__":
    main()
