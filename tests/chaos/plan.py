"""What will be written and what will break, all of it from one seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds of the engine that is tested; `worker.py` sets them where they are not the real ones."""

    timeout: float = 20.0  # of a request
    look_after: float = 22.0  # a broken step is looked up no sooner
    lease: float = 30.0
    longest_wait: float = 30.0  # between tries while a network is out
    asked_to_wait: float = 40.0  # limits that last longer are taken as over after this

    @property
    def is_real(self) -> bool:
        return self == Pace()


QUICK = Pace(timeout=2.0, look_after=4.0, lease=7.0, longest_wait=2.0, asked_to_wait=8.0)


@dataclass(frozen=True, kw_only=True)
class Size:
    deliveries: int
    kills: int
    restarts: int  # of the database
    seconds: float  # over which everything is due and breaks
    faulted: float  # share of requests that a sandbox answers badly
    patience: float  # seconds that the rest may take once it is calm
    workers: int = 2


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One delivery as the harness asked for it: the only truth that the end is compared with."""

    number: int
    network: str
    channel: int  # which of the network's channels, modulo their number
    texts: tuple[str, ...]
    pictures: tuple[tuple[int, ...], ...]  # of each part, by number in the library
    film: bool = False
    comment: str = ""
    due: float = 0.0  # seconds after the start


@dataclass(frozen=True, kw_only=True)
class Event:
    """`what`: kill-worker, kill-web, freeze (a worker, past its lease), crash, restart (the database), cut, refuse,
    slow, stall (a line)."""

    at: float
    what: str
    which: int = 0  # of the workers or lines
    seconds: float = 0.0


# Where the deliveries go. LinkedIn cannot tell about members, so that a person is asked about each of their lost answers:
# about one in seven of theirs, with the full run's faults.
SHARES = {
    "x": 0.22,
    "facebook": 0.18,
    "instagram": 0.14,
    "linkedin": 0.14,
    "linkedin-member": 0.02,
    "bluesky": 0.1,
    "mastodon": 0.1,
    "threads": 0.1,
}
NETWORKS = tuple(sorted({name.split("-")[0] for name in SHARES}))
THREADED = frozenset({"x", "bluesky", "mastodon", "threads"})
THREADS = 0.1 / sum(share for name, share in SHARES.items() if name in THREADED)  # a tenth of all
COMMENTED = frozenset({"facebook", "instagram", "linkedin", "linkedin-member"})
PICTURES = 6  # in the library
WORDS = (
    "kopi",
    "senja",
    "pagi",
    "hujan",
    "bandung",
    "jalan",
    "kabar",
    "cerah",
    "pasar",
    "biji",
    "roti",
    "kota",
    "sungai",
    "angin",
    "kebun",
    "malam",
)
TAIL = 0.85  # of the time: killing ends then and the rest goes on, so that no kill frees what would have hung


@dataclass(frozen=True, kw_only=True)
class Plan:
    seed: int
    size: Size
    deliveries: tuple[Asked, ...]
    events: tuple[Event, ...] = field(repr=False)


def make(seed: int, size: Size, pace: Pace) -> Plan:
    dice = random.Random(seed)
    hours = sorted(dice.random() * size.seconds for _ in range(max(4, round(size.seconds / 20))))
    deliveries = tuple(_asked(dice, n, size, hours) for n in range(size.deliveries))
    events = sorted(_events(dice, size, pace, hours), key=lambda event: event.at)
    return Plan(seed=seed, size=size, deliveries=deliveries, events=tuple(events))


def _asked(dice: random.Random, number: int, size: Size, hours: Sequence[float]) -> Asked:
    """Half of them are due in the same few seconds, as at full hours."""
    network = dice.choices(list(SHARES), list(SHARES.values()))[0]
    parts = dice.choice((2, 2, 3, 4)) if network in THREADED and dice.random() < THREADS else 1
    film = network != "linkedin-member" and dice.random() < 0.015
    wants = network == "instagram" or dice.random() < 0.1
    pictures = [_pictures(dice) if wants and not film and (p == 0 or dice.random() < 0.3) else () for p in range(parts)]
    return Asked(
        number=number,
        network=network.split("-")[0],
        channel=dice.randrange(1000) if "-" not in network else -1,
        texts=tuple(f"{' '.join(dice.choices(WORDS, k=dice.randint(2, 9)))} {number:05}.{p + 1}" for p in range(parts)),
        pictures=tuple(pictures),
        film=film,
        comment=f"{' '.join(dice.choices(WORDS, k=3))} {number:05}.c"
        if network in COMMENTED and dice.random() < 0.1
        else "",
        due=dice.choice(hours) if dice.random() < 0.5 else dice.random() * size.seconds,
    )


def _pictures(dice: random.Random) -> tuple[int, ...]:
    return tuple(dice.sample(range(PICTURES), dice.choices((1, 2, 3), (8, 1, 1))[0]))


def _events(dice: random.Random, size: Size, pace: Pace, hours: Sequence[float]) -> Iterator[Event]:
    end = size.seconds * TAIL
    for n in range(size.kills):
        # Every third while a full hour's posts are on their way.
        at = min(dice.choice(hours), end - 1) + dice.random() if n % 3 == 2 else (n + dice.random()) * end / size.kills
        if n % 8 == 5:  # one in eight is the web server
            yield Event(at=at, what="kill-web")
        else:
            yield Event(at=at, what="kill-worker", which=dice.randrange(size.workers))
    for n in range(size.restarts):
        at = (n + 0.2 + 0.6 * dice.random()) * end / size.restarts
        yield Event(at=at, what=("crash", "restart")[n % 2], seconds=dice.uniform(0.2, 2.0))
    for n in range(max(1, size.kills // 20)):
        at = min(dice.choice(hours), end - 1) + dice.random() / 2
        yield Event(at=at, what="freeze", which=n % size.workers, seconds=pace.lease + dice.uniform(0.5, 3))
    rounds = max(2, round(size.seconds / 25))
    for line in range(len(NETWORKS)):
        for n in range(rounds):
            at = (n + dice.random()) * size.seconds / rounds
            what = dice.choice(("cut", "refuse", "slow", "stall"))
            lasts = {
                "cut": 0.0,
                "refuse": dice.uniform(0.5, 3),
                "slow": dice.uniform(1, 6),
                "stall": dice.uniform(0.5, 1.2) * pace.timeout,
            }
            yield Event(at=at, what=what, which=line, seconds=lasts[what])
