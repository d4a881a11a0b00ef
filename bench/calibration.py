"""How fast this machine is beside the reference machine, so that seconds of different machines can be compared.

    python -m bench.calibration [--rounds 9]

Two fixed pieces of work are timed in the same run as a benchmark:

processor: a loop in pure Python (`python_loop`) that cuts, counts and sorts words. It takes one core.
sql:       one statement that is prepared and reads no table (`SQL`), sent and answered over a Unix socket. Its server is
           an embedded PostgreSQL of the calibration's own, with Kicau's settings, so no benchmark's rows weigh on it.
           Nothing is written: the speed of the disk is not part of it.

A calibrated figure is what the reference machine would have measured:

    calibrated seconds = measured seconds * the reference's calibration / this machine's calibration
    calibrated rate    = measured rate * this machine's calibration / the reference's calibration

by the one of the two that the benchmark is bound by. Seconds of mere waiting (the 200 ms in which a sandbox answers) are
the same on every machine; they are set apart before and added again. Ratios, megabytes and counts are not calibrated.

ROUNDS samples are taken before the measured part and as many after it, the two kinds in turn; the median of all of them
counts. So a moment in which something else keeps the machine busy doesn't decide, and one that lasts shows: the spread is
the upper quartile of the samples divided by the lower one. Above BUSY_SPREAD repeat the run on a quieter machine.

The reference machine and its figures are in bench/README.md, which is read here.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from typing import Any

README = Path(__file__).with_name("README.md")
REFERENCE_ROW = re.compile(r"^\| (?P<kind>processor|sql) \|[^|]*\| (?P<milliseconds>[\d.]+) ms \|$", re.MULTILINE)
LOOP_STEPS = 60_000
SQL = "SELECT count(*) FROM generate_series(1, %s) AS number WHERE number %% 7 = 0"
SQL_ROWS = 100
ROUND_TRIPS = 200  # of which a sample is the mean
ROUNDS = 5
BUSY_SPREAD = 1.5


class Bound(Enum):
    """What a benchmark spends most of its time on."""

    PROCESSOR = "processor"
    SQL = "sql"


@dataclass(frozen=True, slots=True)
class Sample:
    processor: float  # seconds of one python_loop()
    sql: float  # seconds of one round trip


@dataclass
class Calibration:
    """What was sampled on this machine, and figures by it."""

    reference: Sample
    samples: list[Sample] = field(default_factory=list)
    take_sample: Callable[[], Sample] | None = None

    def sample(self, rounds: int = 1) -> None:
        """Also for a benchmark that can stop for a moment between its parts."""
        assert self.take_sample is not None
        self.samples += [self.take_sample() for _ in range(rounds)]

    def of(self, bound: Bound) -> list[float]:
        return [getattr(sample, bound.value) for sample in self.samples]

    def slowness(self, bound: Bound) -> float:
        """This machine's time for the fixed work divided by the reference's: 2.0 is half as fast."""
        return median(self.of(bound)) / float(getattr(self.reference, bound.value))

    def spread(self, bound: Bound) -> float:
        lower, _median, upper = quantiles(self.of(bound), n=4, method="inclusive")
        return upper / lower

    @property
    def is_busy(self) -> bool:
        return any(self.spread(bound) > BUSY_SPREAD for bound in Bound)

    def time(self, measured: float, bound: Bound = Bound.PROCESSOR, *, waiting: float = 0.0) -> float:
        """`measured` as the reference machine would have measured it, in the same unit. `waiting`: the part of it in
        which nobody computes."""
        if measured <= waiting:
            return measured
        return waiting + (measured - waiting) / self.slowness(bound)

    def rate(self, measured: float, bound: Bound = Bound.PROCESSOR) -> float:
        """`measured` things a second as the reference machine would have measured them."""
        return measured * self.slowness(bound)

    def report(self) -> dict[str, Any]:
        """For a benchmark that prints JSON."""
        kinds = {
            bound.value: {
                "ms": round(median(self.of(bound)) * 1000, 3),
                "reference_ms": round(getattr(self.reference, bound.value) * 1000, 3),
                "slowness": round(self.slowness(bound), 2),
                "spread": round(self.spread(bound), 2),
            }
            for bound in Bound
        }
        return {**kinds, "samples": len(self.samples), "is_busy": self.is_busy}

    def line(self) -> str:
        """For a benchmark that prints text."""
        parts = [
            f"{bound.value} {median(self.of(bound)) * 1000:.3g} ms, {self.slowness(bound):.2f} times the reference, spread {self.spread(bound):.2f}"
            for bound in Bound
        ]
        return f"calibration: {'; '.join(parts)}" + ("; BUSY, repeat it on a quieter machine" if self.is_busy else "")


@contextmanager
def calibrated() -> Iterator[Calibration]:
    """Around the measured part. The figures can be asked for when it is over."""
    import psycopg

    from kicau.base import postgres

    with tempfile.TemporaryDirectory(prefix="kicau-calibration-") as folder:
        Path(folder).chmod(0o711)  # the database's own user passes through
        with postgres.running_server(Path(folder)) as here, psycopg.connect(here.url, autocommit=True) as connection:
            found = Calibration(reference(), take_sample=lambda: Sample(timed_loop(), timed_round_trip(connection)))
            found.take_sample()  # type: ignore[misc]  # warms both up
            found.sample(ROUNDS)
            yield found
            found.sample(ROUNDS)


@cache
def reference() -> Sample:
    """The reference machine's, as bench/README.md states them."""
    rows = {row["kind"]: float(row["milliseconds"]) / 1000 for row in REFERENCE_ROW.finditer(README.read_text("utf-8"))}
    return Sample(**rows)


def python_loop() -> int:
    counts: dict[str, int] = {}
    number = 1
    for _ in range(LOOP_STEPS):
        number = (number * 1103515245 + 12345) % 2147483648
        word = f"{number:x}"[:3]
        counts[word] = counts.get(word, 0) + len(word)
    return sum(count for _, count in sorted(counts.items(), key=lambda item: (item[1], item[0]))[:100])


def timed_loop() -> float:
    began = time.perf_counter()
    python_loop()
    return time.perf_counter() - began


def timed_round_trip(connection: Any) -> float:
    began = time.perf_counter()
    for _ in range(ROUND_TRIPS):
        connection.execute(SQL, (SQL_ROWS,), prepare=True).fetchone()
    return (time.perf_counter() - began) / ROUND_TRIPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with calibrated() as machine:
        machine.sample(rounds)
    quickest = {bound.value: round(min(machine.of(bound)) * 1000, 4) for bound in Bound}
    print(json.dumps({"machine": machine.report(), "quickest_ms": quickest}))


if __name__ == "__main__":
    main()
