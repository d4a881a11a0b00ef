"""Personal data that rules found, judged by a person piece by piece: what they reject stays in the text as it is.

A verdict is about these very letters at this very place of an item; where the text has changed, it says nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from kicau.archive.models import Item
from kicau.base import clock
from kicau.base.errors import NotFound, validation_failed
from kicau.base.ids import id_among
from kicau.training_sets.models import PersonalDataFinding, TrainingSet
from kicau.training_sets.options import REPLACEMENT_LABELS, PersonalDataSpan
from kicau.workspaces.actors import Actor, Permission

CONTEXT_LENGTH = 90  # characters shown on each side
MAX_LISTED = 20_000  # pieces that a preview lists for review; all are replaced whether they are listed or not


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceInContext:
    """A piece in its surroundings."""

    found: PersonalDataFinding
    before: str
    piece: str
    after: str


def piece_digest(piece: str) -> str:
    return hashlib.sha256(piece.encode("utf-8", "surrogatepass")).hexdigest()


def kept_places(of: TrainingSet) -> Mapping[UUID, Sequence[tuple[PersonalDataSpan, str]]]:
    """By item, the places that a person judged to be no personal data, with the digests of their letters."""
    made: dict[UUID, list[tuple[PersonalDataSpan, str]]] = defaultdict(list)
    for item, kind, start, end, letters in PersonalDataFinding.objects.filter(set=of, is_kept=True).values_list(
        "item", "kind", "start", "end", "sha256"
    ):
        made[item].append((PersonalDataSpan(kind, start, end), letters))
    return dict(made)


def unchanged_places(places: Iterable[tuple[PersonalDataSpan, str]], text: str) -> frozenset[PersonalDataSpan]:
    """Those whose letters are there as they were judged."""
    return frozenset(span for span, letters in places if piece_digest(text[span.start : span.end]) == letters)


@transaction.atomic
def record_matches(of: TrainingSet, found: Iterable[tuple[UUID, PersonalDataSpan, str]]) -> None:
    """What the newest preview found, as (item, place, letters). Verdicts on the same letters stay."""
    fresh = {(item, span.kind, span.start): (span.end, piece_digest(piece)) for item, span, piece in found}
    gone = []
    for row in PersonalDataFinding.objects.filter(set=of).only(
        "id", "item", "kind", "start", "end", "sha256", "is_kept"
    ):
        known = (row.item, row.kind, row.start)
        if fresh.get(known) == (row.end, row.sha256):
            del fresh[known]
        elif not row.is_kept or known in fresh:  # a kept piece is not found any more, because it is kept
            gone.append(row.id)
    PersonalDataFinding.objects.filter(id__in=gone).delete()
    rows = [
        PersonalDataFinding(set=of, item=item, kind=kind, start=start, end=end, sha256=letters)
        for (item, kind, start), (end, letters) in list(fresh.items())[:MAX_LISTED]
    ]
    PersonalDataFinding.objects.bulk_create(rows, batch_size=5000)


def list_matches(actor: Actor, of: TrainingSet, *, kind: str = "", state: str = "") -> QuerySet[PersonalDataFinding]:
    """In the order in which they were found; `state`: open, replaced, kept, or all. Raises ValidationFailed."""
    actor.require(Permission.SETTINGS)
    rows = PersonalDataFinding.objects.filter(set=of, set__workspace=actor.workspace)
    if kind:
        if kind not in REPLACEMENT_LABELS:
            raise validation_failed(
                "content type",
                "{name} is not a kind of personal data that Kicau can recognize. Choose one of these kinds: {known}.",
                known=", ".join(REPLACEMENT_LABELS),
                name=kind,
            )
        rows = rows.filter(kind=kind)
    if state:
        rows = rows.filter(is_kept={"open": None, "replaced": False, "kept": True}.get(state))
    return rows


def count_by_kind(actor: Actor, of: TrainingSet) -> dict[str, dict[str, int]]:
    """By kind: how many there are, how many nobody has judged, how many stay."""
    actor.require(Permission.READ)
    rows = (
        PersonalDataFinding.objects.filter(set=of)
        .order_by()
        .values("kind")
        .annotate(n=Count("id"), open=Count("id", filter=Q(is_kept=None)), kept=Count("id", filter=Q(is_kept=True)))
    )
    return {row["kind"]: {"found": row["n"], "open": row["open"], "kept": row["kept"]} for row in rows}


def with_context(rows: Sequence[PersonalDataFinding]) -> list[PieceInContext]:
    """With what stands around each; a piece whose text is gone or changed is shown empty."""
    texts = dict(Item.objects.filter(id__in=id_among({row.item for row in rows})).values_list("id", "text"))
    return [_in_context(row, texts.get(row.item, "")) for row in rows]


def _in_context(row: PersonalDataFinding, text: str) -> PieceInContext:
    piece = text[row.start : row.end]
    if piece_digest(piece) != row.sha256:
        return PieceInContext(found=row, before="", piece="", after="")
    before, after = text[max(0, row.start - CONTEXT_LENGTH) : row.start], text[row.end : row.end + CONTEXT_LENGTH]
    return PieceInContext(found=row, before=before, piece=piece, after=after)


@transaction.atomic
def save_verdicts(actor: Actor, of: TrainingSet, verdicts: Mapping[int, bool]) -> int:
    """By id of a piece: True keeps it as it is (it is no personal data), False replaces it. The next version goes by
    it. Raises NotFound, and then nothing is kept."""
    actor.require(Permission.SETTINGS)
    rows = list(
        PersonalDataFinding.objects.select_for_update().filter(set=of, set__workspace=actor.workspace, id__in=verdicts)
    )
    if missing := set(verdicts) - {row.id for row in rows}:
        raise NotFound("piece of personal data", min(missing))
    for row in rows:
        row.is_kept, row.judged_by, row.judged_at = verdicts[row.id], actor.person, clock.now()
    PersonalDataFinding.objects.bulk_update(rows, ["is_kept", "judged_by", "judged_at"], batch_size=2000)
    kept = sum(verdicts.values())
    actor.record("dataset.reviewed", of.id, name=of.name, kept=kept, replaced=len(verdicts) - kept)
    return len(rows)


@transaction.atomic
def save_verdict_for_rest(actor: Actor, of: TrainingSet, kind: str, is_kept: bool) -> int:
    """The same verdict for all of a kind that nobody has judged yet."""
    rows = list_matches(actor, of, kind=kind, state="open")
    done = rows.update(is_kept=is_kept, judged_by=actor.person, judged_at=clock.now())
    actor.record("dataset.reviewed", of.id, name=of.name, kind=kind, **{"kept" if is_kept else "replaced": done})
    return done
