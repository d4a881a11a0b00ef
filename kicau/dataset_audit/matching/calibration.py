"""How sure an audit is: how many copies it would have found in this very data, and how many pairs chance makes.

Copies of held-out posts, with words changed, are planted into texts of the data and searched for as all is. Pairs by
chance are counted on data that cannot hold the posts, which the auditor names.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kicau.dataset_audit.matching.fingerprints import Fingerprints
from kicau.dataset_audit.matching.search import PrintSearch
from kicau.dataset_audit.matching.shards import BrokenShard, Shard, TextBlock, read_blocks, shard_units
from kicau.dataset_audit.matching.tokenizer import UNSPACED_FLAG, WordReader

CHANGED_WORD_SHARES = (0.0, 0.1, 0.2, 0.3)  # of the words, changed
HELD_OUT_POSTS = 400  # posts planted, once for each share
UNLIMITED_WORDS = 1 << 30
LENGTH_CLASSES = ((1, 5), (6, 8), (9, 12), (13, 20), (21, UNLIMITED_WORDS))  # words of a post, for the rates by length
MAX_SAMPLE_BYTES = 2 << 20  # bytes of the data into which they are planted
CHANGE_WEIGHTS = (0.6, 0.2, 0.2)  # of the changes: another word instead, the word left out, a word put in


@dataclass(frozen=True, slots=True)
class HitRate:
    """`hits` of `tries`, with the interval that holds the true rate in 95 of 100 cases (Wilson)."""

    hits: int
    tries: int

    @property
    def share(self) -> float:
        return self.hits / self.tries if self.tries else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.tries:
            return 0.0, 1.0
        z, n, p = 1.96, self.tries, self.share
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))

    def as_json(self) -> dict[str, object]:
        low, high = self.interval
        return {
            "hits": self.hits,
            "tries": self.tries,
            "share": round(self.share, 4),
            "from": round(low, 4),
            "to": round(high, 4),
        }


def hold_out(
    posts: Iterable[tuple[str, str]], dice: random.Random, held: list[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Passes the posts on and leaves HELD of them, drawn evenly, in `held`."""
    for at, post in enumerate(posts):
        if len(held) < HELD_OUT_POSTS:
            held.append(post)
        elif (place := dice.randrange(at + 1)) < HELD_OUT_POSTS:
            held[place] = post
        yield post


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Rates by share of words changed: of all posts that were planted, and of those of each length."""

    overall: dict[float, HitRate]
    by_length: dict[str, dict[float, HitRate]]


def measure_sensitivity(
    prints: Fingerprints, held: Sequence[tuple[str, str]], shards: Sequence[Shard], seed: int = 1
) -> Sensitivity:
    """How many of the held-out posts are found when planted in these shards' own texts, with some words changed.
    Needs prints opened with their ids. Posts too short to be found are tried too: they lower the rate, as they should."""
    dice = random.Random(seed)  # noqa: S311 (chooses samples, guards nothing)
    texts = list(_sample_blocks(shards))
    if not texts or not held:
        return Sensitivity({}, {})
    search, number = PrintSearch(prints), {post: at for at, ids in enumerate(prints.ids) for post in ids}
    vocabulary = [w for block, _ in texts[:40] for w in _sample_words(block)] or ["kata"]
    lengths = {post: int(prints.begins[number[post] + 1] - prints.begins[number[post]]) for post, _ in held}
    found = {
        share: [
            (
                lengths[post],
                _is_found(
                    search, number[post], _change_words(text, share, vocabulary, dice), *dice.choice(texts), dice
                ),
            )
            for post, text in held
        ]
        for share in CHANGED_WORD_SHARES
    }
    overall = {share: _hit_rate(hits) for share, hits in found.items()}
    by_length = {
        f"{low}-{high}" if high < UNLIMITED_WORDS else f"{low}+": {
            share: _hit_rate([one for one in hits if low <= one[0] <= high]) for share, hits in found.items()
        }
        for low, high in LENGTH_CLASSES
        if any(low <= length <= high for length in lengths.values())
    }
    return Sensitivity(overall, by_length)


def _hit_rate(found: Sequence[tuple[int, bool]]) -> HitRate:
    return HitRate(sum(hit for _, hit in found), len(found))


def measure_chance(prints: Fingerprints, control: Sequence[Shard]) -> tuple[HitRate, list[str]]:
    """Pairs found in data that cannot hold the posts, of the documents read; and the shards that failed."""
    search = PrintSearch(prints)
    pairs = documents = 0
    failed = []
    for shard in control:
        for unit in shard_units(shard):
            found = search.unit(unit)
            documents += found.documents
            pairs += len({(c.post, c.first) for c in found.copies if c.sure}) + sum(found.more.values())
            if found.fault:
                failed.append(found.fault)
    return HitRate(min(pairs, documents), documents), failed


def _sample_blocks(shards: Sequence[Shard]) -> Iterator[tuple[TextBlock, str]]:
    """Small blocks from all over the data."""
    step = max(1, len(shards) // 8)
    for shard in shards[::step][:8]:
        left = MAX_SAMPLE_BYTES // 8
        try:
            for block in read_blocks(shard_units(shard)[0]):
                piece = _shorten_block(block)
                yield piece, {"parquet": "text", "warc": "html"}.get(shard.format, shard.format)
                left -= len(piece.data)
                if left <= 0:
                    break
        except BrokenShard:
            continue


def _shorten_block(block: TextBlock) -> TextBlock:
    """The block's first texts, 64 KB of them."""
    size = 1 << 16
    if len(block.data) <= size:
        return block
    inside = block.breaks[block.breaks <= size]
    cut = int(inside[-1]) if len(inside) else size
    return TextBlock(block.data[:cut], block.base, block.breaks[block.breaks < cut])


def _sample_words(block: TextBlock) -> list[str]:
    data = block.data.tobytes()
    return [data[a:b].decode("utf-8", "ignore") for a, b in _word_spans(data)[:500] if b - a > 1]


def _word_spans(data: bytes) -> list[tuple[int, int]]:
    """Where words stand. In scripts without spaces that is two of what is compared, as long as words are there by
    dictionary (1.6 in Chinese, 2.2 in Japanese, 2.4 in Thai)."""
    hashes, starts, ends = WordReader().read(data)
    spans: list[tuple[int, int]] = []
    half = False
    for piece, start, end in zip((hashes & UNSPACED_FLAG).tolist(), starts.tolist(), ends.tolist(), strict=True):
        if piece and half and spans[-1][1] == start:
            spans[-1] = spans[-1][0], end
            half = False
        else:
            spans.append((start, end))
            half = bool(piece)
    return spans


def _change_words(text: str, share: float, vocabulary: Sequence[str], dice: random.Random) -> str:
    data = text.encode("utf-8", "surrogatepass")
    spans = _word_spans(data)
    if not spans:
        return text
    made = [data[: spans[0][0]]]
    for (start, end), following in zip(spans, [*(s for s, _ in spans[1:]), len(data)], strict=True):
        word, tail = data[start:end], data[end:following]
        if dice.random() >= share:
            made += [word, tail]
            continue
        kind = dice.choices(("other", "without", "more"), CHANGE_WEIGHTS)[0]
        if kind == "more":
            made += [word, b" "]
        if kind != "without":
            made += [dice.choice(vocabulary).encode(), tail]
    return b"".join(made).decode("utf-8", "ignore")


def _is_found(search: PrintSearch, post: int, text: str, block: TextBlock, format: str, dice: random.Random) -> bool:
    planted = json.dumps(text)[1:-1] if format == "json" else text
    reader = search.reader(format)
    _, starts, _ = reader.read(block.data)
    if not len(starts):
        return False
    at = int(dice.choice(starts[: len(starts)]))
    near = max(0, at - 4096)
    breaks = block.breaks[(block.breaks > near) & (block.breaks <= at)]
    low = int(breaks[-1]) if len(breaks) else near
    after = block.breaks[block.breaks > at]
    high = min(int(after[0]) if len(after) else len(block.data), at + 4096)
    data = np.frombuffer(
        block.data[low:at].tobytes() + planted.encode() + b" " + block.data[at:high].tobytes(), np.uint8
    )
    words = reader.read(data)[0]
    lines: NDArray[np.int64] = np.zeros(1, np.int64)
    # In a planted copy the letters are the post's own, so that a whole one counts.
    return any(match.post == post for match, _ in search.matches(words, lines))
