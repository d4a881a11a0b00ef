"""What networks' plans allow, held like hard budgets: a cap becomes one as it comes near, and is none again when it is far.

So a cap that is far costs the hot path nothing, and one that is near has all that budgets have: units set aside before
anything is sent, holds with their reason, release in order. Near is: what is used, what is due within minutes and what
waits for room come to four fifths of it. Deliveries that are under way at that moment are set aside as they stand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from uuid import UUID

from django.db import connection, transaction

from kicau.base import clock
from kicau.channels.models import Channel, NetworkApp
from kicau.connector import registry
from kicau.connector.content import Charge as Used
from kicau.connector.prices import PlanCap
from kicau.costs import budgets, call_budgets, read_policy, reservations
from kicau.costs.actions import recalculate_use
from kicau.costs.models import CAP_PERIODS, ROLLING_PERIODS, Budget, Purpose
from kicau.costs.pricing import price_charges, price_list_for_day
from kicau.publishing.budget import budget_checks
from kicau.publishing.models import Delivery, DeliveryState, state_filter

QUOTA_LOOK_AHEAD = timedelta(minutes=10)  # what is due so soon counts as used; a later round sees the rest
OPEN_AT_SHARE, CLOSE_AT_SHARE = (
    0.8,
    0.5,
)  # parts of a cap: from where on it is a budget, and below which it is none any more
SLOW_CHECK_INTERVAL, MANY_UNITS = (
    timedelta(minutes=1),
    1000,
)  # between looks at a month's cap of many that is far: much to add up
MAX_USUAL_UNITS_PER_POST = (
    30  # units that hardly a post passes: so long as all that is due would fit at that, nothing is opened
)
PENDING_STATES = (DeliveryState.SCHEDULED, DeliveryState.PUBLISHING)
QUOTA_LOCK_ID = 0x6B696363  # advisory: one looks at a time


@dataclass(frozen=True, slots=True)
class QuotaScope:
    """One cap of one app or, where it is for each, of one of its channels."""

    app: NetworkApp
    cap: PlanCap
    channel_id: UUID | None = None

    @property
    def key(self) -> str:
        return f"{self.cap.units} {' '.join(self.cap.meters)} {self.cap.period}"[:200]

    @property
    def of_app(self) -> tuple[UUID, str]:
        return self.app.id, self.key

    @property
    def place(self) -> tuple[UUID, UUID | None, str]:
        return self.app.id, self.channel_id, self.key


_next_check_at: dict[tuple[UUID, UUID | None, str], datetime] = {}  # caps of a month that were far, and when


_deferred_deliveries: ContextVar[set[UUID] | None] = ContextVar("gathered", default=None)


def update_soon(rows: Iterable[Delivery]) -> None:
    """For each act that makes deliveries go out before a round may see them: look now, in the act's own transaction, so
    that none of them is claimed before what allows it holds. Channel and app are at hand; rows are locked already."""
    until = clock.now() + QUOTA_LOOK_AHEAD
    waiting = {r.channel_id: r.channel for r in rows if r.state in PENDING_STATES and r.next_at < until}
    apps = {c.app_id for c in waiting.values() if quotas_of(c.app)}
    gathered = _deferred_deliveries.get()
    if gathered is not None:
        gathered |= apps
    elif apps:
        update_quota_budgets(apps)


@contextmanager
def single_update() -> Iterator[None]:
    """Many such acts in one transaction: one look after the last of them."""
    apps = set[UUID]()
    token = _deferred_deliveries.set(apps)
    try:
        yield
    finally:
        _deferred_deliveries.reset(token)
    if apps:
        update_quota_budgets(apps)


def quotas_of(app: NetworkApp) -> list[PlanCap]:
    """Those that hold for it now. What is only known of some apps holds where the operator named the plan."""
    listed = price_list_for_day(app.network, clock.now().date(), app.plan)
    return [c for c in listed.caps if app.plan or not c.assumed] if listed else []


@transaction.atomic
def update_quota_budgets(only: Iterable[UUID] = ()) -> int:
    """Make budgets of caps that are near, end those that are far or hold no more; 0. Run every few seconds; `only` some
    apps (ids): make them, and let no other look until the transaction ends."""
    ids = list(only)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_{'' if ids else 'try_'}advisory_xact_lock(%s)", [QUOTA_LOCK_ID])
        if cursor.fetchone()[0] is False:
            return 0
    now = clock.now()
    apps = (
        NetworkApp.objects.filter(id__in=ids) if ids else NetworkApp.objects.filter(channels__isnull=False).distinct()
    )
    found = {
        QuotaScope(app, cap).place: QuotaScope(app, cap)
        for app in apps.only("id", "network", "plan")
        for cap in quotas_of(app)
    }
    current = {(b.app_id, b.channel_id, b.cap): b for b in Budget.objects.filter(is_active=True).exclude(cap="")}
    asked = [
        s
        for s in found.values()
        if ids or now - _next_check_at.get(s.place, now - SLOW_CHECK_INTERVAL) >= SLOW_CHECK_INTERVAL
    ]
    loads = _quota_loads(asked, now)
    for scope in asked:
        if scope.cap.period == "month" and scope.cap.units >= MANY_UNITS:
            _next_check_at[scope.place] = now
    for scope, load in loads.items():
        known = current.get(scope.place)
        if known is None and load >= scope.cap.units * OPEN_AT_SHARE:
            _create_budget(scope, now)
        if load >= scope.cap.units * CLOSE_AT_SHARE:
            _next_check_at.pop(QuotaScope(scope.app, scope.cap).place, None)
    if not ids:
        kept = {s.place for s, load in loads.items() if load >= s.cap.units * CLOSE_AT_SHARE}
        unseen = {s.of_app for s in found.values()} - {s.of_app for s in asked}
        gone = [b.id for place, b in current.items() if place not in kept and (b.app_id, b.cap) not in unseen]
        Budget.objects.filter(id__in=gone).update(is_active=False)
    return 0


QUOTA_USE_SQL = """
SELECT k.n, x.channel_id, sum(x.used)::bigint, sum(x.coming)::bigint
FROM unnest(%s::int[], %s::uuid[], %s::timestamptz[], %s::text[]) AS k (n, app, since, meters) CROSS JOIN LATERAL (
    SELECT c.channel_id, sum(c.units) AS used, 0 AS coming FROM costs_charge c
    WHERE c.app_id = k.app AND c.at >= k.since AND c.meter = ANY(string_to_array(k.meters, ' ')) GROUP BY 1
    UNION ALL
    SELECT d.channel_id, 0, count(*) FROM channels_channel h JOIN publishing_delivery d ON d.channel_id = h.id
    WHERE h.app_id = k.app AND d.state IN ('scheduled', 'publishing') AND d.next_at <= %s GROUP BY 1
    UNION ALL
    SELECT d.channel_id, 0, count(*) FROM publishing_delivery d JOIN channels_channel h ON h.id = d.channel_id
    WHERE h.app_id = k.app AND d.state = 'held' AND d.hold = 'budget' GROUP BY 1
) x GROUP BY 1, 2
"""
UPCOMING_UNITS_SQL = """
SELECT d.channel_id, one->>'meter', sum(coalesce((one->>'units')::int, 1))::bigint
FROM publishing_delivery d CROSS JOIN LATERAL jsonb_array_elements(d.rendered->'charges') one
WHERE d.channel_id = ANY(%s::uuid[])
  AND (d.state IN ('scheduled', 'publishing') AND d.next_at <= %s OR d.state = 'held' AND d.hold = 'budget') GROUP BY 1, 2
"""


def _quota_loads(asked: Sequence[QuotaScope], now: datetime) -> dict[QuotaScope, int]:
    """Used and soon to be used of each cap, by channel where it is for each."""
    if not asked:
        return {}
    until = now + QUOTA_LOOK_AHEAD
    rows = [[n, str(s.app.id), window_start(s.cap, now), " ".join(s.cap.meters)] for n, s in enumerate(asked)]
    used: dict[QuotaScope, int] = defaultdict(int)
    due: dict[QuotaScope, dict[UUID, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(QUOTA_USE_SQL, [*map(list, zip(*rows, strict=True)), until])
        for n, channel_id, units, coming in cursor.fetchall():
            whole = asked[n]
            scope = QuotaScope(whole.app, whole.cap, channel_id) if whole.cap.per == "channel" else whole
            used[scope] += units
            if coming and channel_id:
                due[scope][channel_id] = coming
        close = [
            s
            for s in used
            if due[s] and used[s] + MAX_USUAL_UNITS_PER_POST * sum(due[s].values()) >= s.cap.units * CLOSE_AT_SHARE
        ]
        ahead: dict[UUID, Counter[str]] = defaultdict(Counter)
        if close:
            cursor.execute(UPCOMING_UNITS_SQL, [list({id_ for s in close for id_ in due[s]}), until])
            for channel_id, meter, units in cursor.fetchall():
                ahead[channel_id][meter] = units
    return {s: used[s] + sum(ahead[id_][meter] for id_ in due[s] for meter in s.cap.meters) for s in used}


def window_start(cap: PlanCap, now: datetime) -> datetime:
    """From when on what was used counts (UTC)."""
    period = CAP_PERIODS[cap.period]
    return (
        now - ROLLING_PERIODS[period]
        if period in ROLLING_PERIODS
        else budgets.period_start(Budget(period=period, timezone="UTC"), now)
    )


def _create_budget(scope: QuotaScope, now: datetime) -> None:
    """Alone, so that what is claimed from now on sees it, and what was claimed before is set aside here."""
    budgets.lock_budgets()
    channel = Channel.objects.filter(id=scope.channel_id).first() if scope.channel_id else None
    label = registry.get_connector(scope.app.network).label
    made, _ = Budget.objects.update_or_create(
        cap=scope.key,
        app_id=scope.app.id,
        channel_id=scope.channel_id,
        defaults={
            "is_active": True,
            "created_at": now,
            "workspace_id": channel.workspace_id if channel else None,
            "network": scope.app.network,
            "name": f"{label}: {scope.cap.units} {' + '.join(scope.cap.meters)}"[:120],
            "period": CAP_PERIODS[scope.cap.period],
            "timezone": "UTC",
            "currency": "",
            "meter": " ".join(scope.cap.meters),
            "amount": scope.cap.units,
            "is_hard": True,
            "sync_share_percent": read_policy.allowance_thresholds().reading,
        },
    )
    recalculate_use(made)
    reserve_in_flight(made)


def reserve_in_flight(budget: Budget) -> None:
    """For what is under way: units foretold, neither charged nor set aside yet. In a transaction that is alone with the
    budgets."""
    if budget.purpose not in ("", Purpose.PUBLISH):
        return
    rows = Delivery.objects.filter(state_filter((DeliveryState.PUBLISHING, DeliveryState.UNKNOWN)))
    named = {
        "workspace_id": budget.workspace_id,
        "channel_id": budget.channel_id,
        "network": budget.network,
        "channel__app_id": budget.app_id,
        "draft__campaign_id": budget.campaign_id,
    }
    found = list(
        rows.filter(**{name: value for name, value in named.items() if value}).select_related("channel__app", "draft")
    )
    if not found:
        return
    held, spent = reservations.reserved_units(r.id for r in found), budget_checks.spent_units([r.id for r in found])
    asks = []
    for row in found:
        mine = budget_checks.charge_context_of(row)
        done = spent.get(row.id, Counter()) + Counter(held.get(row.id, {}).get(Purpose.PUBLISH, {}))
        ahead = budget_checks.remaining_units(row.rendered, done, call_budgets.metered_meters(mine, [budget]))
        asks.append(
            reservations.ReservationRequest(
                work=mine, priced=price_charges(row.network, starmap(Used, ahead.items()), plan=mine.plan)
            )
        )
    reservations.store_reservations(asks)
