"""Which currencies there are, and what is said where no rate is known yet."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.core import get_global

from kicau.base.errors import ValidationFailed
from kicau.base.money import CURRENCIES, WHOLE_UNIT_CURRENCIES
from kicau.costs import actions, display_currency
from kicau.workspaces.actions import update_workspace

LIST = '[[list]]\nname = "kontrak"\nsince = 2026-01-01\ncurrency = "XXZ"\nsource = "kami"\n[list.prices]\npost = 1\n'


def test_they_are_those_that_somebody_pays_with_today():
    places = get_global("territory_currencies").values()
    assert {code for rows in places for code, _, end, tender in rows if tender and end is None} == CURRENCIES
    assert CURRENCIES >= WHOLE_UNIT_CURRENCIES


@pytest.mark.django_db
@pytest.mark.parametrize("written", ["XXZ", "XXX", "usd", "DEM", "US", "EURO"])
def test_anything_else_is_refused_with_one_sentence(actor, written):
    for act in (
        lambda: update_workspace(actor, currency=written),
        lambda: display_currency.set_rate(actor, "USD", written, Decimal(2)),
        lambda: display_currency.set_rate(actor, written, "USD", Decimal(2)),
        lambda: actions.set_budget(actor, actions.BudgetValues(name="B", amount=1, currency=written)),
    ):
        with pytest.raises(ValidationFailed, match=f"{written} is not a valid currency code"):
            act()
    assert not actor.workspace.budgets.exists()


@pytest.mark.django_db
def test_so_is_a_price_list_in_one(actor):
    with pytest.raises(ValidationFailed, match="XXZ is not a valid currency code"):
        actions.add_price_list(actor, "x", LIST)


@pytest.mark.django_db
def test_what_has_no_rate_is_named(actor):
    assert display_currency.currencies_without_rate(actor.workspace) == []
    assert display_currency.currencies_without_rate(update_workspace(actor, currency="USD")) == []
    changed = update_workspace(actor, currency="IDR")
    assert display_currency.currencies_without_rate(changed) == ["USD"]
    display_currency.set_rate(actor, "USD", "IDR", Decimal(16250))
    assert display_currency.currencies_without_rate(changed) == []
