"""How the time for counting a hostile text grows with its length: twice the length may take at most three times as long.

    python -m bench.hostile_texts [--length 100000]

Each text is one unit repeated: what makes a careless regular expression look at everything again from each character. Of
five turns the quickest counts. Exits with 1 where a time grows faster.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from bench.calibration import calibrated
from kicau.networks.bluesky import text as bluesky
from kicau.networks.mastodon import text as mastodon
from kicau.networks.threads import text as threads
from kicau.networks.x import text as x

UNITS = (
    "a.a.a.", "com.", "a.com-.", "a_.com.", "あ.com", "é.com.", "x.みんな", "@@@@", "@a", "RT@", "####", "#1", "#a", "#,",
    "$$$$", "$a ", ":::://", "http://", "http://a.", "http://a.com/((", "a.com/(a(a", "(https://a", "/.,!", "xn--a.",
    "a.com ", "👨‍", "🇦", "1️⃣", "e\u0301", "\u200d", "-", "_", "a", "(", "(#", "@a.id", "a.id", "é-", "_.",
)  # fmt: skip
AT_MOST, TURNS = 3.0, 5
#: Under this a time says more of the clock than of the text.
SHORTEST_SECONDS = 0.005


def read_on_x(text: str) -> None:
    x.find_entities(text)
    x.parse_text(text)


def read_on_bluesky(text: str) -> None:
    bluesky.count_graphemes(text)
    bluesky.find_spans(text)
    list(bluesky.overlong_tags(text))


def read_on_threads(text: str) -> None:
    threads.count_characters(text)
    threads.find_urls(text)


def read_on_mastodon(text: str) -> None:
    mastodon.count_characters(text)
    mastodon.find_spans(text)


READERS: dict[str, Callable[[str], None]] = {
    "x": read_on_x,
    "bluesky": read_on_bluesky,
    "mastodon": read_on_mastodon,
    "threads": read_on_threads,
}


def quickest(read: Callable[[str], None], text: str) -> float:
    """Seconds of the processor."""
    times = []
    for _ in range(TURNS):
        began = time.process_time()
        read(text)
        times.append(time.process_time() - began)
    return min(times)


def slowest_growth(length: int) -> dict[str, tuple[float, str, float]]:
    """By network: how many times the time grew at most, for which unit, and the seconds for `length` characters."""
    worst: dict[str, tuple[float, str, float]] = {}
    for name, read in READERS.items():
        read("warm")
        for unit in UNITS:
            half, whole = (quickest(read, unit * (n // len(unit))) for n in (length // 2, length))
            ratio = whole / max(half, SHORTEST_SECONDS)
            worst[name] = max(worst.get(name, (0.0, "", 0.0)), (ratio, unit, whole))
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description="How the time for counting a hostile text grows with its length.")
    parser.add_argument("--length", type=int, default=100_000, help="characters of the longer text")
    length = parser.parse_args().length
    with calibrated() as machine:
        worst = slowest_growth(length)
    for name, (ratio, unit, seconds) in worst.items():
        print(
            f"{name:9} x{ratio:.2f} at most for twice the length ({unit!r}: {seconds * 1000:.0f} ms for {length:,} characters)"
        )
    print(machine.line())
    return int(any(ratio > AT_MOST for ratio, _, _ in worst.values()))


if __name__ == "__main__":
    raise SystemExit(main())
