"""The drill of April 2023 in a browser: notice, the assistant, the export, new targets, and back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from kicau.offboarding.models import Offboarding
from kicau.publishing.models import Delivery
from tests.drill.test_drill import READER, _out, _same
from tests.drill.time import machine
from tests.drill.world import (
    AFTER,
    BACK,
    BUILT,
    EFFECTIVE,
    LEFT,
    NOTICE,
    SMALL,
    connect,
    content,
    fill,
    town,
    travel,
    until,
)
from tests.journeys.conftest import come_in, fits


def opens_without_us(browser, file, folder):
    """The unpacked export in a browser without any network, on a phone: each page of the site, and what they show."""
    with zipfile.ZipFile(file) as packed:
        packed.extractall(folder)
    context = browser.new_context(viewport={"width": 360, "height": 740}, offline=True, java_script_enabled=False)
    lost = []
    alone = context.new_page()
    alone.on("requestfailed", lambda request: lost.append(request.url))
    for path in (folder / "index.html", *sorted((folder / "pages").glob("*.html"))):
        alone.goto(path.as_uri())
        assert alone.locator("h1").count() == 1, path
        assert fits(alone), path
    context.close()
    assert not lost


@pytest.mark.django_db(transaction=True)
def test_a_network_is_left_and_taken_back(owner, actor, page, tmp_path, live_server, settings):
    settings.KICAU_PUBLIC_URL = live_server.url
    with town() as place, machine(place.servers.values()) as clock:
        clock.go(BUILT)
        stock = fill(actor, connect(actor, place), SMALL, tmp_path)
        place.open()
        clock.go(NOTICE)
        come_in(page.context, live_server.url, owner)

        # The assistant: what will happen, before it does.
        page.goto("/channels")
        page.get_by_role("link", name="Stop using a network").click()
        page.get_by_role("link", name="X 1 channel").click()
        expect(page.get_by_text("Stop now", exact=True)).to_be_visible()
        page.get_by_label("Stop on a date that you choose").check()
        page.get_by_label("Date", exact=True).fill("2023-04-25")
        page.get_by_label("Time", exact=True).fill("07:00")  # in Jakarta: midnight in London's winter
        late = sum(d.network == LEFT and d.due_at >= EFFECTIVE for d in stock.waves["during"])
        stopped = len(stock.stopped) + late
        expect(page.locator("#ahead")).to_contain_text(f"{stopped} posts are put on hold")
        assert not Offboarding.objects.exists()
        page.get_by_label("Reason for stopping (other members can read it later)").fill("$42,000 a month")
        page.get_by_label("What led to the decision to stop?").select_option("network")
        page.get_by_role("button", name="Stop using X").click()
        expect(page.get_by_text("Publishing will stop on a set date")).to_be_visible()
        expect(
            page.get_by_role("heading", name="Posts scheduled after the date when Kicau stops publishing")
        ).to_be_visible()
        here = page.url
        page.goto("/calendar")
        expect(page.get_by_text(f"{stopped} posts are scheduled after that date")).to_be_visible()
        travel(clock, EFFECTIVE - timedelta(hours=1))
        first = content(actor)

        # The moment itself.
        travel(clock, EFFECTIVE - timedelta(seconds=2))
        until(
            lambda: (
                Offboarding.objects.get().state == "offboarded"
                and _out([d for d in stock.waves["during"] if d.network != LEFT])
            )
        )
        page.goto(here)
        expect(page.get_by_text("No posts or files were deleted.")).to_be_visible()

        # The export, by hand, and counted by a stranger.
        page.get_by_role("button", name="Export all posts and files").click()
        with page.expect_download() as coming:
            page.get_by_role("link", name="Download the export file").click()
        file = tmp_path / "export.zip"
        coming.value.save_as(file)
        told = json.loads(
            subprocess.run(
                [sys.executable, "-I", str(READER), str(file)], capture_output=True, text=True, check=False
            ).stdout
        )
        assert told["problems"] == []
        assert told["deliveries"]["held/offboarded"] >= len(stock.stopped)
        opens_without_us(page.context.browser, file, tmp_path / "export")

        # New targets: what fits the first, then the rest elsewhere.
        page.get_by_role("link", name="Choose other channels for the posts on hold").click()
        page.locator("label.pick", has=page.get_by_alt_text("Bluesky")).click()
        expect(page.get_by_role("heading", name="Posts that don't fit the chosen channels")).to_be_visible()
        expect(page.get_by_text("Problems of each post")).to_be_visible()
        page.get_by_role("button", name="Schedule").click()
        expect(page.get_by_text("posts and scheduled them on other channels")).to_be_visible()
        page.get_by_role("link", name="Choose other channels for the posts on hold").click()
        expect(page.get_by_label("Move only posts that were not moved yet")).to_be_checked()
        page.locator("label.pick", has=page.get_by_alt_text("Mastodon")).click()
        page.get_by_role("button", name="Schedule").click()
        expect(
            page.get_by_text(re.compile(rf"{len(stock.stopped)} of \d+ posts on hold were moved to other channels"))
        ).to_be_visible()

        # After: the others to the second; then back, and what is past its time is asked about.
        travel(clock, AFTER - timedelta(seconds=1))
        until(lambda: _out(stock.waves["after"]))
        travel(clock, BACK)
        out_there = len(place.texts(LEFT))
        page.goto(here)
        page.get_by_role("link", name="Resume publishing").click()
        expect(page.get_by_text("posts are past their scheduled time. You choose what happens to them")).to_be_visible()
        page.get_by_role("button", name="Resume publishing").click()
        expect(
            page.get_by_text("Kicau publishes to this network again and continues with the scheduled posts.")
        ).to_be_visible()
        waiting = list(Delivery.objects.filter(network=LEFT, hold="offboarded"))
        assert len(waiting) >= SMALL.wave
        elsewhere = {d.id for name in ("before", "during", "after") for d in stock.waves[name]}
        _same(first, content(actor), waiting, elsewhere)
        expect(page.get_by_role("heading", name="past their scheduled time")).to_be_visible()
        page.get_by_label("Cancel all overdue posts, but keep their drafts").check()
        page.get_by_role("button", name="Apply this choice to all overdue posts").click()
        expect(page.get_by_text("Your choice for the overdue posts was applied.")).to_be_visible()
        assert not Delivery.objects.filter(network=LEFT, hold="offboarded").exists()
        assert len(place.texts(LEFT)) == out_there
