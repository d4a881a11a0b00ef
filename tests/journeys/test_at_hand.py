"""What a writer reaches for while typing: whom to mention, one person's handles, and a video's first sight."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from kicau.costs.models import Charge
from kicau.networks._meta.tests import made
from tests.journeys.agreement import connect_all
from tests.journeys.conftest import come_in


def test_a_mention_is_looked_up_by_keys_and_a_video_gets_its_cover(page: Page, site, networks, owner, actor):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x")
    page.goto("/compose")
    page.keyboard.type("Halo @KopiSenja")
    expect(page.locator("#offered [role=option]")).to_contain_text("Search for the account “KopiSenja” on X ($0.01)")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#offered [role=option]").first).to_contain_text("@kopisenja")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".say")).to_have_value("Halo @kopisenja ")
    expect(page.locator("#look .mentions .tone-leaf")).to_contain_text("@kopisenja")
    assert Charge.objects.filter(meter="user-read", purpose="read").exists()

    connect_all(actor, networks, "facebook")
    page.goto("/compose")
    for box in page.locator("[name=channel]").all():
        box.set_checked(True)
    page.get_by_role("button", name="Contacts").click()
    page.get_by_label("Contact name that you type in posts, after @").fill("@Senja")
    page.locator("[name=mention-x]").fill("kopisenja")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="@Senja").click()
    expect(page.locator(".say")).to_have_value("@Senja")
    expect(page.locator("[data-network=x] .said")).to_contain_text("@kopisenja")
    expect(page.locator("#look")).to_contain_text("The contact Senja has no handle for Facebook")

    slow: list[Route] = []
    page.route("**/cover*.js", lambda route: slow.append(route))
    page.locator("input[type=file][data-upload]").set_input_files(made.video("wide.mp4", 320, 180, 2.0).path)
    page.get_by_role("button", name="Cover image of the video wide.mp4").click()
    expect(page.locator("#cover [data-cover=frame]")).to_be_attached()
    expect(page.locator("#cover")).to_be_hidden()  # until it hears, or what is pressed in it would be lost
    slow[0].continue_()
    page.get_by_label("Time of the cover frame in the video").fill("1500")
    page.get_by_role("button", name="Use this video frame as the cover").click()
    expect(page.locator("[data-network=facebook] .plates img")).to_have_attribute("src", re.compile(r"at=1500$"))
    page.get_by_role("radio", name="Publish now").check()
    page.get_by_role("button", name="Publish now").click()
    page.wait_for_url("**/posts/*")
    expect(page.locator(".delivery .badge", has_text=re.compile(r"^\s*Published\s*$"))).to_have_count(3, timeout=30_000)
    shown = list(networks["facebook"].public_posts())
    assert [post.text for post in shown] == ["Senja", "Senja"]
    assert all(post.media[0]["cover"] for post in shown)
    assert [post.text for post in networks["x"].public_posts()] == ["@kopisenja"]


def test_a_picture_is_framed(page: Page, site, networks, owner, actor, picture_file):
    come_in(page.context, site, owner)
    connect_all(actor, networks, "x")
    page.goto("/compose")
    page.locator("input[type=file][data-upload]").set_input_files(picture_file)
    plate = page.locator(".plates.edit img")
    before = plate.get_attribute("src") or ""
    page.locator("[data-act^='crop:']").click()
    page.locator("#frame [data-frame=size]").fill("50")
    page.locator("#frame [data-crop]").click()
    expect(page.locator("#frame")).to_be_hidden()
    expect(plate).not_to_have_attribute("src", before)
