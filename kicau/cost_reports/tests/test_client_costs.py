"""What each client cost: every workspace of one's own side by side, and nobody else's."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kicau.base import clock
from kicau.base.errors import NotAllowed, ValidationFailed
from kicau.cost_reports import client_costs
from kicau.costs import actions as plans
from kicau.costs import display_currency
from kicau.costs.models import Charge
from kicau.workspaces.actions import actor_for, add_person, create_workspace, set_member_role, update_workspace
from kicau.workspaces.actors import Permission
from kicau.workspaces.api_tokens import actor_by_token, create_token
from kicau.workspaces.models import Role

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 16, 5, tzinfo=UTC)


def charged(workspace, at, micro, currency="USD"):
    Charge.objects.create(
        at=at,
        workspace_id=workspace.id,
        network="x",
        meter="post",
        units=1,
        micro=micro,
        currency=currency,
        purpose="publish",
    )


@pytest.fixture
def agency(owner, actor, workspace):
    """Sari has two clients; a third workspace belongs to somebody else."""
    second = create_workspace(owner, "Batik Laut", timezone="America/New_York")
    update_workspace(actor, currency="IDR")
    display_currency.set_rate(actor, "USD", "IDR", Decimal(16000), NOW.date() - timedelta(days=60))
    other = create_workspace(add_person("budi@lain.example", "Budi", "hujan-di-bandung-41"), "Rahasia")
    for place, micro in ((workspace, 2_000_000), (second, 500_000), (other, 9_000_000)):
        charged(place, NOW - timedelta(hours=1), micro)
    charged(workspace, datetime(2026, 10, 31, 16, 30, tzinfo=UTC), 70_000)  # 23:30 in Jakarta: still October there
    charged(second, datetime(2026, 11, 1, 3, tzinfo=UTC), 30_000)  # 23:00 in New York: still October there
    return second, other


def test_each_workspace_of_ones_own_in_its_own_zone_and_currency_and_never_anothers(actor, workspace, agency):
    second, _ = agency
    with clock.freeze_clock(NOW):
        small = plans.set_budget(actor, plans.BudgetValues(name="Kecil", amount=1_000_000))
        plans.set_budget(actor, plans.BudgetValues(name="Besar", amount=900_000_000))
        found = client_costs.client_costs(actor)
        assert [c.workspace.name for c in found] == ["Batik Laut", "Kopi Senja"]
        batik, kopi = found
        assert (batik.totals, batik.before) == ((("USD", 500_000),), (("USD", 30_000),))
        assert (kopi.totals, kopi.before) == ((("USD", 2_000_000),), (("USD", 70_000),))
        assert kopi.forecast[0].expected >= 2_000_000
        assert [(s.budget.name, s.used) for s in kopi.budgets] == [("Kecil", 2_000_000), ("Besar", 2_000_000)]
        assert [s.budget.id for s in kopi.passed()] == [small.id]
        assert batik.budgets == ()
        assert kopi.display.told(2_000_000, "USD") == "32000 IDR ($2.00)"
        assert batik.display.told(500_000, "USD") == "$0.50"
        assert client_costs.total_costs(found) == (("USD", 2_500_000),)
        october = {c.workspace.id: c for c in client_costs.client_costs(actor, "2026-10")}
        assert october[workspace.id].totals == (("USD", 70_000),)
        assert october[second.id].totals == (("USD", 30_000),)
        assert not october[workspace.id].forecast
        assert not october[workspace.id].budgets
    with pytest.raises(ValidationFailed):
        client_costs.client_costs(actor, "soon")


def test_ten_clients_more_take_not_one_statement_more(actor, owner, agency):
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            client_costs.client_costs(actor)
        return len(seen)

    with clock.freeze_clock(NOW):
        client_costs.client_costs(actor)  # price lists are read, and kept for some seconds
        plans.set_budget(actor, plans.BudgetValues(name="Kecil", amount=1_000_000))
        few = asked()
        for n in range(10):
            more = create_workspace(owner, f"Klien {n}", timezone="Asia/Jakarta")
            charged(more, NOW - timedelta(hours=n), 1_000_000 * n)
            theirs = actor_for(owner, more.id, "page")
            update_workspace(theirs, currency="IDR")
            plans.set_budget(theirs, plans.BudgetValues(name="Kecil", amount=1_000_000))
        assert asked() == few
        assert client_costs.total_costs(client_costs.client_costs(actor)) == (("USD", 2_500_000 + 45_000_000),)


def test_a_token_of_one_workspace_tells_of_that_one_and_one_without_the_scope_of_none(actor, workspace, owner, agency):
    one = actor_by_token(create_token(actor, "one", [Permission.READ]).secret, None)
    assert one is not None
    assert [c.workspace.name for c in client_costs.client_costs(one)] == ["Kopi Senja"]
    blind = actor_by_token(create_token(actor, "blind", [Permission.WRITE]).secret, None)
    assert blind is not None
    with pytest.raises(NotAllowed):
        client_costs.client_costs(blind)


def test_who_joins_sees_it_and_who_leaves_does_not(actor, workspace, agency):
    viewer = add_person("tika@kopisenja.example", "Tika", "hujan-di-bandung-41", proved=True)
    set_member_role(actor, viewer, Role.VIEWER)
    theirs = actor_for(viewer, workspace.id, "page")
    assert [c.workspace.name for c in client_costs.client_costs(theirs)] == ["Kopi Senja"]


def test_the_table_has_a_line_for_each_client_and_currency(actor, workspace, agency):
    with clock.freeze_clock(NOW):
        charged(workspace, NOW - timedelta(hours=2), 40_000, "EUR")
        plans.set_budget(actor, plans.BudgetValues(name="=Kecil", amount=1_000_000))
        rows = list(
            csv.DictReader("".join(client_costs.client_costs_csv(client_costs.client_costs(actor))).splitlines())
        )
    assert [(r["workspace"], r["month"], r["currency"], r["micro"], r["before_micro"]) for r in rows] == [
        ("Batik Laut", "2026-11", "USD", "500000", "30000"),
        ("Kopi Senja", "2026-11", "USD", "2000000", "70000"),
        ("Kopi Senja", "2026-11", "EUR", "40000", "0"),
    ]
    assert (rows[1]["shown_micro"], rows[1]["shown_in"], rows[1]["rate"]) == ("32000000000", "IDR", "16000")
    assert rows[1]["budgets"] == "'=Kecil: $2.00 of $1.00"
    assert rows[0]["shown_micro"] == ""
