"""Compiled translations (`.mo`), made from their sources (`.po`). Needs nothing but Python:

    python -m kicau.base.message_catalogs

They are not in the repository. `./run`, the build of a wheel and the tests make those that are missing or older than
their source.
"""

from __future__ import annotations

import ast
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
MO_MAGIC_NUMBER = 0x950412DE
CONTEXT_SEPARATOR = "\x04"


def compile_stale_catalogs(package: Path = PACKAGE) -> list[Path]:
    """Those that were made. A source that is as old as its compiled form counts as newer."""
    return [
        compile_catalog(source) for source in sorted(package.rglob("locale/*/LC_MESSAGES/*.po")) if _is_stale(source)
    ]


def _is_stale(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime_ns <= source.stat().st_mtime_ns


def compile_catalog(source: Path) -> Path:
    """Replaced as a whole: who reads at the same time gets the old or the new one. The same source gives the same bytes."""
    compiled = source.with_suffix(".mo")
    content = to_mo(dict(read_messages(source.read_text("utf-8"))))
    handle, name = tempfile.mkstemp(dir=compiled.parent, prefix=f"{compiled.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(compiled)
    return compiled


def read_messages(text: str) -> Iterator[tuple[str, str]]:
    """Each message with its translation, in the form of a compiled catalog; what has none is left out."""
    for block in text.split("\n\n"):
        fields: dict[str, str] = {}
        field = ""
        for line in block.splitlines():
            if line.startswith("#, ") and "fuzzy" in line:
                fields.clear()
                break
            if line.startswith("#") or not line.strip():
                continue
            if not line.startswith('"'):
                field, _, line = line.partition(" ")
                fields[field] = ""
            fields[field] += str(ast.literal_eval(line.strip()))
        if "msgid" not in fields:
            continue
        forms = [fields[name] for name in sorted(fields) if name.startswith("msgstr")]
        if not all(forms):
            continue
        context = fields["msgctxt"] + CONTEXT_SEPARATOR if "msgctxt" in fields else ""
        plural = "\x00" + fields["msgid_plural"] if "msgid_plural" in fields else ""
        yield context + fields["msgid"] + plural, "\x00".join(forms)


def to_mo(messages: dict[str, str]) -> bytes:
    """The GNU form: a head, a table of the messages in order, a table of the translations, and all texts.

    Source: https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html, 2026-12-03.
    """
    rows = sorted((key.encode(), value.encode()) for key, value in messages.items())
    tables_at = 7 * 4
    texts_at = tables_at + len(rows) * 16
    places: list[tuple[int, int]] = []
    texts = bytearray()
    for column in (0, 1):
        for row in rows:
            places.append((len(row[column]), texts_at + len(texts)))
            texts += row[column] + b"\x00"
    head = struct.pack("<7I", MO_MAGIC_NUMBER, 0, len(rows), tables_at, tables_at + len(rows) * 8, 0, texts_at)
    return head + b"".join(struct.pack("<2I", *place) for place in places) + texts


if __name__ == "__main__":
    compile_stale_catalogs()
