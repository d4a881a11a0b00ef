"""From a signed-out browser to posts that stand on the networks."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.journeys.agreement import connect_all
from tests.journeys.conftest import PASSWORD, come_in, connect

DEMO = Path(__file__).resolve().parents[2] / "kicau" / "demo" / "media"


def published(server) -> list[dict]:
    with urllib.request.urlopen(f"{server.base_url}/_sandbox/posts") as answer:
        return json.load(answer)


def test_first_visit_to_a_picture_published(page: Page, networks, picture_file):
    page.goto("/")
    page.get_by_label("Your name").fill("Sari")
    page.get_by_label("E-mail address").fill("sari@kopisenja.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Name of your workspace").fill("Kopi Senja")
    page.get_by_role("button", name="Get started").click()
    expect(page.get_by_text("Three steps to your first post")).to_be_visible()
    connect(page, "X")

    page.get_by_role("link", name="New post", exact=True).click()
    text = page.get_by_label("Text", exact=True)
    text.fill("Selamat pagi! Fresh beans from Gayo are here ☕ https://kopisenja.example/gayo #kopi")
    expect(page.locator(".counter").first).to_contain_text("/280")
    page.locator("input[type=file]").first.set_input_files(str(picture_file))
    expect(page.locator(".plates.edit img")).to_have_count(1)
    expect(page.locator("#kept")).to_contain_text("Saved")  # nothing is under way that would draw the editor anew
    page.locator(".alt textarea").fill("Coffee beans on a table")
    expect(page.locator("#look img[alt='Coffee beans on a table']")).to_be_visible()
    expect(page.locator("#kept")).to_contain_text("Saved")
    page.get_by_role("radio", name="Publish now").check()
    page.get_by_role("button", name="Publish now").click()
    expect(page.locator(".delivery .badge").first).to_have_text("Published", timeout=20_000)
    post = published(networks["x"])[-1]
    assert "Fresh beans from Gayo" in post["text"]
    assert post["media"][0]["alt"] == "Coffee beans on a table"


def test_what_was_typed_survives_a_reload_and_a_lost_server(page: Page, site, networks, owner, workspace):
    come_in(page.context, site, owner)
    page.goto("/compose")
    text = page.get_by_label("Text", exact=True)
    text.fill("First words")
    expect(page.locator("#kept")).to_contain_text("Saved")
    page.context.set_offline(True)
    text.press_sequentially(" and more, with nobody listening")
    expect(page.locator("#kept")).to_contain_text("kept in this browser")
    page.context.set_offline(False)
    page.evaluate("window.onbeforeunload = null; sessionStorage.clear()")
    page.reload()
    expect(page.get_by_label("Text", exact=True)).to_have_value("First words and more, with nobody listening")


def test_what_was_typed_and_chosen_before_the_script_came_counts(
    page: Page, site, networks, owner, actor, picture_file
):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x")
    held: list[Route] = []
    page.route("**/composer*.js", lambda route: held.append(route))
    page.goto("/compose", wait_until="commit")
    page.get_by_label("Text", exact=True).fill("Quicker than the line")
    page.locator("input[type=file]").first.set_input_files(str(picture_file))
    held[0].continue_()
    expect(page.locator(".plates.edit img")).to_have_count(1)
    expect(page.locator("#look")).to_contain_text("Quicker than the line")
    expect(page.locator("#kept")).to_contain_text("Saved")
    # The other way about: an answer that comes late takes neither the cursor nor a letter from who has gone on.
    held.clear()
    another = [
        {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": picture_file.read_bytes() + bytes([n])} for n in (1, 2)
    ]
    page.route("**/compose/form*", lambda route: held.append(route))
    page.locator("input[type=file]").first.set_input_files(another[0])
    text = page.get_by_label("Text", exact=True)
    text.evaluate("field => { field.focus(); field.setSelectionRange(7, 7); }")
    page.keyboard.type(" by far")
    held[0].continue_()
    expect(page.locator(".plates.edit img")).to_have_count(2)
    page.keyboard.type(", truly,")
    expect(text).to_have_value("Quicker by far, truly, than the line")
    page.locator("input[type=file]").first.set_input_files(another[1])
    page.locator(".alt textarea").first.focus()
    held[1].continue_()
    expect(page.locator(".plates.edit img")).to_have_count(3)
    page.keyboard.type("Beans")
    expect(page.locator(".alt textarea").first).to_have_value("Beans")


def test_a_long_text_becomes_a_thread_and_a_network_can_differ(page: Page, site, networks, owner, actor):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x", "linkedin")
    page.goto("/compose")
    words = "Every cup has a farmer behind it. " * 14
    page.get_by_label("Text", exact=True).fill(words.strip())
    page.get_by_role("button", name="Split the text into a thread").first.click()
    expect(page.get_by_text("Part 2 of 2 of the thread")).to_be_visible()
    page.locator("#editor").get_by_role("button", name="LinkedIn", exact=True).click()
    own = page.get_by_role("region", name="LinkedIn")
    expect(own.locator("textarea").first).not_to_be_empty()
    own.get_by_role("button", name="Use the main text instead of the customized text").click()
    expect(own).to_have_count(0)
