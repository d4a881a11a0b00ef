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
from kicau.rights.models import ActivityEntry

LOG_ENTRY_KIND = "trail"  # of the leaves
SETTLING_PERIOD = timedelta(hours=1)  # after a day's end, when every act of it has been committed
ERASURE_ACTION = "person.erased"
MAX_DAYS_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class DayDigest:
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


def append_due_digests() -> int:
    """Append the digest of each day that is over and not in the log yet; returns how many."""
    end = (clock.now() - SETTLING_PERIOD).date()
    with transaction.atomic():
        log.log_lock()
        known = _logged_days()
        first = max(known) + timedelta(days=1) if known else _first_day()
        days = _days_between(first, end)[:MAX_DAYS_AT_ONCE] if first else []
        for day in days:
            log.append_entries(LOG_ENTRY_KIND, day_digest(day).contents().items())
    return len(days)


def day_digest(day: date) -> DayDigest:
    """As the trail is now."""
    facts, words, count = hashlib.sha256(), hashlib.sha256(), 0
    for row in _entries_of_day(day).order_by("id").iterator(chunk_size=2000):
        count += 1
        facts.update(
            _json_line(
                row.id,
                str(row.workspace_id or ""),
                row.at.astimezone(UTC).isoformat(),
                str(row.actor_id or ""),
                row.via,
                row.act,
                row.subject,
            )
        )
        words.update(_json_line(row.id, row.actor, row.detail))
    return DayDigest(day, count, facts.hexdigest(), words.hexdigest())


def check_trail() -> list[Deviation]:
    """The days since the first digest of which the trail is not as it was logged."""
    known = _logged_days()
    if not known:
        return []
    found = []
    for day in _days_between(min(known), max(known) + timedelta(days=1)):
        if day not in known:
            found.append(Deviation(day, "its digest is not in the log of evidence"))
        elif deviation := _compare_day(day):
            found.append(deviation)
    return found


def _compare_day(day: date) -> Deviation | None:
    now = day_digest(day)
    same = {ref.rpartition("/")[2]: _is_logged(ref, content) for ref, content in now.contents().items()}
    if not same["facts"]:
        return Deviation(day, f"entries were changed, added or deleted; there are {now.entries} now")
    if same["words"]:
        return None
    if ActivityEntry.objects.filter(act=ERASURE_ACTION, at__gte=_start_of_day(day)).exists():
        return Deviation(day, "names or details changed, and accounts were erased since", erased=True)
    return Deviation(day, "names or details were changed")


def _is_logged(ref: str, content: bytes) -> bool:
    leaf = Leaf.objects.filter(kind=LOG_ENTRY_KIND, ref=ref).order_by("index").first()
    salt = Salt.objects.filter(leaf=leaf).first() if leaf else None
    if leaf is None or salt is None:
        return False
    return bytes(leaf.hash) == merkle_tree.leaf_hash(log.commitment(bytes(salt.salt), content))


def _logged_days() -> set[date]:
    refs = Leaf.objects.filter(kind=LOG_ENTRY_KIND, ref__endswith="/facts").values_list("ref", flat=True)
    return {date.fromisoformat(ref.partition("/")[0]) for ref in refs}


def _first_day() -> date | None:
    first = ActivityEntry.objects.order_by("at").values_list("at", flat=True).first()
    return first.astimezone(UTC).date() if first else None


def _days_between(first: date, end: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((end - first).days)]


def _start_of_day(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _entries_of_day(day: date) -> QuerySet[ActivityEntry]:
    return ActivityEntry.objects.filter(at__gte=_start_of_day(day), at__lt=_start_of_day(day + timedelta(days=1)))


def _json_line(*fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


__all__ = ["DayDigest", "Deviation", "append_due_digests", "check_trail", "day_digest"]
