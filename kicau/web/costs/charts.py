"""Small charts that the server draws as SVG: geometry only; the look is in costs.css, and a table stands beside each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from kicau.base.money import MICRO_PER_UNIT

CHART_WIDTH, CHART_HEIGHT = 720, 240
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, MARGIN_BOTTOM = 64, 12, 14, 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    label: date
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisLabel:
    """A value on the left edge, or a day on the lower one."""

    at: float
    text: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What the left edge is written in: a currency, and what one of the drawn currency is worth in it."""

    currency: str = ""
    rate: Decimal = Decimal(1)

    def marks(self, most: int) -> tuple[float, tuple[tuple[float, int], ...]]:
        """For values up to `most`: the top, and places with their texts; both places in what is drawn."""
        found = axis_values(max(1, math.ceil(most * self.rate)))
        places = tuple((float(rung / self.rate), rung) for rung in found)
        return places[-1][0], places


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    wide: int = CHART_WIDTH
    high: int = CHART_HEIGHT
    left: int = MARGIN_LEFT
    right: int = CHART_WIDTH - MARGIN_RIGHT
    floor: int = CHART_HEIGHT - MARGIN_BOTTOM
    bars: tuple[Bar, ...] = ()
    line: str = ""  # of what was spent: points of a polyline
    ahead: str = ""  # of what is expected
    band: str = ""  # around its end: points of a polygon
    limit: float | None = None  # where the budget's line is
    limit_value: int = 0
    values: tuple[AxisLabel, ...] = ()  # micro-units of `currency`, divided by `unit`
    currency: str = ""
    unit: int = 1  # 1000 or a million where the numbers would be too long for the edge
    days: tuple[AxisLabel, ...] = ()


def bar_chart(days: Sequence[tuple[date, int]], scale: Scale) -> Chart:
    """A column a day."""
    most = max([value for _, value in days], default=0)
    if not most:
        return Chart()
    top, marks = scale.marks(most)
    slot = (CHART_WIDTH - MARGIN_LEFT - MARGIN_RIGHT) / len(days)
    made = tuple(
        Bar(
            x=round(MARGIN_LEFT + n * slot + slot * 0.15, 1),
            y=round(_y_position(value, top), 1),
            width=round(slot * 0.7, 1),
            height=round(CHART_HEIGHT - MARGIN_BOTTOM - _y_position(value, top), 1),
            label=day,
            value=value,
        )
        for n, (day, value) in enumerate(days)
    )
    return _with_axis(Chart(bars=made, days=_day_labels([day for day, _ in days])), scale, marks)


def spending_chart(
    spent: Sequence[tuple[date, int]],
    expected: Sequence[tuple[date, int]],
    today: date,
    scale: Scale,
    *,
    low: int = 0,
    high: int = 0,
    limit: int = 0,
) -> Chart:
    """What was spent until today, what is expected until the end with its band, and a budget."""
    total, so_far = 0, []
    for day, value in spent:
        total += value
        if day <= today:
            so_far.append((day, total))
    ahead = [(day, value) for day, value in expected if day >= today] if expected else []
    most = max([value for _, value in [*so_far, *ahead]] + [limit, high], default=0)
    if not most:
        return Chart()
    top, marks = scale.marks(most)
    days = [day for day, _ in spent]
    place = {
        day: MARGIN_LEFT + (CHART_WIDTH - MARGIN_LEFT - MARGIN_RIGHT) * n / max(1, len(days) - 1)
        for n, day in enumerate(days)
    }

    def points(rows: Sequence[tuple[date, int]]) -> str:
        return " ".join(f"{place[day]:.1f},{_y_position(value, top):.1f}" for day, value in rows if day in place)

    band = ""
    if ahead and high > low:
        start, end = place[ahead[0][0]], place[ahead[-1][0]]
        band = f"{start:.1f},{_y_position(ahead[0][1], top):.1f} {end:.1f},{_y_position(high, top):.1f} {end:.1f},{_y_position(low, top):.1f}"
    made = Chart(
        line=points(so_far),
        ahead=points(ahead),
        band=band,
        limit=round(_y_position(limit, top), 1) if limit else None,
        limit_value=limit,
        days=_day_labels(days),
    )
    return _with_axis(made, scale, marks)


def _y_position(value: float, top: float) -> float:
    return CHART_HEIGHT - MARGIN_BOTTOM - (CHART_HEIGHT - MARGIN_BOTTOM - MARGIN_TOP) * value / top


def axis_values(most: int) -> list[int]:
    """Round values from nothing to `most` or just above it, three to six of them: one, two or five of a power of ten apart."""
    power = 10 ** (len(str(most)) - 1)
    step = next(max(1, step) for step in (power // 5, power // 2, power, power * 2) if step * 5 >= most)
    return list(range(0, most + step, step))


def _with_axis(chart: Chart, scale: Scale, marks: Sequence[tuple[float, int]]) -> Chart:
    top, most = marks[-1]
    unit = 10**6 if most >= 10**8 * MICRO_PER_UNIT else 1000 if most >= 10**5 * MICRO_PER_UNIT else 1
    values = tuple(AxisLabel(at=round(_y_position(place, top), 1), text=text // unit) for place, text in marks)
    return replace(chart, values=values, currency=scale.currency, unit=unit)


def _day_labels(days: Sequence[date]) -> tuple[AxisLabel, ...]:
    step = max(1, len(days) // 6)
    width = CHART_WIDTH - MARGIN_LEFT - MARGIN_RIGHT
    return tuple(
        AxisLabel(at=round(MARGIN_LEFT + width * (n + 0.5) / len(days), 1), text=day)
        for n, day in enumerate(days)
        if n % step == 0
    )
