"""`kicau offboarding`: the whole road at the shell."""

from __future__ import annotations

import zipfile
from datetime import timedelta

import pytest

from kicau.base import clock
from kicau.channels.models import Channel
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import schedule

pytestmark = pytest.mark.django_db


def test_the_whole_road_at_the_shell(kicau, actor, channel, tmp_path, settings):
    settings.KICAU_DATA = tmp_path
    channel("ana")
    for n in range(3):
        draft = compositions.create_draft(
            actor, compositions.Composition(parts=(compositions.PartContent(text=f"Kopi {n}"),))
        )
        schedule.schedule(actor, compositions.one_draft(actor, draft.id), ["ana"], clock.now() + timedelta(days=n + 1))
    assert kicau("offboarding", "preview").code == 2
    assert kicau("offboarding", "preview", "--network", "stranger", "--json").json["after"] == 3
    assert "stopped and kept" in kicau("offboarding", "preview", "--channel", "ana").out
    made = kicau(
        "offboarding",
        "announce",
        "--network",
        "stranger",
        "--at",
        "in 36 hours",
        "--reason",
        "Terlalu mahal",
        "--by-network",
        "--json",
    )
    assert (made.json["state"], made.json["cause"]) == ("announced", "network")
    assert "Terlalu mahal" in kicau("offboarding", "list").out
    assert kicau("offboarding", "cancel", "stranger", "--json").json["state"] == "canceled"
    assert kicau("offboarding", "stop-now", "stranger").code == 3
    kicau("offboarding", "announce", "--network", "stranger", "--at", "in 36 hours")
    assert kicau("offboarding", "stop-now", "stranger", "--json").json["state"] == "offboarded"
    assert kicau("offboarding", "show", "stranger", "--json").json["progress"] == {"waiting": 3, "replaced": 0}
    file = tmp_path / "all.zip"
    assert kicau("offboarding", "export", "stranger", file, "--json").json["counts"]["deliveries"] == 3
    assert zipfile.is_zipfile(file)
    assert kicau("offboarding", "export", "stranger", file).code == 1
    budi = channel("budi")
    told = kicau("offboarding", "retarget", "stranger", "--to", "budi", "--check", "--json")
    assert (told.json["made"], Delivery.objects.filter(channel=budi).count()) == (3, 0)
    assert "3 deliveries were scheduled" in kicau("offboarding", "retarget", "stranger", "--to", "budi").out
    assert kicau("offboarding", "resume", "stranger", "--check", "--json").json["replaced"] == 3
    with clock.freeze_clock(clock.now() + timedelta(hours=30)):
        back = kicau("offboarding", "resume", "stranger", "--json").json
        assert (back["restored"], back["overdue"]) == (2, 1)
        assert kicau("offboarding", "overdue", "stranger", "--decide", "cancel", "--json").json == {"decided": 1}
    assert "2 workspaces" not in kicau("offboarding", "instance-wide", "stranger", "--reason", "Tutup").out
    assert set(Channel.objects.values_list("state", flat=True)) == {"offboarded"}
    assert "resumed" in kicau("offboarding", "instance-wide", "stranger", "--resume").out
    assert set(Channel.objects.values_list("state", flat=True)) == {"active"}
