"""Which reader understands an archive: each network's own, or the plain ones for tables and lines of JSON."""

from __future__ import annotations

from dataclasses import dataclass

from kicau.archive.imports import generic_formats
from kicau.connector import registry
from kicau.connector.archives.files import ArchiveFiles, NotAnArchive
from kicau.connector.archives.records import ArchiveOwner, ArchiveReader
from kicau.connector.content import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderMatch:
    """A reader, and what it found out about the archive. `network` is "" for the plain ones."""

    network: str
    reader: ArchiveReader
    whose: ArchiveOwner


def matching_reader(files: ArchiveFiles, network: str = "") -> ReaderMatch:
    """The reader for these files; `network`: whose posts they are, where the files do not tell. Raises NotAnArchive."""
    for slug, connector in registry.installed_connectors().items():
        reader: ArchiveReader | None = getattr(connector, "archive_reader", None)
        if reader is not None and (whose := reader.sniff(files)) is not None:
            return ReaderMatch(network=slug, reader=reader, whose=whose)
    if (whose := generic_formats.reader.sniff(files)) is not None:
        return ReaderMatch(network=network, reader=generic_formats.reader, whose=whose)
    raise NotAnArchive(
        Problem(
            code="unknown-archive",
            message="Kicau found no posts in {name}. Upload the file that you downloaded from {networks}, or a CSV or JSON Lines file (one record per line) with a column named text.",
            params={"name": files.name, "networks": ", ".join(readable_networks())},
        )
    )


def readable_networks() -> list[str]:
    """The networks whose posts are read, by their labels: each with a reader of its own, or with another's download."""
    installed = registry.installed_connectors()
    readers = {
        slug: reader for slug, c in installed.items() if (reader := getattr(c, "archive_reader", None)) is not None
    }
    found = {*readers, *(slug for reader in readers.values() for slug in getattr(reader, "also", ()))}
    return [connector.label for slug, connector in installed.items() if slug in found]
