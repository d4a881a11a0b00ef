"""Standing work beside the pump."""

from __future__ import annotations

import asyncio

from kicau.engine import periodic_tasks


async def test_a_chore_that_can_wait_gives_way_while_posts_go_out(monkeypatch):
    monkeypatch.setattr(periodic_tasks, "POSTPONE_CHECK_SECONDS", 0)
    busy, done, thrice, at_last = True, [], asyncio.Event(), asyncio.Event()

    async def cannot():
        done.append("cannot")
        if len(done) == 3:
            thrice.set()
        return 0

    async def can():
        done.append("can")
        at_last.set()
        return 0

    all_of_them = [
        periodic_tasks.PeriodicTask(name="can wait", every=60, run=can, gives_way=True),
        periodic_tasks.PeriodicTask(name="cannot", every=0.001, run=cannot),
    ]
    keeping = asyncio.create_task(periodic_tasks.run_tasks(all_of_them, lambda: busy))
    await asyncio.wait_for(thrice.wait(), 60)
    assert "can" not in done
    busy = False
    await asyncio.wait_for(at_last.wait(), 60)
    keeping.cancel()
