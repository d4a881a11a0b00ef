"""Coming in: by invitation, and by a passkey of a (virtual) device; in Indonesian on a narrow screen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.conftest import PASSWORD, fits, sign_in


def test_an_invitation_then_a_passkey(page: Page, browser, site, transactional_db, owner, workspace, settings):
    settings.KICAU_PUBLIC_URL = site
    sign_in(page)
    page.goto("/team")
    page.get_by_label("E-mail address").fill("dewi@kopisenja.example")
    page.get_by_role("button", name="Invite this person").click()
    link = page.locator("#invitation").inner_text()

    narrow = browser.new_context(base_url=site, viewport={"width": 360, "height": 740}, locale="id-ID")
    dewi = narrow.new_page()
    device = narrow.new_cdp_session(dewi)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    dewi.goto(link)
    expect(dewi.get_by_role("heading", name="Bergabung dengan Kopi Senja")).to_be_visible()
    dewi.get_by_label("Nama Anda").fill("Dewi")
    dewi.get_by_label("Kata sandi").fill("aaaaaaaaaaaa")
    expect(dewi.locator("#judged")).to_contain_text("mengulang karakter atau kata yang sama")
    dewi.get_by_label("Kata sandi").fill(PASSWORD)
    expect(dewi.locator("#judged")).to_contain_text("Kata sandi ini kuat")
    dewi.get_by_role("button", name="Bergabung").click()
    dewi.wait_for_url(site + "/")

    dewi.goto("/settings/sign-in")
    dewi.locator("form[action$=verify] [name=password]").fill(PASSWORD)  # each change asks first
    dewi.get_by_role("button", name="Konfirmasi identitas Anda").click()
    dewi.get_by_label("Nama perangkat untuk kunci sandi (passkey)").fill("Ponsel saya")
    dewi.get_by_role("button", name="Tambah kunci sandi (passkey)").click()
    expect(dewi.get_by_role("listitem").filter(has_text="Ponsel saya")).to_be_visible()
    assert fits(dewi)
    dewi.locator("[data-finish$='/verify/passkey']").click()  # the passkey stands in for the password
    dewi.get_by_role("button", name=re.compile("Hapus kunci sandi .* Ponsel saya")).wait_for()
    narrow.clear_cookies(name="kicau")
    dewi.goto("/sign-in?next=/drafts")
    dewi.get_by_role("button", name="Pakai kunci sandi (passkey)").click()
    dewi.wait_for_url("**/drafts")
    narrow.close()
    page.goto("/team")
    expect(page.get_by_text("dewi@kopisenja.example")).to_be_visible()
