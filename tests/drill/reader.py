"""Opens an export as a stranger would: nothing but Python's own library, and not a line of Kicau.

python tests/drill/reader.py export.zip
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
import zipfile
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any

KINDS = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


class Links(HTMLParser):
    """What a page points to and shows."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.articles = 0
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.articles += tag == "article"
        self.scripts += tag == "script"
        self.targets += [value for name, value in attrs if name in ("href", "src") and value]


def read(path: Path) -> dict[str, Any]:
    """Open it, hold every file against its hash, every row against its schema, every link against the files."""
    found: dict[str, Any] = {"problems": []}
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
        for entry in manifest["files"]:
            content = archive.read(entry["path"])
            if hashlib.sha256(content).hexdigest() != entry["sha256"] or len(content) != entry["size"]:
                found["problems"].append(f"{entry['path']} is not what the manifest says")
        if names - {"manifest.json"} != {entry["path"] for entry in manifest["files"]}:
            found["problems"].append("the manifest names other files than there are")
        tables = {name: _table(archive, name, rows, found["problems"]) for name, rows in manifest["rows"].items()}
        found["media"] = sum(name.startswith("media/") for name in names)
        for medium in tables["media"]:
            if not any(name.startswith(f"media/{medium['sha256']}") for name in names):
                found["problems"].append(f"the file of {medium['name']} is not there")
        for name in names:
            if name.startswith("media/") and hashlib.sha256(archive.read(name)).hexdigest() != PurePosixPath(name).stem:
                found["problems"].append(f"{name} has other content than its name says")
        found["shown"] = _pages(archive, names, found["problems"])
    found["rows"] = {name: len(rows) for name, rows in tables.items()}
    found["deliveries"] = dict(
        Counter(f"{d['state']}/{d['hold']}" if d["hold"] else d["state"] for d in tables["deliveries"])
    )
    found["posts"] = dict(Counter(post["state"] for post in tables["posts"]))
    found["remote_ids"] = sum(bool(d["remote_ids"]) for d in tables["deliveries"])
    _joined(tables, found["problems"])
    return found


def _table(archive: zipfile.ZipFile, name: str, rows: int, problems: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(archive.read(f"data/{name}.json"))
    schema = json.loads(archive.read(f"schema/{name}.json"))["items"]
    sheet = list(csv.DictReader(io.StringIO(archive.read(f"data/{name}.csv").decode("utf-8"), newline="")))
    if not rows == len(found) == len(sheet):
        problems.append(f"{name} has {len(found)} rows in JSON, {len(sheet)} in CSV and {rows} in the manifest")
    for one, line in zip(found, sheet, strict=False):
        if set(one) != set(schema["properties"]) or set(one) != set(line):
            problems.append(f"a row of {name} has other columns than its schema")
            break
        for column, rule in schema["properties"].items():
            kinds = rule.get("type", [])
            wanted = tuple(KINDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
            flat = [k for one_kind in wanted for k in (one_kind if isinstance(one_kind, tuple) else (one_kind,))]
            if flat and not isinstance(one[column], tuple(flat)):
                problems.append(f"{name}.{column} is {one[column]!r}, not {kinds}")
            if "enum" in rule and one[column] not in rule["enum"]:
                problems.append(f"{name}.{column} is {one[column]!r}, none of {rule['enum']}")
            if isinstance(one[column], str) and line[column] not in (one[column], f"'{one[column]}"):
                problems.append(f"{name}.{column} differs between JSON and CSV")
    return found


def _joined(tables: dict[str, list[dict[str, Any]]], problems: list[str]) -> None:
    """Every reference leads somewhere."""
    ids = {name: {row["id"] for row in rows} for name, rows in tables.items()}
    for table, column, other in (
        ("parts", "draft_id", "posts"),
        ("part_media", "part_id", "parts"),
        ("part_media", "medium_id", "media"),
        ("deliveries", "draft_id", "posts"),
        ("deliveries", "channel_id", "channels"),
        ("attempts", "delivery_id", "deliveries"),
    ):
        loose = {row[column] for row in tables[table]} - ids[other]
        if loose:
            problems.append(f"{table}.{column} names {len(loose)} {other} that are not there")


def _pages(archive: zipfile.ZipFile, names: set[str], problems: list[str]) -> dict[str, int]:
    """Posts shown, by kind; every link inside leads to a file."""
    shown: Counter[str] = Counter()
    for name in sorted(n for n in names if n.endswith(".html")):
        page = Links()
        page.feed(archive.read(name).decode("utf-8"))
        if page.scripts:
            problems.append(f"{name} wants a script")
        for target in page.targets:
            if not re.match(r"[a-z]+://", target) and _within(name, target) not in names:
                problems.append(f"{name} points to {target}, which is not there")
        if name.startswith("pages/"):
            shown[PurePosixPath(name).stem.rpartition("-")[0]] += page.articles
    return dict(shown)


def _within(page: str, target: str) -> str:
    parts = list(PurePosixPath(page).parent.parts)
    for part in PurePosixPath(target.split("#")[0]).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


if __name__ == "__main__":
    result = read(Path(sys.argv[1]))
    print(json.dumps(result, indent=1))
    sys.exit(bool(result["problems"]))
