"""A digest of each day of the audit trail in the log of evidence, so that a later change of the trail is found.

A day has two digests: of what never changes (who by id, when, what, about what), and of the names and details, which go
when a person is erased.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import QuerySet

from kicau.base import clock
from kicau.evidence import log, merkle_tree
from kicau.evidence.models import Leaf, Salt
from kicau.rights.models import AuditEntry

KIND = "trail"  # of the leaves
SETTLED = timedelta(hours=1)  # after a day's end, when every act of it has been committed
ERASED = "person.erased"
MAX_DAYS_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Digest:
    """One day of the trail in few bytes."""

    day: date
    entries: int
    facts: str  # SHA-256
    words: str

    def contents(self) -> dict[str, bytes]:
        """What the log commits to, by the reference of its leaf."""
        day = self.day.isoformat()
        return {
            f"{day}/facts": f"kicau-trail/1 facts\n{day}\n{self.entries}\n{self.facts}\n".encode(),
            f"{day}/words": f"kicau-trail/1 words\n{day}\n{self.entries}\n{self.words}\n".encode(),
        }


@dataclass(frozen=True, slots=True)
class Deviation:
    """A day of the trail that is not as it was. `erased`: names or details alone differ, and accounts were erased since."""

    day: date
    says: str
    erased: bool = False


def append_due() -> int:
    """Append the digest of each day that is over and not in the log yet; returns how many."""
    end = (clock.now() - SETTLED).date()
    with transaction.atomic():
        log.lock()
        known = _days()
        first = max(known) + timedelta(days=1) if known else _first_day()
        days = _between(first, end)[:MAX_DAYS_AT_ONCE] if first else []
        for day in days:
            log.append(KIND, digest_of(day).contents().items())
    return len(days)


def digest_of(day: date) -> Digest:
    """As the trail is now."""
    facts, words, count = hashlib.sha256(), hashlib.sha256(), 0
    for row in _entries(day).order_by("id").iterator(chunk_size=2000):
        count += 1
        facts.update(
            _line(
                row.id,
                str(row.workspace_id or ""),
                row.at.astimezone(UTC).isoformat(),
                str(row.actor_id or ""),
                row.via,
                row.act,
                row.subject,
            )
        )
        words.update(_line(row.id, row.actor, row.detail))
    return Digest(day, count, facts.hexdigest(), words.hexdigest())


def check() -> list[Deviation]:
    """The days since the first digest of which the trail is not as it was logged."""
    known = _days()
    if not known:
        return []
    found = []
    for day in _between(min(known), max(known) + timedelta(days=1)):
        if day not in known:
            found.append(Deviation(day, "its digest is not in the log of evidence"))
        elif deviation := _compared(day):
            found.append(deviation)
    return found


def _compared(day: date) -> Deviation | None:
    now = digest_of(day)
    same = {ref.rpartition("/")[2]: _is_logged(ref, content) for ref, content in now.contents().items()}
    if not same["facts"]:
        return Deviation(day, f"entries were changed, added or deleted; there are {now.entries} now")
    if same["words"]:
        return None
    if AuditEntry.objects.filter(act=ERASED, at__gte=_begin(day)).exists():
        return Deviation(day, "names or details changed, and accounts were erased since", erased=True)
    return Deviation(day, "names or details were changed")


def _is_logged(ref: str, content: bytes) -> bool:
    leaf = Leaf.objects.filter(kind=KIND, ref=ref).order_by("index").first()
    salt = Salt.objects.filter(leaf=leaf).first() if leaf else None
    if leaf is None or salt is None:
        return False
    return bytes(leaf.hash) == merkle_tree.leaf_hash(log.commitment(bytes(salt.salt), content))


def _days() -> set[date]:
    refs = Leaf.objects.filter(kind=KIND, ref__endswith="/facts").values_list("ref", flat=True)
    return {date.fromisoformat(ref.partition("/")[0]) for ref in refs}


def _first_day() -> date | None:
    first = AuditEntry.objects.order_by("at").values_list("at", flat=True).first()
    return first.astimezone(UTC).date() if first else None


def _between(first: date, end: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((end - first).days)]


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _entries(day: date) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(at__gte=_begin(day), at__lt=_begin(day + timedelta(days=1)))


def _line(*fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


__all__ = ["Deviation", "Digest", "append_due", "check", "digest_of"]
