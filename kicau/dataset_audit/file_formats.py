"""What a file of a data set is, by its name alone; so that pages need not load what reads it."""

from __future__ import annotations

from pathlib import PurePosixPath

FORMATS_BY_SUFFIX = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".warc": "warc",
    ".wet": "warc",
    ".txt": "text",
    ".md": "text",
    ".csv": "text",
    ".tsv": "text",
    ".html": "html",
    ".htm": "html",
    ".xml": "html",
}
PACKINGS_BY_SUFFIX = {".gz": "gz", ".zst": "zst", ".zstd": "zst", ".bz2": "bz2", ".xz": "xz"}


def format_of(name: str) -> tuple[str, str]:
    """Format ("" where no reader is for it) and packing."""
    suffixes = [s.lower() for s in PurePosixPath(name).suffixes]
    packing = PACKINGS_BY_SUFFIX.get(suffixes[-1], "") if suffixes else ""
    if packing:
        suffixes.pop()
    return FORMATS_BY_SUFFIX.get(suffixes[-1] if suffixes else "", "json" if packing else ""), packing
