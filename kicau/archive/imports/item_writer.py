"""Batches into the archive, in bulk: new items are copied in, known ones get one more origin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import connection

from kicau.archive.imports.copy_rows import COPY_COLUMNS, HASHED_ID_PREFIX, RowAuthor, RowBatch
from kicau.archive.models import ItemOrigin, RightsContext
from kicau.base import clock
from kicau.connector.archives.records import SkippedEntry, skip_entry
from kicau.rights.models import Origin

# Stemmed by its own language; a search asks for a word in all of them (search.py).
STEM_WORDS_SQL = """COPY (SELECT to_tsvector(CASE language WHEN 'id' THEN 'indonesian'::regconfig WHEN 'en' THEN 'english'::regconfig
    ELSE 'simple'::regconfig END, left(words, 200000)) FROM archive_words ORDER BY number) TO STDOUT"""
CREATE_STAGE_SQL = """
CREATE TEMP TABLE IF NOT EXISTS archive_stage (id uuid, local int, network text, remote_id text, kind text, text text,
    language text, posted_at timestamptz, posted_to text, reply_to text, url text, media jsonb, extra jsonb,
    deleted_at timestamptz, search tsvector);
CREATE TEMP TABLE IF NOT EXISTS archive_local (local int PRIMARY KEY, standing int)
"""
# What has no id of its network is the same as what the same author said in the same words within some minutes: we
# published it, or another archive gave its id.
MATCH_KNOWN_SQL = """
UPDATE archive_stage s SET remote_id = i.remote_id
FROM archive_local l, archive_rightscontext t, archive_item i JOIN archive_rightscontext u ON u.id = i.standing_id
WHERE l.local = s.local AND t.id = l.standing AND t.own = u.own AND (t.author = u.author
    OR (t.author_handle <> '' AND lower(t.author_handle) = lower(u.author_handle))
    OR (t.author_name <> '' AND lower(t.author_name) = lower(u.author_name))) AND starts_with(s.remote_id, %(hashed)s) AND i.workspace_id = %(workspace)s AND i.network = s.network AND i.text = s.text
  AND i.posted_at BETWEEN s.posted_at - interval '5 minutes' AND s.posted_at + interval '5 minutes'
"""
INSERT_ITEMS_SQL = """
INSERT INTO archive_item (id, workspace_id, network, remote_id, standing_id, sources, kind, text, language, posted_at,
    posted_to, reply_to, url, media, extra, said, deleted_at, added_at, search)
SELECT s.id, %(workspace)s, s.network, s.remote_id, l.standing, ARRAY[%(source)s::int], s.kind, s.text, s.language,
    s.posted_at, s.posted_to, s.reply_to, s.url, s.media, s.extra, false, s.deleted_at, %(now)s,
    s.search
FROM archive_stage s JOIN archive_local l USING (local) ORDER BY s.ctid
ON CONFLICT (workspace_id, network, remote_id) DO NOTHING
"""
UPDATE_KNOWN_SQL = """
UPDATE archive_item i SET
    sources = CASE WHEN %(source)s = ANY(i.sources) THEN i.sources ELSE i.sources || %(source)s::int END,
    posted_at = CASE WHEN i.posted_to = 'none' THEN s.posted_at ELSE i.posted_at END,
    posted_to = CASE WHEN i.posted_to = 'none' THEN s.posted_to ELSE i.posted_to END, deleted_at = coalesce(i.deleted_at, s.deleted_at),
    url = CASE WHEN i.url = '' THEN s.url ELSE i.url END, media = CASE WHEN i.media = '[]' THEN s.media ELSE i.media END,
    reply_to = CASE WHEN i.reply_to = '' THEN s.reply_to ELSE i.reply_to END, extra = i.extra || s.extra
FROM archive_stage s
WHERE i.workspace_id = %(workspace)s AND i.network = s.network AND i.remote_id = s.remote_id
  AND (NOT %(source)s = ANY(i.sources) OR (i.deleted_at IS NULL AND s.deleted_at IS NOT NULL))
RETURNING i.id, i.standing_id
"""

# Whatever of a batch is neither new nor known: its id was in this archive before.
FIND_DOUBLES_SQL = """
SELECT s.remote_id, i.text IS DISTINCT FROM s.text
FROM (SELECT id, network, remote_id, text, row_number() OVER (PARTITION BY network, remote_id ORDER BY ctid) AS nth FROM archive_stage) s
JOIN archive_item i ON i.workspace_id = %(workspace)s AND i.network = s.network AND i.remote_id = s.remote_id
WHERE s.nth > 1 OR (i.id <> s.id AND NOT i.id = ANY(%(known)s)) ORDER BY s.remote_id
"""

BULK_THRESHOLD = 5000  # new items after which the statistics of the query planner are updated


DUPLICATE_SKIP = skip_entry("twice", "This post is in the archive file twice. Kicau imported it once.")
CONFLICTING_ID_SKIP = skip_entry(
    "same-id", "Two different posts in the archive have the same ID. Kicau imported only the first of them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCounts:
    new: int
    known: int  # were here already, and have one origin more
    doubles: list[SkippedEntry]  # were in this archive before


class ArchiveWriter:
    """Writes the batches of one source, on one connection, in the caller's transactions."""

    def __init__(self, source: ItemOrigin, own: Iterable[str]) -> None:
        """`own`: the keys of authors that are this workspace, and their handles (`author_key_by_handle`)."""
        self._source, self._own, self._written = source, frozenset(own), 0
        with connection.cursor() as cursor:
            cursor.execute(CREATE_STAGE_SQL)
            cursor.execute("TRUNCATE archive_stage, archive_local")
            cursor.execute("SET gin_pending_list_limit = '128MB'; SET work_mem = '64MB'; SET synchronous_commit = off")

    def write(self, batch: RowBatch) -> WriteCounts:
        """The words are stemmed here where that was not done yet (see `stem_words`)."""
        if not batch.stemmed:
            stem_words(batch)
        with connection.cursor() as cursor:
            self._settle(cursor, batch.authors)
            cursor.execute("TRUNCATE archive_stage")
            with cursor.copy(f"COPY archive_stage ({', '.join(COPY_COLUMNS)}) FROM STDIN") as copy:
                copy.write(batch.data)
            names: dict[str, Any] = {
                "workspace": self._source.workspace_id,
                "source": self._source.id,
                "hashed": HASHED_ID_PREFIX,
                "now": clock.now(),
            }
            if batch.hashed:
                cursor.execute(MATCH_KNOWN_SQL, names)
            cursor.execute(INSERT_ITEMS_SQL, names)
            new = cursor.rowcount
            rest = len(batch.lines) - new
            known: list[tuple[UUID, int]] = []
            if rest:
                cursor.execute(UPDATE_KNOWN_SQL, names)
                known = cursor.fetchall()
            doubles = self._doubles(cursor, names, known, rest - len(known))
        if known:
            add_acquisition(known, self._source.acquired)
        self._written += new
        return WriteCounts(new=new, known=len(known), doubles=doubles)

    @staticmethod
    def _doubles(
        cursor: Any, names: dict[str, Any], known: Sequence[tuple[UUID, int]], count: int
    ) -> list[SkippedEntry]:
        """One for each of `count`; those that have another text are told apart, since that text is lost."""
        if not count:
            return []
        cursor.execute(FIND_DOUBLES_SQL, names | {"known": [id_ for id_, _standing in known]})
        told = [
            replace(
                CONFLICTING_ID_SKIP if differs else DUPLICATE_SKIP,
                where="" if id_.startswith(HASHED_ID_PREFIX) else id_,
            )
            for id_, differs in cursor.fetchall()[:count]
        ]
        return told + [DUPLICATE_SKIP] * (count - len(told))

    def close(self) -> None:
        """Searchable at once: what still waits to be merged into the index is merged."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT gin_clean_pending_list('item_words')")
            cursor.execute("DROP TABLE IF EXISTS archive_stage, archive_local, archive_words")
            cursor.execute("RESET gin_pending_list_limit; RESET work_mem; RESET synchronous_commit")
            if self._written > BULK_THRESHOLD:  # else searches are planned for what was here before
                cursor.execute("ANALYZE archive_item")

    def _settle(self, cursor: Any, authors: Sequence[RowAuthor]) -> None:
        if not authors:
            return
        source = self._source
        rows = [
            RightsContext(
                workspace_id=source.workspace_id,
                network=a.network,
                author=a.key,
                author_handle=a.handle,
                author_name=a.name,
                own=a.key in self._own
                or bool(a.handle and author_key_by_handle(a.network, a.handle) in self._own)
                or (a.is_owner and source.acquired == Origin.IMPORTED),
                licence=a.licence,
                acquired=[source.acquired],
            )
            for a in authors
        ]
        ids = ensure_rights_profiles(rows)
        cursor.executemany(
            "INSERT INTO archive_local VALUES (%s, %s)", [(a.local, i) for a, i in zip(authors, ids, strict=True)]
        )


def author_key_by_handle(network: str, handle: str) -> str:
    """An author as a table names them, beside the keys by their ids."""
    return f"{network}:@{handle.removeprefix('@').casefold()}"


def stem_words(batch: RowBatch) -> None:
    """Have the database stem the words of a batch, on the caller's connection. It takes a third of the work of an
    import, needs nothing of the archive, and so is done on a connection of its own while the batch before is written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS archive_words (number int, language text, words text); TRUNCATE archive_words"
        )
        with cursor.copy("COPY archive_words FROM STDIN") as copy:
            copy.write("".join(batch.words).encode("utf-8", "replace"))
        with cursor.copy(STEM_WORDS_SQL) as copy:
            batch.stemmed = [bytes(row).decode() for row in copy]


def ensure_rights_profiles(wanted: Sequence[RightsContext]) -> list[int]:
    """The ids of these standings, made where they are not there yet."""
    RightsContext.objects.bulk_create(wanted, ignore_conflicts=True, batch_size=2000)
    found: dict[tuple[Any, ...], int] = {}
    for begin in range(0, len(wanted), 2000):
        some = wanted[begin : begin + 2000]
        rows = RightsContext.objects.filter(workspace_id=some[0].workspace_id, author__in={s.author for s in some})
        found |= {_profile_identity(row): row.id for row in rows}
    return [found[_profile_identity(s)] for s in wanted]


def add_acquisition(items: Iterable[tuple[UUID, int]], acquired: str) -> None:
    """These items (with the standing of each) came by one more way."""
    by_standing: dict[int, list[UUID]] = {}
    for id_, standing in items:
        by_standing.setdefault(standing, []).append(id_)
    old = {s.id: s for s in RightsContext.objects.filter(id__in=by_standing)}
    lacking = [s for s in old.values() if acquired not in s.acquired]
    wider = [
        RightsContext(
            workspace_id=s.workspace_id,
            network=s.network,
            author=s.author,
            author_handle=s.author_handle,
            author_name=s.author_name,
            own=s.own or acquired == Origin.COMPOSED,
            licence=s.licence,
            acquired=sorted({*s.acquired, acquired}),
        )
        for s in lacking
    ]
    if not wider:
        return
    with connection.cursor() as cursor:
        for s, new in zip(lacking, ensure_rights_profiles(wider), strict=True):
            cursor.execute("UPDATE archive_item SET standing_id = %s WHERE id = ANY(%s)", [new, by_standing[s.id]])


def _profile_identity(s: RightsContext) -> tuple[Any, ...]:
    return s.network, s.author, s.own, s.licence, tuple(s.acquired)
