"""Tables (CSV) and lines of JSON with at least a text: whatever tool they come from.

Columns, by any of these names: text (content, message, body, caption), id, at (date, created_at, timestamp, time …),
url (link, permalink), network, author, language (lang), reply_to, kind (type), visibility (privacy, audience), licence
(license, lisensi, rights …; see `licences.FIELDS`). Where an entry names no licence, that of the data set that holds it
counts. Messages and what was for some alone are left out, reposts are others' words. A kind or visibility that is not known
is left out, and asked about (see column_values.py and `answer_values` in acts.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kicau.archive.imports.column_values import (
    PRIVATE,
    PUBLIC,
    Column,
    display_value,
    meaning_of,
    parse_flag,
)
from kicau.connector.archives import licences, streams
from kicau.connector.archives.files import ArchiveFiles, UnreadableFile
from kicau.connector.archives.records import (
    ArchiveEntry,
    ArchiveOwner,
    ArchiveRecord,
    SkippedEntry,
    limited_audience_entry,
    malformed_entry,
    skip_entry,
    unreadable_file,
)

COLUMN_NAMES: dict[str, tuple[str, ...]] = {
    "text": ("text", "full_text", "content", "message", "body", "caption", "post", "teks", "isi"),
    "remote_id": ("id", "remote_id", "post_id", "id_str", "guid"),
    "posted_at": (
        "at",
        "posted_at",
        "created_at",
        "date",
        "datetime",
        "timestamp",
        "time",
        "published_at",
        "published",
        "tanggal",
    ),
    "url": ("url", "link", "permalink", "permalink_url"),
    "network": ("network", "platform", "jejaring"),
    "author_id": ("author_id", "user_id"),
    "author_handle": ("author", "author_handle", "handle", "username", "screen_name"),
    "author_name": ("author_name", "name"),
    "language": ("language", "lang", "bahasa"),
    "reply_to": ("reply_to", "in_reply_to", "in_reply_to_id"),
    "kind": ("kind", "type", "post_type", "jenis", "tipe"),
    "visibility": (
        "visibility",
        "privacy",
        "audience",
        "visible_to",
        "shared_with",
        "share_with",
        "visibilitas",
        "privasi",
        "audiens",
        "pembaca",
        "dapat_dilihat",
        "keterlihatan",
    ),
}
PLAIN_FORMAT = "plain"  # this reader's name
# Columns that say yes or no; the second is what a yes means.
FLAG_COLUMNS = (
    *((name, True) for name in ("public", "is_public", "publik")),
    *(
        (name, False)
        for name in ("private", "is_private", "protected", "is_protected", "pribadi", "privat", "is_direct")
    ),
)
REPOST_COLUMNS = (
    "reblog",
    "retweeted_status",
    "reposted",
    "boost_of",
)  # hold somebody else's post where they hold anything
UNKNOWN_AUTHOR = "somebody else"  # author of a repost that names none
UNKNOWN_VALUE_CODE = "unknown-value"  # code of a row that waits for an answer
_REPOST_PATTERN = re.compile(r"RT @(\w{1,30}(?:@[\w.-]+\w)?):? ")
_SPACE_PATTERN = re.compile(r"\s+")
# 2024-01-31, 2024/1/31, 31/01/2024, 31.1.2024, 31-01-2024, each with a clock (08:15, 08.15, 08:15:30) or without.
_DAY_PATTERN = re.compile(
    r"(?:(?P<y>\d{4})[-/](?P<m>\d{1,2})[-/](?P<d>\d{1,2})|(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4}))"
    r"(?:,?\s+(?P<H>\d{1,2})[:.](?P<M>\d{2})(?:[:.](?P<S>\d{2}))?)?"
)


class PlainReader:
    """Reads .csv, .tsv, .jsonl, .ndjson and .json; the latter two and tables may be packed with gzip.

    `answers`: what people said that unknown kinds and visibilities mean, by `column_values.key`. `only`: of these rows
    alone, those that such a value was the reason to leave out.
    """

    def __init__(self, answers: Mapping[str, str] | None = None, only: Collection[str] | None = None) -> None:
        self._answers, self._only = answers or {}, only
        self._earlier = {one: said for one, said in self._answers.items() if one not in (only or ())}

    def sniff(self, files: ArchiveFiles, /) -> ArchiveOwner | None:
        try:
            return (
                ArchiveOwner(format=PLAIN_FORMAT)
                if any(_detect_form(files, name) for name in files.names()[:1000])
                else None
            )
        except UnreadableFile:
            return None

    def read(self, files: ArchiveFiles, /) -> Iterator[ArchiveEntry]:
        of_all = licences.licence_of_dataset(files)
        for found in self._read(files):
            if of_all and isinstance(found, ArchiveRecord) and not found.licence:
                found.licence = of_all
            yield found

    def _read(self, files: ArchiveFiles) -> Iterator[ArchiveEntry]:
        for name in sorted(files.names()):
            try:
                form = _detect_form(files, name)
            except UnreadableFile as exc:
                yield unreadable_file(exc, name)
                continue
            rows: Iterator[tuple[int, Any] | SkippedEntry]
            if form == "table":
                rows = streams.read_table(files, name)
            elif form == "lines":
                rows = _read_lines(files, name)
            elif form == "array":
                numbered = enumerate(streams.read_elements(files, name), 1)
                rows = (one if isinstance(one, SkippedEntry) else (number, one) for number, one in numbered)
            else:
                continue
            for row in rows:
                if not isinstance(row, SkippedEntry):
                    yield from self._row(row[1], row[0], name)
                elif self._only is None:
                    yield row

    def _row(self, row: object, place: int, name: str) -> Iterator[ArchiveEntry]:
        """A row of a table as what it is, or why it is left out."""
        if not isinstance(row, Mapping):
            if self._only is None:
                yield malformed_entry(name, place)
            return
        named = {_SPACE_PATTERN.sub("_", str(column).strip().lower()): value for column, value in row.items()}
        if self._only is not None and _is_complete(*_row_meanings(named, self._earlier)):
            return
        kind, visibility = _row_meanings(named, self._answers)
        if kind == "message" or visibility == PRIVATE:
            yield limited_audience_entry(name, place)
        elif isinstance(kind, UnknownCell) or isinstance(visibility, UnknownCell):
            unknown = kind if isinstance(kind, UnknownCell) else visibility
            assert isinstance(unknown, UnknownCell)
            yield skip_entry(
                UNKNOWN_VALUE_CODE,
                "Kicau skips posts with “{value}” in the column {column}, because it does not know this value. Choose the meaning of the value.",
                f"{name} #{place}",
                column=unknown.column,
                value=unknown.value,
            )
        else:
            yield from _build_record(named, place, name, kind)


reader = PlainReader()


def _detect_form(files: ArchiveFiles, name: str) -> str:
    """ "table", "lines", "array" or "": by the beginning of the content and the columns that it names."""
    if not name.lower().endswith((".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json")):
        return ""
    with files.open(name) as file:
        head = file.read(65_536)
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace").lstrip()
    if text.startswith("{"):
        return "lines" if _has_text_column(re.findall(r'"([^"\\]{1,40})"\s*:', text)) else ""
    if text.startswith("["):
        return "array" if _has_text_column(re.findall(r'"([^"\\]{1,40})"\s*:', text)) else ""
    return "table" if _has_text_column(re.split(r"[,;\t|]", text.split("\n", 1)[0])) else ""


def _has_text_column(columns: list[str]) -> bool:
    return any(c.strip().strip('"\r').lower() in COLUMN_NAMES["text"] for c in columns)


@dataclass(frozen=True, slots=True)
class UnknownCell:
    """A value whose meaning is to be asked about."""

    column: Column
    value: str


def _row_meanings(named: Mapping[str, Any], answers: Mapping[str, str]) -> tuple[str | UnknownCell, str | UnknownCell]:
    """A row's kind, and whether everybody could read it ("public", "private")."""
    kind = _cell_meaning(Column.KIND, _find_cell(named, "kind"), answers)
    if kind != "message" and any(named.get(one) and parse_flag(named[one]) is not False for one in REPOST_COLUMNS):
        kind = "repost"
    seen_by = [_cell_meaning(Column.VISIBILITY, _find_cell(named, "visibility"), answers)]
    for column, means_public in FLAG_COLUMNS:
        if (value := named.get(column)) not in (None, ""):
            yes = parse_flag(value)
            if yes is None:
                seen_by.append(_cell_meaning(Column.VISIBILITY, value, answers))
            else:
                seen_by.append(PUBLIC if yes == means_public else PRIVATE)
    unknown = [one for one in seen_by if isinstance(one, UnknownCell)]
    return kind, PRIVATE if PRIVATE in seen_by else unknown[0] if unknown else PUBLIC


def _cell_meaning(column: Column, value: object, answers: Mapping[str, str]) -> str | UnknownCell:
    """Of a cell; where nothing is said, it is a post for everybody."""
    if value is None:
        return "post" if column == Column.KIND else PUBLIC
    return meaning_of(column, value, answers) or UnknownCell(column, display_value(value))


def _is_complete(kind: str | UnknownCell, visibility: str | UnknownCell) -> bool:
    """Whether nothing had to be asked about such a row."""
    return (
        kind == "message"
        or visibility == PRIVATE
        or not (isinstance(kind, UnknownCell) or isinstance(visibility, UnknownCell))
    )


def _find_cell(named: Mapping[str, Any], field: str) -> object:
    """Of the first of a field's columns that is there; None where none is. An empty kind says nothing, an empty
    visibility does not say "public"."""
    for column in COLUMN_NAMES[field]:
        if column in named:
            value = named[column]
            empty = value is None or value == ""
            return (None if field == "kind" else "") if empty else value
    return None


def _read_lines(files: ArchiveFiles, name: str) -> Iterator[tuple[int, Any] | SkippedEntry]:
    for found in streams.read_lines(files, name):
        if isinstance(found, SkippedEntry):
            yield found
            continue
        number, line = found
        if not line.strip():
            continue
        try:
            one = json.loads(streams.decode_line(line))
        except (ValueError, RecursionError):
            yield malformed_entry(name, number)
            continue
        yield number, one


def _build_record(named: Mapping[str, Any], place: int, name: str, kind: str) -> Iterator[ArchiveEntry]:
    """One entry; before it what is doubtful about it."""
    told = {column: value for column, value in named.items() if value not in (None, "")}
    licence = licences.licence_of_entry(told)
    cells = {field: next((told[n] for n in names if n in told), "") for field, names in COLUMN_NAMES.items()}
    text = cells.pop("text")
    if not isinstance(text, str) or not text.strip():
        yield skip_entry(
            "no-text",
            "One post in the archive file {file} has no text, so Kicau did not import this post.",
            f"{name} #{place}",
            file=name,
        )
        return
    told_at = cells.pop("posted_at")
    at, exactly = parse_moment(told_at)
    if at is None and told_at:
        doubt = skip_entry(
            "no-date",
            "Kicau could not read the date of a post in {file} and imported the post without a date. Write dates as 2024-01-31 or 2024-01-31 08:15.",
            f"{name} #{place}: {str(told_at)[:40]}",
            file=name,
        )
        doubt.is_taken = True
        yield doubt
    plain: dict[str, Any] = {field: str(value) for field, value in cells.items() if not isinstance(value, dict | list)}
    plain.pop("visibility", None)
    reposted = _REPOST_PATTERN.match(text)
    plain["kind"] = "repost" if reposted else kind
    plain["network"] = plain.get("network", "").lower()[:40]
    plain["author_id"] = plain.get("author_id") or plain.get("author_handle", "")
    if plain["kind"] == "repost":  # whoever the row names has passed it on
        plain["author_handle"] = reposted[1] if reposted else ""
        plain["author_id"], plain["author_name"] = plain["author_handle"] or UNKNOWN_AUTHOR, ""
    plain["language"] = plain.get("language", "")[:2].lower()
    yield ArchiveRecord(text=text, posted_at=at, posted_to=exactly, licence=licence, **plain)


def parse_moment(value: object) -> tuple[datetime | None, str]:
    """A time and how exactly it is known: ISO 8601, seconds or milliseconds since 1970, or a day, with or without a
    clock, as Indonesian and European tables write it (31/01/2024 08.15). What has no zone is UTC."""
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"\d{9,13}(\.\d+)?", value.strip())):
        seconds = float(value)
        try:
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC), "second"
        except (ValueError, OverflowError, OSError):
            return None, "none"
    if not isinstance(value, str):
        return None, "none"
    text = value.strip()
    if found := _DAY_PATTERN.fullmatch(text):
        year, month, day = (
            (found["y"], found["m"], found["d"]) if found["y"] else (found["year"], found["month"], found["day"])
        )
        hour, minute, second = (int(found[name] or 0) for name in ("H", "M", "S"))
        try:
            return datetime(int(year), int(month), int(day), hour, minute, second, tzinfo=UTC), "second" if found[
                "H"
            ] else "day"
        except ValueError:
            return None, "none"
    try:
        at = datetime.fromisoformat(re.sub(r" UTC$", "+00:00", text))
        return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)), "second"
    except (ValueError, OverflowError):
        return None, "none"
