"""The drill of April 2023: notice on the 19th, effective on the 25th, and nothing is lost.

Small in every suite; `python -m tests.drill` runs it at its full size and prints the figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from kicau.base.errors import ValidationFailed
from kicau.channels.models import Channel
from kicau.offboarding import actions, impact_preview, jobs, restore_network
from kicau.offboarding.models import Offboarding, OffboardingJob
from kicau.offboarding.new_targets import RetargetDecision
from kicau.offboarding.restore_network import OverdueAction
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import actions as publishing
from tests.drill.time import machine
from tests.drill.world import (
    AFTER,
    BACK,
    BEFORE,
    BUILT,
    EFFECTIVE,
    FIRST_STOPPED,
    FULL,
    LATER,
    LEFT,
    NOTICE,
    OTHERS,
    SMALL,
    connect,
    content,
    fill,
    town,
    travel,
    until,
)

SIZE = FULL if os.environ.get("DRILL") == "full" else SMALL
READER = Path(__file__).with_name("reader.py")
ON_TIME_MS = 5000  # on a machine that does much else; the figure is printed
FROZEN = ("held", "offboarded")
LEAD = timedelta(seconds=4 if SIZE is FULL else 1)  # a worker that begins to upload pictures has that long


@pytest.fixture
def figures(capsys):
    found: dict[str, object] = {}
    yield found
    with capsys.disabled():
        if SIZE is FULL:
            print("\n" + json.dumps(found, indent=1))


@pytest.mark.django_db(transaction=True)
def test_the_drill_of_april_2023(actor, tmp_path, figures):
    with town() as place, machine(place.servers.values()) as clock:
        clock.go(BUILT)
        channels = connect(actor, place)
        began = time.monotonic()
        stock = fill(actor, channels, SIZE, tmp_path)
        figures["workspace"] = {
            "drafts": SIZE.drafts,
            "scheduled": len(stock.stopped),
            "published": SIZE.published,
            "built_s": _since(began),
        }
        place.open()

        # The 19th: notice.
        clock.go(NOTICE)
        left = actions.announce_offboarding(
            actor, network=LEFT, effective_at=EFFECTIVE, reason="$42,000 a month", cause="network"
        )
        due_later = [d for d in stock.waves["during"] if d.network == LEFT and d.due_at >= EFFECTIVE]
        ahead = impact_preview.preview_of(actor, left)
        assert (ahead.after, impact_preview.affected_deliveries(actor, left).count()) == (
            len(stock.stopped) + len(due_later),
        ) * 2
        with pytest.raises(ValidationFailed, match="Kicau stops publishing to"):
            publishing.reschedule(actor, stock.stopped[0].id, EFFECTIVE + timedelta(days=40))

        # Before: everything goes out, on the network that will be left too.
        travel(clock, BEFORE - LEAD)
        until(lambda: _out(stock.waves["before"]))
        travel(clock, EFFECTIVE - timedelta(hours=1))
        first = content(actor)

        # During: the moment itself, with posts due on both sides of it.
        travel(clock, EFFECTIVE - 2 * LEAD)
        others = [d for d in stock.waves["during"] if d.network != LEFT]
        until(lambda: _out(others) and Offboarding.objects.get().state == "offboarded")
        until(lambda: not Delivery.objects.filter(network=LEFT, state__in=["scheduled", "publishing"]).exists())
        for row in _fresh(stock.waves["during"]):
            if row.network == LEFT:  # none of those that are due after it is out; the others are, or wait
                assert row.due_at < EFFECTIVE if row.published_at else (row.state, row.hold) == FROZEN, (
                    row.due_at,
                    row.published_at,
                    row.state,
                    row.hold,
                    row.reason,
                    [(one.did, one.outcome, one.at) for one in row.attempts.order_by("id")],
                )
        assert {(d.state, d.hold) for d in _fresh(stock.stopped)} == {FROZEN}
        out_there = len(place.texts(LEFT))

        # The export, counted by a program that knows nothing of us.
        began = time.monotonic()
        export = jobs.request_export(actor, left.id)
        until(lambda: OffboardingJob.objects.get(id=export.id).state in ("done", "failed"))
        export = jobs.one_job(actor, export.id)
        assert export.state == "done", export.sentence
        told = json.loads(
            subprocess.run(
                [sys.executable, "-I", str(READER), str(jobs.archive_file(export))],
                capture_output=True,
                text=True,
                check=False,
            ).stdout
        )
        waves = sum(d.network == LEFT for d in stock.waves["before"] + stock.waves["during"])
        assert told["problems"] == []
        assert told["rows"]["posts"] == SIZE.drafts + SIZE.published + len(stock.stopped) + waves
        assert told["rows"]["deliveries"] == SIZE.published + len(stock.stopped) + waves
        assert told["rows"]["numbers"] == told["rows"]["answers"] == told["rows"]["readings"] / 2 == SIZE.published
        assert told["posts"]["draft"] == told["shown"]["drafts"] == SIZE.drafts
        assert told["deliveries"]["published"] == told["remote_ids"] == told["shown"]["published"]
        assert told["deliveries"]["held/offboarded"] == told["shown"]["waiting"] >= len(stock.stopped)
        figures["export"] = {
            "seconds": _since(began),
            "megabytes": round(export.result["size"] / 1e6, 1),
            "counted": told["rows"],
            "deliveries": told["deliveries"],
            "media": told["media"],
        }

        # New targets: those that fit the first, then the rest on another.
        began = time.monotonic()
        made = _retarget(actor, left, RetargetDecision(channels=("bluesky",)))
        unfit = sum(row["posts"] for row in made["problems"])
        assert made["made"] + unfit >= len(stock.stopped)
        assert {row["code"] for row in made["problems"]} >= {"too-long"}
        rest = _retarget(actor, left, RetargetDecision(channels=("mastodon",), rest=True))
        assert made["made"] + rest["made"] >= len(stock.stopped)
        assert _retarget(actor, left, RetargetDecision(channels=("mastodon",), rest=True))["made"] == 0
        figures["new targets"] = {"seconds": _since(began), "first": made, "then": rest}

        # After: what was given new targets, and every other network, to the second.
        travel(clock, FIRST_STOPPED - LEAD)
        elsewhere = Delivery.objects.filter(
            due_at__range=(FIRST_STOPPED, FIRST_STOPPED + timedelta(minutes=1))
        ).exclude(network=LEFT)
        assert elsewhere.count() == SIZE.wave
        until(lambda: not elsewhere.exclude(state="published").exists())
        travel(clock, AFTER - LEAD)
        until(lambda: _out(stock.waves["after"]))
        assert len(place.texts(LEFT)) == out_there

        # Back: as it was, item by item, and nothing goes out late by itself.
        travel(clock, BACK)
        began = time.monotonic()
        done = restore_network.resume(actor, left.id)
        figures["resumed"] = {
            "seconds": _since(began),
            "restored": done.restored,
            "past their time": done.overdue,
            "taken back": done.replaced,
        }
        late = list(restore_network.overdue_deliveries(actor, left.id))
        assert {d.id for d in late} >= {d.id for d in stock.stopped[: SIZE.wave]}
        assert done.restored == len(stock.stopped) - SIZE.wave
        _same(first, content(actor), late, {d.id for name in ("during", "after") for d in stock.waves[name]})
        assert Channel.objects.filter(network=LEFT, state="active", leaves_at=None).exists()
        time.sleep(1)  # a worker that would send something late has had its chance
        assert len(place.texts(LEFT)) == out_there
        again = BACK + timedelta(days=1, hours=9)
        assert restore_network.decide_overdue(actor, left.id, OverdueAction.SHIFT, again) == len(late)
        travel(clock, again - LEAD)
        until(lambda: len(place.texts(LEFT)) > out_there)
        place.close()
        figures["late, milliseconds"] = _lateness()
        if SIZE is FULL:  # which is run alone, by hand
            late = max(v["max"] for v in figures["late, milliseconds"].values())
            assert late < ON_TIME_MS, figures["late, milliseconds"]
        texts = place.texts(LEFT)
        assert len(texts) == len(set(texts))  # nothing twice
        for slug in OTHERS:
            assert len(place.texts(slug)) == len(set(place.texts(slug)))
        assert again < LATER


def _retarget(actor, left, decision):
    job = jobs.request_retarget(actor, left.id, decision)
    until(lambda: OffboardingJob.objects.get(id=job.id).state in ("done", "failed"), 120)
    job = jobs.one_job(actor, job.id)
    assert job.state == "done", job.sentence
    return job.result


def _same(first, now, late, moved):
    """State equal to the first: every row that there was, but for what went out meanwhile and what a person is asked about."""
    asked = {d.id for d in late}
    for key, row in first.items():
        kind, id_ = key
        if kind == "Delivery" and id_ in moved:
            continue
        if kind == "Delivery" and id_ in asked:
            row = {**row, "state": "held", "hold": "offboarded", "reason": now[key]["reason"], "said": now[key]["said"]}
        if kind == "Draft":
            row = {**row, "state": now[key]["state"]}
        assert now[key] == row, key
    new = [key for key in now if key not in first]
    assert {now[key]["state"] for key in new if key[0] == "Delivery"} <= {
        "published"
    }  # what went out elsewhere stays told
    assert all(key[0] == "Delivery" for key in new)


def _out(rows):
    return not Delivery.objects.filter(id__in=[r.id for r in rows]).exclude(state="published").exists()


def _fresh(rows):
    return list(Delivery.objects.filter(id__in=[r.id for r in rows]))


def _lateness():
    found = {}
    for slug in OTHERS:
        late = sorted(d.late_ms for d in Delivery.objects.filter(network=slug, state="published", due_at__gte=NOTICE))
        found[slug] = {"posts": len(late), "median": late[len(late) // 2], "max": late[-1]}
    return found


def _since(began):
    return round(time.monotonic() - began, 1)
