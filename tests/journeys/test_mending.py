"""A delivery that a network refuses is mended and sent again, in Indonesian at 360 px; and the first post on four networks."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from kicau.connector.sandbox import Fault
from kicau.publishing.models import Delivery
from kicau.workspaces.acts import change_person
from tests.journeys.conftest import PASSWORD, connect, sign_in
from tests.journeys.test_publish import published

REFUSED = '{"title": "Invalid Request", "detail": "One or more parameters to your request was invalid.", "type": "https://api.twitter.com/2/problems/invalid-request", "status": 400}'


def test_a_refused_delivery_is_mended_and_retried_in_indonesian_on_a_phone(page: Page, browser, site, networks, owner, workspace):  # fmt: skip
    sign_in(page)
    connect(page, networks["x"].label)
    networks["x"].faults.append(
        Fault(effect="status", status=400, text=REFUSED, method="POST", path="^/2/tweets", times=1)
    )
    change_person(owner, language="id")
    narrow = browser.new_context(base_url=site, viewport={"width": 360, "height": 740}, locale="id-ID", storage_state=page.context.storage_state())  # fmt: skip
    narrow.set_default_timeout(8000)
    phone = narrow.new_page()
    phone.goto("/compose")
    phone.get_by_label("Teks", exact=True).fill("Kopi dari Gayo sudah datang")
    expect(phone.locator("#kept")).to_contain_text("Tersimpan")
    phone.get_by_role("radio", name="Sekarang").check()
    phone.locator("#schedule").click()
    badge = phone.locator(".delivery .badge").first
    expect(badge).to_have_text("Perlu dibenahi", timeout=20_000)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.locator(".story summary").click()
    expect(phone.locator(".story")).to_contain_text("Dikirim")
    phone.get_by_role("link", name="Benahi").click()
    phone.get_by_label("Teks", exact=True).fill("Kopi dari Gayo sudah datang pagi ini")
    phone.get_by_role("button", name="Simpan perubahan").click()
    phone.wait_for_url("**/posts/*")
    expect(phone.get_by_text("Sudah dibenahi; coba lagi untuk mengirimnya.")).to_be_visible()
    phone.get_by_role("button", name="Coba lagi").click()
    expect(badge).to_have_text("Terbit", timeout=20_000)
    assert published(networks["x"])[-1]["text"] == "Kopi dari Gayo sudah datang pagi ini"
    narrow.close()


def test_a_first_visit_to_a_post_on_four_networks(page: Page, networks):
    page.goto("/")
    page.get_by_label("Your name").fill("Sari")
    page.get_by_label("E-mail address").fill("sari@kopisenja.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Name of the workspace").fill("Kopi Senja")
    page.get_by_role("button", name="Begin").click()
    for slug in ("x", "facebook", "linkedin", "mastodon"):
        connect(page, networks[slug].label)
    page.goto("/compose")
    page.get_by_label("Text", exact=True).fill("Selamat pagi! Fresh beans from Gayo are here")
    expect(page.locator("#kept")).to_contain_text("Saved")
    page.locator("#confirm").check()
    page.get_by_role("radio", name="Now").check()
    page.locator("#schedule").click()
    for n in range(4):
        expect(page.locator(".delivery > header .badge").nth(n)).to_have_text("Published", timeout=20_000)
    assert {row.network for row in Delivery.objects.filter(state="published")} == {
        "x",
        "facebook",
        "linkedin",
        "mastodon",
    }
