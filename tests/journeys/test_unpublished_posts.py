"""A refused delivery is fixed, one whose outcome is unknown is asked for and sent again, both in Indonesian at 360 px;
and from the first visit to a post on four networks, in English on a wide screen and in Indonesian on a narrow one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from kicau.connector.sandbox.server import OrderedFault
from kicau.publishing.delivery import outcomes
from kicau.publishing.models import Delivery
from kicau.workspaces.actions import update_person
from tests.journeys.agreement import connect_all
from tests.journeys.conftest import PASSWORD, come_in, connect, fits
from tests.journeys.test_publish import published

FOUR = ("x", "facebook", "linkedin", "mastodon")
REFUSED = '{"title": "Invalid Request", "detail": "One or more parameters to your request was invalid.", "type": "https://api.twitter.com/2/problems/invalid-request", "status": 400}'


def test_what_did_not_go_out_is_mended_or_asked_for_and_sent_again_on_a_phone(
    page: Page, browser, site, networks, owner, actor, monkeypatch
):
    monkeypatch.setattr(outcomes, "LOOKUP_DELAY", timedelta(0))  # the sandbox is not slower than it says
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x")
    networks["x"].faults.append(
        OrderedFault(effect="status", status=400, text=REFUSED, method="POST", path="^/2/tweets", times=1)
    )
    update_person(owner, language="id")
    narrow = browser.new_context(
        base_url=site,
        viewport={"width": 360, "height": 740},
        locale="id-ID",
        storage_state=page.context.storage_state(),
    )
    narrow.set_default_timeout(30_000)
    phone = narrow.new_page()
    phone.goto("/compose")
    phone.get_by_label("Teks", exact=True).fill("Kopi dari Gayo sudah datang")
    expect(phone.locator("#kept")).to_contain_text("Tersimpan")
    phone.get_by_role("radio", name="Terbitkan sekarang").check()
    phone.locator("#schedule").click()
    badge = phone.locator(".delivery .badge").first
    expect(badge).to_have_text("Gagal", timeout=20_000)
    assert fits(phone)
    phone.locator(".story summary").click()
    expect(phone.locator(".story")).to_contain_text("Kicau mengirim postingan ke jejaring sosial")
    phone.get_by_role("link", name="Perbaiki postingan").click()
    phone.get_by_label("Teks", exact=True).fill("Kopi dari Gayo sudah datang pagi ini")
    phone.get_by_role("button", name="Simpan perubahan").click()
    phone.wait_for_url("**/posts/*")
    expect(
        phone.get_by_text(
            "Masalah yang menghambat penerbitan postingan ini sudah diperbaiki. Coba terbitkan lagi postingan ini."
        )
    ).to_be_visible()
    phone.get_by_role("button", name="Coba terbitkan postingan lagi").click()
    expect(badge).to_have_text("Sudah terbit", timeout=20_000)
    assert published(networks["x"])[-1]["text"] == "Kopi dari Gayo sudah datang pagi ini"

    linkedin = networks["linkedin"]
    connect(phone, linkedin.label, language="id", first=True)
    linkedin.faults.append(OrderedFault(effect="drop", method="POST", path="^/rest/posts", times=1))
    phone.goto("/compose")
    phone.get_by_label("Teks", exact=True).fill("Sangrai baru hari ini")
    phone.locator(".pick", has_not=phone.locator(":checked")).click()
    phone.locator("#confirm").wait_for()
    phone.locator(".pick", has=phone.locator("[value^=x]")).click()
    expect(phone.locator(".pick :checked")).to_have_count(1)
    phone.locator("#confirm").check()
    expect(phone.locator("#kept")).to_contain_text("Tersimpan")
    phone.get_by_role("radio", name="Terbitkan sekarang").check()
    phone.locator("#schedule").click()
    expect(badge).to_have_text("Belum pasti terbit", timeout=20_000)
    assert fits(phone)
    phone.get_by_role("button", name="Periksa apakah postingan sudah ada di LinkedIn").click()
    expect(phone.locator(".resolve [role=status]")).to_be_visible()
    phone.get_by_role("button", name="Postingan tidak ada di jejaring sosial. Terbitkan sekarang").click()
    expect(badge).to_have_text("Sudah terbit", timeout=20_000)
    assert [post["text"] for post in published(linkedin)] == ["Sangrai baru hari ini"]
    narrow.close()


WORDS = {  # in the order of the way
    "en": (
        "Your name",
        "E-mail address",
        "Password",
        "Name of your workspace",
        "Get started",
        "Text",
        "Saved",
        "Publish now",
        "Published",
    ),
    "id": (
        "Nama Anda",
        "Alamat email",
        "Kata sandi",
        "Nama ruang kerja Anda",
        "Mulai",
        "Teks",
        "Tersimpan",
        "Terbitkan sekarang",
        "Sudah terbit",
    ),
}


@pytest.mark.parametrize(("language", "width"), [("en", 1360), ("id", 360)])
def test_a_first_visit_to_a_post_on_four_networks(browser, site, networks, language, width):
    name, email, password, workspace, begin, text, saved, now, out = WORDS[language]
    context = browser.new_context(
        base_url=site, viewport={"width": width, "height": 740}, locale={"en": "en-GB", "id": "id-ID"}[language]
    )
    context.set_default_timeout(30_000)  # a busy machine takes its time
    page = context.new_page()
    page.goto("/")
    page.get_by_label(name).fill("Sari")
    page.get_by_label(email).fill("sari@kopisenja.example")
    page.get_by_label(password).fill(PASSWORD)
    page.get_by_label(workspace).fill("Kopi Senja")
    page.get_by_role("button", name=begin).click()
    page.locator(".first-steps").wait_for()
    for slug in FOUR:
        connect(page, networks[slug].label, language=language)
    page.goto("/compose")
    page.get_by_label(text, exact=True).fill("Selamat pagi! Fresh beans from Gayo are here")
    expect(page.locator("#kept")).to_contain_text(saved)
    page.locator("#confirm").check()
    page.get_by_role("radio", name=now).check()
    assert fits(page)
    page.locator("#schedule").click()
    for n in range(4):
        expect(page.locator(".delivery > header .badge").nth(n)).to_have_text(out, timeout=20_000)
    assert {row.network for row in Delivery.objects.filter(state="published")} == set(FOUR)
    assert fits(page)
    context.close()
