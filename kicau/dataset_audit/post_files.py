"""The posts to look for, from a file: JSON lines with `id` and `text`, a CSV table with these columns, or a text a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TEXT_COLUMNS = ("text", "full_text", "content", "body", "caption")
ID_COLUMNS = ("id", "id_str", "url", "uri", "key")


class UnreadablePosts(Exception):
    """Give a file of posts that can be read; the message says what is wrong with this one."""


def read_posts(path: Path) -> Iterator[tuple[str, str]]:
    """(id, text) of each post; one without an id has its line's number. Raises UnreadablePosts."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            match path.suffix.lower():
                case ".csv" | ".tsv":
                    yield from _read_table(lines, path)
                case ".txt":
                    yield from ((str(n), line.strip()) for n, line in enumerate(lines, 1) if line.strip())
                case _:
                    yield from _read_json_lines(lines, path)
    except OSError as lost:
        raise UnreadablePosts(f"{path} cannot be read: {lost.strerror}.") from lost
    except UnicodeDecodeError as lost:
        raise UnreadablePosts(f"{path} is not UTF-8: {lost}.") from lost


def unique_ids(posts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each id once: where it was there before, the same words are left out, and others are named `ID (2)` and so on."""
    seen: dict[str, int] = {}
    for id, text in posts:
        words, name, number = hash(text), id, 1
        while name in seen and seen[name] != words:
            number += 1
            name = f"{id} ({number})"
        if name not in seen:
            seen[name] = words
            yield name, text


def _read_table(lines: Any, path: Path) -> Iterator[tuple[str, str]]:
    csv.field_size_limit(2_000_000)
    head = lines.readline()
    delimiter = max(",;\t", key=head.count)
    names = next(csv.reader([head], delimiter=delimiter), [])
    columns = [n.strip().casefold() for n in names]
    text = next((c for c in TEXT_COLUMNS if c in columns), None)
    if text is None:
        raise UnreadablePosts(
            f"{path} has no column of texts. Found: {', '.join(columns) or 'nothing'}. Name one text."
        )
    id = next((c for c in ID_COLUMNS if c in columns), None)
    for number, row in enumerate(csv.DictReader(lines, fieldnames=columns, delimiter=delimiter), 2):
        if row.get(text):
            yield (row.get(id) if id else None) or str(number), row[text]


def _read_json_lines(lines: Any, path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except ValueError as lost:
            raise UnreadablePosts(f"Line {number} of {path} is not JSON: {lost}.") from lost
        if isinstance(told, str):
            told = {"text": told}
        text = next(
            (told[name] for name in TEXT_COLUMNS if isinstance(told, dict) and isinstance(told.get(name), str)), None
        )
        if text is None:
            raise UnreadablePosts(f'Line {number} of {path} has no "text".')
        yield str(next((told[name] for name in ID_COLUMNS if told.get(name) not in (None, "")), number)), text
