"""Small charts that the server draws as SVG: geometry only; the look is in costs.css, and a table stands beside each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDE, HIGH = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 14, 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    label: date
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A value on the left edge, or a day on the lower one."""

    at: float
    text: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    wide: int = WIDE
    high: int = HIGH
    left: int = LEFT
    right: int = WIDE - RIGHT
    floor: int = HIGH - BOTTOM
    bars: tuple[Bar, ...] = ()
    line: str = ""  # of what was spent: points of a polyline
    ahead: str = ""  # of what is expected
    band: str = ""  # around its end: points of a polygon
    limit: float | None = None  # where the budget's line is
    limit_value: int = 0
    values: tuple[Mark, ...] = ()
    days: tuple[Mark, ...] = ()


def bars(days: Sequence[tuple[date, int]]) -> Chart:
    """A column a day."""
    most = max([value for _, value in days], default=0)
    if not most:
        return Chart()
    top = rungs(most)[-1]
    slot = (WIDE - LEFT - RIGHT) / len(days)
    made = tuple(
        Bar(x=round(LEFT + n * slot + slot * 0.15, 1), y=round(_y(value, top), 1), width=round(slot * 0.7, 1), height=round(HIGH - BOTTOM - _y(value, top), 1), label=day, value=value)
        for n, (day, value) in enumerate(days)
    )  # fmt: skip
    return Chart(bars=made, values=_values(top), days=_days([day for day, _ in days]))


def course(spent: Sequence[tuple[date, int]], expected: Sequence[tuple[date, int]], today: date, *, low: int = 0, high: int = 0, limit: int = 0) -> Chart:  # fmt: skip
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
    top = rungs(most)[-1]
    days = [day for day, _ in spent]
    place = {day: LEFT + (WIDE - LEFT - RIGHT) * n / max(1, len(days) - 1) for n, day in enumerate(days)}

    def points(rows: Sequence[tuple[date, int]]) -> str:
        return " ".join(f"{place[day]:.1f},{_y(value, top):.1f}" for day, value in rows if day in place)

    band = ""
    if ahead and high > low:
        start, end = place[ahead[0][0]], place[ahead[-1][0]]
        band = f"{start:.1f},{_y(ahead[0][1], top):.1f} {end:.1f},{_y(high, top):.1f} {end:.1f},{_y(low, top):.1f}"
    return Chart(
        line=points(so_far), ahead=points(ahead), band=band, limit=round(_y(limit, top), 1) if limit else None, limit_value=limit,
        values=_values(top), days=_days(days),
    )  # fmt: skip


def _y(value: int, top: int) -> float:
    return HIGH - BOTTOM - (HIGH - BOTTOM - TOP) * value / top


def rungs(most: int) -> list[int]:
    """Round values from nothing to `most` or just above it, three to six of them: one, two or five of a power of ten apart."""
    power = 10 ** (len(str(most)) - 1)
    step = next(max(1, step) for step in (power // 5, power // 2, power, power * 2) if step * 5 >= most)
    return list(range(0, most + step, step))


def _values(top: int) -> tuple[Mark, ...]:
    return tuple(Mark(at=round(_y(value, top), 1), text=value) for value in rungs(top))


def _days(days: Sequence[date]) -> tuple[Mark, ...]:
    step = max(1, len(days) // 6)
    width = WIDE - LEFT - RIGHT
    return tuple(Mark(at=round(LEFT + width * (n + 0.5) / len(days), 1), text=day) for n, day in enumerate(days) if n % step == 0)  # fmt: skip
