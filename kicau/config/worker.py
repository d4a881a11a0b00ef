"""A worker process: the pump and the chores, with everything plugged in. Run by `kicau up`, or alone:

python -m kicau.config.worker
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from functools import partial

import aiohttp
import django
import structlog

from kicau.engine.periodic_tasks import Chore, apart, keep_doing

# Seconds after which the interpreter is taken from a thread by force; 0.005 by itself. The loop lets go of it at each
# round anyway, and what it does in a round is done sooner in one piece: ten thousand posts go out in a tenth less time.
SWITCH = 0.02
DATABASE_RETRY_SECONDS = 1.0  # between two looks for a database that is away when a worker starts


async def work() -> None:
    """Until SIGTERM or SIGINT; what is in flight is finished and written first."""
    from kicau.channels import token_refresh
    from kicau.channels.channel_session import new_client
    from kicau.engine.dispatcher import Pump
    from kicau.publishing.delivery.delivery_worker import Deliveries

    await compare_clocks()
    async with new_client() as client:
        pump = Pump(Deliveries(client))
        loop = asyncio.get_running_loop()

        def stop() -> None:
            pump.stop()
            token_refresh.stop()

        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop)
        chores = asyncio.create_task(keep_doing(chores_with(client), pump.busy))
        try:
            await pump.run()
        finally:
            chores.cancel()
            await asyncio.gather(chores, return_exceptions=True)
            await token_refresh.finish()


async def compare_clocks() -> None:
    """Before the first post is taken for due. A database that is away is waited for."""
    from asgiref.sync import sync_to_async

    from kicau.base import clock_drift
    from kicau.base.database_reconnect import AWAY, drop_broken

    while True:
        try:
            await sync_to_async(clock_drift.keep_time)()
            return
        except AWAY as exc:
            structlog.get_logger("kicau.worker").warning("the database does not answer yet", error=str(exc)[:200])
            await drop_broken()
            await asyncio.sleep(DATABASE_RETRY_SECONDS)


def chores_with(client: aiohttp.ClientSession) -> list[Chore]:
    """What is done beside publishing."""
    from asgiref.sync import sync_to_async

    from kicau.api.models import forget_old_answers
    from kicau.archive.imports.own_posts import keep_published
    from kicau.channels import revocations, token_refresh
    from kicau.config import health_monitor
    from kicau.config.dataset_audit_process import audit_due
    from kicau.config.import_process import embed_due, read_due
    from kicau.config.training_set_process import make_due, review_all
    from kicau.connector import registry
    from kicau.connector.protocol import RevokesCredentials
    from kicau.cost_reports import forecast
    from kicau.costs import actions as plans
    from kicau.engine import health
    from kicau.evidence.anchors import anchor_due
    from kicau.offboarding import blocked_app_detection, jobs, periodic_work
    from kicau.publishing.budget import held_deliveries, plan_quotas
    from kicau.publishing.delivery import attempt_retention
    from kicau.rights import trail_digest
    from kicau.sync import due_reads as reading
    from kicau.sync import fetch_by_id, retention, webhook_inbox, webhook_subscriptions
    from kicau.sync import poller as reading_rounds
    from kicau.workspaces import sessions, throttle, webhooks

    async def listen() -> int:
        await blocked_app_detection.listen(client)
        return 0

    async def read() -> int:
        return await reading_rounds.read_due(client)

    async def read_named() -> int:
        return await fetch_by_id.read_due(client)

    async def settle() -> int:
        return await webhook_subscriptions.settle(client)

    return [
        Chore(name="send webhooks", every=1.0, run=webhooks.send_due),
        Chore(
            name="forget what webhooks told days ago",
            every=3600.0,
            run=sync_to_async(webhooks.forget_old),
            gives_way=True,
        ),
        Chore(name="leave what is to be left", every=1.0, run=sync_to_async(periodic_work.look_after)),
        Chore(name="hear whether a network shut its door", every=60.0, run=listen),
        Chore(
            name="forget what was heard long ago",
            every=3600.0,
            run=sync_to_async(blocked_app_detection.forget_old),
            gives_way=True,
        ),
        Chore(name="export and retarget", every=1.0, run=apart(jobs.work_now, jobs.any_waits)),
        Chore(name="forget old archives", every=3600.0, run=sync_to_async(jobs.forget_old), gives_way=True),
        Chore(name="take archives in", every=3.0, run=read_due, gives_way=True),
        Chore(name="embed what may be embedded", every=30.0, run=embed_due, gives_way=True),
        Chore(name="search data sets", every=3.0, run=audit_due, gives_way=True),
        Chore(name="make training sets", every=3.0, run=make_due, gives_way=True),
        Chore(name="take back what may be used no more", every=600.0, run=apart(review_all), gives_way=True),
        Chore(name="log the trail's digest", every=3600.0, run=sync_to_async(trail_digest.append_due), gives_way=True),
        Chore(name="have outsiders stamp the log", every=600.0, run=anchor_due),
        Chore(name="keep what was published", every=20.0, run=apart(keep_published), gives_way=True),
        Chore(name="look whose numbers are to be read", every=60.0, run=sync_to_async(reading.take_in), gives_way=True),
        Chore(name="read answers and numbers", every=10.0, run=read, gives_way=True),
        Chore(name="take in what networks told", every=1.0, run=sync_to_async(webhook_inbox.take_in), gives_way=True),
        Chore(name="read what networks only named", every=5.0, run=read_named, gives_way=True),
        Chore(name="ask networks to tell", every=5.0, run=settle, gives_way=True),
        Chore(
            name="forget what networks told days ago",
            every=3600.0,
            run=sync_to_async(webhook_inbox.forget_old),
            gives_way=True,
        ),
        *(
            Chore(name=f"renew credentials of {slug}", every=10.0, run=partial(token_refresh.refresh_due, client, slug))
            for slug in registry.slugs()
        ),
        *(
            Chore(name=f"ask capabilities on {slug}", every=300.0, run=partial(token_refresh.ask_due, client, slug))
            for slug in registry.slugs()
        ),
        *(
            Chore(name=f"revoke credentials on {slug}", every=10.0, run=partial(revocations.revoke_due, client, slug))
            for slug in registry.slugs()
            if isinstance(registry.get(slug).auth, RevokesCredentials)
        ),
        Chore(name="hold what plans allow", every=5.0, run=sync_to_async(plan_quotas.look)),
        Chore(name="release what a budget held", every=3.0, run=sync_to_async(held_deliveries.release)),
        Chore(
            name="tell of budgets that will not last",
            every=3600.0,
            run=apart(forecast.alert),
            gives_way=True,
        ),
        Chore(
            name="forget what was read days ago", every=3600.0, run=sync_to_async(plans.forget_readings), gives_way=True
        ),
        Chore(
            name="forget answers that are no longer promised",
            every=3600.0,
            run=sync_to_async(forget_old_answers),
            gives_way=True,
        ),
        Chore(
            name="delete expired counts",
            every=3600.0,
            run=sync_to_async(throttle.forget_expired),
            gives_way=True,
        ),
        Chore(name="delete old answers", every=600.0, run=sync_to_async(retention.purge), gives_way=True),
        Chore(
            name="delete expired sessions",
            every=3600.0,
            run=sync_to_async(sessions.delete_expired),
            gives_way=True,
        ),
        Chore(
            name="forget old stories of steps",
            every=600.0,
            run=sync_to_async(attempt_retention.forget_old),
            gives_way=True,
        ),
        Chore(
            name="forget workers that are gone", every=600.0, run=sync_to_async(health.forget_the_gone), gives_way=True
        ),
        *health_monitor.chores(),
    ]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    from kicau.base import logs, privileges, setting_definitions

    privileges.keep_files_private()
    privileges.give_up_root(setting_definitions.data_folder())
    logs.set_up(
        setting_definitions.read("KICAU_LOG_LEVEL"), setting_definitions.read("KICAU_LOG_FORMAT"), process="worker"
    )
    django.setup()
    spare_the_collector()
    sys.setswitchinterval(SWITCH)
    asyncio.run(work())


def spare_the_collector() -> None:
    """What is loaded now stays: looking through it for garbage at every turn costs a tenth of a busy worker's time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


if __name__ == "__main__":
    main()
