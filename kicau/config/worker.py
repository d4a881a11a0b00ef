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

from kicau.engine.periodic_tasks import PeriodicTask, in_own_thread, run_tasks

# Seconds after which the interpreter is taken from a thread by force; 0.005 by itself. The loop lets go of it at each
# round anyway, and what it does in a round is done sooner in one piece: ten thousand posts go out in a tenth less time.
THREAD_SWITCH_SECONDS = 0.02
DATABASE_RETRY_SECONDS = 1.0  # between two looks for a database that is away when a worker starts


async def run_worker() -> None:
    """Until SIGTERM or SIGINT; what is in flight is finished and written first."""
    from kicau.channels import token_refresh
    from kicau.channels.channel_session import new_client
    from kicau.engine.dispatcher import Dispatcher
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
    """What is done beside publishing."""
    from asgiref.sync import sync_to_async

    from kicau.api.models import delete_expired_responses
    from kicau.archive.imports.own_posts import archive_published
    from kicau.channels import revocations, token_refresh
    from kicau.config import health_monitor
    from kicau.config.dataset_audit_process import run_due_audit
    from kicau.config.import_process import embed_due_items, import_due
    from kicau.config.training_set_process import make_due_version, review_all_sets
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
        await blocked_app_detection.probe_suspected_blocks(client)
        return 0

    async def read() -> int:
        return await reading_rounds.fetch_due(client)

    async def read_named() -> int:
        return await fetch_by_id.fetch_due(client)

    async def settle() -> int:
        return await webhook_subscriptions.update_subscriptions(client)

    return [
        PeriodicTask(name="send webhooks", every=1.0, run=webhooks.send_due_messages),
        PeriodicTask(
            name="forget what webhooks told days ago",
            every=3600.0,
            run=sync_to_async(webhooks.delete_old_messages),
            gives_way=True,
        ),
        PeriodicTask(name="leave what is to be left", every=1.0, run=sync_to_async(periodic_work.run_due_work)),
        PeriodicTask(name="hear whether a network shut its door", every=60.0, run=listen),
        PeriodicTask(
            name="forget what was heard long ago",
            every=3600.0,
            run=sync_to_async(blocked_app_detection.delete_old_evidence),
            gives_way=True,
        ),
        PeriodicTask(name="export and retarget", every=1.0, run=in_own_thread(jobs.run_job, jobs.has_waiting_jobs)),
        PeriodicTask(
            name="forget old archives", every=3600.0, run=sync_to_async(jobs.delete_old_archives), gives_way=True
        ),
        PeriodicTask(name="take archives in", every=3.0, run=import_due, gives_way=True),
        PeriodicTask(name="embed what may be embedded", every=30.0, run=embed_due_items, gives_way=True),
        PeriodicTask(name="search data sets", every=3.0, run=run_due_audit, gives_way=True),
        PeriodicTask(name="make training sets", every=3.0, run=make_due_version, gives_way=True),
        PeriodicTask(
            name="take back what may be used no more", every=600.0, run=in_own_thread(review_all_sets), gives_way=True
        ),
        PeriodicTask(
            name="log the trail's digest",
            every=3600.0,
            run=sync_to_async(trail_digest.append_due_digests),
            gives_way=True,
        ),
        PeriodicTask(name="have outsiders stamp the log", every=600.0, run=anchor_due),
        PeriodicTask(name="keep what was published", every=20.0, run=in_own_thread(archive_published), gives_way=True),
        PeriodicTask(
            name="look whose numbers are to be read",
            every=60.0,
            run=sync_to_async(reading.register_published_posts),
            gives_way=True,
        ),
        PeriodicTask(name="read answers and numbers", every=10.0, run=read, gives_way=True),
        PeriodicTask(
            name="take in what networks told",
            every=1.0,
            run=sync_to_async(webhook_inbox.process_stored),
            gives_way=True,
        ),
        PeriodicTask(name="read what networks only named", every=5.0, run=read_named, gives_way=True),
        PeriodicTask(name="ask networks to tell", every=5.0, run=settle, gives_way=True),
        PeriodicTask(
            name="forget what networks told days ago",
            every=3600.0,
            run=sync_to_async(webhook_inbox.delete_old_webhooks),
            gives_way=True,
        ),
        *(
            PeriodicTask(
                name=f"renew credentials of {slug}", every=10.0, run=partial(token_refresh.refresh_due, client, slug)
            )
            for slug in registry.installed_slugs()
        ),
        *(
            PeriodicTask(
                name=f"ask capabilities on {slug}",
                every=300.0,
                run=partial(token_refresh.update_due_capabilities, client, slug),
            )
            for slug in registry.installed_slugs()
        ),
        *(
            PeriodicTask(
                name=f"revoke credentials on {slug}", every=10.0, run=partial(revocations.revoke_due, client, slug)
            )
            for slug in registry.installed_slugs()
            if isinstance(registry.get_connector(slug).auth, RevokesCredentials)
        ),
        PeriodicTask(name="hold what plans allow", every=5.0, run=sync_to_async(plan_quotas.update_quota_budgets)),
        PeriodicTask(name="release what a budget held", every=3.0, run=sync_to_async(held_deliveries.release_held)),
        PeriodicTask(
            name="tell of budgets that will not last",
            every=3600.0,
            run=in_own_thread(forecast.alert_on_forecast),
            gives_way=True,
        ),
        PeriodicTask(
            name="forget what was read days ago",
            every=3600.0,
            run=sync_to_async(plans.delete_old_billed_resources),
            gives_way=True,
        ),
        PeriodicTask(
            name="forget answers that are no longer promised",
            every=3600.0,
            run=sync_to_async(delete_expired_responses),
            gives_way=True,
        ),
        PeriodicTask(
            name="delete expired counts",
            every=3600.0,
            run=sync_to_async(throttle.delete_expired),
            gives_way=True,
        ),
        PeriodicTask(
            name="delete old answers", every=600.0, run=sync_to_async(retention.delete_old_items), gives_way=True
        ),
        PeriodicTask(
            name="delete expired sessions",
            every=3600.0,
            run=sync_to_async(sessions.delete_expired),
            gives_way=True,
        ),
        PeriodicTask(
            name="forget old stories of steps",
            every=600.0,
            run=sync_to_async(attempt_retention.delete_old_attempts),
            gives_way=True,
        ),
        PeriodicTask(
            name="forget workers that are gone",
            every=600.0,
            run=sync_to_async(health.delete_dead_workers),
            gives_way=True,
        ),
        *health_monitor.monitoring_tasks(),
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
