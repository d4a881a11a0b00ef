"""Published posts go into the archive."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp

from kicau.archive.imports.own_posts import archive_published
from kicau.engine.periodic_tasks import PeriodicTask, in_own_thread


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(name="archive published posts", every=20.0, run=in_own_thread(archive_published), gives_way=True)
