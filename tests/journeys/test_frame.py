"""The frame of the pages on a phone: what can be pressed is never under the bar, and the keyboard scrolls as anywhere."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.journeys.screenshots import open_as
from tests.journeys.stock.posts import stock

UNDER = """() => {
    const bar = document.querySelector(".side > .nav").getBoundingClientRect();
    const seen = (box) => { const body = document.body.getBoundingClientRect(); return box.bottom > bar.top && body.bottom > bar.top; };
    return [...document.querySelectorAll("main a, main button")].filter((one) => seen(one.getBoundingClientRect())).map((one) => one.outerHTML);
}"""
PLACE = "document.body.scrollTop"

RESTS = """() => new Promise((rests) => {
    let last = -1;
    const look = () => {
        if (document.body.scrollTop === last) return rests();
        last = document.body.scrollTop;
        setTimeout(look, 200);
    };
    look();
})"""


def wait(page: Page, true: str) -> None:
    for _ in range(100):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not {true}: {page.evaluate(PLACE)}")


def test_on_a_phone_the_page_scrolls_above_the_bar(browser, site, transactional_db, owner, workspace, actor):
    things = stock(actor, workspace)
    context = open_as(browser, site, owner, "light", 360, 740)
    page = context.new_page()
    page.goto("/channels")
    assert page.evaluate(UNDER) == []
    page.keyboard.press("PageDown")
    wait(page, f"{PLACE} > 100")
    page.evaluate(RESTS)  # a busy browser may drop a key while it still scrolls for the last one
    page.keyboard.press("End")
    wait(page, "document.body.scrollTop + document.body.clientHeight >= document.body.scrollHeight - 1")
    page.evaluate(RESTS)  # the last pixel may still be on its way
    place = page.evaluate(PLACE)
    page.reload()
    wait(page, f"{PLACE} == {place}")
    page.goto(f"/posts/{things['failed']}")
    anchor = page.locator(".delivery[id]").last.get_attribute("id")
    page.goto(f"/posts/{things['failed']}?#{anchor}")
    wait(page, f"{PLACE} > 0")
    assert page.evaluate(
        "id => { const box = document.getElementById(id).getBoundingClientRect(); return box.top >= 0 && box.top < document.body.clientHeight }",
        anchor,
    )
    context.close()
