"""How little has to be done: counted, from the home page to four networks."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page, expect

from kicau.base import clock
from kicau.publishing.models import Delivery
from tests.journeys.agreement import connect_all
from tests.journeys.conftest import come_in
from tests.journeys.interactions import CountingPage

PASTE = """([selector, text, bytes]) => {
    const data = new DataTransfer();
    if (text) data.setData("text/plain", text);
    if (bytes) data.items.add(new File([new Uint8Array(bytes)], "beans.jpg", { type: "image/jpeg" }));
    const field = document.querySelector(selector);
    const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    if (field.dispatchEvent(event) && text) { field.setRangeText(text); field.dispatchEvent(new Event("input", { bubbles: true })); }
}"""


FOUR = ("x", "facebook", "instagram", "linkedin")


def test_text_and_picture_to_four_networks_at_a_time_in_at_most_six_interactions(
    page: Page, site, networks, owner, actor, picture_file
):
    come_in(page.context, site, owner)
    connect_all(actor, networks, *FOUR)
    page.goto("/")
    hand = CountingPage(page)

    hand.click(page.get_by_role("link", name="New post", exact=True).first)
    expect(page.locator(":focus")).to_have_class("say")
    hand.type("Fresh beans from Gayo are here today")
    hand.choose_file(page.get_by_text("Add files"), picture_file)
    expect(page.locator(".plates.edit img")).to_have_count(1)
    hand.fill(page.locator("#at"), "tomorrow 9")
    expect(page.locator(".understood")).to_contain_text("09:00")
    hand.click(page.get_by_role("button", name="Schedule", exact=True))
    page.wait_for_url("**/posts/*")

    assert hand.count <= 6, hand.done
    rows = list(Delivery.objects.all())
    assert {row.network for row in rows} == set(FOUR)
    tomorrow = (clock.now() + timedelta(days=1)).astimezone(clock.find_zone("Asia/Jakarta"))
    assert {f"{row.due_at.astimezone(clock.find_zone('Asia/Jakarta')):%d %H:%M}" for row in rows} == {
        f"{tomorrow:%d} 09:00"
    }
    assert {row.network: row.state for row in rows} == {
        "x": "scheduled",
        "facebook": "scheduled",
        "instagram": "scheduled",
        "linkedin": "held",
    }
    assert all(row.rendered["parts"][0].get("media") for row in rows)


def test_pasted_and_confirmed_it_is_no_more(page: Page, site, networks, owner, actor, picture_file):
    come_in(page.context, site, owner)
    connect_all(actor, networks, *FOUR)
    page.goto("/")
    hand = CountingPage(page)
    hand.click(page.get_by_role("link", name="New post", exact=True).first)
    hand.type("Fresh beans from Gayo are here today")
    page.evaluate(PASTE, [":focus", None, list(picture_file.read_bytes())])
    hand.done.append("paste")
    expect(page.locator(".plates.edit img")).to_have_count(1)
    hand.fill(page.locator("#at"), "besok 9")
    hand.check(page.locator("#confirm"))
    hand.press("Control+Enter")
    page.wait_for_url("**/posts/*")
    assert hand.count <= 6, hand.done
    assert {row.state for row in Delivery.objects.all()} == {"scheduled"}
    assert Delivery.objects.count() == 4


def test_the_calendar_and_a_post_by_keyboard_alone(page: Page, site, networks, owner, actor):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x")
    page.goto("/compose")
    page.keyboard.type("Written without a mouse")
    expect(page.locator("#kept")).to_contain_text("Saved")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "schedule":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/posts/*")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.goto("/calendar?view=week")
    chip = page.locator("a.chip")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('chip')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/posts/*")
    expect(chip).to_have_count(0)
    page.locator("summary", has_text="Reschedule").focus()
    page.keyboard.press("Enter")
    page.locator(".mover input[type=time]").fill("23:45")
    page.locator(".mover input[type=date]").fill("2027-01-31")
    page.locator(".mover button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The post was moved to its new time.")).to_be_visible()
    assert Delivery.objects.get().due_at.isoformat() == "2027-01-31T16:45:00+00:00"
