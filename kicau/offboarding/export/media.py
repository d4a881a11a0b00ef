"""The files of what is exported: those that posts hold now, and those that a network was or would be given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from uuid import UUID

from django.db import connection

from kicau.media import library
from kicau.media.models import Medium

# What posts hold, cards' pictures, and what was rendered for the channels, which an edited post may hold no more.
MEDIA_IDS_SQL = """
SELECT m.id FROM media_medium m WHERE m.workspace_id = %(workspace)s AND (
    m.id IN (SELECT u.medium_id FROM publishing_partmedium u JOIN publishing_part p ON p.id = u.part_id WHERE p.draft_id = ANY(%(drafts)s))
    OR m.id::text IN (SELECT extras #>> '{link,thumbnail}' FROM publishing_draft WHERE id = ANY(%(drafts)s))
    OR m.id::text IN (SELECT extras #>> '{link,thumbnail}' FROM publishing_variant WHERE draft_id = ANY(%(drafts)s))
    OR m.sha256 IN (SELECT split_part(r #>> '{}', '/', 2) FROM publishing_delivery d, jsonb_path_query(d.rendered, 'strict $.**.ref') r
        WHERE d.workspace_id = %(workspace)s AND d.channel_id = ANY(%(channels)s))
) ORDER BY m.id
"""


def media_ids(workspace_id: UUID, drafts: Sequence[UUID], channels: Sequence[UUID]) -> Iterator[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(MEDIA_IDS_SQL, {"workspace": workspace_id, "drafts": list(drafts), "channels": list(channels)})
        yield from (row[0] for row in cursor.fetchall())


def archive_path(medium: Medium) -> str:
    """Where its file lies in the archive."""
    return f"media/{medium.sha256}{library.EXTENSIONS.get(medium.mime) or PurePath(medium.name).suffix.lower()[:10]}"


def media_files(ids: Iterable[UUID]) -> Iterator[tuple[Medium, str, Path | None]]:
    """(medium, its place in the archive, its file; None where the disk no longer has it)."""
    for medium in Medium.objects.filter(id__in=list(ids)).order_by("id").iterator(chunk_size=200):
        path = library.original_path(medium.ref)
        yield medium, archive_path(medium), path if path.is_file() else None
