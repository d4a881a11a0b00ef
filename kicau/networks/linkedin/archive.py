"""LinkedIn's download (Get a copy of your data): Shares.csv and Comments.csv. Looked up 2026-11-26.

Line breaks within a share's text come as a quotation mark, a break and a quotation mark; the id is in its address. A
comment's text has its breaks as they are, and a backslash before each quotation mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import unquote

from kicau.connector.archives import streams
from kicau.connector.archives.files import ArchiveFiles, matching_names
from kicau.connector.archives.records import (
    ArchiveEntry,
    ArchiveOwner,
    ArchiveRecord,
    SkippedEntry,
    limited_audience_entry,
)

SHARES_PATTERN = r"(^|/)Shares(_\d+)?\.csv$"
COMMENTS_PATTERN = r"(^|/)Comments(_\d+)?\.csv$"
PROFILE_PATTERN = r"(^|/)Profile\.csv$"
# "PUBLIC" and "MEMBER_NETWORK" stand at what anybody reads; this one is the API's word for "Connections only".
LIMITED_VISIBILITIES = frozenset({"CONNECTIONS"})
_URN_PATTERN = re.compile(r"urn:li:(?:share|ugcPost|activity|groupPost|comment):[\w():,-]+")


class LinkedInArchiveReader:
    """The archive reader of the connector for LinkedIn."""

    def sniff(self, files: ArchiveFiles, /) -> ArchiveOwner | None:
        if not matching_names(files, SHARES_PATTERN) and not matching_names(files, COMMENTS_PATTERN):
            return None
        name = ""
        for file in matching_names(files, PROFILE_PATTERN):
            row = next((r for r in streams.read_table(files, file) if not isinstance(r, SkippedEntry)), None)
            name = f"{row[1].get('First Name', '')} {row[1].get('Last Name', '')}".strip() if row else ""
        return ArchiveOwner(format="linkedin", name=name)

    def read(self, files: ArchiveFiles, /) -> Iterator[ArchiveEntry]:
        for name in matching_names(files, SHARES_PATTERN):
            for found in streams.read_table(files, name):
                if isinstance(found, SkippedEntry):
                    yield found
                elif found[1].get("Visibility", "").strip().upper() in LIMITED_VISIBILITIES:
                    yield limited_audience_entry(name, found[0])
                else:
                    yield _build_post(found[1])
        for name in matching_names(files, COMMENTS_PATTERN):
            for found in streams.read_table(files, name, slashed=True):
                yield found if isinstance(found, SkippedEntry) else _build_comment(found[1])


reader = LinkedInArchiveReader()


def _build_post(row: dict[str, str]) -> ArchiveRecord:
    address = row.get("ShareLink", "")
    at = parse_time(row.get("Date", ""))
    text = "\n".join(line.strip().strip('"') for line in row.get("ShareCommentary", "").split("\n")).strip()
    record = ArchiveRecord(
        remote_id=_urn_in_address(address), text=text, posted_at=at, posted_to="second" if at else "none", url=address
    )
    if row.get("SharedUrl"):
        record.extra["link"] = row["SharedUrl"]
        record.kind = "post" if text else "repost"
    if row.get("MediaUrl"):
        record.media.append({"kind": "image", "name": "", "url": row["MediaUrl"], "alt": ""})
    return record


def _build_comment(row: dict[str, str]) -> ArchiveRecord:
    address = row.get("Link", "")
    at = parse_time(row.get("Date", ""))
    return ArchiveRecord(
        text=row.get("Message", ""),
        posted_at=at,
        posted_to="second" if at else "none",
        kind="comment",
        url=address,
        reply_to=_urn_in_address(address),
    )


def _urn_in_address(address: str) -> str:
    found = _URN_PATTERN.search(unquote(address))
    return found.group() if found else ""


def parse_time(told: str) -> datetime | None:
    """LinkedIn writes UTC, as 2024-01-31 08:15:00, also with " UTC" behind it."""
    try:
        return datetime.fromisoformat(told.removesuffix(" UTC").strip()).replace(tzinfo=UTC) if told else None
    except ValueError:
        return None
