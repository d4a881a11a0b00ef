"""A contributor's post, a client's word on it by a link, an editor's decision; the client reads Indonesian at 360 px."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from kicau.publishing.models import Delivery
from kicau.workspaces.actions import add_person, set_member_role
from tests.journeys.agreement import connect_all
from tests.journeys.conftest import PASSWORD, come_in, fits


def test_submitted_reviewed_by_a_client_approved_and_published(
    page: Page, browser, site, networks, owner, workspace, actor
):
    contributor = add_person("bima@kopisenja.example", "Bima", PASSWORD, proved=True)
    set_member_role(actor, contributor, "contributor")
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x")

    theirs = browser.new_context(base_url=site, viewport={"width": 1360, "height": 900}, locale="en-GB")
    bima = theirs.new_page()
    come_in(theirs, site, contributor)
    bima.goto("/compose")
    bima.get_by_label("Text", exact=True).fill("Fresh beans from Gayo are here today")
    expect(bima.locator("#kept")).to_contain_text("Saved")
    bima.get_by_role("button", name="Submit for approval").click()
    bima.wait_for_url("**/posts/*")
    theirs.close()

    page.goto("/drafts?state=submitted")
    page.get_by_role("link", name="Fresh beans").click()
    post = page.url
    page.get_by_text("Create a review link for clients", exact=True).click()
    page.get_by_label("Client name").fill("Ibu Ratna")
    page.get_by_role("button", name="Create a review link", exact=True).click()
    link = page.locator("#review-link").inner_text()

    narrow = browser.new_context(base_url=site, viewport={"width": 360, "height": 740}, locale="id-ID")
    ratna = narrow.new_page()
    ratna.goto(link)
    expect(ratna.get_by_role("heading", name="Ibu Ratna, mohon tinjau postingan ini")).to_be_visible()
    expect(ratna.locator(".shown").first).to_contain_text("Fresh beans from Gayo")
    assert fits(ratna)
    ratna.locator("[data-part] .said").select_text()
    expect(ratna.get_by_label("Teks dalam postingan yang Anda komentari")).to_have_value(
        "Fresh beans from Gayo are here today"
    )
    ratna.get_by_label("Komentar", exact=True).fill("Bagus sekali")
    ratna.get_by_role("button", name="Komentar").click()
    expect(ratna.get_by_text("Komentar Anda sudah dikirim ke tim.")).to_be_visible()
    ratna.get_by_role("button", name="Setujui").click()
    expect(ratna.get_by_text("Terima kasih. Persetujuan Anda atas postingan ini sudah dicatat.")).to_be_visible()
    narrow.close()

    page.goto(post)
    expect(page.locator(".head .badge").first).to_have_text("Approved")
    expect(page.get_by_text("Bagus sekali")).to_be_visible()
    page.get_by_role("radio", name="Publish now").check()
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.locator(".delivery .badge").first).to_have_text("Published", timeout=20_000)
    assert Delivery.objects.get().state == "published"
