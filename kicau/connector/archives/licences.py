"""Where archives, tables and data sets name a licence. What it means is not decided here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kicau.connector.archives.files import ArchiveFiles, UnreadableFile

#: Columns and keys, the most exact first.
LICENCE_FIELDS = (
    "spdx",
    "spdx_id",
    "spdx_license",
    "licence",
    "license",
    "lisensi",
    "licences",
    "licenses",
    "licence_id",
    "license_id",
    "licence_name",
    "license_name",
    "licence_url",
    "license_url",
    "license_link",
    "cc:license",
    "dc:license",
    "dcterms:license",
    "dct:license",
    "creativecommons:license",
    "usage_rights",
    "rights",
    "dc:rights",
    "dcterms:rights",
)
NESTED_FIELDS = ("metadata", "meta", "extra", "source", "attributes")
LICENCE_ID_FIELDS = (
    "spdx",
    "spdx_id",
    "@id",
    "rdf:resource",
    "resource",
    "url",
    "href",
    "path",
    "link",
    "id",
    "key",
    "name",
    "title",
    "@value",
)
MAX_BYTES = 2_000_000  # of a description
MAX_LENGTH = 400  # characters of a licence


def licence_of_entry(entry: Mapping[str, Any], fields: tuple[str, ...] = LICENCE_FIELDS) -> str:
    """The licence that an entry names: of its own, or in the object that describes it. "" for none."""
    for field in fields:
        if found := licence_text(entry.get(field)):
            return found
    for field in NESTED_FIELDS:
        inner = entry.get(field)
        if isinstance(inner, Mapping) and (
            found := licence_of_entry({str(k).lower(): v for k, v in inner.items()}, fields)
        ):
            return found
    return ""


def licence_text(value: Any) -> str:
    """A text as it is, an object by its most exact name, of a list all of them: each binds."""
    if isinstance(value, str):
        return " ".join(value.split())[:MAX_LENGTH]
    if isinstance(value, Mapping):
        keys = {str(key).lower(): one for key, one in value.items()}
        return next((found for key in LICENCE_ID_FIELDS if (found := licence_text(keys.get(key)))), "")
    if isinstance(value, list | tuple):
        each = list(dict.fromkeys(filter(None, map(licence_text, value))))
        return each[0] if len(each) == 1 else " AND ".join(f"({one})" for one in each)[:MAX_LENGTH]
    return ""


def licence_of_dataset(files: ArchiveFiles) -> str:
    """The licence that a data set's own description names for all of it: Croissant, a data package, a model hub's card."""
    for name in sorted(files.names(), key=lambda one: (one.count("/"), one))[:1000]:
        last = name.rpartition("/")[2].lower()
        try:
            if last in ("datapackage.json", "dataset_info.json") or last.endswith("croissant.json"):
                described = json.loads(_read_start(files, name))
                found = (
                    licence_of_entry({str(k).lower(): v for k, v in described.items()})
                    if isinstance(described, dict)
                    else ""
                )
            elif last == "readme.md":
                found = _licence_of_readme(_read_start(files, name).decode("utf-8-sig", "replace"))
            else:
                continue
        except (UnreadableFile, ValueError, RecursionError):
            continue
        if found:
            return found
    return ""


def _read_start(files: ArchiveFiles, name: str) -> bytes:
    with files.open(name) as file:
        return file.read(MAX_BYTES)


def _licence_of_readme(text: str) -> str:
    """Of the front matter of a README, which is YAML: `license: cc-by-4.0`, or a list below it."""
    front = re.match(r"---\r?\n(.*?)\r?\n---\s*(?:\r?\n|$)", text, re.DOTALL)
    if front is None:
        return ""
    found = re.search(r"^licen[sc]e:[ \t]*(\S[^\r\n#]*)?((?:\r?\n[ \t]*- [^\r\n]+)*)", front[1], re.MULTILINE)
    if found is None:
        return ""
    one = (found[1] or "").strip().strip("\"'")
    if one and not one.startswith("["):
        return one[:MAX_LENGTH]
    listed = re.findall(r"[^\[\],\s\"'-][^\[\],\r\n\"']*", one or found[2].replace("- ", ", "))
    return licence_text([each.strip() for each in listed])
