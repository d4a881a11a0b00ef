"""Money is integer micro-units of a currency; it becomes a decimal only where somebody reads it."""

from __future__ import annotations

from decimal import Decimal

MICRO = 1_000_000
# Written without cents: ISO 4217 gives these no minor unit, and nobody writes the rupiah's.
WHOLE = frozenset({"BIF", "CLP", "DJF", "GNF", "IDR", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"})  # fmt: skip


def shown(micro: int, currency: str) -> str:
    """For people: "$0.215" for USD, "0.215 EUR" for others; trailing zeros cut to at least two places."""
    amount = Decimal(micro) / MICRO
    text = f"{amount:.6f}".rstrip("0")
    whole, _, rest = text.partition(".")
    if currency in WHOLE and not rest:
        return f"{whole} {currency}"
    text = f"{whole}.{rest.ljust(2, '0')}"
    return f"${text}" if currency == "USD" else f"{text} {currency}"


def rounded(micro: int, currency: str) -> int:
    """An amount that was reckoned, as near as people write it: whole rupiah, and cents from one of the currency on."""
    if abs(micro) < MICRO:
        return micro
    step = MICRO if currency in WHOLE else MICRO // 100
    return round(micro / step) * step


def is_currency(written: str) -> bool:
    """Three capital letters, as ISO 4217 has them."""
    return len(written) == 3 and written.isascii() and written.isalpha() and written.isupper()
