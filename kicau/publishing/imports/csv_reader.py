"""A table of posts as people export it (CSV from any spreadsheet), read into rows; nothing is judged here but its form."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from kicau.base.errors import ValidationFailed, validation_failed
from kicau.connector import registry
from kicau.connector.content import Problem

POST_COLUMNS = (
    "ref",
    "channels",
    "at",
    "text",
    "media",
    "alt",
    "link",
    "link_title",
    "link_description",
    "first_comment",
    "poll",
    "options",
    "campaign",
    "mark_links",
    "tags",
    "language",
    "ai_use",
    "timezone",
)
REQUIRED_COLUMNS = ("channels", "at")
MAX_FILE_BYTES = 64_000_000  # bytes of one table
MAX_ROWS = 20_000
MAX_CELL_LENGTH = 2_000_000  # characters
DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRow:
    number: int  # as a spreadsheet counts: the header is row 1
    cells: Mapping[str, str]  # by column; a column that the table lacks is ""
    surplus: int = 0  # cells beyond the last column

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    name: str
    columns: tuple[str, ...]
    rows: tuple[CsvRow, ...] = field(repr=False)


def text_column(network: str) -> str:
    """The column of a network's own text."""
    return f"text:{network}"


def known_columns() -> tuple[str, ...]:
    """Every column that a table may have."""
    return POST_COLUMNS + tuple(text_column(slug) for slug in registry.installed_slugs())


def read_posts(source: bytes | BinaryIO, name: str = "posts.csv") -> CsvTable:
    """Rows of a CSV file: UTF-8 or UTF-16, with or without a byte order mark; commas, semicolons, tabs or bars.

    Raises ValidationFailed, naming what was found and what is expected, for what is no such table.
    """
    data = source if isinstance(source, bytes) else source.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise validation_failed(
            "file",
            "The file {name} is larger than {limit} MB. Split it into smaller files.",
            "too-large",
            name=name,
            limit=MAX_FILE_BYTES // 1_000_000,
        )
    text = _decode(data, name)
    text, delimiter = _detect_delimiter(text)
    records = _parse_records(text, delimiter, name)
    if not records:
        raise validation_failed(
            "file",
            "The file {name} is empty. Add a header row with the columns {needed} and “text”. Below the header row, add one row for each post.",
            "empty",
            name=name,
            needed=", ".join(REQUIRED_COLUMNS),
        )
    columns = _parse_header(records[0], name)
    rows = [
        _parse_row(number, record, columns)
        for number, record in enumerate(records[1:], 2)
        if any(cell.strip() for cell in record)
    ]
    if len(rows) > MAX_ROWS:
        raise validation_failed(
            "file",
            "The file {name} contains {actual} posts, but you can import at most {limit} posts at once. Split it into several files.",
            "too-many",
            name=name,
            actual=len(rows),
            limit=MAX_ROWS,
        )
    if not rows:
        raise validation_failed(
            "file",
            "The file {name} has a header row but no posts. Below the header row, add one row for each post.",
            "empty",
            name=name,
        )
    return CsvTable(name=name, columns=columns, rows=tuple(rows))


def _decode(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data[1:2] == b"\0" or data[:1] == b"\0":  # UTF-16 without its mark: a header of ASCII has NULs
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise validation_failed(
            "file",
            "The file {name} is a spreadsheet, which Kicau cannot import. Save it as CSV (UTF-8), then import the CSV file.",
            "not-csv",
            name=name,
        )
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        line = data[: exc.start].count(b"\n") + 1
        message = "The file {name} is not saved as UTF-8: Kicau cannot read the byte {byte} in line {line}. Save the file as “CSV UTF-8”, then import it again."
        raise validation_failed(
            "file", message, "encoding", name=name, line=line, byte=f"0x{data[exc.start]:02x}"
        ) from None


def _detect_delimiter(text: str) -> tuple[str, str]:
    """What separates cells: what some spreadsheets say in a first line "sep=;", else what makes most of the header known."""
    if found := re.match(r'"?sep=(.)"?\r?\n', text, re.IGNORECASE):
        return text[found.end() :], found[1]
    header = re.split(r"\r\n|\r|\n", text, maxsplit=1)[0]
    known = set(known_columns())

    def score(delimiter: str) -> tuple[int, int]:
        names = [_clean_cell(cell) for cell in header.split(delimiter)]
        return sum(n in known for n in names), len(names)

    return text, max(DELIMITERS, key=score)


def _parse_records(text: str, delimiter: str, name: str) -> list[list[str]]:
    csv.field_size_limit(MAX_CELL_LENGTH)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    begun = 1
    try:
        for record in reader:
            records.append(record)
            begun = reader.line_num + 1
    except csv.Error as exc:
        if "field larger" in str(exc):
            raise validation_failed(
                "file",
                "Row {row} of {name} (line {line}) has a cell with more than {limit} characters. Check whether a closing quotation mark is missing.",
                "quoting",
                row=len(records) + 1,
                name=name,
                line=begun,
                limit=MAX_CELL_LENGTH,
            ) from None
        message = 'Row {row} of {name} (from line {line}) has an unmatched quotation mark. Enclose text with commas, quotation marks or line breaks in "…". Inside that text, write "" for each ".'
        raise validation_failed("file", message, "quoting", row=len(records) + 1, name=name, line=begun) from None
    return records


def _parse_header(header: Sequence[str], name: str) -> tuple[str, ...]:
    """The header's names, checked. Raises ValidationFailed with one problem for each that is wrong."""
    found = [_clean_cell(cell) for cell in header]
    while found and not found[-1]:
        found.pop()
    known = known_columns()
    problems = [_unknown_column_problem(column, known) for column in found if column not in known]
    for column in sorted({c for c in found if found.count(c) > 1 and c in known}):
        problems.append(
            Problem(
                code="column-twice",
                message="The column {column} appears twice in the file. Remove one of the two columns.",
                params={"column": column},
                field=column,
            )
        )
    missing = [column for column in REQUIRED_COLUMNS if column not in found]
    if not any(column == "media" or column.startswith("text") for column in found):
        missing.append("text")
    if missing:
        message = "The file {name} lacks the required column {missing}. It contains the columns {found}. Kicau knows these columns: {known}."
        params = {
            "name": name,
            "missing": ", ".join(missing),
            "found": ", ".join(c or '""' for c in found[:40]),
            "known": ", ".join(known),
        }
        problems.insert(0, Problem(code="missing-column", message=message, params=params, field="file"))
    if problems:
        raise ValidationFailed(problems)
    return tuple(found)


def _unknown_column_problem(column: str, known: Sequence[str]) -> Problem:
    near = difflib.get_close_matches(column, known, 1)
    message = (
        "Kicau does not know the column {column!r}. "
        + ("Did you mean {near}?" if near else "Remove or rename it.")
        + " Possible columns: {known}."
    )
    return Problem(
        code="unknown-column",
        message=message,
        params={"column": column[:60], "near": near[0] if near else "", "known": ", ".join(known)},
        field=column[:60] or "file",
    )


def _clean_cell(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().strip('"').strip().casefold()).replace("_:_", ":").replace(":_", ":")


def _parse_row(number: int, record: Sequence[str], columns: Sequence[str]) -> CsvRow:
    cells = {
        c: cell.replace("\r\n", "\n").replace("\r", "\n") for c, cell in zip(columns, record, strict=False) if cell
    }
    surplus = sum(1 for cell in record[len(columns) :] if cell.strip())
    return CsvRow(number=number, cells=cells, surplus=surplus)
