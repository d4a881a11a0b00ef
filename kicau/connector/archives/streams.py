"""Lines, JSON arrays and tables out of a stream, whatever their size; what is malformed is stepped over and told."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kicau.connector.archives.files import ArchiveFiles, UnreadableFile
from kicau.connector.archives.records import (
    SkippedEntry,
    file_without_list,
    malformed_entry,
    skip_entry,
    truncated_file,
    unreadable_file,
)

CHUNK_BYTES = 1 << 20  # bytes read at once
MAX_PREFIX_BYTES = 1_000_000  # characters of what is around the arrays of a file that are kept
MAX_ENTRY_BYTES = 16_000_000  # characters of one element, bytes of one line: nothing that a person posts is larger
_SPACE_PATTERN = re.compile(r"[\s,]*")
_TOKEN_PATTERN = re.compile(r'["\\{}\[\]]')
_NAMED_ARRAY_PATTERN = re.compile(r'"[^"\\]{0,120}"\s*:\s*\[')  # an array under any key
_EMPTY_PATTERN = re.compile(
    r"\s*(?:(?:[\w.$]+\s*=\s*)?\{\s*\})?[\s;]*"
)  # an empty file or object, also one that is assigned
_decode = json.JSONDecoder(strict=False).raw_decode


def read_chunks(files: ArchiveFiles, name: str, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The bytes of a file. Raises UnreadableFile, also in the middle."""
    with files.open(name) as file:
        while piece := file.read(size):
            yield piece


def read_whole(files: ArchiveFiles, name: str, limit: int = MAX_ENTRY_BYTES) -> bytes:
    """A small file at once. Raises UnreadableFile; what is beyond `limit` is left."""
    with files.open(name) as file:
        return b"".join(iter(lambda: file.read(CHUNK_BYTES), b"")) if files.size(name) <= limit else file.read(limit)


def read_document(files: ArchiveFiles, name: str) -> Any:
    """A small JSON file, also one that assigns it to a variable; None where it is none. Raises UnreadableFile."""
    text = read_whole(files, name).decode("utf-8-sig", "replace")
    begin = re.search(r"[\[{]", text)
    try:
        return _decode(text, begin.start())[0] if begin else None
    except (ValueError, RecursionError):
        return None


def read_elements(
    files: ArchiveFiles, name: str, key: str = "", outside: Callable[[str], None] | None = None
) -> Iterator[Any | SkippedEntry]:
    """The elements of all JSON arrays under `key`, or of the file's first array and, where the file is an object, of its
    further ones: some exports write a key twice. They come one by one from any size. A file that holds something but no
    such array is a Skip. `outside` is called at the end with the text around the arrays, at most OUTSIDE characters of it.
    """
    array = _ArrayReader(read_chunks(files, name), name)
    try:
        yield from array.elements(key)
    except UnreadableFile as exc:
        yield unreadable_file(exc, name)
    if outside is not None:
        outside(array.outside)


def _array_start_pattern(key: str) -> re.Pattern[str]:
    return re.compile(rf'"{re.escape(key)}"\s*:\s*\[' if key else r"\[")


class _ArrayReader:
    def __init__(self, source: Iterator[bytes], name: str) -> None:
        self._source, self._name = source, name
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text, self._at, self._ended, self._number = "", 0, False, 0
        self._head = ""  # the first characters of the file
        self._is_cut = False  # it ended within an element
        self.outside = ""

    def elements(self, key: str) -> Iterator[Any | SkippedEntry]:
        first = _array_start_pattern(key)
        if not self._enter(first):
            if not _EMPTY_PATTERN.fullmatch(self._head):
                yield file_without_list(self._name)
            return
        yield from self._list()
        further = first if key else _NAMED_ARRAY_PATTERN if self._head.lstrip("\ufeff \r\n\t").startswith("{") else None
        while further is not None and self._enter(further):
            yield from self._list()

    def _list(self) -> Iterator[Any | SkippedEntry]:
        """The elements from here to the end of the array."""
        while True:
            self._at = _SPACE_PATTERN.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches everywhere
            if self._at >= len(self._text):
                if not self._more():
                    yield truncated_file(self._name)
                    return
                continue
            if self._text[self._at] == "]":
                self._at += 1
                return
            self._number += 1
            yield from self._one()
            if self._is_cut:
                return

    def _one(self) -> Iterator[Any | SkippedEntry]:
        try:
            found, self._at = _decode(self._text, self._at)
            yield found
            return
        except RecursionError:
            pass
        except ValueError:
            if len(self._text) - self._at < MAX_ENTRY_BYTES and self._more():
                self._number -= 1
                return
        if not self._step_over():
            self._is_cut = True
            yield truncated_file(self._name)
        else:
            yield malformed_entry(self._name, self._number)

    def _more(self) -> bool:
        """Read on, twice as much each time for one element, so that a large one is not decoded again and again."""
        self._text, self._at = self._text[self._at :], 0
        wanted = len(self._text)
        while not self._ended:
            piece = next(self._source, b"")
            self._ended = not piece
            decoded = self._decoder.decode(piece, final=self._ended)
            if len(self._head) < 64:
                self._head += decoded[:64]
            self._text += decoded
            if len(self._text) > 2 * wanted:
                return True
        return len(self._text) > wanted

    def _enter(self, begin: re.Pattern[str]) -> bool:
        """Go on behind the next array's beginning; False where there is none."""
        while True:
            if found := begin.search(self._text, self._at):
                self._pass(found.end())
                return True
            self._pass(max(self._at, len(self._text) - 256))
            if not self._more():
                self._pass(len(self._text))
                return False

    def _pass(self, to: int) -> None:
        """Go on to this place, which no array covers."""
        if len(self.outside) < MAX_PREFIX_BYTES:
            self.outside += self._text[self._at : to]
        self._at = to

    def _step_over(self) -> bool:
        """To the end of the element at hand, without keeping it; False where the file ends before."""
        depth, quoted = 0, False
        while True:
            at = self._at
            while found := _TOKEN_PATTERN.search(self._text, at):
                mark, at = found.group(), found.end()
                if mark == "\\":
                    at += 1
                elif mark == '"':
                    quoted = not quoted
                elif not quoted and mark in "{[":
                    depth += 1
                elif not quoted:
                    depth -= 1
                    if depth <= 0:
                        self._at = at if depth == 0 else at - 1
                        return True
            self._at = min(max(at, self._at), len(self._text)) if at > len(self._text) else len(self._text)
            carried = at - len(self._text)
            if not self._more():
                return False
            self._at = max(0, carried)


def read_lines(files: ArchiveFiles, name: str) -> Iterator[tuple[int, bytes] | SkippedEntry]:
    """(number, line without its end), from 1. A line of more than LONGEST bytes is a Skip and takes no memory."""
    held, number, dropping = b"", 0, False
    try:
        for piece in read_chunks(files, name):
            *done, rest = (held + piece).split(b"\n")
            held = rest
            for line in done:
                number += 1
                if dropping or len(line) > MAX_ENTRY_BYTES:
                    dropping = False
                    yield _line_too_long(name, number)
                else:
                    yield number, line.rstrip(b"\r")
            if len(held) > MAX_ENTRY_BYTES:
                dropping = True
            if dropping:
                held = b""
    except UnreadableFile as exc:
        yield unreadable_file(exc, f"{name} #{number + 1}")
        held, dropping = b"", False  # the rest of that line is told with it
    if dropping:
        yield _line_too_long(name, number + 1)
    elif held:
        yield number + 1, held


def _line_too_long(name: str, number: int) -> SkippedEntry:
    return skip_entry(
        "too-long",
        "One line in the archive file {file} is larger than {limit} MB, so Kicau did not import this line.",
        f"{name} #{number}",
        file=name,
        limit=MAX_ENTRY_BYTES // 1_000_000,
    )


def read_table(
    files: ArchiveFiles, name: str, *, slashed: bool = False
) -> Iterator[tuple[int, dict[str, str]] | SkippedEntry]:
    """(row, cells by column name) of a CSV file, the header being row 1; delimiter and encoding by its content.

    `slashed`: a quotation mark within a text may have a backslash before it, in place of being doubled.
    """
    csv.field_size_limit(min(MAX_ENTRY_BYTES, sys.maxsize))
    skips: list[SkippedEntry] = []
    text = _decode_stream(read_chunks(files, name), name, skips)
    head = next(text, "")
    if not head:
        yield from skips
        return
    delimiter = max(",;\t|", key=head.split("\n", 1)[0].count)
    lines = _read_text_lines(head, text)
    reader = csv.reader(map(_double_quotes, lines) if slashed else lines, delimiter=delimiter, strict=False)
    columns: list[str] = []
    row = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            row += 1
            yield malformed_entry(name, row)
            continue
        yield from skips
        skips.clear()
        if cells is None:
            return
        row += 1
        if not columns:
            if any(cells):
                columns = [cell.strip().lstrip("\ufeff") for cell in cells]
        elif any(cells):
            yield row, dict(zip(columns, cells, strict=False))


_BACKSLASH_ESCAPE_PATTERN = re.compile(r'\\(["\\])')


def _double_quotes(line: str) -> str:
    """Marked with a backslash, a quotation mark becomes two and a backslash one; any other backslash is the text's own."""
    return (
        _BACKSLASH_ESCAPE_PATTERN.sub(lambda found: '""' if found[1] == '"' else found[1], line)
        if "\\" in line
        else line
    )


def _decode_stream(source: Iterator[bytes], name: str, skips: list[SkippedEntry]) -> Iterator[str]:
    """By byte order mark, else UTF-8 as long as it is that, from then on Windows-1252 for what is not."""
    try:
        first = next(source, b"")
        encoding = "utf-16" if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
        decoder = codecs.getincrementaldecoder(encoding)("kicau-mixed" if encoding != "utf-16" else "replace")
        for piece in (first, *iter(lambda: next(source, b""), b"")):
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnreadableFile as exc:
        skips.append(unreadable_file(exc, name))


def _read_text_lines(head: str, rest: Iterable[str]) -> Iterator[str]:
    held = ""
    for piece in (head, *rest) if not isinstance(rest, Iterator) else _chain_lines(head, rest):
        *done, held = io.StringIO(held + piece, newline="").readlines() or [""]
        yield from done
        if held.endswith("\n"):
            yield held
            held = ""
    if held:
        yield held


def _chain_lines(head: str, rest: Iterator[str]) -> Iterator[str]:
    yield head
    yield from rest


def decode_mixed(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8, read as Windows-1252, which is what they nearly always are."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("kicau-mixed", decode_mixed)


def decode_line(line: bytes) -> str:
    """One line's text, UTF-8 or else Windows-1252."""
    return line.decode("utf-8", "kicau-mixed").lstrip("\ufeff")
