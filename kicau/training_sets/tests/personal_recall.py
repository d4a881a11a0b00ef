"""How much personal data the rules find in handmade sentences, as the table in docs/how-to/build-training-sets.md:

python -m kicau.training_sets.tests.personal_recall

A piece counts as found where the place found covers all its letters and digits, of whatever kind it was taken for.
Precision is of all places found in both files: one that touches no piece, or lies in a sentence without any, is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from kicau.training_sets import personal_data
from kicau.training_sets.options import REPLACEMENT_LABELS

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Sample:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Result:
    total: Counter[str]
    found: Counter[str]
    missed: list[Sample]
    right: int  # places found that are personal data
    wrong: list[tuple[str, str]]  # (piece, sentence)

    @property
    def precision(self) -> float:
        return self.right / (self.right + len(self.wrong))


def samples() -> list[Sample]:
    made = []
    for line in _lines("personal_sentences.txt"):
        kind, marked = line.split("\t")
        before, piece, after = re.split("[«»]", marked)
        made.append(Sample(kind, before + piece + after, len(before), len(before + piece)))
    return made


def impersonal() -> list[str]:
    return _lines("impersonal_sentences.txt")


def _lines(name: str) -> list[str]:
    return [line for line in (HERE / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]


def measure() -> Result:
    total: Counter[str] = Counter()
    found: Counter[str] = Counter()
    missed, wrong, right = [], [], 0
    for one in samples():
        total[one.kind] += 1
        spans = [s for s in personal_data.find_personal_data(one.text) if s.kind != "name" or one.kind == "name"]
        touching = [s for s in spans if s.start < one.end and one.start < s.end]
        right += len(touching)
        wrong += [(one.text[s.start : s.end], one.text) for s in spans if s not in touching]
        rest = {n for n in range(one.start, one.end) if one.text[n].isalnum()}
        if rest <= {n for s in touching for n in range(s.start, s.end)}:
            found[one.kind] += 1
        else:
            missed.append(one)
    for text in impersonal():
        wrong += [(text[s.start : s.end], text) for s in personal_data.find_personal_data(text)]
    return Result(total, found, missed, right, wrong)


def table(result: Result) -> str:
    """As docs/how-to/build-training-sets.md has it."""
    rows = [
        f"| `{kind}` | {result.found[kind]} of {result.total[kind]} | {result.found[kind] / result.total[kind]:.2f} |"
        for kind in REPLACEMENT_LABELS
    ]
    return "\n".join(["| kind | found | recall |", "| --- | --- | --- |", *rows])


def main() -> None:
    result = measure()
    print(table(result))
    print(
        f"\nprecision {result.precision:.3f}: {len(result.wrong)} wrong of {result.right + len(result.wrong)} places found"
    )
    for one in result.missed:
        print(f"missed {one.kind}: {one.text[one.start : one.end]} | {one.text}")
    for piece, text in result.wrong:
        print(f"wrong: {piece} | {text}")


if __name__ == "__main__":
    main()
