"""Tables (CSV) and lines of JSON with at least a text: whatever tool they come from.

Columns, by any of these names: text (content, message, body, caption), id, at (date, created_at, timestamp, time …),
url (link, permalink), network, author, language (lang), reply_to, kind (type), licence (license, lisensi, rights …; see
`licences.FIELDS`). Where an entry names none, the licence of the data set that holds it counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from kicau.connector.archives import licences, streams
from kicau.connector.archives.files import Files, Unreadable
from kicau.connector.archives.records import Found, Record, Skip, Whose, malformed, skip, unreadable

NAMES: dict[str, tuple[str, ...]] = {
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
    "kind": ("kind", "type"),
}
PLAIN = "plain"  # this reader's name
KINDS = ("post", "reply", "repost", "quote", "comment", "article", "message")
_SPACE = re.compile(r"\s+")
# 2024-01-31, 2024/1/31, 31/01/2024, 31.1.2024, 31-01-2024, each with a clock (08:15, 08.15, 08:15:30) or without.
_DAY = re.compile(
    r"(?:(?P<y>\d{4})[-/](?P<m>\d{1,2})[-/](?P<d>\d{1,2})|(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4}))"
    r"(?:,?\s+(?P<H>\d{1,2})[:.](?P<M>\d{2})(?:[:.](?P<S>\d{2}))?)?"
)


class Reader:
    """Reads .csv, .tsv, .jsonl, .ndjson and .json; the latter two and tables may be packed with gzip."""

    def sniff(self, files: Files, /) -> Whose | None:
        try:
            return Whose(format=PLAIN) if any(_form(files, name) for name in files.names()[:1000]) else None
        except Unreadable:
            return None

    def read(self, files: Files, /) -> Iterator[Found]:
        of_all = licences.of_data_set(files)
        for found in self._read(files):
            if of_all and isinstance(found, Record) and not found.licence:
                found.licence = of_all
            yield found

    def _read(self, files: Files) -> Iterator[Found]:
        for name in sorted(files.names()):
            try:
                form = _form(files, name)
            except Unreadable as exc:
                yield unreadable(exc, name)
                continue
            if form == "table":
                for found in streams.table(files, name):
                    yield from [found] if isinstance(found, Skip) else _record(found[1], found[0], name)
            elif form == "lines":
                yield from _lines(files, name)
            elif form == "array":
                for number, one in enumerate(streams.elements(files, name), 1):
                    yield from [one] if isinstance(one, Skip) else _record(one, number, name)


reader = Reader()


def _form(files: Files, name: str) -> str:
    """ "table", "lines", "array" or "": by the beginning of the content and the columns that it names."""
    if not name.lower().endswith((".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json")):
        return ""
    with files.open(name) as file:
        head = file.read(65_536)
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace").lstrip()
    if text.startswith("{"):
        return "lines" if _names_text(re.findall(r'"([^"\\]{1,40})"\s*:', text)) else ""
    if text.startswith("["):
        return "array" if _names_text(re.findall(r'"([^"\\]{1,40})"\s*:', text)) else ""
    return "table" if _names_text(re.split(r"[,;\t|]", text.split("\n", 1)[0])) else ""


def _names_text(columns: list[str]) -> bool:
    return any(c.strip().strip('"\r').lower() in NAMES["text"] for c in columns)


def _lines(files: Files, name: str) -> Iterator[Found]:
    for found in streams.lines(files, name):
        if isinstance(found, Skip):
            yield found
            continue
        number, line = found
        if not line.strip():
            continue
        try:
            one = json.loads(streams.decode_line(line))
        except (ValueError, RecursionError):
            yield malformed(name, number)
            continue
        yield from _record(one, number, name)


def _record(row: object, place: int, name: str) -> Iterator[Found]:
    """One entry; before it what is doubtful about it."""
    if not isinstance(row, Mapping):
        yield malformed(name, place)
        return
    told = {_SPACE.sub("_", str(key).strip().lower()): value for key, value in row.items() if value not in (None, "")}
    licence = licences.named(told)
    cells = {field: next((told[n] for n in names if n in told), "") for field, names in NAMES.items()}
    text = cells.pop("text")
    if not isinstance(text, str) or not text.strip():
        yield skip("no-text", "An entry of {file} has no text, and was left out.", f"{name} #{place}", file=name)
        return
    told_at = cells.pop("posted_at")
    at, exactly = moment(told_at)
    if at is None and told_at:
        doubt = skip(
            "no-date",
            "A date of {file} cannot be read, so its post is here undated; write it as 2024-01-31 or 2024-01-31 08:15.",
            f"{name} #{place}: {str(told_at)[:40]}",
            file=name,
        )
        doubt.is_taken = True
        yield doubt
    plain: dict[str, Any] = {field: str(value) for field, value in cells.items() if not isinstance(value, dict | list)}
    if plain.get("kind") not in KINDS:
        plain["kind"] = "post"
    plain["network"] = plain.get("network", "").lower()[:40]
    plain["author_id"] = plain.get("author_id") or plain.get("author_handle", "")
    plain["language"] = plain.get("language", "")[:2].lower()
    yield Record(text=text, posted_at=at, posted_to=exactly, licence=licence, **plain)


def moment(value: object) -> tuple[datetime | None, str]:
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
    if found := _DAY.fullmatch(text):
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
