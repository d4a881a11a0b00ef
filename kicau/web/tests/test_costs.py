"""The pages of costs: what they show, budgets made and raised there, the statement as CSV and PDF."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from pypdf import PdfReader

from kicau.base import clock
from kicau.channels.actions import channels as all_channels
from kicau.cost_reports import post_costs
from kicau.costs.models import Budget, Charge, ExchangeRate, OperatorPriceList, Purpose
from kicau.publishing.calendar import calendar_queries
from kicau.publishing.content import compositions
from kicau.publishing.scheduling import schedule
from kicau.publishing.scheduling.actions import cancel
from kicau.web.tests.test_composer import form  # noqa: F401 (a fixture)
from kicau.workspaces.actions import add_person, create_workspace
from kicau.workspaces.models import Workspace


@pytest.fixture
def charges(workspace, channels):
    now = clock.now()
    Charge.objects.bulk_create(
        Charge(
            at=now - timedelta(minutes=n),
            workspace_id=workspace.id,
            channel_id=channels["x"].id,
            app_id=channels["x"].app_id,
            network="x",
            meter="post-with-link",
            units=1,
            micro=200_000,
            currency="USD",
            purpose=Purpose.PUBLISH,
        )
        for n in range(3)
    )


def read(page, name, *args, **query):
    answer = page.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_month_its_forecast_and_its_statement(page, charges, member):
    shown = read(page, "costs")
    assert "$0.60" in shown
    assert "<svg" in shown
    assert "Cost forecast for the month" in shown
    assert "cheapest plan" in shown or "API plans of" in shown
    assert "With the changes that you entered, your API costs this month would be" in read(
        page, "costs", plan="pay-per-use", plain="1"
    )
    for asked, said in (
        ({"plan": "free"}, "Kicau has no price list named free that applies now"),
        ({"meter": "post", "price": "dear"}, "Enter the price of one unit (for example, one API call)"),
        ({"meter": "post"}, "Enter the price of one unit (for example, one API call)"),
        ({"price": "0.03"}, "Choose the type of API usage to which this price applies"),
    ):
        wrong = read(page, "costs", **asked)
        assert said in wrong
        assert "With the changes that you entered, your API costs this month would be" not in wrong
    assert 'value="dear"' in read(page, "costs", meter="post", price="dear"), "nothing typed is lost"
    assert "No spending" in read(page, "costs", month="2020-02")
    assert page.get(reverse("costs"), {"month": "soon"}).status_code == 422
    csv = b"".join(page.get(reverse("statement-csv")).streaming_content).decode().splitlines()
    assert len(csv) == 4
    assert "post-with-link,1,200000,USD" in csv[1]
    pdf = PdfReader(io.BytesIO(page.get(reverse("statement-pdf")).content)).pages[0].extract_text()
    assert "Kopi Senja" in pdf
    assert "$0.60" in pdf
    assert "Publishing".lower() in read(page, "statement").lower()


def test_a_statement_adds_up_to_its_last_place_and_speaks_the_readers_language(page, owner, workspace, channels):
    now = clock.now()
    for n, (key, micro) in enumerate({"x": 1_645_000, "mastodon": 1_045_000}.items()):
        Charge.objects.create(
            at=now - timedelta(minutes=n),
            workspace_id=workspace.id,
            channel_id=channels[key].id,
            app_id=channels[key].app_id,
            network="x",
            meter="post",
            units=1,
            micro=micro,
            currency="USD",
            purpose=Purpose.PUBLISH,
        )
    Charge.objects.create(
        at=now,
        workspace_id=workspace.id,
        network="x",
        meter="post",
        units=0,
        micro=0,
        currency="",
        purpose=Purpose.READ,
    )
    shown = read(page, "statement")
    for amount in ("$2.69", "$1.645", "$1.045"):
        assert amount in shown
    assert shown.count("X: post<") == 1, "what was not billed of a meter stands with what was"
    owner.language = "id"
    owner.save()
    pdf = PdfReader(io.BytesIO(page.get(reverse("statement-pdf")).content))
    text = pdf.pages[0].extract_text()
    for said in (
        "US$2,69",
        "US$1,645",
        "Biaya jejaring sosial bulan",
        "Biaya per kampanye",
        "Panggilan API yang tidak terkait kampanye",
        "Biaya per jenis pemakaian API",
        "Halaman 1 dari 1",
    ):
        assert said in text, said


def edges(shown):
    """What stands at the left of each chart of a page, from below."""
    return [
        re.findall(r'class="tick-text end"[^>]*>([^<]*)<', chart) for chart in shown.split('<svg class="chart"')[1:]
    ]


def test_a_charts_edge_is_round_in_the_currency_that_costs_are_shown_in(page, charges, workspace):
    assert edges(read(page, "costs"))[-1] == ["$0", "$0.20", "$0.40", "$0.60"]
    Workspace.objects.filter(id=workspace.id).update(currency="IDR")
    without = read(page, "costs")  # no rate: it stays as it is charged
    assert edges(without)[-1] == ["$0", "$0.20", "$0.40", "$0.60"]
    assert "chart amounts" not in without
    assert "amounts are in" not in without
    ExchangeRate.objects.create(currency="USD", shown_in="IDR", since="2026-01-01", rate=16250)
    shown = read(page, "costs")
    assert edges(shown)[-1] == ["0", "2,000", "4,000", "6,000", "8,000", "10,000"]
    assert "chart amounts are in IDR" in shown
    heights = [float(h) for h in re.findall(r'class="column"[^>]*height="([0-9.]+)"', shown)]
    assert max(heights) == pytest.approx(200 * 9750 / 10000, abs=0.2)  # of the 200 that the top stands for
    Charge.objects.update(micro=20_000_000)
    shown = read(page, "costs")
    assert edges(shown)[-1] == ["0", "200", "400", "600", "800", "1,000"]
    assert "chart amounts are in thousands of IDR" in shown


def test_an_agency_sees_what_each_client_cost_and_goes_to_one(page, charges, owner, workspace):
    assert 'href="/costs/clients"' not in read(page, "costs")
    second = create_workspace(owner, "Batik Laut")
    other = create_workspace(add_person("budi@lain.example", "Budi", "hujan-di-bandung-41"), "Rahasia")
    Workspace.objects.filter(id=workspace.id).update(currency="IDR")
    ExchangeRate.objects.create(currency="USD", shown_in="IDR", since="2026-01-01", rate=16250)
    for place in (second, other):
        Charge.objects.create(
            workspace_id=place.id,
            network="x",
            meter="post",
            units=1,
            micro=1_230_000,
            currency="USD",
            purpose=Purpose.PUBLISH,
        )
    assert 'href="/costs/clients"' in read(page, "costs")
    shown = read(page, "clients")
    assert "Rp9,750 ($0.60)" in shown
    assert "$1.23" in shown
    assert "Rahasia" not in shown
    assert "$1.83" in shown  # both together
    assert b"Rahasia" not in b"".join(page.get(reverse("clients-csv")).streaming_content)
    assert page.get(reverse("clients"), {"month": "soon"}).status_code == 422
    there = page.post(reverse("switch-workspace"), {"workspace": second.id, "next": "/costs?month=2026-11"})
    assert there["Location"] == "/costs?month=2026-11"
    assert page.post(reverse("switch-workspace"), {"workspace": other.id}).status_code == 404


def test_a_budget_is_made_raised_and_removed(page, charges):
    wrong = page.post(reverse("budgets"), {"name": "", "amount": "viel", "currency": "USD"})
    assert wrong.status_code == 422
    assert "Enter an amount, for example 50 or 12.50" in wrong.content.decode()
    page.post(
        reverse("budgets"), {"name": "November", "amount": "0.75", "currency": "USD", "period": "month", "hard": "hard"}
    )
    made = Budget.objects.get()
    assert (made.amount, made.is_hard) == (750_000, True)
    assert "80 %" in read(page, "budgets")  # what was charged before counts
    page.post(reverse("budget", args=[made.id]), {"name": "November", "amount": "12,50", "hard": "hard"})
    made.refresh_from_db()
    assert made.amount == 12_500_000
    page.post(reverse("budget", args=[made.id]), {"remove": "1"})
    made.refresh_from_db()
    assert not made.is_active


def test_an_operator_enters_a_list_and_everybody_reads_it(page, workspace, owner):
    assert "several times a day (UTC) is charged only once" in read(page, "price-lists")
    owner.language = "id"
    owner.save()
    assert "Sejak 2026, harga paket X ini bergantung pada kontrak Anda" in read(page, "price-lists")
    owner.language = "en"
    owner.save()
    toml = (
        '[[list]]\nname = "kontrak"\nsince = 2026-01-01\ncurrency = "USD"\nsource = "kami"\n[list.prices]\npost = 1\n'
    )
    assert page.post(reverse("price-lists"), {"network": "x", "toml": "price = "}).status_code == 422
    page.post(reverse("price-lists"), {"network": "x", "toml": toml})
    assert "kontrak" in read(page, "price-lists")
    page.post(reverse("price-list-remove", args=[OperatorPriceList.objects.get().id]))
    assert "kontrak" not in read(page, "price-lists")


def test_the_composer_says_what_it_costs_and_why(page, channels, form):  # noqa: F811
    form = form("https://kopisenja.id", channel=["x-kopisenja", "bluesky-kopisenja"])
    html = page.post(reverse("compose-preview"), form).content.decode()
    assert "2 channels: $0.20, including a fee of $0.20 that X charges for the link" in " ".join(
        re.sub(r"<[^>]+>", "", html).split()
    )


def test_amounts_in_the_workspaces_own_currency_with_the_rates_day(page, charges, workspace):
    saved = page.post(
        reverse("settings-workspace"),
        {"name": workspace.name, "timezone": "Asia/Jakarta", "currency": "IDR"},
        follow=True,
    )
    assert "Kicau has no exchange rate from USD to IDR yet" in saved.content.decode()  # told at once
    assert "Kicau has no exchange rate from USD to IDR yet" in read(page, "costs")
    page.post(reverse("rate-set"), {"currency": "USD", "shown_in": "IDR", "rate": "16250", "since": "2026-01-05"})
    shown = read(page, "costs")
    assert "Rp9,750 ($0.60)" in shown
    assert "at the exchange rate of 5 Jan 2026: 1 USD = Rp16,250" in shown
    assert "Rp9,750 ($0.60)" in read(page, "statement")
    pdf = PdfReader(io.BytesIO(page.get(reverse("statement-pdf")).content)).pages[0].extract_text()
    assert "Rp9,750 ($0.60)" in pdf
    page.post(reverse("rate-remove", args=[ExchangeRate.objects.get().id]))
    assert "Rp9,750" not in read(page, "costs")


def test_the_calendar_says_quietly_what_posts_and_days_cost(page, actor, workspace, channels):
    day = clock.now().astimezone(clock.find_zone(workspace.timezone)) + timedelta(days=1)
    at = day.replace(hour=9, minute=0, second=0, microsecond=0)
    texts = ["https://kopisenja.id", "kopi", "teh", "gula", "susu", "roti"]  # more than a month shows of a day
    for n, text in enumerate(texts):
        draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text=text),)))
        schedule.schedule(
            actor,
            compositions.one_draft(actor, draft.id),
            ["x-kopisenja", "bluesky-kopisenja"],
            at + timedelta(hours=n),
        )
    zone, every = clock.find_zone(workspace.timezone), list(all_channels(actor))
    shown = calendar_queries.agenda(actor, calendar_queries.DeliveryFilter(), since=at)
    posts = post_costs.cost_of_cards(shown.cards, every, zone).posts
    assert sorted(sum(c.values()) for c in posts.values()) == [15_000] * 5 + [200_000]
    days = post_costs.cost_by_day(actor, calendar_queries.DeliveryFilter(), at, at + timedelta(days=1), every, zone)
    assert days == {at.date(): {"USD": 200_000 + 5 * 15_000}}
    for other in (
        calendar_queries.DeliveryFilter(channel="bluesky-kopisenja"),
        calendar_queries.DeliveryFilter(tag="promo"),
        calendar_queries.DeliveryFilter(state="published"),
    ):
        assert post_costs.cost_by_day(actor, other, at, at + timedelta(days=1), every, zone) == {}
    for view, entries in (("month", 0), ("week", 6), ("day", 6), ("coming", 6)):
        html = read(page, "calendar", view=view, day=f"{at:%Y-%m-%d}")
        assert html.count('<span class="cost"') == entries + (view in ("month", "week")), view
        assert ("Total cost to publish all posts on this page: $0.275" in html) == (view != "coming"), view
    page.post(
        reverse("settings-workspace"), {"name": workspace.name, "timezone": workspace.timezone, "currency": "IDR"}
    )
    ExchangeRate.objects.create(currency="USD", shown_in="IDR", since="2026-01-05", rate=16000)
    assert '<span class="cost" title="Publishing cost: Rp3,200 ($0.20)">Rp3,200</span>' in read(
        page, "calendar", view="day", day=f"{at:%Y-%m-%d}"
    )
    for slip in shown.cards[0].deliveries:
        cancel(actor, slip.id)
    assert post_costs.cost_by_day(
        actor, calendar_queries.DeliveryFilter(), at, at + timedelta(days=1), every, zone
    ) == {at.date(): {"USD": 75_000}}
