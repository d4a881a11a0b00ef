"""What an audit says: each copy in its class, what was read and what was not, and how sure that is.

The words are "this data set contains these posts"; of a model trained on it nothing is said.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import kicau
from kicau.dataset_audit.evidence_wording import finding_sentence
from kicau.dataset_audit.matching.calibration import HitRate, measure_chance, measure_sensitivity
from kicau.dataset_audit.matching.fingerprints import Fingerprints
from kicau.dataset_audit.matching.pipeline import AuditOutcome
from kicau.dataset_audit.matching.search import CopyMatch
from kicau.dataset_audit.matching.shards import Shard, find_shards
from kicau.dataset_audit.text_decoding import normalize_letters, unescape_bytes

REPORT_FORMAT_VERSION = 1
MIN_NEAR_SHARE = 0.5  # of a post's words, from which a changed copy is one of the post and not a part of it


class CopyKind(StrEnum):
    """How much of a post is there."""

    EXACT = "exact"  # letter by letter, but for white space
    NORMALISED = "normalised"  # every word in its order: case, accents, links, emoji or signs differ
    NEAR = "near"  # most of its words, some changed
    PARTIAL = "partial"  # a passage of it


@dataclass(frozen=True, slots=True)
class Finding:
    """A copy of one post, or of several of the same words, in a shard."""

    posts: tuple[str, ...]
    kind: CopyKind
    shard: str
    copy: CopyMatch

    def as_json(self) -> dict[str, Any]:
        c = self.copy
        return {
            "posts": list(self.posts),
            "kind": self.kind.value,
            "shard": self.shard,
            "first_byte": c.first,
            "last_byte": c.last,
            "place": c.place,
            "words": c.words,
            "of_words": c.of,
            "longest_run": c.run,
            "bits": c.score,
            "raw_first_byte": c.raw_first,
            "raw": c.raw,
        }


def collect_findings(outcome: AuditOutcome, texts: Mapping[str, str]) -> list[Finding]:
    """Every copy that holds: `texts` are the posts' own, by id; a short post counts only where its letters are there."""
    formats = {s.name: s.format for s in outcome.shards}
    made = []
    seen: set[tuple[str, int, int, int, str]] = set()
    for found in outcome.found:
        shard = found.unit.rsplit("|", 3)[0]
        for copy in found.copies:
            ids = outcome.ids[copy.post]
            kind = _copy_kind(copy, [texts[i] for i in ids if i in texts], formats[shard])
            where = (shard, copy.post, copy.first, copy.last, json.dumps(copy.place))
            if kind and where not in seen:
                seen.add(where)
                made.append(Finding(tuple(ids), kind, shard, copy))
    return made


def _copy_kind(copy: CopyMatch, texts: Sequence[str], format: str) -> CopyKind | None:
    if copy.whole and any(
        _normalize_space(text) in _normalize_space(readable_surroundings(copy, format)) for text in texts
    ):
        return CopyKind.EXACT
    if not copy.sure and not (
        copy.whole
        and any(normalize_letters(text) in normalize_letters(readable_surroundings(copy, format)) for text in texts)
    ):
        return None
    if copy.whole:
        return CopyKind.NORMALISED
    return CopyKind.NEAR if copy.words >= MIN_NEAR_SHARE * copy.of and copy.words >= 3 else CopyKind.PARTIAL


def _normalize_space(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def readable_surroundings(copy: CopyMatch, format: str) -> str:
    """The bytes around a copy as a person reads them."""
    return unescape_bytes(base64.b64decode(copy.raw), format)


def build_report(
    outcome: AuditOutcome, texts: Mapping[str, str], folder: Path, at: datetime, *, control: str = ""
) -> dict[str, Any]:
    """The audit as one JSON value, also written to `report.json` in `folder`: findings in the order of the data, what
    was read, failed and skipped, and how sensitive the search was in this very data. `control`: data that cannot hold
    the posts, on which chance is counted; `at`: now, in UTC."""
    prints = Fingerprints.open(folder / "prints", with_ids=True)
    held = [(i, t) for i, t in json.loads((folder / "held.json").read_text("utf-8"))]
    made = collect_findings(outcome, texts)
    measured = measure_sensitivity(prints, held, outcome.shards)
    told = {
        "form": REPORT_FORMAT_VERSION,
        "made_at": at.isoformat(timespec="seconds"),
        "made_by": f"kicau {kicau.__version__}",
        "says": _report_sentence(made),
        "posts": {
            "given": sum(map(len, prints.ids)),
            "different": len(prints.ids),
            "too_short_to_tell": _posts_without_prints(prints),
        },
        "data": _data_facts(outcome),
        "sensitivity": {f"{share:.0%} of words changed": rate.as_json() for share, rate in measured.overall.items()},
        "by_length": {
            length: {f"{share:.0%} of words changed": rate.as_json() for share, rate in rates.items()}
            for length, rates in measured.by_length.items()
        },
        "chance": _chance_facts(prints, control),
        "kinds": dict(Counter(f.kind.value for f in made)),
        "not_listed": sum(sum(f.more.values()) for f in outcome.found),
        "findings": [f.as_json() for f in made],
    }
    (folder / "report.json").write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")
    return told


def _report_sentence(made: Sequence[Finding]) -> str:
    return finding_sentence(len({p for f in made for p in f.posts}), len(made))


def _posts_without_prints(prints: Fingerprints) -> int:
    """Posts without any print: too few or too common words to be told from chance."""
    return len(prints.ids) - len(set(prints.posts.tolist()))


def _data_facts(outcome: AuditOutcome) -> dict[str, Any]:
    return {
        "shards": [_shard_facts(s) for s in outcome.shards],
        "failed": outcome.failed,
        "skipped": outcome.skipped,
        "unpacked_bytes": outcome.bytes,
        "documents": outcome.documents,
    }


def _shard_facts(shard: Shard) -> dict[str, Any]:
    return {"name": shard.name, "bytes": shard.size, "format": shard.format, "packing": shard.packing}


def _chance_facts(prints: Fingerprints, control: str) -> dict[str, Any]:
    if not control:
        return {"measured": False, "why": "No data was named that cannot hold the posts."}
    shards, _ = find_shards(control)
    rate, failed = measure_chance(prints, shards)
    return {"measured": True, "control": control, "failed": failed, **HitRate(rate.hits, rate.tries).as_json()}
