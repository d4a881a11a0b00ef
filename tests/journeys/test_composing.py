"""Composing and the calendar, as people do it: a thread with pictures, keys alone, a phone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from kicau.publishing.models import Delivery
from kicau.workspaces.actions import update_person
from tests.journeys.agreement import connect_all
from tests.journeys.conftest import come_in, fits
from tests.journeys.test_quick import PASTE


def test_a_thread_of_five_with_pictures_and_no_request_leaves_the_host(
    page: Page, site, networks, owner, actor, picture_file
):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x")
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto("/compose")
    parts = [f"Part {n} of the story of our beans." for n in range(1, 6)]
    for n, text in enumerate(parts):
        if n:
            page.get_by_role("button", name="Add a part to the thread").click()
            expect(page.locator(".say")).to_have_count(n + 1)
            page.locator(".say").nth(n).focus()
        page.keyboard.insert_text(text)
        page.evaluate(PASTE, [":focus", None, [*picture_file.read_bytes(), n]])
        expect(page.locator(".plates.edit img")).to_have_count(n + 1)
        expect(page.locator(".say").nth(n)).to_be_focused()  # the cursor is back where it was, before it is moved on
        page.locator(".alt textarea").nth(n).fill(f"Picture {n + 1}")
    expect(page.locator("#look .piece")).to_have_count(5)
    expect(page.locator("#look img[alt='Picture 5']")).to_be_visible()
    page.get_by_role("radio", name="Publish now").check()
    assert hosts - {""} == {urlsplit(page.url).netloc}
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/posts/*")
    expect(page.locator(".delivery .badge").first).to_have_text("Published", timeout=30_000)
    row = Delivery.objects.get()
    posts = {post.id: post for post in networks["x"].public_posts()}
    out = [posts[key] for key in row.remote_ids]
    assert [post.text.split(" http")[0] for post in out] == parts
    assert [[m["alt"] for m in post.media] for post in out] == [[f"Picture {n}"] for n in range(1, 6)]
    assert [post.in_reply_to for post in out[1:]] == row.remote_ids[:-1]


def test_a_button_that_is_pressed_as_the_editor_comes_anew_is_pressed_once(page: Page, site, networks, owner, actor):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x")
    page.goto("/compose")
    button = page.get_by_role("button", name="Add a part to the thread")
    button.hover()
    old = button.element_handle()
    page.mouse.down()
    page.locator("[name=channel]").dispatch_event("change")
    page.wait_for_function("one => !one.isConnected", arg=old)
    page.mouse.up()
    expect(page.locator(".say")).to_have_count(2)
    button.click()
    expect(page.locator(".say")).to_have_count(3)


def test_a_post_moves_in_the_calendar_by_keys_alone_and_comes_back(page: Page, site, networks, owner, actor):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x")
    page.goto("/compose")
    page.keyboard.type("Moved without a mouse")
    expect(page.locator("#kept")).to_contain_text("Saved")
    page.locator("#at").fill("13 Jan 2027 9:00")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/posts/*")
    before = Delivery.objects.get().due_at
    page.goto("/calendar?view=month&day=2027-01-13")
    for _ in range(90):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('chip')"):
            break
    page.keyboard.press("Alt+ArrowRight")
    expect(page.get_by_text("1 post was moved to a new time.")).to_be_visible()
    expect(page.locator("a.chip")).to_be_focused()
    assert (Delivery.objects.get().due_at - before).days == 1
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("[data-day='2027-01-21'] a.chip")).to_be_focused()
    page.keyboard.press("z")
    expect(page.get_by_text("The posts have their previous publishing times again.")).to_be_visible()
    assert (Delivery.objects.get().due_at - before).days == 1
    page.goto("/calendar?view=month&day=2027-01-13")
    page.context.set_offline(True)  # nothing is moved, and it says so
    page.locator("a.chip").drag_to(page.locator("[data-day='2027-01-20']"))
    expect(page.get_by_text("Your browser cannot reach Kicau.")).to_be_visible()
    page.context.set_offline(False)
    page.locator("a.chip").drag_to(page.locator("[data-day='2027-01-20']"))
    expect(page.locator("[data-day='2027-01-20'] a.chip")).to_be_visible()
    assert (Delivery.objects.get().due_at - before).days == 7


def test_slots_and_differences_are_told_as_they_are_chosen_and_typed(page: Page, site, networks, owner, actor):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x", "linkedin")
    page.goto("/compose")
    for box in page.locator("[name=channel]").all():
        box.set_checked(True)
    page.locator(".say").fill("For all")
    page.get_by_role("radio", name="Next free time slot of each channel").check()
    expect(page.locator("#when-note .wrong")).to_be_visible()  # no channel has slots yet
    page.get_by_role("radio", name="Publish now").check()
    expect(page.locator("#when-note .wrong")).to_have_count(0)
    page.locator("[data-act='own:x']").click()
    own = page.locator(".group.own")
    expect(own).to_contain_text("text not customized for this network: Kicau uses the main text")
    own.locator(".say").fill("For X")
    expect(own).not_to_contain_text("text not customized for this network: Kicau uses the main text")
    own.locator(".say").fill("For all")
    expect(own).to_contain_text("text not customized for this network: Kicau uses the main text")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_text("You also have this post open in another window")).to_be_visible()
    other.close()
    own.locator(".say").fill("Soon")
    expect(own).not_to_contain_text(
        "text not customized for this network: Kicau uses the main text"
    )  # which moves what is below
    page.get_by_role("radio", name="Publish at a specific time").check()
    page.get_by_role("button", name="Save draft").click()
    page.goto("/compose")
    page.keyboard.type("Kept #kopi")
    expect(page.locator("#kept")).to_contain_text("Saved")
    page.goto("/compose")
    page.keyboard.type("#kop")
    expect(page.locator("#offered [role=option]")).to_have_text("#kopi")
    page.keyboard.type("i")
    expect(page.locator("#offered")).to_have_count(0)  # what stands there already is not offered
    page.goto("/activity")
    expect(page.locator("ol.list")).to_contain_text("connected a channel Kopi Senja · X")


def test_in_indonesian_on_a_phone(page: Page, networks, owner, workspace, picture_file):
    update_person(owner, language="id")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/sign-in")
    page.locator("[name=email]").fill("sari@kopisenja.example")
    page.locator("[name=password]").fill("hujan-di-bandung-41")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/sign-in" not in address)
    page.goto("/channels/connect/x")
    page.get_by_role("button", name="Buka X").click()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("button", name="Hubungkan akun yang Anda pilih").click()
    page.wait_for_url("**/channels")
    page.get_by_role("link", name="Postingan baru", exact=True).click()
    page.locator(".say").fill("Selamat pagi dari Bandung")
    expect(page.locator("#kept")).to_contain_text("Tersimpan")  # the script is there
    page.get_by_role("button", name="Emoji").click()
    expect(page.locator(".faces button").first).to_be_visible()
    page.keyboard.type("kopi")
    page.keyboard.press("Enter")
    expect(page.locator(".say")).to_have_value(re.compile("Bandung☕"))
    page.locator("input[type=file]").first.set_input_files(str(picture_file))
    expect(page.get_by_text("1 gambar belum punya teks alternatif")).to_be_visible()
    page.locator(".alt textarea").fill("Biji kopi di meja")
    expect(page.get_by_text("1 gambar belum punya teks alternatif")).to_have_count(0)
    page.get_by_role("button", name="Jadwalkan", exact=True).click()
    page.wait_for_url("**/posts/*")
    for address in (
        "/calendar",
        "/calendar?view=day",
        "/calendar?view=week",
        "/calendar?view=month",
        "/import",
        page.url,
    ):
        page.goto(address)
        assert fits(page), address
