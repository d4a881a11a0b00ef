"""Amounts as the reader's language writes them, on pages and on paper."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from django.utils import formats
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from kicau.base.money import MICRO_PER_UNIT, WHOLE_UNIT_CURRENCIES, format_money
from kicau.costs.display_currency import CurrencyDisplay, DisplayAmount


def format_amount(micro: int, currency: str) -> str:
    """As `kicau.base.money.format_money`, with the language's own marks between thousands and before cents."""
    return _format_amount_in(get_language(), micro, currency)


@lru_cache(maxsize=4096)
def _format_amount_in(language: str | None, micro: int, currency: str) -> str:
    """In the language that is active, which is `language`: a calendar tells the same few amounts again and again."""
    plain = format_money(micro, currency if currency in WHOLE_UNIT_CURRENCIES else "").split(" ")[0]
    places = len(plain.partition(".")[2])
    number = formats.number_format(Decimal(micro) / MICRO_PER_UNIT, places, use_l10n=True, force_grouping=True)
    if currency == "USD":
        return f"{pgettext('dollar sign', '$')}{number}"
    return f"Rp{number}" if currency == "IDR" else f"{number} {currency}"


def format_with_conversion(display: CurrencyDisplay, micro: int, currency: str, charged: int | None = None) -> str:
    """In the workspace's own currency, and as it is charged beside it (`charged`, where that is told rounded); the latter
    alone where there is no such or no rate."""
    worth = display.of(micro, currency)
    plain = format_amount(micro if charged is None else charged, currency)
    return f"{format_amount(worth.micro, worth.currency)} ({plain})" if worth else plain


def format_number(number: Decimal) -> str:
    """All its places, with the language's own marks."""
    places = max(0, -int(number.normalize().as_tuple().exponent))
    return str(formats.number_format(number, places, use_l10n=True, force_grouping=True))


def rate_sentences(display: CurrencyDisplay) -> list[str]:
    """By which rates amounts were converted so far, and which are missing, in sentences."""
    told = [
        _(
            "Amounts are converted at the exchange rate of %(day)s: 1 %(currency)s = %(worth)s. The amounts in brackets are the ones that the networks bill."
        )
        % {"currency": currency, "worth": _rate_sentence(worth), "day": formats.date_format(worth.since, "DATE_FORMAT")}
        for currency, worth in sorted(display.used.items())
    ]
    return told + [
        _("Kicau has no exchange rate from %(currency)s to %(shown)s yet, so it shows costs in %(currency)s.")
        % {"currency": currency, "shown": display.currency}
        for currency in sorted(display.missing)
    ]


def _rate_sentence(worth: DisplayAmount) -> str:
    number = format_number(worth.rate)
    return f"Rp{number}" if worth.currency == "IDR" else f"{number} {worth.currency}"
