"""Money is integer micro-units of a currency; it becomes a decimal only where somebody reads it."""

from __future__ import annotations

from decimal import Decimal

MICRO_PER_UNIT = 1_000_000
# Written without cents: ISO 4217 gives these no minor unit, and nobody writes the rupiah's.
WHOLE_UNIT_CURRENCIES = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "IDR",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)
# ISO 4217's codes of the money that is legal tender somewhere, without metals, funds and test codes. As Unicode's CLDR has
# them (supplemental/supplementalData.xml, currencyData; https://github.com/unicode-org/cldr), read through Babel 2.18 on
# 2026-11-26; a test compares them with the Babel that is installed.
CURRENCIES = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BGN",
        "BHD",
        "BIF",
        "BMD",
        "BND",
        "BOB",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DJF",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GNF",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IQD",
        "IRR",
        "ISK",
        "JMD",
        "JOD",
        "JPY",
        "KES",
        "KGS",
        "KHR",
        "KMF",
        "KPW",
        "KRW",
        "KWD",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "LYD",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "OMR",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "RWF",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TND",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "UGX",
        "USD",
        "UYU",
        "UZS",
        "VES",
        "VND",
        "VUV",
        "WST",
        "XAF",
        "XCD",
        "XCG",
        "XOF",
        "XPF",
        "YER",
        "ZAR",
        "ZMW",
        "ZWG",
    ]
)


def format_money(micro: int, currency: str) -> str:
    """For people: "$0.215" for USD, "0.215 EUR" for others; trailing zeros cut to at least two places."""
    amount = Decimal(micro) / MICRO_PER_UNIT
    text = f"{amount:.6f}".rstrip("0")
    whole, _, rest = text.partition(".")
    if currency in WHOLE_UNIT_CURRENCIES and not rest:
        return f"{whole} {currency}"
    text = f"{whole}.{rest.ljust(2, '0')}"
    return f"${text}" if currency == "USD" else f"{text} {currency}"


def round_amount(micro: int, currency: str) -> int:
    """An amount that was reckoned, as near as people write it: whole rupiah, and cents from one of the currency on."""
    if abs(micro) < MICRO_PER_UNIT:
        return micro
    step = MICRO_PER_UNIT if currency in WHOLE_UNIT_CURRENCIES else MICRO_PER_UNIT // 100
    return round(micro / step) * step


def is_currency(written: str) -> bool:
    """Whether it is the code (in capital letters) of a currency that ISO 4217 lists and somebody pays with."""
    return written in CURRENCIES
