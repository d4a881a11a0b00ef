"""What a workspace's month cost, broken down so that an agency can bill from it; as rows, CSV and PDF."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from kicau.base import clock
from kicau.base.batches import in_batches
from kicau.base.errors import validation_failed
from kicau.base.spreadsheets import escape_formula
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.cost_reports.forecast import month_bounds, workspaces_by_zone
from kicau.costs import ledger
from kicau.costs.display_currency import CurrencyDisplay
from kicau.costs.models import Charge, Purpose
from kicau.publishing.models import Campaign
from kicau.workspaces.actors import Actor
from kicau.workspaces.models import Person

STATEMENT_CSV_COLUMNS = (
    "at",
    "network",
    "channel",
    "campaign",
    "person",
    "delivery",
    "purpose",
    "meter",
    "units",
    "micro",
    "currency",
    "certain",
)
CONVERTED_AMOUNT_COLUMNS = (
    "shown_micro",
    "shown_in",
    "rate",
    "rate_since",
)  # where the workspace has a currency of its own
type CurrencyTotals = tuple[tuple[str, int], ...]  # currency, micro-units of it; the largest first
NO_PERSON_LABEL = "–"  # the label of charges that have no such thing


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One group of charges. `units` is 0 where different meters come together."""

    key: str
    label: str
    currency: str
    calls: int
    units: int
    micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostStatement:
    workspace: str
    zone: str
    begins_at: datetime
    ends_at: datetime
    totals: CurrencyTotals
    days: tuple[tuple[date, int], ...]  # micro-units of the first currency, each day of the month
    networks: tuple[CostLine, ...]
    purposes: tuple[CostLine, ...]
    meters: tuple[CostLine, ...]
    channels: tuple[CostLine, ...]
    campaigns: tuple[CostLine, ...]
    people: tuple[CostLine, ...]
    uncertain: int  # micro-units of it that may have cost nothing or another price: see `Charge.is_certain`


def parse_month(written: str, zone: str) -> tuple[datetime, datetime]:
    """The month "2026-11" (the present one for "") in that zone, as UTC moments. Raises ValidationFailed."""
    if not written:
        return month_bounds(zone, clock.now())
    try:
        year, number = (int(part) for part in written.split("-"))
        return month_bounds(zone, datetime(year, number, 15, tzinfo=clock.find_zone(zone)))
    except (ValueError, OverflowError) as exc:
        raise validation_failed(
            "month", "Enter the month of the cost statement as year and month, for example 2026-11."
        ) from exc


def cost_statement(actor: Actor, written: str = "") -> CostStatement:
    """Raises NotAllowed, ValidationFailed."""
    zone = actor.workspace.timezone
    begins, ends = parse_month(written, zone)
    rows = _charges_between(actor, begins, ends)
    paid = rows.exclude(currency="")
    spent = cost_totals(actor, begins, ends)
    channels = {str(c.id): f"{c.name} ({c.key})" for c in Channel.objects.filter(workspace=actor.workspace)}
    campaigns = dict(_labelled_ids(Campaign.objects.filter(workspace=actor.workspace).values_list("id", "name")))
    ids = {id_ for id_ in rows.values_list("person_id", flat=True).distinct() if id_}
    people = {str(p.id): p.name or p.email for p in Person.objects.filter(id__in=ids)}
    return CostStatement(
        workspace=actor.workspace.name,
        zone=zone,
        begins_at=begins,
        ends_at=ends,
        totals=spent,
        days=_daily_totals(paid, begins, ends, zone, spent[0][0] if spent else ""),
        networks=_lines_by(
            paid, "network", lambda key: registry.get_connector(key).label if key in registry.installed_slugs() else key
        ),
        purposes=_lines_by(paid, "purpose", lambda key: str(Purpose(key).label)),
        meters=tuple(_meter_lines(rows)),
        channels=_lines_by(paid, "channel_id", lambda key: channels.get(key, NO_PERSON_LABEL)),
        campaigns=_lines_by(paid, "campaign_id", lambda key: campaigns.get(key, NO_PERSON_LABEL)),
        people=_lines_by(paid, "person_id", lambda key: people.get(key, NO_PERSON_LABEL)),
        uncertain=paid.filter(is_certain=False).aggregate(total=Sum("micro"))["total"] or 0,
    )


def cost_totals(actor: Actor, begins: datetime, ends: datetime) -> CurrencyTotals:
    """What the workspace's calls cost from a moment to before another. Raises NotAllowed."""
    paid = _charges_between(actor, begins, ends).exclude(currency="")
    return _largest_first(paid.values_list("currency").annotate(total=Sum("micro")))


def spent_by_workspace(actors: Sequence[Actor], written: str = "") -> dict[UUID, tuple[CurrencyTotals, CurrencyTotals]]:
    """What the month "2026-11" and the one before it cost in each actor's workspace, by its id: in one statement for each
    time zone that is among them. Raises NotAllowed, ValidationFailed."""
    found: dict[UUID, tuple[list[tuple[str, int]], list[tuple[str, int]]]] = {a.workspace.id: ([], []) for a in actors}
    for zone, ids in workspaces_by_zone(actors).items():
        begins, ends = parse_month(written, zone)
        earlier, _ = month_bounds(zone, begins - timedelta(days=1))
        rows = Charge.objects.filter(workspace_id__in=ids, at__gte=earlier, at__lt=ends).exclude(currency="")
        for one, currency, *sums in rows.values_list("workspace_id", "currency").annotate(
            now=Sum("micro", filter=Q(at__gte=begins)), before=Sum("micro", filter=Q(at__lt=begins))
        ):
            for its, micro in zip(found[one], sums, strict=True):
                if micro is not None:
                    its.append((currency, micro))
    return {one: (_largest_first(now), _largest_first(before)) for one, (now, before) in found.items()}


def _largest_first(rows: Iterable[tuple[str, int]]) -> CurrencyTotals:
    return tuple(sorted(rows, key=lambda row: -row[1]))


def _charges_between(actor: Actor, begins: datetime, ends: datetime) -> QuerySet[Charge]:
    return ledger.charges(actor).order_by().filter(at__gte=begins, at__lt=ends)


def _labelled_ids(rows: Any) -> Iterator[tuple[str, str]]:
    for id_, name in rows:
        yield str(id_), name


def _lines_by(rows: QuerySet[Charge], by: str, label: Any) -> tuple[CostLine, ...]:
    found = rows.values_list(by, "currency").annotate(calls=Count("id"), total=Sum("micro"))
    made = [
        CostLine(key=str(key or ""), label=label(str(key or "")), currency=currency, calls=calls, units=0, micro=total)
        for key, currency, calls, total in found
    ]
    return tuple(sorted(made, key=lambda line: (-line.micro, line.label)))


def _meter_lines(rows: QuerySet[Charge]) -> Iterator[CostLine]:
    """One line for each; what was not billed of a meter (a second reading on the same day) counts among its calls."""
    found = list(
        rows.values_list("network", "meter", "currency").annotate(
            calls=Count("id"), units=Sum("units"), total=Sum("micro")
        )
    )
    priced = {(network, meter) for network, meter, currency, *_rest in found if currency}
    free = {
        (network, meter): (calls, units) for network, meter, currency, calls, units, _total in found if not currency
    }
    for network, meter, currency, calls, units, total in sorted(found, key=lambda row: (-row[5], row[0], row[1])):
        more = free.pop((network, meter), (0, 0)) if (network, meter) in priced else (0, 0)
        if not currency and (network, meter) in priced:
            continue
        name = registry.get_connector(network).label if network in registry.installed_slugs() else network
        yield CostLine(
            key=meter,
            label=f"{name}: {meter}",
            currency=currency,
            calls=calls + more[0],
            units=units + more[1],
            micro=total,
        )


def _daily_totals(
    rows: QuerySet[Charge], begins: datetime, ends: datetime, zone: str, currency: str
) -> tuple[tuple[date, int], ...]:
    tz = clock.find_zone(zone)
    found = dict(rows.filter(currency=currency).values_list(TruncDate("at", tzinfo=tz)).annotate(total=Sum("micro")))
    first, count = begins.astimezone(tz).date(), (ends.astimezone(tz).date() - begins.astimezone(tz).date()).days
    days = [date.fromordinal(first.toordinal() + n) for n in range(count)]
    return tuple((day, found.get(day, 0)) for day in days)


def statement_csv(actor: Actor, written: str = "") -> Iterator[str]:
    """Every charge of the month, a line each, oldest first; names that a spreadsheet would run are quoted. Beside it what
    it is worth in the workspace's own currency, by the rate of its day. Raises
    NotAllowed, ValidationFailed before the first line."""
    begins, ends = parse_month(written, actor.workspace.timezone)
    return _csv_lines(actor, _charges_between(actor, begins, ends))


def _csv_lines(actor: Actor, rows: QuerySet[Charge]) -> Iterator[str]:
    channels = dict(_labelled_ids(Channel.objects.filter(workspace=actor.workspace).values_list("id", "key")))
    campaigns = dict(_labelled_ids(Campaign.objects.filter(workspace=actor.workspace).values_list("id", "name")))
    people = dict(
        _labelled_ids(Person.objects.filter(memberships__workspace=actor.workspace).values_list("id", "name"))
    )
    display = CurrencyDisplay(actor.workspace.currency)
    yield csv_line((*STATEMENT_CSV_COLUMNS, *(CONVERTED_AMOUNT_COLUMNS if display.currency else ())))
    for some in in_batches(rows, 2000):
        yield "".join(
            csv_line(
                (
                    row.at.isoformat(),
                    row.network,
                    channels.get(str(row.channel_id), ""),
                    campaigns.get(str(row.campaign_id), ""),
                    people.get(str(row.person_id), ""),
                    row.delivery_id or "",
                    row.purpose,
                    row.meter,
                    row.units,
                    row.micro,
                    row.currency,
                    row.is_certain,
                    *(_converted_amount_cells(display, row) if display.currency else ()),
                )
            )
            for row in some
        )


def _converted_amount_cells(display: CurrencyDisplay, row: Charge) -> tuple[object, ...]:
    """By the rate of the charge's own day; empty where there is none."""
    worth = display.of(row.micro, row.currency, row.at.date())
    if worth is None:
        return ("", "", "", "")
    return round(row.micro * worth.rate), worth.currency, f"{worth.rate.normalize():f}", worth.since.isoformat()


def csv_line(values: Sequence[object]) -> str:
    """A line of CSV; what a spreadsheet would take for a formula is quoted."""
    out = io.StringIO()
    csv.writer(out).writerow([escape_formula(v) if isinstance(v, str) else v for v in values])
    return out.getvalue()
