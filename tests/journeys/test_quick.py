"""How little has to be done: counted, from the home page to four networks."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from kicau.publishing.models import Delivery
from tests.journeys.agreement import connect_all
from tests.journeys.conftest import come_in

PASTE = """([selector, text, bytes]) => {
    const data = new DataTransfer();
    if (text) data.setData("text/plain", text);
    if (bytes) data.items.add(new File([new Uint8Array(bytes)], "beans.jpg", { type: "image/jpeg" }));
    const field = document.querySelector(selector);
    const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    if (field.dispatchEvent(event) && text) { field.setRangeText(text); field.dispatchEvent(new Event("input", { bubbles: true })); }
}"""


def test_text_and_picture_to_four_networks_in_at_most_six_interactions(
    page: Page, site, networks, owner, actor, picture_file
):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x", "facebook", "instagram", "linkedin")
    page.goto("/")
    done = 0

    page.get_by_role("link", name="Write a post").first.click()
    done += 1
    expect(page.locator(":focus")).to_have_class("say")
    page.evaluate(PASTE, [":focus", "Fresh beans from Gayo are here today", None])
    done += 1
    page.evaluate(PASTE, [":focus", None, list(picture_file.read_bytes())])
    done += 1
    expect(page.locator(".plates.edit img")).to_have_count(1)
    page.locator("#confirm").check()
    done += 1
    page.get_by_role("button", name="Schedule", exact=True).click()
    done += 1
    page.wait_for_url("**/posts/*")

    assert done <= 6
    rows = list(Delivery.objects.all())
    assert {row.network for row in rows} == {"x", "facebook", "instagram", "linkedin"}
    assert all(row.state == "scheduled" for row in rows)
    assert all(row.rendered["parts"][0].get("media") for row in rows)


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
