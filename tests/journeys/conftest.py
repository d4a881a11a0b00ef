"""The whole product in one process: pages on loopback, a worker, every network's sandbox, and Chromium."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from kicau.channels.actions import register_app
from kicau.channels.channel_session import new_client
from kicau.connector import registry
from kicau.connector.sandbox.server import Sandbox, start_sandbox
from kicau.engine.dispatcher import Dispatcher
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.workspaces.models import Person
from tests.browser import BROWSERS

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--font-render-hinting=none",
]
expect.set_options(timeout=20_000)  # two cores may be busy with two journeys
PASSWORD = "hujan-di-bandung-41"  # of everybody in the cast


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser that leaves in the middle of a request ends the server's thread with its connection: no fault of ours."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning"))


@pytest.fixture(scope="session", autouse=True)
def _static_folder() -> None:
    Path(django_settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


def fits(page: Page) -> bool:
    """Nothing on it is wider than the window, whether the window scrolls or, on a narrow screen, the body."""
    return page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) <= innerWidth")


def browser_path() -> str:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail(
            f"The journeys need a browser, and none of these is installed: {', '.join(BROWSERS)}. On Debian: apt-get install chromium-headless-shell"
        )
    return path


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright) -> Iterator[Browser]:
    running = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
    yield running
    running.close()


class Background:
    """A thread with a loop of its own: the sandboxes and, where wanted, a worker."""

    def __init__(self) -> None:
        self.servers: dict[str, Sandbox] = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop: asyncio.Event | None = None
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Background:
        self._thread.start()
        if not self._ready.wait(30):
            raise TimeoutError("the sandboxes did not start within 30 s")
        if self._failed:
            raise self._failed
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        except BaseException as exc:
            self._failed = exc
            self._ready.set()
        finally:
            connections.close_all()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _live(self) -> None:
        self._stop = asyncio.Event()
        runners = []
        for slug in registry.installed_slugs():
            package = registry.network_package(slug)
            # Every request of ours is held against the network's official description.
            held_against = (import_module(f"{package}.tests.spec").validate,)
            server: Sandbox = import_module(f"{package}.sandbox").Server(validators=held_against)
            runners.append(await start_sandbox(server))
            self.servers[slug] = server
        async with new_client() as client:
            pump = Dispatcher(DeliverySource(client))
            working = asyncio.create_task(pump.run())
            self._ready.set()
            await self._stop.wait()
            pump.stop()
            await working
        for runner in runners:
            await runner.cleanup()


@pytest.fixture
def networks(transactional_db, live_server, settings) -> Iterator[dict[str, Sandbox]]:
    """Every network's sandbox is up, its app registered here, and a worker publishes."""
    settings.KICAU_PUBLIC_URL = live_server.url
    with Background() as background:
        for slug, server in background.servers.items():
            app = server.default_app
            register_app(slug, app.client_id, app.client_secret, endpoints=server.endpoints(), is_sandbox=True)
        yield background.servers
        assert {slug: s.violations for slug, s in background.servers.items() if s.violations} == {}


@pytest.fixture
def site(live_server) -> str:
    return str(live_server.url)


@pytest.fixture
def page(browser, site) -> Iterator[Page]:
    context = browser.new_context(
        base_url=site, viewport={"width": 1360, "height": 900}, locale="en-GB", timezone_id="Asia/Jakarta"
    )
    context.set_default_timeout(30_000)  # a busy machine takes its time
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda exc: errors.append(str(exc)))
    page.on(
        "console",
        lambda said: (
            errors.append(f"{said.text} at {said.location} on {page.url}")
            if said.type == "error" and "Content Security Policy" in said.text
            else None
        ),
    )
    yield page
    context.close()
    assert not errors, errors


def come_in(context: BrowserContext, site: str, person: Person) -> None:
    """With the session that the form gives: a journey that is about something else begins behind it."""
    client = Client()
    client.force_login(person)
    context.add_cookies([{"name": "kicau", "value": client.cookies["kicau"].value, "url": site}])


def sign_in(page: Page, email: str = "sari@kopisenja.example") -> None:
    """By the form."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/sign-in" not in address)


def connect(page: Page, label: str, *, language: str = "en", first: bool = False) -> None:
    """By the pages and the network's own consent page; all identities, or the `first` alone."""
    go_to, connect_these = {
        "en": ("Go to", "Connect the accounts that you selected"),
        "id": ("Buka", "Hubungkan akun yang Anda pilih"),
    }[language]
    page.goto("/channels")
    page.get_by_role("link", name=label, exact=True).click()
    page.get_by_role("button", name=f"{go_to} {label}").click()
    page.get_by_role("button", name="Allow").click()
    for box in page.locator("[name=identity]").all()[1:] if first else ():
        box.uncheck()
    page.get_by_role("button", name=connect_these).click()
    page.wait_for_url("**/channels")


@pytest.fixture
def picture_file(tmp_path) -> Path:
    from PIL import Image

    path = tmp_path / "beans.jpg"
    Image.effect_mandelbrot((1200, 900), (-2.2, -1.2, 1, 1.2), 60).convert("RGB").save(path, quality=85)
    return path
