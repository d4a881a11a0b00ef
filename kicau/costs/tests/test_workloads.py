"""Every plan that ever was, for three workloads, against a table computed by hand."""

from __future__ import annotations

from datetime import date

import pytest

from kicau.connector import prices, registry
from kicau.costs.workloads import Workload, estimate_plan_cost

NETWORK = next(
    slug for slug in registry.installed_slugs() if any(one.monthly for one in registry.get_connector(slug).price_lists)
)
USD = 1_000_000

# One shop: 60 posts a month, 12 of them with a link; 600 posts read back.
SHOP = Workload(units={"post": 48, "post-with-link": 12, "post-read": 600})
# An agency with 20 channels: 2,000 posts, 600 with a link; 300 summoned replies, 20 deletions, 500 alt texts; 12,000
# posts and 600 accounts read.
AGENCY = Workload(
    units={
        "post": 1_400,
        "post-with-link": 600,
        "post-summoned-reply": 300,
        "post-delete": 20,
        "media-metadata": 500,
        "post-read": 12_000,
        "user-read": 600,
    },
    channels=20,
)
# A newsroom with 100 channels, 10 posts a day each, 30% with a link; 225,000 posts and 3,000 accounts read.
NEWSROOM = Workload(
    units={"post": 21_000, "post-with-link": 9_000, "post-read": 225_000, "user-read": 3_000}, channels=100
)
NO = None  # the plan is too small for it

TABLE = [
    # plan, from,                       shop,                 agency,                newsroom
    ("free", date(2023, 3, 29), NO, NO, NO),  # writes only, and every workload reads
    ("basic", date(2023, 3, 29), 100 * USD, NO, NO),  # 10,000 reads: 12,000 and 225,000 are too many
    ("pro", date(2023, 5, 25), 5_000 * USD, 5_000 * USD, 5_000 * USD),  # a million reads
    ("enterprise-50m", date(2023, 3, 10), 42_000 * USD, 42_000 * USD, 42_000 * USD),
    ("enterprise-100m", date(2023, 3, 10), 125_000 * USD, 125_000 * USD, 125_000 * USD),
    ("enterprise-200m", date(2023, 3, 10), 210_000 * USD, 210_000 * USD, 210_000 * USD),
    ("free", date(2025, 8, 1), NO, NO, NO),  # 100 reads
    ("basic", date(2025, 8, 1), 200 * USD, 200 * USD, NO),  # 15,000 reads
    (
        "pay-per-use",
        date(2026, 2, 6),
        600_000 + 3_000_000,  # 60 posts x $0.010 = $0.60; 600 reads x $0.005 = $3.00
        20_000_000 + 60_000_000,  # 2,000 x $0.010 = $20; 12,000 x $0.005 = $60; the rest was not priced then
        300_000_000 + 1_125_000_000,  # 30,000 x $0.010 = $300; 225,000 x $0.005 = $1,125
    ),
    (
        "pay-per-use",
        date(2026, 4, 20),
        720_000 + 2_400_000 + 3_000_000,  # 48 x $0.015 = $0.72; 12 x $0.200 = $2.40; 600 x $0.005 = $3.00: $6.12
        # 1,400 x $0.015 = $21; 600 x $0.200 = $120; 300 x $0.010 = $3; 20 x $0.010 = $0.20; 500 x $0.005 = $2.50;
        # 12,000 x $0.005 = $60; 600 x $0.010 = $6: $212.70
        21_000_000 + 120_000_000 + 3_000_000 + 200_000 + 2_500_000 + 60_000_000 + 6_000_000,
        # 21,000 x $0.015 = $315; 9,000 x $0.200 = $1,800; 225,000 x $0.005 = $1,125; 3,000 x $0.010 = $30: $3,270
        315_000_000 + 1_800_000_000 + 1_125_000_000 + 30_000_000,
    ),
]


@pytest.mark.parametrize(("plan", "since", "shop", "agency", "newsroom"), TABLE)
def test_a_plan_costs_what_the_table_says(plan, since, shop, agency, newsroom):
    listed = next(one for one in registry.get_connector(NETWORK).price_lists if (one.name, one.since) == (plan, since))
    found = [estimate_plan_cost(listed, work) for work in (SHOP, AGENCY, NEWSROOM)]
    assert [q.total if q.fits else NO for q in found] == [shop, agency, newsroom]


def test_the_table_names_every_plan():
    assert {(one.name, one.since) for one in registry.get_connector(NETWORK).price_lists} == {
        (row[0], row[1]) for row in TABLE
    }


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("nonsense", "not TOML"),
        ("x = 1", "no [[list]]"),
        ('[[list]]\nname = "a"\nsince = 2026-01-01\n', "lacks 'source'"),
        ('[[list]]\nname = "a"\nsince = "2026"\nsource = "b"\n', "is no day"),
        ('[[list]]\nname = "a"\nsince = 2026-01-01\nsource = "b"\n[list.prices]\npost = 0.5\n', "whole micro-units"),
        ('[[list]]\nname = "a"\nsince = 2026-01-01\nsource = "b"\nprcies = {}\n', "'prcies'"),
    ],
)
def test_a_list_that_cannot_be_read_says_what_is_wrong(written, said):
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        prices.parse_price_lists(written)
