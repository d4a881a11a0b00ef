"""Prices by the dated lists that networks bring along."""

from __future__ import annotations

from datetime import date

import pytest

from kicau.connector import registry
from kicau.connector.content import Charge
from kicau.connector.prices import PriceList, applicable_price_list
from kicau.costs.pricing import price_charge, price_charges

pytestmark = pytest.mark.django_db

OLD = PriceList(name="list", since=date(2026, 1, 1), source="s", currency="USD", prices={"post": 10_000})
NEW = PriceList(name="list", since=date(2026, 4, 20), source="s", currency="USD", prices={"post": 15_000})


def test_a_price_holds_from_its_day_and_the_past_keeps_its_own():
    assert applicable_price_list((OLD, NEW), date(2026, 4, 19)) is OLD
    assert applicable_price_list((OLD, NEW), date(2026, 4, 20)) is NEW
    assert applicable_price_list((OLD, NEW), date(2025, 1, 1)) is None


def test_units_are_multiplied_and_what_is_not_listed_costs_nothing():
    assert NEW.price("post", 3) == 45_000
    assert NEW.price("like", 3) == 0


def test_a_network_without_prices_costs_no_money(stranger):
    free = next(
        slug
        for slug in registry.installed_slugs()
        if not any(one.prices for one in registry.get_connector(slug).price_lists)
    )
    assert price_charge(free, Charge("calls", 5)).currency == ""


@pytest.mark.parametrize("slug", registry.installed_slugs())
def test_every_list_is_dated_and_says_where_it_is_from(slug):
    for one in registry.get_connector(slug).price_lists:
        assert one.source
        assert one.since <= date(2026, 11, 24)
        assert all(isinstance(micro, int) and micro >= 0 for micro in one.prices.values())


def test_all_charges_of_a_post_are_priced(stranger):
    found = price_charges("stranger", [Charge("post"), Charge("read", 2)])
    assert [p.micro for p in found] == [15_000, 10_000]
