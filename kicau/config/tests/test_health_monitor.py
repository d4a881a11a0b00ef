"""Operators are told of a trouble once, and once when it is over: by e-mail and to their own address."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.channels.models import ChannelState
from kicau.config import health_monitor
from kicau.costs.models import Budget, BudgetUse
from kicau.engine.models import Heartbeat
from kicau.notifications import emails, trouble_watch
from kicau.notifications.models import Alert, Email, InstanceProblem
from kicau.workspaces.webhooks import sign_payload

START = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _lookers(monkeypatch):
    monkeypatch.setattr(trouble_watch, "INCIDENT_DETECTORS", [])
    health_monitor.monitoring_tasks()


def at(seconds):
    return clock.freeze_clock(START + timedelta(seconds=seconds))


def beat(name, seconds, started=0.0):
    when = START + timedelta(seconds=seconds)
    Heartbeat.objects.update_or_create(
        worker=name, defaults={"at": when, "started_at": START + timedelta(seconds=started)}
    )


def open_keys():
    return [row.key for row in trouble_watch.open_incidents()]


def test_a_worker_that_vanishes(owner):
    beat("one", 0), beat("two", 0)
    with at(5):
        assert trouble_watch.check_incidents() == 0
    beat("two", 30)
    with at(31):  # one fell silent
        assert trouble_watch.check_incidents() == 1
        assert open_keys() == ["worker:one"]
        assert trouble_watch.check_incidents() == 0  # told once
    with at(45):
        assert trouble_watch.check_incidents() == 0
    beat("two", 60), beat("three", 60, started=55)  # and was replaced
    with at(61):
        assert trouble_watch.check_incidents() == 0  # what may flicker is not over at once
    beat("two", 90), beat("three", 90, started=55)
    with at(91):
        assert trouble_watch.check_incidents() == 1
        assert open_keys() == []
    with at(200):  # nobody is left
        trouble_watch.check_incidents()
        assert open_keys() == ["workers"]


def test_late_posts_dead_tokens_budgets_and_the_disk(owner, actor, workspace, channel, settings, sink, monkeypatch):
    settings.KICAU_ALERT_EMAIL = [owner.email, "ops@elsewhere.example"]
    owner.language = "id"
    owner.save()
    row = channel("kopi")
    budget = Budget.objects.create(
        name="Readings", workspace=workspace, amount=1000, currency="USD", period="total", created_at=START
    )
    monkeypatch.setattr(health_monitor.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 20_000_000}))
    from kicau.publishing.content import compositions
    from kicau.publishing.scheduling import schedule

    draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text="late"),)))
    schedule.schedule(actor, compositions.one_draft(actor, draft.id), [row.key], clock.now() + timedelta(seconds=1))
    later = clock.now() + timedelta(seconds=100)
    Heartbeat.objects.create(worker="one", at=later)
    with clock.freeze_clock(later):
        trouble_watch.check_incidents()
        assert set(open_keys()) == {"late", "disk"}
        row.state = ChannelState.EXPIRED
        row.save()
        BudgetUse.objects.create(budget=budget, begins_at=START, amount=850)
        trouble_watch.check_incidents()
        assert set(open_keys()) == {"late", "disk", f"channel:{row.id}", f"budget:{budget.id}"}
        emails.send_due_emails()
    told = {(one["To"], one["Subject"]) for one in sink.letters}
    assert len(told) == 8  # four troubles, two operators
    assert (
        owner.email,
        f"Kicau: Anggaran “Readings” ({workspace.name}) sudah terpakai 85 %. Periksa apakah sisanya cukup sampai periode anggaran berikutnya dimulai.",
    ) in told
    assert (
        "ops@elsewhere.example",
        f"Kicau: 85 % of the budget “Readings” ({workspace.name}) is used. Check whether the rest is enough until the next budget period begins.",
    ) in told
    assert (
        "ops@elsewhere.example",
        "Kicau: Number of scheduled posts that Kicau has not published on time: 1. The longest delay is 99 seconds.",
    ) in told


async def test_a_mail_server_that_stands_still_holds_up_nobody_who_asks_the_database(
    transactional_db, settings, unused_tcp_port
):
    came, over = asyncio.Event(), asyncio.Event()

    async def stand_still(reader, writer):
        came.set()
        await over.wait()
        writer.close()

    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": unused_tcp_port, "timeout": 5},
        }
    }
    await sync_to_async(emails.queue_email)(
        "guest@elsewhere.example", "member.invited", page="/accept-invitation/abc", name="Sari", workspace="Kopi Senja"
    )
    [chore] = [one for one in health_monitor.monitoring_tasks() if one.name == "send emails"]
    async with await asyncio.start_server(stand_still, "127.0.0.1", unused_tcp_port):
        sending = asyncio.create_task(chore.run())
        await came.wait()
        try:
            async with asyncio.timeout(60):
                waiting = await Email.objects.aget()
            assert (waiting.attempts, sending.done()) == (0, False)
        finally:
            over.set()
        assert await sending == 0
    assert (await Email.objects.aget()).attempts == 1


async def test_alerts_go_to_the_operators_own_address_signed_and_again_until_taken(
    transactional_db, settings, unused_tcp_port
):
    got, statuses = [], [500, 200, 200]

    async def take(request):
        got.append((request.headers, await request.read()))
        return web.Response(status=statuses.pop(0))

    app = web.Application()
    app.add_routes([web.post("/alert", take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    settings.KICAU_ALERT_WEBHOOK = f"http://127.0.0.1:{unused_tcp_port}/alert"
    settings.KICAU_ALERT_SECRET = "ours"
    try:
        await sync_to_async(Heartbeat.objects.create)(worker="one", at=START)
        with at(60):
            await sync_to_async(trouble_watch.check_incidents)()
            assert await trouble_watch.send_due_alerts() == 0  # it answered 500
        with at(90):
            assert await trouble_watch.send_due_alerts() == 1
        await sync_to_async(beat)("one", 100)
        with at(101):
            await sync_to_async(trouble_watch.check_incidents)()
            assert await trouble_watch.send_due_alerts() == 1
    finally:
        await runner.cleanup()
    bodies = [json.loads(body) for _, body in got]
    assert [(b["event"], b["kind"]) for b in bodies] == [("trouble.began", "workers")] * 2 + [
        ("trouble.over", "workers")
    ]
    assert (
        bodies[2]["text"]
        == "Kicau can publish posts again, because the process that publishes them (the worker) is running again."
    )
    headers, body = got[2]
    stamp = int(headers["Kicau-Signature"].split(",")[0].removeprefix("t="))
    assert headers["Kicau-Signature"] == sign_payload("ours", body, stamp)
    assert await Alert.objects.filter(sent_at=None).acount() == 0
    assert await InstanceProblem.objects.filter(over_at=None).acount() == 0
