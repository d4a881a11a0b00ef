"""Money is integer micro-units of a currency; it becomes a decimal only where somebody reads it."""

from __future__ import annotations

from decimal import Decimal

MICRO = 1_000_000


def shown(micro: int, currency: str) -> str:
    """For people: "$0.215" for USD, "0.215 EUR" for others; trailing zeros cut to at least two places."""
    amount = Decimal(micro) / MICRO
    text = f"{amount:.6f}".rstrip("0")
    whole, _, rest = text.partition(".")
    text = f"{whole}.{rest.ljust(2, '0')}"
    return f"${text}" if currency == "USD" else f"{text} {currency}"
