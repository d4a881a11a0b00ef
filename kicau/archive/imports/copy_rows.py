"""Records as rows for PostgreSQL's COPY: pure, and quick, since there are millions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import add

import msgspec

from kicau.archive.language import guess_language
from kicau.archive.models import UNKNOWN_DATE
from kicau.base.ids import new_id
from kicau.connector.addresses import web_address
from kicau.connector.archives.records import ArchiveEntry, ArchiveRecord, SkippedEntry
from kicau.rights import licences

BATCH_SIZE = 10_000  # records of one batch, which is one transaction
HASHED_ID_PREFIX = "h:"  # begins the remote id of a record whose archive gives none
COPY_NULL = "\\N"
COPY_COLUMNS = (
    "id",
    "local",
    "network",
    "remote_id",
    "kind",
    "text",
    "language",
    "posted_at",
    "posted_to",
    "reply_to",
    "url",
    "media",
    "extra",
    "deleted_at",
    "search",
)
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAuthor:
    """Whose a record is, as far as an archive tells; `local` is its number within one import."""

    local: int
    network: str
    key: str  # "network:account id"
    handle: str
    name: str
    licence: str
    is_owner: bool  # whether it is the archive's own account


@dataclass(slots=True, kw_only=True)
class RowBatch:
    """What goes to the database in one transaction."""

    lines: list[str] = field(default_factory=list)  # without the last column, the stemmed words
    words: list[str] = field(default_factory=list)  # of each line: its number, language and text, for stemming
    stemmed: list[str] = field(default_factory=list)  # of each line: the last column, with its end
    authors: list[RowAuthor] = field(default_factory=list)  # that are met for the first time
    skips: list[SkippedEntry] = field(default_factory=list)
    read: int = 0  # records and skips, from the beginning of the archive to the end of this batch
    hashed: bool = False

    @property
    def data(self) -> bytes:
        return "".join(map(add, self.lines, self.stemmed)).encode("utf-8", "replace")


class RowEncoder:
    """Makes batches of what a reader finds. `network` and the owner stand where a record names none."""

    def __init__(self, network: str, owner_id: str, owner_handle: str, owner_name: str) -> None:
        self._network, self._owner = network, (owner_id or owner_handle or owner_name, owner_handle, owner_name)
        self._locals: dict[tuple[str, str, str], int] = {}

    def batches(self, found: Iterable[ArchiveEntry], begin: int = 0) -> Iterator[RowBatch]:
        """Of everything after the first `begin`; the authors of those are named again in the first batch."""
        batch = RowBatch()
        for number, one in enumerate(found, 1):
            if number <= begin:
                continue
            if isinstance(one, ArchiveRecord):
                batch.lines.append(self.line(one, batch))
            else:
                batch.skips.append(one)
            if len(batch.lines) + len(batch.skips) >= BATCH_SIZE:
                batch.read = number
                yield batch
                batch = RowBatch()
            batch.read = number
        if batch.lines or batch.skips:
            yield batch

    def _is_owner(self, record: ArchiveRecord) -> bool:
        """An archive's own posts name no author, a table's may name the account whose it was said to be."""
        told = {record.author_id.removeprefix("@").casefold(), record.author_handle.removeprefix("@").casefold()} - {""}
        return not told or bool(told & {name.removeprefix("@").casefold() for name in self._owner[:2] if name})

    def line(self, record: ArchiveRecord, batch: RowBatch) -> str:
        network = record.network or self._network
        author = record.author_id or self._owner[0]
        licence = licences.canonical_spdx(record.licence)[:200]
        known = (network, author, licence)
        local = self._locals.get(known)
        if local is None:
            local = self._locals[known] = len(self._locals)
            own = self._is_owner(record)
            if own:
                author = self._owner[0]
            batch.authors.append(
                RowAuthor(
                    local=local,
                    network=network,
                    key=f"{network}:{author}"[:250],
                    handle=(self._owner[1] if own else record.author_handle)[:200],
                    name=(self._owner[2] if own else record.author_name)[:200],
                    licence=licence,
                    is_owner=own,
                )
            )
        remote_id = record.remote_id[:300]
        if not remote_id:
            batch.hashed = True
            told = f"{network}\n{author}\n{copy_timestamp(record.posted_at)}\n{record.text}\n{record.url}"
            remote_id = HASHED_ID_PREFIX + hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:40]
        language = record.language or guess_language(record.text)
        more, media, extra = "", "[]", "{}"
        if record.media:
            media = escape_copy_text(_json(record.media).decode())
            more = escape_copy_text(" ".join(str(m["alt"]) for m in record.media if m.get("alt")))
        if record.extra:
            extra = escape_copy_text(_json(record.extra).decode())
            if title := record.extra.get("title"):
                more = f"{escape_copy_text(str(title))} {more}"
        text = escape_copy_text(record.text)
        batch.words.append(f"{len(batch.words)}\t{language[:12]}\t{text} {more}\n")
        return (
            f"{new_id()}\t{local}\t{network}\t{escape_copy_text(remote_id)}\t{record.kind}\t{text}\t"
            f"{language[:12]}\t{copy_timestamp(record.posted_at or UNKNOWN_DATE)}\t{record.posted_to if record.posted_at else 'none'}\t{escape_copy_text(record.reply_to[:300])}\t"
            f"{escape_copy_text(web_address(record.url))}\t{media}\t{extra}\t{copy_timestamp(record.deleted_at)}\t"
        )


def copy_timestamp(at: datetime | None) -> str:
    return COPY_NULL if at is None else at.isoformat()


def escape_copy_text(text: str) -> str:
    """As COPY's text format wants it, without the one character that PostgreSQL cannot keep."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text:
        text = text.replace("\n", "\\n")
    if "\t" in text:
        text = text.replace("\t", "\\t")
    if "\r" in text:
        text = text.replace("\r", "\\r")
    return text.replace("\x00", "") if "\x00" in text else text
