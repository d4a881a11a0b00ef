"""An object reads the same in REST and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from django.conf import settings

from kicau.api.tests.conftest import caller_for
from kicau.cli import main


def kicau(*arguments: str) -> Any:
    """What a command prints with --json."""
    return json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)


def test_deliveries_and_channels_read_as_in_the_rest_api(actor, channel):
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    channel("ana")
    api = caller_for(actor)
    [scheduled] = kicau("post", "Selamat pagi", "--to", "ana", "--at", "tomorrow 09:00")["deliveries"]
    kicau("cancel", scheduled["id"])
    described = api.get(f"/deliveries/{scheduled['id']}").json()
    shown = kicau("show", scheduled["id"])
    del described["rendered"]
    assert {name: shown[name] for name in described} == described
    [listed] = kicau("channels", "list")
    assert listed == api.get("/channels").json()["items"][0]
