"""A whole Kicau as its operator runs it: first start, second start, death of a child, stop, backup and restore."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, Playwright, expect

from tests.journeys.conftest import FLAGS, browser_path

SEED = """
import django; django.setup()
from datetime import timedelta
from kicau.base import clock
from kicau.channels.actions import register_app
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel
from kicau.connector.session import Credentials
from kicau.publishing.content import compositions
from kicau.publishing.scheduling import schedule
from kicau.workspaces.actions import actor_for, workspaces_of
from kicau.workspaces.models import Person
person = Person.objects.get()
actor = actor_for(person, workspaces_of(person)[0].id, "cli")
app = register_app("x", "app", "secret", endpoints={"api": "http://127.0.0.1:9"}, is_sandbox=True)
Channel.objects.create(workspace=actor.workspace, network="x", app=app, key="x-kopi", account_id="1", handle="k", name="K", is_paused=True, credentials=to_stored(Credentials(access_token="t")))
for text, ahead in (("due soon", 1), ("due later", 3600)):
    draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text=text),)))
    schedule.schedule(actor, compositions.one_draft(actor, draft.id), ["x-kopi"], clock.now() + timedelta(seconds=ahead))
"""


class Instance:
    """A data folder outside pytest's private one (the database's own user must reach it), and a `kicau up` on it."""

    def __init__(self, folder):
        self.data = folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KICAU_", "DATABASE_URL", "DJANGO_"))}
        self.environment = {
            **kept,
            "KICAU_DATA": str(self.data),
            "KICAU_PORT": str(self.port),
            "KICAU_TEST_FAST_DISK": "1",
        }
        self.process = None
        self.log = folder / "log"

    def start(self, *arguments):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kicau.cli", "up", *arguments],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "Kicau is at" in line:
                return "".join(said)
        raise AssertionError(f"{said} {self.log.read_text()}")

    def stop(self):
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)
        self.process.stdout.close()
        return code, time.monotonic() - began

    def run(self, *arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "kicau.cli", *map(str, arguments)],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def events(self):
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


class Browser:
    """A Chromium of its own with a profile on disk, so that it can be killed and started again."""

    def __init__(self, playwright: Playwright, profile: Path):
        self.playwright, self.profile = playwright, profile

    def start(self) -> Page:
        port = self.profile / "DevToolsActivePort"
        port.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                browser_path(),
                "--headless",
                *FLAGS,
                f"--user-data-dir={self.profile}",
                "--remote-debugging-port=0",
                "about:blank",
            ],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not port.exists() or not port.read_text().strip():
            assert self.process.poll() is None
            time.sleep(0.02)
        self.browser = self.playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port.read_text().split()[0]}")
        page = self.browser.contexts[0].pages[0]
        page.set_default_timeout(30_000)
        return page

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it is gone already
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def home():
    folder = Path(tempfile.mkdtemp(prefix="kicau-instance-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def instance(home):
    made = Instance(home)
    made.greeting = made.start("--owner", "sari@kopisenja.example")
    yield made
    if made.process.poll() is None:
        made.stop()


def test_the_first_start_tells_once_how_to_sign_in(instance):
    assert "Sign in as sari@kopisenja.example with the password" in instance.greeting
    assert (instance.data / "secret.key").stat().st_mode & 0o077 == 0
    code, out, _ = instance.run("users", "list", "--json")
    assert (code, json.loads(out)[0]["role"]) == (0, "owner")


def test_it_serves_and_doctor_finds_all_well(instance):
    with urllib.request.urlopen(f"http://127.0.0.1:{instance.port}/readyz", timeout=10) as answer:
        assert answer.status == 200
    for _ in range(50):
        code, out, _ = instance.run("doctor")
        if code == 0:
            break
        time.sleep(0.2)
    assert code == 0, out
    assert "Everything works." in out


def test_other_commands_use_the_address_that_runs_and_not_a_default(instance):
    """As in a shell that knows nothing of the port that `up` was given."""
    _code, out, _ = instance.run("doctor", KICAU_PORT="")
    assert f"answers at 127.0.0.1:{instance.port}" in out
    assert f"http://127.0.0.1:{instance.port} is reachable only on this machine" in out
    asked = "from django.conf import settings; print(settings.KICAU_PUBLIC_URL)"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**instance.environment, "KICAU_PORT": "", "DJANGO_SETTINGS_MODULE": "kicau.config.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == f"http://127.0.0.1:{instance.port}", "sign-ins come back to this address"


def test_a_second_one_on_the_same_folder_is_refused(instance):
    code, _, err = instance.run("up", KICAU_PORT="0")
    assert code == 1
    assert "is already running with the data folder" in err
    assert str(instance.process.pid) in err
    assert err.count("\n") == 1


def test_a_child_that_dies_is_started_again(instance):
    worker = next(e["pid"] for e in instance.events() if e["event"] == "started" and e.get("child") == "worker-1")
    os.kill(worker, signal.SIGKILL)
    for _ in range(100):
        started = [e for e in instance.events() if e["event"] == "started" and e.get("child") == "worker-1"]
        if len(started) == 2:
            break
        time.sleep(0.1)
    assert len(started) == 2
    assert [e for e in instance.events() if e["event"] == "died" and e["pid"] == worker]


def sign_in(page, instance):
    page.get_by_label("E-mail address").fill("sari@kopisenja.example")
    page.get_by_label("Password").fill(instance.greeting.split("the password ")[1].split()[0].strip("."))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda there: "/sign-in" not in there)


def test_every_character_survives_the_death_of_browser_and_server(instance, playwright, tmp_path, request):
    saved, last = "Kopi Gayo yang dipetik pagi ini", " sampai di Bandung besok, dan setiap huruf"
    browser = Browser(playwright, tmp_path / "profile")
    request.addfinalizer(browser.kill)  # however it ends, none of its processes stays
    page = browser.start()
    page.goto(f"http://127.0.0.1:{instance.port}/compose")
    sign_in(page, instance)
    text = page.get_by_label("Text", exact=True)
    text.press_sequentially(saved)
    expect(page.locator("#kept")).to_contain_text("Saved")
    address = page.url
    web = [e["pid"] for e in instance.events() if e["event"] == "started" and e.get("child") == "web"][-1]
    os.kill(web, signal.SIGKILL)
    text.press_sequentially(last)
    page.locator("#composer:not([data-on-disk=''])").wait_for()  # for the last key: some milliseconds
    browser.kill()

    for _ in range(200):
        if [e["pid"] for e in instance.events() if e["event"] == "started" and e.get("child") == "web"][-1] != web:
            break
        time.sleep(0.1)
    page = browser.start()
    for _ in range(100):
        try:
            page.goto(address)
            break
        except Error:
            time.sleep(0.1)
    if "/sign-in" in page.url:
        sign_in(page, instance)
    expect(page.get_by_label("Text", exact=True)).to_have_value(saved + last)
    expect(page.locator("#kept")).to_contain_text("Saved")


def test_backup_while_it_runs_and_restore_into_an_empty_folder(instance, home):
    seeded = subprocess.run(
        [sys.executable, "-c", SEED],
        env={**instance.environment, "DJANGO_SETTINGS_MODULE": "kicau.config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert seeded.returncode == 0, seeded.stderr
    medium = instance.data / "media" / ("0" * 32) / "ab" / ("a" * 64)
    medium.parent.mkdir(parents=True)
    medium.write_bytes(b"a picture")
    medium.with_name(medium.name + ".1234.jpg").write_bytes(b"a copy, made again when it is needed")
    file = home / "kicau.backup"
    code, out, err = instance.run("backup", file, "--json")
    assert code == 0, err
    assert json.loads(out)["media"] == 1
    assert file.stat().st_mode & 0o077 == 0
    assert instance.run("backup", file)[0] == 1
    assert [p.name for p in home.iterdir() if "partial" in p.name or "dump" in p.name] == []
    time.sleep(1.2)  # until "due soon" is due

    code, out, err = instance.run("restore", file, "--json", KICAU_DATA=str(home / "again"))
    assert code == 0, err
    assert json.loads(out)["looked_up_first"] == 2
    code, out, _ = instance.run("calendar", "--all", "--json", KICAU_DATA=str(home / "again"))
    assert [row["text"] for row in json.loads(out)] == ["due soon", "due later"]
    assert (home / "again" / "secret.key").read_bytes() == (instance.data / "secret.key").read_bytes()
    assert (home / "again" / medium.relative_to(instance.data)).read_bytes() == b"a picture"
    refused = instance.run("restore", file, KICAU_DATA=str(home / "again"))
    assert refused[0] == 1
    assert "is not empty" in refused[2]


def test_a_damaged_backup_harms_nothing(instance, home, tmp_path):
    file = home / "kicau.backup"
    if not file.exists():
        instance.run("backup", file)
    bad = tmp_path / "bad.backup"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    bad.write_bytes(data)
    code, _, err = instance.run("restore", bad, KICAU_DATA=str(tmp_path / "new"))
    assert code == 1
    assert "Nothing was changed" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_stopping_is_graceful_quick_and_complete(instance):
    while not any(e["event"] == "worker started" for e in instance.events()):  # later than the pages on a busy machine
        assert instance.process.poll() is None
        time.sleep(0.05)
    code, _ = instance.stop()
    assert code == 0
    assert instance.events()[-1]["event"] == "stopped"
    assert [e for e in instance.events() if e["event"] == "worker stopped"]
    assert not (instance.data / "postgres" / "18" / "postmaster.pid").exists()
    greeting = instance.start()
    assert "password" not in greeting
    assert instance.stop()[0] == 0


def test_a_command_starts_the_database_itself_where_kicau_is_not_up(instance):
    if instance.process.poll() is None:
        instance.stop()
    assert instance.run("users", "list")[0] == 0
    assert not (instance.data / "postgres" / "18" / "postmaster.pid").exists()
