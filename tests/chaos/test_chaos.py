"""The small chaos, in a process of its own with a data folder and a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kicau.connector.sandbox.server import DocumentStore
from tests.chaos import judge
from tests.chaos.__main__ import SMALL
from tests.chaos.plan import QUICK, Asked, make
from tests.chaos.run import enough_faults
from tests.chaos.weather import RefusedLookUp, Weather

SEED = 7
ROOT = Path(__file__).resolve().parents[2]


def test_nothing_is_lost_doubled_or_left_without_a_reason_whatever_dies():
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--seed", str(SEED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,  # that it hangs; it takes a minute where nothing else runs
        env=dict(os.environ),
    )
    assert done.stdout.startswith("{"), done.stderr[-3000:]
    report, _ = json.JSONDecoder().raw_decode(done.stdout)
    assert report["failures"] == [], f"replay it with: python -m tests.chaos --seed {SEED}\n{done.stdout[-20_000:]}"
    assert done.returncode == 0
    assert sum(report["states"].values()) == report["deliveries"] == SMALL.deliveries
    assert report["kills"] >= 6
    assert report["restarts"] == 1
    assert report["faulted"] >= enough_faults(SMALL) > 0
    assert set(report["asks_a_person"]) <= {"unknown on linkedin/person"}


@pytest.mark.parametrize("share", [0.1, 0.3])
@pytest.mark.parametrize("seed", range(20))
def test_of_each_ten_requests_of_a_storm_exactly_the_share_goes_wrong(seed, share):
    weather = Weather(seed, "x", share, QUICK, lambda: 0.0, DocumentStore(None))
    assert not [fault for _ in range(50) for fault in weather]
    weather.is_calm = False
    for _ in range(10):
        # Refused look-ups come beside: they have a share of their own.
        drawn = [fault for _ in range(10) for fault in weather if not isinstance(fault, RefusedLookUp)]
        assert len(drawn) == round(10 * share)
    assert (weather.requests, weather.in_storm) == (150, 100)


def test_the_same_seed_gives_the_same_chaos():
    assert make(3, SMALL, QUICK) == make(3, SMALL, QUICK)
    assert make(3, SMALL, QUICK) != make(4, SMALL, QUICK)


# The judge itself: each of these must be seen.

ONE = Asked(number=0, network="x", channel=0, texts=("satu", "dua"), pictures=((), ()))
ROW = {
    "id": "d",
    "state": "published",
    "reason": "",
    "remote_ids": ["1", "2"],
    "url": "http://here/1",
    "network": "x",
    "kind": "person",
    "account_id": "a",
    "late": 0.1,
}


def post(id_: str, text: str, before: str = "", account: str = "a") -> dict[str, object]:
    return {
        "id": id_,
        "text": text,
        "account": account,
        "in_reply_to": before,
        "url": f"http://here/{id_}",
        "media": [],
        "extra": {},
        "at": "",
    }


def wrong(public: list[dict[str, object]], **row: object) -> set[str]:
    found = judge.judge([ONE], {0: "d"}, {"d": {**ROW, **row}}, {"x": public}, frozenset({"linkedin/person"}))
    return {what.split(":")[0] for _, what in found.wrong}


THREAD = [post("1", "satu"), post("2", "dua", "1")]


def test_the_judge_is_content_with_what_is_as_it_should_be():
    assert wrong(THREAD) == set()
    assert wrong([], state="failed", reason="too long") == set()


def test_the_judge_sees_what_is_wrong():
    assert wrong(THREAD[:1]) == {"lost"}
    assert wrong([]) == {"lost"}
    assert wrong([], state="publishing") == {"lost"}
    assert wrong([*THREAD, post("3", "dua", "1")]) == {"doubled"}
    assert wrong([*THREAD, post("3", "tiga")]) == {"stray"}
    assert wrong([post("1", "satu"), post("2", "dua", "9")]) == {"disordered"}
    assert wrong(THREAD[1:], state="failed", reason="why") == {"disordered"}
    assert wrong(THREAD, state="failed", reason="why") == {"unstated"}
    assert wrong([], state="failed") == {"unstated"}
    assert wrong([], state="parked", reason="a fault") == {"unstated"}
    assert wrong([], state="unknown", reason="look there") == {"unfounded"}
    assert wrong(THREAD, remote_ids=["7", "2"], url="http://here/7") == {"mistaken"}
    assert wrong([post("1", "satu", account="b"), THREAD[1]]) == {"mistaken"}
    assert judge.judge([ONE], {0: "d"}, {}, {"x": []}, frozenset()).found("lost") == 1
