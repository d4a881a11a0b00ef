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
from kicau.connector.archives.files import Files, matching
from kicau.connector.archives.records import Found, Record, Skip, Whose, for_few

SHARES = r"(^|/)Shares(_\d+)?\.csv$"
COMMENTS = r"(^|/)Comments(_\d+)?\.csv$"
PROFILE = r"(^|/)Profile\.csv$"
# "PUBLIC" and "MEMBER_NETWORK" stand at what anybody reads; this one is the API's word for "Connections only".
FEW = frozenset({"CONNECTIONS"})
_URN = re.compile(r"urn:li:(?:share|ugcPost|activity|groupPost|comment):[\w():,-]+")


class Reader:
    """The archive reader of the connector for LinkedIn."""

    def sniff(self, files: Files, /) -> Whose | None:
        if not matching(files, SHARES) and not matching(files, COMMENTS):
            return None
        name = ""
        for file in matching(files, PROFILE):
            row = next((r for r in streams.table(files, file) if not isinstance(r, Skip)), None)
            name = f"{row[1].get('First Name', '')} {row[1].get('Last Name', '')}".strip() if row else ""
        return Whose(format="linkedin", name=name)

    def read(self, files: Files, /) -> Iterator[Found]:
        for name in matching(files, SHARES):
            for found in streams.table(files, name):
                if isinstance(found, Skip):
                    yield found
                elif found[1].get("Visibility", "").strip().upper() in FEW:
                    yield for_few(name, found[0])
                else:
                    yield _share(found[1])
        for name in matching(files, COMMENTS):
            for found in streams.table(files, name, slashed=True):
                yield found if isinstance(found, Skip) else _comment(found[1])


reader = Reader()


def _share(row: dict[str, str]) -> Record:
    address = row.get("ShareLink", "")
    at = moment(row.get("Date", ""))
    text = "\n".join(line.strip().strip('"') for line in row.get("ShareCommentary", "").split("\n")).strip()
    record = Record(remote_id=_urn(address), text=text, posted_at=at, posted_to="second" if at else "none", url=address)
    if row.get("SharedUrl"):
        record.extra["link"] = row["SharedUrl"]
        record.kind = "post" if text else "repost"
    if row.get("MediaUrl"):
        record.media.append({"kind": "image", "name": "", "url": row["MediaUrl"], "alt": ""})
    return record


def _comment(row: dict[str, str]) -> Record:
    address = row.get("Link", "")
    at = moment(row.get("Date", ""))
    return Record(
        text=row.get("Message", ""),
        posted_at=at,
        posted_to="second" if at else "none",
        kind="comment",
        url=address,
        reply_to=_urn(address),
    )


def _urn(address: str) -> str:
    found = _URN.search(unquote(address))
    return found.group() if found else ""


def moment(told: str) -> datetime | None:
    """LinkedIn writes UTC, as 2024-01-31 08:15:00, also with " UTC" behind it."""
    try:
        return datetime.fromisoformat(told.removesuffix(" UTC").strip()).replace(tzinfo=UTC) if told else None
    except ValueError:
        return None
