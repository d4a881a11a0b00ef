"""Calibrated figures: their arithmetic, and that every benchmark prints them and is described. No test asserts a speed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import calibration
from bench.calibration import ROUNDS, Bound, Calibration, Sample

BENCH = Path(calibration.__file__).parent
README = calibration.README.read_text("utf-8")
REFERENCE = Sample(processor=0.030, sql=0.0001)
SHARED = {"calibration"}  # run by benchmarks
BENCHMARKS = sorted(
    path.stem for path in BENCH.glob("*.py") if path.stem not in SHARED and "if __name__ ==" in path.read_text("utf-8")
)


def machine(*samples: tuple[float, float]) -> Calibration:
    """One whose samples are so many times the reference's, by processor and by SQL."""
    return Calibration(REFERENCE, [Sample(REFERENCE.processor * p, REFERENCE.sql * s) for p, s in samples])


def test_on_the_reference_machine_figures_stay_as_they_are():
    same = machine((1, 1), (1, 1))
    assert same.time(12.5) == pytest.approx(12.5)
    assert same.rate(1700, Bound.SQL) == pytest.approx(1700)


def test_a_machine_that_is_half_as_fast_takes_twice_as_long_and_does_half_as_much():
    slow = machine((2, 1), (2, 1))
    assert slow.time(90) == pytest.approx(45)
    assert slow.rate(600) == pytest.approx(1200)


def test_what_is_bound_by_sql_is_calibrated_by_the_round_trip():
    uneven = machine((2, 4), (2, 4))
    assert uneven.time(8, Bound.PROCESSOR) == pytest.approx(4)
    assert uneven.time(8, Bound.SQL) == pytest.approx(2)
    assert uneven.rate(8, Bound.SQL) == pytest.approx(32)


def test_waiting_is_as_long_on_every_machine():
    slow = machine((2, 2), (2, 2))
    assert slow.time(1000, waiting=200) == pytest.approx(200 + 400)
    assert slow.time(150, waiting=200) == 150, "no faster than the wait itself"


def test_a_short_busy_moment_changes_no_figure():
    interrupted = machine((1, 1), (1, 1), (9, 30), (1, 1), (1, 1))
    assert interrupted.time(10) == pytest.approx(10)
    assert not interrupted.is_busy


@pytest.mark.parametrize("busy", [(3, 1), (1, 3)])
def test_a_machine_that_is_busy_for_half_of_the_run_is_reported(busy):
    half = machine((1, 1), (1, 1), (1, 1), busy, busy, busy)
    assert half.is_busy
    assert half.report()["is_busy"]
    assert "BUSY" in half.line()
    assert "BUSY" not in machine((1, 1), (1, 1)).line()


def test_a_report_names_both_kinds_of_work_beside_the_reference():
    report = machine((2, 3), (2, 3)).report()
    assert report["processor"] == {"ms": 60.0, "reference_ms": 30.0, "slowness": 2.0, "spread": 1.0}
    assert report["sql"] == {"ms": 0.3, "reference_ms": 0.1, "slowness": 3.0, "spread": 1.0}


def test_the_reference_is_what_the_readme_states():
    stated = calibration.reference()
    assert f"| {stated.processor * 1000:.1f} ms |" in README
    assert f"| {stated.sql * 1000:.3f} ms |" in README


def test_samples_are_taken_before_and_after_on_a_real_database():
    with calibration.calibrated() as found:
        assert len(found.samples) == ROUNDS
        found.sample(2)
    assert len(found.samples) == 2 * ROUNDS + 2
    assert all(sample.processor > 0 and sample.sql > 0 for sample in found.samples)
    assert found.time(1.0) > 0


def test_the_fixed_loop_does_the_same_each_time():
    assert calibration.python_loop() == calibration.python_loop() > 0


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_prints_a_calibration_and_is_described(name):
    source = (BENCH / f"{name}.py").read_text("utf-8")
    assert "calibrated() as " in source, "put the measured part into bench.calibration.calibrated()"
    assert "machine.report()" in source or "machine.line()" in source, "print what the machine was like"
    assert re.search(rf"^\| `bench\.{name}\b", README, re.MULTILINE), "give it a row in bench/README.md"


def test_every_module_that_the_readme_names_exists():
    modules = {
        path.relative_to(BENCH).with_suffix("").as_posix() for path in BENCH.rglob("*.py") if path.stem != "__init__"
    }
    assert set(re.findall(r"`bench\.(\w+)", README)) | set(re.findall(r"\]\(([\w/]+)\.py\)", README)) == modules
