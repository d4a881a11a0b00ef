"""The whole way on real servers: their own sign-in pages, a post with a picture at its time, readers elsewhere, deleting."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from kicau.base import clock
from kicau.channels.actions import register_app
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import actions
from tests.journeys.conftest import come_in
from tests.servers.fixtures import account_server, two_servers
from tests.servers.pds import PASSWORD, Pds
from tests.servers.snac import Snac

__all__ = ["account_server", "two_servers"]
FEDERATED = 60.0  # seconds within which a post has reached the other server


@pytest.fixture
def site(live_server) -> str:
    """By its number: Bluesky's servers send nobody back to the name localhost."""
    return str(live_server.url).replace("localhost", "127.0.0.1")


@pytest.fixture
def kicau(networks, site, settings) -> None:
    """A worker publishes, and the way back from a sign-in is the address of `site`."""
    settings.KICAU_PUBLIC_URL = site


def until(look: Callable[[], Any], seconds: float, what: str) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} within {seconds:.0f} s")


def write_and_schedule(page: Page, actor: Any, text: str, picture: Path) -> Delivery:
    """By the composer, for tomorrow; then its time is moved to now. Gives the delivery when it is out."""
    page.goto("/compose")
    page.get_by_label("Text", exact=True).fill(text)
    page.locator("input[type=file]").first.set_input_files(str(picture))
    page.locator(".alt textarea").fill("Coffee beans on a table")
    expect(page.locator("#look img[alt='Coffee beans on a table']")).to_be_visible()
    expect(page.locator("#kept")).to_contain_text("Saved")
    page.get_by_role("button", name="Schedule", exact=True).click()
    page.wait_for_url("**/posts/*")
    expect(page.locator(".delivery .badge").first).to_have_text("Scheduled")
    row = Delivery.objects.latest("created_at")
    actions.reschedule(actor, row.id, clock.now() + timedelta(seconds=2))
    page.reload()
    expect(page.locator(".delivery .badge").first).to_have_text("Published", timeout=30_000)
    row.refresh_from_db()
    return row


def test_bluesky_from_its_own_sign_in_page_to_deletion(
    page: Page, site, kicau, owner, actor, picture_file, account_server: Pds
):
    did = account_server.account("sari")
    register_app("bluesky", "", "", endpoints=account_server.endpoints)
    come_in(page.context, site, owner)
    page.goto("/channels")
    page.get_by_role("link", name="Bluesky", exact=True).click()
    page.get_by_label("Handle", exact=False).first.fill("sari.test")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{account_server.url}/**")
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Authorize").click()
    page.get_by_role("button", name="Connect the accounts that you selected").click()
    page.wait_for_url("**/channels")

    row = write_and_schedule(page, actor, "Fresh beans from Gayo ☕ https://kopisenja.example/gayo #kopi", picture_file)
    (post,) = account_server.posts(did)
    assert post["uri"] == row.remote_ids[0]
    assert post["value"]["text"].startswith("Fresh beans from Gayo ☕")
    assert [image["alt"] for image in post["value"]["embed"]["images"]] == ["Coffee beans on a table"]
    assert len(post["value"]["facets"]) == 2

    page.locator("summary", has_text="Delete the post from the network").click()
    page.get_by_role("button", name="Delete the published post").click()
    expect(page.locator(".delivery .badge").first).to_have_text("Deleted from the network")
    assert account_server.posts(did) == []


def test_mastodon_from_its_own_sign_in_page_to_a_reader_on_another_server(
    page: Page, site, kicau, owner, actor, picture_file, two_servers: tuple[Snac, Snac]
):
    alice, bob = two_servers
    reader = bob.token()
    found = bob.ask(f"/api/v2/search?q=@{alice.person}@{alice.host}&resolve=true&type=accounts", reader)["accounts"]
    bob.ask(f"/api/v1/accounts/{found[0]['id']}/follow", reader, {})
    register_app("mastodon", "", "", endpoints=alice.endpoints)
    come_in(page.context, site, owner)
    page.goto("/channels")
    page.get_by_role("link", name="Mastodon", exact=True).click()
    page.get_by_label("Your server").fill(alice.host)
    page.get_by_role("button", name="Go to Mastodon").click()
    page.wait_for_url(f"{alice.url}/**")
    page.locator("input[name=login]").fill(alice.person)
    page.locator("input[name=passwd]").fill(alice.password)
    page.locator("input[type=submit], button[type=submit]").first.click()
    page.get_by_role("button", name="Connect the accounts that you selected").click()
    page.wait_for_url("**/channels")

    row = write_and_schedule(page, actor, f"Biji segar dari Gayo ☕ {row_mark()} #kopi", picture_file)
    mark = row.rendered["parts"][0]["text"].split()[-2]
    (seen,) = until(
        lambda: [one for one in bob.ask("/api/v1/timelines/home", reader) if mark in one["content"]],
        FEDERATED,
        "Bob sees it",
    )
    assert seen["account"]["acct"] == f"{alice.person}@{alice.host}"
    assert [one["description"] for one in seen["media_attachments"]] == ["Coffee beans on a table"]

    page.reload()
    expect(page.get_by_text("Delete the post from the network")).to_have_count(0)  # this server lets no app delete
    page.get_by_role("link", name="Edit the post on the network").click()
    page.locator('[name="text:0"]').fill(f"Biji segar dari Toraja ☕ {mark}")
    expect(page.locator("#look .said")).to_have_text(f"Biji segar dari Toraja ☕ {mark}")
    page.get_by_role("button", name="Save changes on Mastodon").click()
    expect(page.locator(".delivery .said")).to_have_text(f"Biji segar dari Toraja ☕ {mark}")
    told = alice.ask(f"/api/v1/statuses/{row.remote_ids[0]}", alice.token())
    assert "Toraja" in told["content"]
    assert [one["description"] for one in told["media_attachments"]] == ["Coffee beans on a table"]


def row_mark() -> str:
    return f"nomor-{time.time_ns()}"
