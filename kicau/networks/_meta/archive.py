"""What Facebook's and Instagram's downloads (Download your information, JSON) share: the letters that are broken, times,
and the form of media. Looked up 2026-11-26.

Meta writes each byte of a UTF-8 text as a letter of its own ("\\u00c3\\u00a9" for é): read as Latin-1 bytes it is whole again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kicau.connector.archives.files import ArchiveFiles, NotAnArchive, matching_names
from kicau.connector.content import JSON, Problem


def repair_encoding(text: object) -> str:
    """The text as it was written; one that was never broken stays as it is."""
    if not isinstance(text, str):
        return ""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def reject_html_export(files: ArchiveFiles, pattern: str, label: str) -> None:
    """Web pages are what is asked for when nobody chooses a form. Raises NotAnArchive where `pattern` finds some."""
    if matching_names(files, pattern):
        raise NotAnArchive(
            Problem(
                code="pages",
                message="{name} contains your data from {network} as web pages (HTML), which Kicau cannot read. Request your data from {network} again in the JSON format.",
                params={"name": files.name, "network": label},
            )
        )


def parse_epoch(seconds: object) -> datetime | None:
    try:
        return (
            datetime.fromtimestamp(int(seconds), UTC) if isinstance(seconds, int | str) and int(seconds) > 0 else None
        )
    except (ValueError, OverflowError, OSError):
        return None


def media_entry(told: dict[str, Any]) -> dict[str, JSON]:
    file = str(told.get("uri") or "")
    name = file.rsplit("/", 1)[-1]
    kind = "video" if name.lower().endswith((".mp4", ".mov", ".webm")) else "image"
    return {"kind": kind, "name": name, "url": "", "alt": repair_encoding(told.get("description")), "file": file}
