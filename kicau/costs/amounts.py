"""Amounts as the reader's language writes them, on pages and on paper."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from django.utils import formats
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from kicau.base.money import MICRO, WHOLE, shown
from kicau.costs.display_currency import Display, Worth


def amount(micro: int, currency: str) -> str:
    """As `kicau.base.money.shown`, with the language's own marks between thousands and before cents."""
    return _amount_in(get_language(), micro, currency)


@lru_cache(maxsize=4096)
def _amount_in(language: str | None, micro: int, currency: str) -> str:
    """In the language that is active, which is `language`: a calendar tells the same few amounts again and again."""
    plain = shown(micro, currency if currency in WHOLE else "").split(" ")[0]
    places = len(plain.partition(".")[2])
    number = formats.number_format(Decimal(micro) / MICRO, places, use_l10n=True, force_grouping=True)
    if currency == "USD":
        return f"{pgettext('dollar sign', '$')}{number}"
    return f"Rp{number}" if currency == "IDR" else f"{number} {currency}"


def both(display: Display, micro: int, currency: str, charged: int | None = None) -> str:
    """In the workspace's own currency, and as it is charged beside it (`charged`, where that is told rounded); the latter
    alone where there is no such or no rate."""
    worth = display.of(micro, currency)
    plain = amount(micro if charged is None else charged, currency)
    return f"{amount(worth.micro, worth.currency)} ({plain})" if worth else plain


def plainly(number: Decimal) -> str:
    """All its places, with the language's own marks."""
    places = max(0, -int(number.normalize().as_tuple().exponent))
    return str(formats.number_format(number, places, use_l10n=True, force_grouping=True))


def rates(display: Display) -> list[str]:
    """By which rates amounts were converted so far, and which are missing, in sentences."""
    told = [
        _("1 %(currency)s = %(worth)s, by the rate of %(day)s. The network bills the amount in brackets.")
        % {"currency": currency, "worth": _rate(worth), "day": formats.date_format(worth.since, "DATE_FORMAT")}
        for currency, worth in sorted(display.used.items())
    ]
    return told + [
        _("No rate from %(currency)s to %(shown)s is entered yet, so these amounts stay in %(currency)s.")
        % {"currency": currency, "shown": display.currency}
        for currency in sorted(display.missing)
    ]


def _rate(worth: Worth) -> str:
    number = plainly(worth.rate)
    return f"Rp{number}" if worth.currency == "IDR" else f"{number} {worth.currency}"
