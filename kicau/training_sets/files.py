"""A version's files: JSON lines and Parquet by split, what was left out, the card, Croissant, and a signed manifest.

The same records give the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kicau.evidence.verify import canonical
from kicau.training_sets.data_card import croissant_metadata, dataset_card
from kicau.training_sets.models import RecordFormat, TrainingSet
from kicau.training_sets.options import SPLIT_NAMES
from kicau.training_sets.records import GatherResult, SetRecord
from kicau.training_sets.versions import MANIFEST_FILE_NAME, sign_line

ROW_GROUP_SIZE = 20_000  # records of a Parquet row group
TURN_TYPE = pa.struct([pa.field("role", pa.string()), pa.field("content", pa.string())])


def write_files(
    of: TrainingSet, number: int, as_of: datetime, gathered: GatherResult, folder: Path, key: Ed25519PrivateKey
) -> dict[str, dict[str, Any]]:
    """All files into `folder` (made, and empty before); gives each file's bytes and SHA-256 by name."""
    folder.mkdir(parents=True)
    counts = Counter(record.split for record in gathered.records)
    for split in SPLIT_NAMES:
        chosen = [record for record in gathered.records if record.split == split]
        if chosen:
            _write_json_lines(folder / f"{split}.jsonl", chosen)
            _write_parquet(folder / f"{split}.parquet", chosen, of.format)
    _write_excluded(folder / "excluded.csv", gathered.excluded)
    _write_redactions(folder / "redactions.csv", gathered.records)
    files = {path.name: _file_facts(path) for path in sorted(folder.iterdir())}
    reasons = Counter(why for _, why in gathered.excluded)
    (folder / "README.md").write_text(dataset_card(of, number, as_of, counts, reasons), "utf-8")
    (folder / "croissant.json").write_bytes(
        json.dumps(croissant_metadata(of, number, as_of, files, counts), ensure_ascii=False, indent=2).encode() + b"\n"
    )
    files |= {name: _file_facts(folder / name) for name in ("README.md", "croissant.json")}
    manifest = canonical({"set": str(of.id), "version": number, "as_of": as_of.isoformat(), "files": files}) + b"\n"
    (folder / MANIFEST_FILE_NAME).write_bytes(manifest)
    (folder / f"{MANIFEST_FILE_NAME}.sig").write_text(sign_line(manifest, key), "utf-8")
    return files | {name: _file_facts(folder / name) for name in (MANIFEST_FILE_NAME, f"{MANIFEST_FILE_NAME}.sig")}


def _file_facts(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _write_json_lines(path: Path, records: Sequence[SetRecord]) -> None:
    encoder = msgspec.json.Encoder()
    with path.open("wb", buffering=1 << 20) as lines:
        for record in records:
            lines.write(encoder.encode(record.body))
            lines.write(b"\n")


def _write_parquet(path: Path, records: Sequence[SetRecord], format: str) -> None:
    schema = arrow_schema(format, records[0].body)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for at in range(0, len(records), ROW_GROUP_SIZE):
            rows = [record.body for record in records[at : at + ROW_GROUP_SIZE]]
            writer.write_table(pa.Table.from_pylist(rows, schema))


def arrow_schema(format: str, body: Mapping[str, Any]) -> pa.Schema:
    return pa.schema(
        [
            pa.field(name, pa.list_(TURN_TYPE) if format == RecordFormat.CHAT and name == "messages" else pa.string())
            for name in body
        ]
    )


def _write_excluded(path: Path, excluded: Sequence[tuple[Any, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(("item", "reason"))
        table.writerows((str(item), why) for item, why in excluded)


def _write_redactions(path: Path, records: Sequence[SetRecord]) -> None:
    """What was replaced, by place and kind, for a person to review: the data itself is not repeated."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(("record", "item", "kind", "first_character", "last_character"))
        for record in records:
            for row in record.rows:
                table.writerows((record.id, str(row.id), s.kind, s.start, s.end) for s in row.spans)
