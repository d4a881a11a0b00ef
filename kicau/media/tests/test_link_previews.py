"""Linked pages are read through the guard, kept, read again, and are no obstacle where they cannot be read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from asgiref.sync import sync_to_async

from kicau.base.errors import ValidationFailed
from kicau.connector.transport import ssrf
from kicau.media import link_previews
from kicau.media.actions import fetch_medium
from kicau.media.models import Medium
from kicau.media.tests.samples import picture, saved

SHOP = """<!doctype html><html><head><meta charset="iso-8859-1"><title>Shop</title>
<meta property="og:title" content="Caf\u00e9 &amp;  Kopi"><meta name="description" content="Beans from Gayo">
<meta property="og:image" content="/beans.png"></head><body><meta property="og:title" content="too late"></body></html>"""


class Site:
    def __init__(self) -> None:
        self.base, self.asked = "", list[str]()
        self.page, self.kind, self.status = SHOP.encode("latin-1"), "text/html", 200
        self.beans = saved(picture((1600, 900)), "PNG")

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path == "/beans.png":
            return web.Response(body=self.beans, content_type="image/png")
        return web.Response(body=self.page, content_type=self.kind, status=self.status)


@pytest_asyncio.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    made, app = Site(), web.Application()
    app.router.add_get("/{rest:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", {made.base.removeprefix("http://")})
    yield made
    await runner.cleanup()


@pytest.mark.django_db(transaction=True)
async def test_a_page_is_read_kept_read_again_and_no_obstacle(site, actor):
    url = f"{site.base}/gayo"
    page = await link_previews.read_page(actor, url)
    assert (page.title, page.description, page.why) == ("Café & Kopi", "Beans from Gayo", "")
    kept = await Medium.objects.aget(id=page.picture_id)
    assert (kept.mime, kept.width, kept.origin) == ("image/jpeg", 1200, "fetched")
    assert kept.size <= 1_000_000
    await link_previews.read_page(actor, url)
    assert site.asked == ["/gayo", "/beans.png"]

    site.page, site.beans = SHOP.replace("Gayo", "Toraja").encode("latin-1"), b"no picture"
    page = await link_previews.read_page(actor, url, refresh=True)
    assert (page.description, page.picture_id, page.why) == (
        "Beans from Toraja",
        kept.id,
        "Kicau cannot use the image of the linked page. The link preview is shown without an image.",
    )
    for status, kind, body, why in (
        (404, "text/html", b"", "returned the error status 404"),
        (200, "application/pdf", b"%PDF", "leads not to a web page but to this kind of file: application/pdf"),
        (200, "text/html", b"<html><head>", "has no title. Write the title of the link"),
    ):
        site.status, site.kind, site.page = status, kind, body
        page = await link_previews.read_page(actor, url, refresh=True)
        assert why in page.why
        assert page.title == "Café & Kopi", "what was known stays"
    ssrf.ALLOWED_HOSTS.clear()
    said = set()
    for closed in (f"{site.base}/inside", "http://127.0.0.1:9/", "http://no-such-name.invalid/", "http://[fec0::1]/"):
        said.add((await link_previews.read_page(actor, closed)).why.replace(closed, "URL"))
        with pytest.raises(ValidationFailed) as refused:
            await fetch_medium(actor, closed)
        assert str(refused.value) == ssrf.UNREACHABLE_MESSAGE.format(url=closed)
    assert len(said) == 1, "an address inside, one that is closed and one that nobody has read alike"
    with pytest.raises(ValidationFailed):
        await link_previews.read_page(actor, "file:///etc/passwd")
    assert await sync_to_async(actor.workspace.linked_pages.count)() == 5


def test_a_head_is_read_whatever_it_holds():
    told = link_previews.parse_metadata(
        '<title>One</title><title>Two</title><meta name="twitter:image" content="x.png">', "https://a.example/b/"
    )
    assert (told.title, told.picture) == ("One", "https://a.example/b/x.png")
    for odd in (
        "<meta property='og:image' content='javascript:1'>",
        "<meta property=og:title",
        "<![",
        "\x00" * 9,
        "<meta content>",
    ):
        assert link_previews.parse_metadata(odd, "https://a.example").picture == ""
