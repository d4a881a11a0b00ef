"""What a worker does beside publishing, as each room declares it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import kicau
from kicau.config.worker import periodic_tasks


def test_each_room_s_tasks_are_found_once():
    rooms = {path.parent.name for path in Path(kicau.__file__).parent.glob("*/periodic_tasks.py")}
    assert {"engine", "workspaces", "publishing", "sync", "channels"} <= rooms
    names = Counter(task.name for task in periodic_tasks(None))
    assert {"delete dead workers", "send webhooks", "release deliveries that a budget held"} <= set(names)
    assert max(names.values()) == 1


def test_a_new_room_s_tasks_are_found_without_another_word(tmp_path, monkeypatch):
    room = tmp_path / "newroom"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "periodic_tasks.py").write_text(
        "from kicau.engine.periodic_tasks import PeriodicTask\n\n\n"
        "async def water_plants():\n    return 0\n\n\n"
        'def periodic_tasks(client):\n    yield PeriodicTask(name="water the plants", every=60.0, run=water_plants)\n'
    )
    monkeypatch.setattr(kicau, "__path__", [*kicau.__path__, str(tmp_path)])
    try:
        assert "water the plants" in [task.name for task in periodic_tasks(None)]
    finally:
        for name in ("kicau.newroom.periodic_tasks", "kicau.newroom"):
            sys.modules.pop(name, None)
