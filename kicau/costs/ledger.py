"""Writing charges down: what each call of a connector used up, with its price at that moment.

A refused call is not billed. What was made is billed once, by its id, whoever reports it. A resource that is read
again on the same UTC day is not billed again where the network says so; standing reading that used up nothing leaves no
line. A call whose answer was lost is settled by the look-up that follows it (`Published.spent`), by its own repetition,
or, where neither can tell, written as uncertain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, QuerySet, Sum

from kicau.base.bulk import to_json_text, to_uuid_array
from kicau.base.clock import UTC
from kicau.connector.content import NO_CHARGE
from kicau.connector.content import Charge as Used
from kicau.connector.transport.http import CallRecord
from kicau.costs import budgets, reservations
from kicau.costs.models import AUTOMATIC_PURPOSES, Budget, Charge, Purpose
from kicau.costs.pricing import price_list_for_day
from kicau.workspaces.actors import Actor, Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeContext:
    """Whose call it was, and what for."""

    workspace_id: UUID
    network: str
    purpose: str
    app_id: UUID | None = None
    plan: str = ""  # of the app
    channel_id: UUID | None = None
    campaign_id: UUID | None = None
    person_id: UUID | None = None
    delivery_id: UUID | None = None
    holder: UUID | None = None  # whose reservation it is taken from


@dataclass(slots=True, kw_only=True)
class LedgerEntry:
    """One line of the ledger, before it is written; `write_entries` puts the price in."""

    work: ChargeContext
    at: datetime
    used: Used
    is_certain: bool = True
    micro: int = 0
    currency: str = ""

    @property
    def day(self) -> date:
        return self.at.astimezone(UTC).date()


def ledger_entries(
    work: ChargeContext, calls: Iterable[CallRecord], *, spent: Sequence[Used] = (), spent_at: datetime | None = None
) -> list[LedgerEntry]:
    """What `calls` used up; `spent` is what a look-up proved to have been used at `spent_at`."""
    made = [
        LedgerEntry(work=work, at=call.at, used=call.charge, is_certain=not call.lost and not call.charge.estimated)
        for call in calls
        if _is_call_billed(work, call)
    ]
    if spent_at is not None and spent:
        publishing = replace(work, purpose=Purpose.PUBLISH)
        made += [LedgerEntry(work=publishing, at=spent_at, used=used, is_certain=not used.estimated) for used in spent]
    return made


def _is_call_billed(work: ChargeContext, call: CallRecord) -> bool:
    if call.charge == NO_CHARGE:
        return False
    if call.charge.always:
        return True
    if call.lost:
        # What is not repeatable is looked up, and what is billed once a day is asked again: both tell then.
        listed = price_list_for_day(work.network, call.at.date(), work.plan)
        return call.repeatable and not (call.counted and listed is not None and call.charge.meter in listed.daily)
    return not call.refused


def write_entries(found: Sequence[LedgerEntry], *, freed: frozenset[UUID] = frozenset()) -> None:
    """Write entries, add them to the budgets' uses and take them off the reservations; those of `freed` (holders) are
    given up as a whole. Call it in the transaction of the outcome that they belong to."""
    if not found and not freed:
        return
    priced = [e for e in _unbilled_today(found) if e.used.units or e.work.purpose not in AUTOMATIC_PURPOSES]
    for entry in priced:
        _set_price(entry)
    current, written = _insert_charges(priced, freed)
    budgets.add_use(current, [(e.work, e.used.meter, e.used.units, e.micro, e.currency, e.at) for e in written])
    if current and any(e.work.holder not in freed for e in priced):
        reservations.subtract_spent(
            [(e.work, e.used.meter, e.used.units, e.micro) for e in priced if e.work.holder not in freed]
        )


def _set_price(entry: LedgerEntry) -> None:
    listed = price_list_for_day(entry.work.network, entry.day, entry.work.plan)
    entry.micro = listed.price(entry.used.meter, entry.used.units) if listed else 0
    entry.currency = listed.currency if listed and entry.micro else ""


def _unbilled_today(found: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Readings counted as the network counts them: a resource that was read today already is not billed again."""
    keys: dict[tuple[str, str, str, str], None] = {}
    for entry in found:
        if _is_billed_daily(entry):
            keys |= dict.fromkeys(_resource_keys(entry))
    if not keys:
        return list(found)
    fresh = _store_billed_resources(sorted(keys))
    made = []
    for entry in found:
        if _is_billed_daily(entry):
            mine = fresh & set(_resource_keys(entry))
            fresh -= mine
            entry = replace(entry, used=replace(entry.used, units=len(mine)))
        made.append(entry)
    return made


def _is_billed_daily(entry: LedgerEntry) -> bool:
    if not entry.used.resources:
        return False
    listed = price_list_for_day(entry.work.network, entry.day, entry.work.plan)
    return entry.work.app_id is not None and listed is not None and entry.used.meter in listed.daily


def _resource_keys(entry: LedgerEntry) -> list[tuple[str, str, str, str]]:
    day = entry.day.isoformat()
    return [(str(entry.work.app_id), day, entry.used.meter, resource[:200]) for resource in entry.used.resources]


def _store_billed_resources(keys: list[tuple[str, str, str, str]]) -> set[tuple[str, str, str, str]]:
    """Those that nobody had read before. In one order, so that two workers never wait for each other in a circle."""
    apps, days, meters, resources = (list(column) for column in zip(*keys, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO costs_billedresource (app_id, day, meter, resource) SELECT * FROM unnest(%s::uuid[], %s::date[], %s::text[], %s::text[]) "
            "ON CONFLICT DO NOTHING RETURNING app_id::text, day::text, meter, resource",
            [apps, days, meters, resources],
        )
        return {tuple(row) for row in cursor.fetchall()}


# Where all of them were new, which is nearly always, one row says so; else each that was new is named.
INSERT_CHARGES_SQL = """
WITH made AS (
INSERT INTO costs_charge AS c (at, workspace_id, channel_id, delivery_id, campaign_id, person_id, app_id, network, meter, units, micro, currency, purpose, once, is_certain)
SELECT at, workspace_id, channel_id, delivery_id, campaign_id, person_id, app_id, network, meter, units, micro, currency, purpose, once, is_certain
FROM json_to_recordset(%s::json) AS v (at timestamptz, workspace_id uuid, channel_id uuid, delivery_id uuid, campaign_id uuid, person_id uuid,
    app_id uuid, network text, meter text, units int, micro bigint, currency text, purpose text, once text, is_certain bool)
ORDER BY app_id, once
ON CONFLICT (app_id, once) WHERE once <> '' DO UPDATE SET is_certain = true WHERE NOT c.is_certain AND excluded.is_certain
RETURNING app_id, once, xmax = 0 AS is_new
), counted AS (SELECT count(*) AS n FROM made WHERE is_new)
SELECT counted.n, made.app_id, made.once FROM counted LEFT JOIN made ON counted.n < %s AND made.is_new AND made.once <> ''
"""


def _insert_charges(priced: Sequence[LedgerEntry], freed: frozenset[UUID]) -> tuple[list[Budget], list[LedgerEntry]]:
    """All budgets in force, and what was new: of entries for the same thing made, one."""
    single: dict[tuple[UUID | None, str], LedgerEntry] = {}
    for n, entry in enumerate(priced):
        key = (entry.work.app_id, entry.used.once or f"\x00{n}")
        before = single.get(key)
        if before is None or (entry.is_certain and not before.is_certain):
            single[key] = entry
    rows = [_charge_row(entry) for entry in single.values()]
    values = [to_json_text(rows), len(rows)]
    if freed:
        current, found = budgets.active_budgets_and_rows(
            f"{reservations.RELEASE_RESERVATIONS_SQL};{INSERT_CHARGES_SQL}", [to_uuid_array(freed), *values]
        )
    else:
        current, found = budgets.active_budgets_and_rows(INSERT_CHARGES_SQL, values)
    if found[0][0] == len(rows):
        return current, list(single.values())
    new = {(app, once) for _, app, once in found}
    return current, [e for (app, once), e in single.items() if once.startswith("\x00") or (app, once) in new]


def _charge_row(entry: LedgerEntry) -> dict[str, Any]:
    work, used = entry.work, entry.used
    return {
        "workspace_id": work.workspace_id,
        "channel_id": work.channel_id,
        "delivery_id": work.delivery_id,
        "campaign_id": work.campaign_id,
        "person_id": work.person_id,
        "app_id": work.app_id,
        "at": entry.at,
        "network": work.network,
        "meter": used.meter,
        "units": used.units,
        "micro": entry.micro,
        "currency": entry.currency,
        "purpose": work.purpose,
        "once": used.once[:200],
        "is_certain": entry.is_certain,
    }


def charges(actor: Actor) -> QuerySet[Charge]:
    """What the workspace's calls used up, newest first."""
    actor.require(Permission.READ)
    return Charge.objects.filter(workspace_id=actor.workspace.id).order_by("-id")


def charge_totals(actor: Actor, since: datetime | None = None, until: datetime | None = None) -> list[dict[str, Any]]:
    """Totals from `since` to before `until`: one dict for each network, meter, purpose and currency, with `calls`,
    `total_units` and `total_micro` (micro-units of the currency)."""
    found = charges(actor).order_by()
    if since:
        found = found.filter(at__gte=since)
    if until:
        found = found.filter(at__lt=until)
    by = ("network", "meter", "purpose", "currency")
    return list(
        found.values(*by).annotate(calls=Count("id"), total_units=Sum("units"), total_micro=Sum("micro")).order_by(*by)
    )
