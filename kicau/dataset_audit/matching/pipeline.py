"""An audit as a whole: sample, prints, search by as many processes as there are cores, and what came of it.

It may be stopped at any time: each unit that is done is in the journal, and the next run goes on after it.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from kicau.base import subprocesses
from kicau.dataset_audit.matching import fingerprints as prints_of
from kicau.dataset_audit.matching.calibration import hold_out
from kicau.dataset_audit.matching.search import UnitResult, begin_process, prepare_prints, search_unit
from kicau.dataset_audit.matching.shards import (
    BrokenShard,
    Shard,
    ShardUnit,
    find_shards,
    read_blocks,
    shard_units,
)
from kicau.dataset_audit.matching.tokenizer import Hashes, WordReader

SAMPLE_BYTES = 24 << 20  # bytes of the data from which common words are learnt
SAMPLE_PLACES = 24  # places in the data from which the sample is taken

type AuditProgressCallback = Callable[[int, int, int], None]  # bytes read, bytes in all, copies so far
type PostPairs = Iterable[tuple[str, str]]


@dataclass(slots=True)
class AuditOutcome:
    """What an audit read and found. `sizes` are bytes as they lie in the shards."""

    shards: list[Shard]
    skipped: list[str]
    found: list[UnitResult] = field(default_factory=list)
    ids: Sequence[Sequence[str]] = ()

    @property
    def failed(self) -> dict[str, str]:
        """Shards that could not be read to their end, and why."""
        return {f.unit.split("|", 1)[0]: f.fault for f in self.found if f.fault}

    @property
    def bytes(self) -> int:
        return sum(f.bytes for f in self.found)

    @property
    def documents(self) -> int:
        return sum(f.documents for f in self.found)


def run_search(
    posts: PostPairs,
    where: str,
    folder: Path,
    *,
    processes: int | None = None,
    progress: AuditProgressCallback | None = None,
    cluster: str = "",
) -> AuditOutcome:
    """Searches the data at `where` for (id, text) `posts`; prints and journal are kept in `folder`, where an
    interrupted run of the same data goes on. `cluster`: address of a Ray cluster that searches instead of processes of
    this machine. Raises NoSuchShards, ClusterUnavailable."""
    shards, skipped = find_shards(where)
    folder.mkdir(parents=True, exist_ok=True)
    if not prints_of.Fingerprints.are_in(folder / "prints"):
        (folder / "journal.jsonl").unlink(missing_ok=True)  # it names posts by the numbers of other prints
        held: list[tuple[str, str]] = []
        dice = random.Random(1)  # noqa: S311 (chooses samples, guards nothing)
        made = prepare_prints(hold_out(posts, dice, held), sample_words(shards))
        (folder / "held.json").write_text(json.dumps(held), "utf-8")
        made.save(folder / "prints")
    wanted = [unit for shard in shards for unit in shard_units(shard)]
    outcome = AuditOutcome(shards, skipped, ids=json.loads((folder / "prints" / "ids.json").read_text("utf-8")))
    journal = folder / "journal.jsonl"
    outcome.found = [f for f in _read_journal(journal) if f.unit in {u.key for u in wanted}]
    done = {f.unit for f in outcome.found}
    left = [u for u in wanted if u.key not in done]
    with journal.open("a", encoding="utf-8") as kept:
        for found in _choose_search(cluster, left, folder / "prints", processes or os.cpu_count() or 1):
            kept.write(json.dumps(found.as_json()) + "\n")
            kept.flush()
            outcome.found.append(found)
            if progress:
                progress(_bytes_read(outcome), sum(s.size for s in shards), sum(len(f.copies) for f in outcome.found))
    order = {unit.key: at for at, unit in enumerate(wanted)}
    outcome.found.sort(key=lambda f: order[f.unit])
    return outcome


def sample_words(shards: Sequence[Shard]) -> list[Hashes]:
    """Words from places all over the data; shards that cannot be read give none."""
    chosen = shards[:: max(1, len(shards) // SAMPLE_PLACES)][:SAMPLE_PLACES]
    found: list[Hashes] = []
    for shard in chosen:
        reader = WordReader(json=shard.format == "json", html=shard.format in ("html", "warc"))
        pieces = shard_units(shard)
        pieces = pieces[:: max(1, len(pieces) // max(1, SAMPLE_PLACES // len(chosen)))]
        for unit in pieces:
            found += _first_words(unit, reader, SAMPLE_BYTES // len(chosen) // len(pieces))
    return found


def _first_words(unit: ShardUnit, reader: WordReader, size: int) -> list[Hashes]:
    found: list[Hashes] = []
    try:
        for block in read_blocks(unit):
            found.append(reader.read(block.data)[0].copy())
            size -= len(block.data)
            if size <= 0:
                break
    except BrokenShard:
        pass  # the search will meet it again, and tell
    return found


def _choose_search(cluster: str, left: Sequence[ShardUnit], folder: Path, processes: int) -> Iterator[UnitResult]:
    if not cluster:
        return _search_in_processes(left, folder, processes)
    from kicau.dataset_audit.matching.cluster import search_on_cluster

    return search_on_cluster(left, folder, cluster)


def _search_in_processes(left: Sequence[ShardUnit], folder: Path, processes: int) -> Iterator[UnitResult]:
    if not left:
        return
    if processes == 1:  # this one
        begin_process(str(folder))
        yield from map(search_unit, left)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(left)), context, _begin_worker, (str(folder),)) as pool:
        waiting = [pool.submit(search_unit, unit) for unit in left]
        for done in as_completed(waiting):
            yield done.result()


def _begin_worker(folder: str) -> None:
    subprocesses.die_with_parent()
    begin_process(folder)


def _read_journal(journal: Path) -> Iterator[UnitResult]:
    if not journal.exists():
        return
    with journal.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                yield UnitResult.from_json(json.loads(line))
            except (ValueError, TypeError, KeyError):
                continue  # the line that was being written when the run was stopped


def _bytes_read(outcome: AuditOutcome) -> int:
    sizes = {s.name: s.size for s in outcome.shards}
    total = 0
    for found in outcome.found:
        name, size, first, last = found.unit.rsplit("|", 3)
        total += int(last) - int(first) if int(last) > 0 and int(size) > int(last) - int(first) > 4096 else sizes[name]
    return min(total, sum(sizes.values()))


def reading_seconds(outcome: AuditOutcome) -> float:
    return float(np.sum([f.seconds for f in outcome.found]))
