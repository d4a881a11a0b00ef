"""What a reader finds in an archive, in plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from kicau.connector.archives.files import ArchiveFiles, UnreadableFile
from kicau.connector.content import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveOwner:
    """What an archive says of itself."""

    format: str  # the reader's own name for it: "x-2023"
    account_id: str = ""  # as a channel's account_id; "" where the archive does not say
    handle: str = ""  # without @
    name: str = ""
    host: str = ""  # where the network is many servers
    expected: int = 0  # items, where that is known beforehand; else 0


@dataclass(slots=True, kw_only=True)
class ArchiveRecord:
    """One post as the archive has it. What is empty of network and author is the archive's own."""

    remote_id: str = ""  # "host/id" where the network is many servers; "" where the archive gives none
    text: str = ""
    posted_at: datetime | None = None  # aware
    posted_to: str = "second"  # how exactly that is known: second, day, none
    kind: str = "post"  # post, reply, repost, quote, comment, article
    language: str = ""  # ISO 639-1; "" not known
    reply_to: str = ""  # a remote id
    url: str = ""
    network: str = ""
    author_id: str = ""
    author_handle: str = ""
    author_name: str = ""
    licence: str = ""  # an SPDX expression
    media: list[dict[str, JSON]] = field(
        default_factory=list
    )  # {name, file, kind, alt, url}; `file`: within the archive
    extra: dict[str, JSON] = field(default_factory=dict)
    deleted_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class SkippedEntry:
    """Something that was not read, and why, in a sentence with its parameters."""

    code: str
    message: str
    params: dict[str, str | int | float] = field(default_factory=dict)
    where: str = ""  # a file and a place in it
    is_taken: bool = False  # the entry it is about is here all the same: told, not counted as left out


type ArchiveEntry = ArchiveRecord | SkippedEntry


class ArchiveReader(Protocol):
    """A connector's optional `archive_reader`: reads what its network gives people as "your data".

    One whose downloads bring another network's posts, too, may name those networks as `also`. Its network's own
    words for posts, replies, quotes and reposts, as tables have them, may be a mapping `table_kinds` from word to kind.
    """

    def sniff(self, files: ArchiveFiles, /) -> ArchiveOwner | None:
        """Whose archive this is, by its content; None where it is none of this network's. Reads little.

        Raises NotAnArchive for one that is this network's and in a form that cannot be read, such as web pages: its
        sentence says what to ask for.
        """

    def read(self, files: ArchiveFiles, /) -> Iterator[ArchiveEntry]:
        """Everything in it, always in the same order, so that reading can go on where it stopped.

        Nothing in a file may make it raise: what cannot be read is a Skip.
        """


def malformed_entry(file: str, place: int | None = None) -> SkippedEntry:
    """An entry that cannot be read; `place` counts from 1."""
    where = file if place is None else f"{file} #{place}"
    return skip_entry(
        "malformed",
        "One entry in the archive file {file} is damaged or too large, so Kicau did not import this entry.",
        where,
        file=file,
    )


def limited_audience_entry(file: str, place: int) -> SkippedEntry:
    """What was said to some alone, such as a direct message, is nobody's to keep as public."""
    return skip_entry(
        "for-few",
        "Kicau did not import posts and messages that only followers or certain people can see. The archive in Kicau contains only public content.",
        f"{file} #{place}",
    )


def boosted_entry(file: str, place: int) -> SkippedEntry:
    """Somebody else's post that was passed on without a word of one's own: counted, not kept."""
    made = skip_entry(
        "boost",
        "Kicau did not import reposts, because a repost has no text of its own.",
        f"{file} #{place}",
    )
    made.is_taken = True
    return made


def incomplete_file(file: str, expected: int, found: int) -> SkippedEntry:
    """A file says that it holds more than was found in it."""
    made = skip_entry(
        "incomplete",
        "The archive file {file} should contain {expected} entries, but Kicau found {found}. If posts are missing, download the archive from the network again.",
        file,
        file=file,
        expected=expected,
        found=found,
    )
    made.is_taken = True
    return made


def missing_file(file: str) -> SkippedEntry:
    """A file that the archive's own list names is not there."""
    made = skip_entry(
        "missing",
        "The archive's table of contents lists {file}, but this file is missing. Download the archive from the network again.",
        file,
        file=file,
    )
    made.is_taken = True
    return made


def file_without_list(file: str) -> SkippedEntry:
    """A file by whose name posts were expected holds no list of them."""
    return skip_entry(
        "no-list",
        "The archive file {file} contains no list of entries, so Kicau imported nothing from this file.",
        file,
        file=file,
    )


def truncated_file(file: str) -> SkippedEntry:
    return skip_entry(
        "cut",
        "The end of the archive file {file} is missing. Kicau imported the entries before the missing part.",
        file,
        file=file,
    )


def unreadable_file(exc: UnreadableFile, where: str) -> SkippedEntry:
    return SkippedEntry(
        code=exc.problem.code, message=exc.problem.message, params=dict(exc.problem.params), where=where
    )


def skip_entry(code: str, message: str, where: str = "", **params: str | int | float) -> SkippedEntry:
    return SkippedEntry(code=code, message=message, params=params, where=where)
