"""The archive itself, written to disk as it is made: whatever its size, it takes the memory of one file's chunk.

README.txt, index.html and pages/ to read; data/*.json, data/*.csv and schema/*.json to use; media/; manifest.json last,
with the SHA-256, size and number of rows of each.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import kicau
from kicau.base import clock
from kicau.offboarding.announcements import network_label
from kicau.offboarding.export import site
from kicau.offboarding.export.media import media_files
from kicau.offboarding.export.tables import ExportTable, export_scope, export_tables, to_csv_cell
from kicau.offboarding.models import Offboarding

EXPORT_FORMAT_VERSION = 1
CHUNK_BYTES = 1 << 20

type ProgressCallback = Callable[[int, int], None]


class ExportArchive:
    """A zip whose entries are hashed and counted as they are written."""

    def __init__(self, out: zipfile.ZipFile) -> None:
        self.zip = out
        self.entries: list[dict[str, Any]] = []

    @contextmanager
    def entry(self, name: str, *, packed: bool = True) -> Iterator[_HashingWriter]:
        info = zipfile.ZipInfo(name, clock.now().timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = 0o644 << 16
        with self.zip.open(info, "w", force_zip64=True) as raw:
            out = _HashingWriter(raw)
            yield out
        self.entries.append({"path": name, "size": out.size, "sha256": out.hash.hexdigest()})

    def text(self, name: str, content: str) -> None:
        with self.entry(name) as out:
            out.write(content.encode())


class _HashingWriter(io.RawIOBase):
    def __init__(self, inner: IO[bytes]) -> None:
        self.inner, self.hash, self.size = inner, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.inner.write(data)


def write_export(
    row: Offboarding, target: Path, language: str, progress: ProgressCallback = lambda done, total: None
) -> dict[str, Any]:
    """Make the archive at `target`, all or nothing; returns its counts by table, and how many files were missing."""
    scope = export_scope(row)
    every = export_tables(scope)
    counts = {table.name: table.rows.count() for table in every}
    meter = _ProgressMeter(
        progress, 2 * sum(counts.values()) + len(scope.media) + len(scope.deliveries) + len(scope.drafts)
    )
    part = target.with_suffix(".part")
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with zipfile.ZipFile(part, "w", allowZip64=True, compresslevel=6) as out:
            archive = ExportArchive(out)
            for table in every:
                _write_table(archive, table, meter)
            missing = _write_media(archive, scope.media, meter)
            site.write_site(archive, scope, counts, language, meter.step)
            _write_manifest(archive, row, counts, missing)
        os.chmod(part, 0o600)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    meter.end()
    return {"counts": counts, "missing": missing, "size": target.stat().st_size}


def _write_table(archive: ExportArchive, table: ExportTable, meter: _ProgressMeter) -> None:
    archive.text(f"schema/{table.name}.json", json.dumps(table.schema(), indent=2, ensure_ascii=False) + "\n")
    with archive.entry(f"data/{table.name}.json") as out:
        out.write(b"[")
        for n, one in enumerate(table.each()):
            out.write((",\n" if n else "\n").encode() + json.dumps(one, ensure_ascii=False).encode())
            meter.step()
        out.write(b"\n]\n")
    with archive.entry(f"data/{table.name}.csv") as out:
        text = io.TextIOWrapper(out, "utf-8", newline="", write_through=True)  # type: ignore[type-var]
        writer = csv.writer(text)
        writer.writerow(table.columns)
        for one in table.each():
            writer.writerow([to_csv_cell(one[name]) for name in table.columns])
            meter.step()
        text.detach()


def _write_media(archive: ExportArchive, ids: tuple[Any, ...], meter: _ProgressMeter) -> list[str]:
    missing, written = [], set()
    for medium, name, path in media_files(ids):
        meter.step()
        if path is None:
            missing.append(medium.name)
        elif name not in written:
            written.add(name)
            with archive.entry(name, packed=False) as out, path.open("rb") as source:
                while chunk := source.read(CHUNK_BYTES):
                    out.write(chunk)
    return missing


def _write_manifest(archive: ExportArchive, row: Offboarding, counts: dict[str, int], missing: list[str]) -> None:
    archive.text(
        "README.txt",
        README_TEMPLATE.format(
            network=network_label(row.network), workspace=row.workspace.name, at=f"{clock.now():%Y-%m-%d %H:%M} UTC"
        ),
    )
    manifest = {
        "format": "kicau-network-export",
        "version": EXPORT_FORMAT_VERSION,
        "made_by": f"Kicau {kicau.__version__}",
        "made_at": clock.now().isoformat(),
        "workspace": row.workspace.name,
        "network": row.network,
        "offboarding": str(row.id),
        "effective_at": row.effective_at.isoformat(),
        "rows": counts,
        "missing_media": missing,
        "files": archive.entries,
    }
    archive.zip.writestr("manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")


class _ProgressMeter:
    """Tells progress, at most once for each hundredth of the work."""

    def __init__(self, progress: ProgressCallback, total: int) -> None:
        self.progress, self.total, self.done, self.told = progress, max(total, 1), 0, -1

    def step(self) -> None:
        self.done += 1
        if self.done * 100 // self.total > self.told:
            self.told = self.done * 100 // self.total
            self.progress(min(self.done, self.total), self.total)

    def end(self) -> None:
        self.progress(self.total, self.total)


README_TEMPLATE = """What {workspace} had on {network}, as of {at}.

index.html      open it in any browser: every post, with its files. It needs no network and no Kicau.
data/*.json     the same for programs: one file for each kind of thing, an array of objects
data/*.csv      the same for spreadsheets (UTF-8); cells that have parts hold JSON
schema/*.json   what each column of data/*.json holds (JSON Schema 2020-12)
media/          the files as they came, named by their SHA-256
robots.txt, license.xml, .well-known/tdmrep.json
                where the workspace has a rule: what machines may do with it, for whoever puts this on a web server
manifest.json   how many rows and files there are, each with its size and SHA-256

Times are UTC. remote_ids are the network's own ids of what was published.
"""
