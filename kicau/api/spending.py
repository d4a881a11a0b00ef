"""Endpoints: what calls to networks used up."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.gate import acting
from kicau.api.paging import page
from kicau.api.routes import READS
from kicau.api.shapes import deliveries as s
from kicau.api.times import bound
from kicau.base.ids import as_uuid
from kicau.channels.acts import one_channel
from kicau.plans import ledger
from kicau.plans.models import Charge

routes = Router(tags=["Charges"])


@routes.get("/charges", response=s.ChargePage, summary="List charges", openapi_extra=READS)
def list_charges(request: HttpRequest, asked: Query[s.ChargeQuery]) -> dict[str, Any]:
    """One for each call to a network that used something up, newest first."""
    actor = acting(request)
    wanted = {
        "at__gte": bound(asked.since, actor, "from"),
        "at__lt": bound(asked.until, actor, "to"),
        "network": asked.network,
        "channel_id": one_channel(actor, asked.channel).id if asked.channel else None,
        "delivery_id": as_uuid(asked.delivery) if asked.delivery else None,
    }
    rows = ledger.charges(actor).filter(**{name: value for name, value in wanted.items() if value})
    return page(rows, ("-id",), asked, _charge)


@routes.get("/charges/sums", response=s.Sums, summary="Sum charges", openapi_extra=READS)
def sum_charges(request: HttpRequest, asked: Query[s.RangeQuery]) -> s.Sums:
    """By network, meter, purpose and currency."""
    actor = acting(request)
    found = ledger.sums(actor, bound(asked.since, actor, "from"), bound(asked.until, actor, "to"))
    return s.Sums(items=[s.Sum(units=row.pop("total_units"), micro=row.pop("total_micro"), **row) for row in found])


def _charge(row: Charge) -> s.Charge:
    return s.Charge(
        id=row.pk, at=row.at, network=row.network, channel=str(row.channel_id) if row.channel_id else None,
        delivery=str(row.delivery_id) if row.delivery_id else None, purpose=row.purpose, meter=row.meter,
        units=row.units, micro=row.micro, currency=row.currency,
    )  # fmt: skip
