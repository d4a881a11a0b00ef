"""A worker process: the pump and the chores, with everything plugged in. Run by `kicau up`, or alone:

python -m kicau.config.worker
"""

from __future__ import annotations

import asyncio
import gc
import os
import pkgutil
import signal
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import aiohttp
import django
import structlog

if TYPE_CHECKING:  # what has models is imported when Django is ready
    from kicau.engine.periodic_tasks import PeriodicTask

# Seconds after which the interpreter is taken from a thread by force; 0.005 by itself. The loop lets go of it at each
# round anyway, and what it does in a round is done sooner in one piece: ten thousand posts go out in a tenth less time.
THREAD_SWITCH_SECONDS = 0.02
DATABASE_RETRY_SECONDS = 1.0  # between two looks for a database that is away when a worker starts


async def run_worker() -> None:
    """Until SIGTERM or SIGINT; what is in flight is finished and written first."""
    from kicau.channels import token_refresh
    from kicau.channels.channel_session import new_client
    from kicau.engine.dispatcher import Dispatcher
    from kicau.engine.periodic_tasks import run_tasks
    from kicau.publishing.delivery.delivery_worker import DeliverySource

    await compare_clocks()
    async with new_client() as client:
        pump = Dispatcher(DeliverySource(client))
        loop = asyncio.get_running_loop()

        def stop() -> None:
            pump.stop()
            token_refresh.stop_refreshing()

        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop)
        chores = asyncio.create_task(run_tasks(periodic_tasks(client), pump.busy))
        try:
            await pump.run()
        finally:
            chores.cancel()
            await asyncio.gather(chores, return_exceptions=True)
            await token_refresh.wait_for_refreshes()


async def compare_clocks() -> None:
    """Before the first post is taken for due. A database that is away is waited for."""
    from asgiref.sync import sync_to_async

    from kicau.base import clock_drift
    from kicau.base.database_reconnect import CONNECTION_ERRORS, drop_broken_connection

    while True:
        try:
            await sync_to_async(clock_drift.synchronize_clock)()
            return
        except CONNECTION_ERRORS as exc:
            structlog.get_logger("kicau.worker").warning("the database does not answer yet", error=str(exc)[:200])
            await drop_broken_connection()
            await asyncio.sleep(DATABASE_RETRY_SECONDS)


def periodic_tasks(client: aiohttp.ClientSession) -> list[PeriodicTask]:
    """What is done beside publishing: each room declares its own in its module `periodic_tasks`."""
    import kicau

    modules = [f"kicau.{room.name}.periodic_tasks" for room in pkgutil.iter_modules(kicau.__path__) if room.ispkg]
    return [
        task for name in modules if find_spec(name) is not None for task in import_module(name).periodic_tasks(client)
    ]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    from kicau.base import logs, privileges, setting_definitions

    privileges.keep_files_private()
    privileges.drop_root(setting_definitions.data_folder())
    logs.set_up_logging(
        setting_definitions.read_setting("KICAU_LOG_LEVEL"),
        setting_definitions.read_setting("KICAU_LOG_FORMAT"),
        process="worker",
    )
    django.setup()
    freeze_garbage_collector()
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    asyncio.run(run_worker())


def freeze_garbage_collector() -> None:
    """What is loaded now stays: looking through it for garbage at every turn costs a tenth of a busy worker's time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


if __name__ == "__main__":
    main()
