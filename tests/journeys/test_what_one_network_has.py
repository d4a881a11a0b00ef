"""What only one network has: chosen in the composer, seen in the preview, published, and read at the network."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from kicau.networks._meta.tests import made
from tests.journeys.conftest import come_in, connect

PASSWORD = "kopi-senj-asan-dbox"  # of the sandbox
CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:02.000\nAir dituang"


# A file's window is open while an answer puts the editor anew: what is chosen then comes to a field that is gone.
CHOSEN_LATE = """
(text) => {
    const input = document.querySelector("[data-reads=o-bluesky-captions]"), chosen = new DataTransfer();
    input.remove();
    chosen.items.add(new File([text], "later.vtt"));
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
}
"""


def write(page: Page, words: str, file: Path) -> None:
    page.goto("/compose")
    page.get_by_label("Text", exact=True).fill(words)
    page.locator("input[type=file][data-upload]").set_input_files(file)
    expect(page.locator(".alt textarea")).to_be_visible()  # the editor comes anew with it, under the pointer
    page.locator("#more > summary").click()


def publish(page: Page) -> None:
    page.get_by_role("radio", name="Publish now").check()
    page.locator("#schedule").click()
    page.wait_for_url("**/posts/*")
    expect(page.locator(".delivery .badge", has_text=re.compile(r"^\s*Published\s*$"))).to_have_count(1, timeout=30_000)


def test_a_focal_point_a_warning_and_an_answer(page: Page, site, networks, owner, workspace, picture_file):
    come_in(page.context, site, owner)
    connect(page, "Mastodon", first=True)
    write(page, "Biji kopi", picture_file)
    tile = page.get_by_role("button", name="Focal point of the image beans.jpg")
    expect(tile).to_be_visible()
    expect(tile.locator("img")).not_to_have_js_property("naturalWidth", 0)
    box = tile.locator("img").bounding_box()
    assert box is not None
    tile.locator("img").click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.75})
    x, y = map(float, page.locator("#o-mastodon-focus").input_value().split(","))
    assert abs(x - 0.5) < 0.03
    assert abs(y + 0.5) < 0.03
    page.locator("#o-mastodon-focus").fill("0.5,-0.5")
    tile.press("ArrowUp")
    expect(page.locator("#o-mastodon-focus")).to_have_value("0.5,-0.4")
    page.locator("#o-mastodon-warning").fill("Kafein")
    page.locator("#o-mastodon-visibility").select_option("unlisted")
    page.locator("#language").fill("id")
    expect(page.locator("#look .settings")).to_contain_text("Content warning Kafein")
    publish(page)
    (post,) = networks["mastodon"].public_posts()
    assert (post.extra["warning"], post.extra["visibility"], post.extra["language"]) == ("Kafein", "unlisted", "id")
    assert post.extra["focus"] == [{"x": 0.5, "y": -0.4}]

    write(page, "Tambahan", picture_file)
    page.locator("#o-mastodon-reply_to").fill(post.url)
    expect(page.locator("#look .settings")).to_contain_text("Reply to a post")
    publish(page)
    answer = next(one for one in networks["mastodon"].public_posts() if one.text == "Tambahan")
    assert answer.in_reply_to == post.id


def test_captions_come_from_a_file(page: Page, site, networks, owner, workspace, tmp_path):
    file = tmp_path / "air.vtt"
    file.write_text(CAPTIONS)
    come_in(page.context, site, owner)
    page.goto("/channels")
    page.get_by_role("link", name="Bluesky", exact=True).click()
    page.get_by_label("How you want to sign in").select_option("app-password")
    page.get_by_label("Handle", exact=False).first.fill("kopisenja.test")
    page.get_by_label("App password", exact=False).last.fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Connect the accounts that you selected").click()
    page.wait_for_url("**/channels")
    write(page, "Air dituang", made.video("wide.mp4", 320, 180, 2.0).path)
    page.locator("[data-reads=o-bluesky-captions]").set_input_files(file)
    expect(page.locator("#o-bluesky-captions")).to_have_value(CAPTIONS)
    expect(page.locator("#look .settings")).to_contain_text("Video subtitles 4 lines")
    later = CAPTIONS.replace("Air", "Susu")
    page.evaluate(CHOSEN_LATE, later)
    expect(page.locator("#o-bluesky-captions")).to_have_value(later)
    publish(page)
    (post,) = networks["bluesky"].public_posts()
    assert any(one["kind"] == "captions" for one in post.media)
