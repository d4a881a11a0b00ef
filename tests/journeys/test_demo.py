"""`kicau demo`, whole: every post of the table on every channel, public exactly once; and a second run sends nothing."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from kicau import demo
from kicau.connector import registry
from kicau.sandbox.all_networks import choose_ports, default_ports

DEMO = Path(demo.__file__).parent


@pytest.fixture(scope="module")
def home():
    folder = Path(tempfile.mkdtemp(prefix="kicau-demo-"))
    folder.chmod(0o711)  # the database's own user passes through
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def table(home):
    """The demo's own table, but for one comment: LinkedIn lets a member comment once a minute, and two of them within
    twenty seconds would have the second wait for the minute to pass."""
    shutil.copytree(DEMO / "media", home / "table")
    with open(DEMO / "posts.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    commented = [row for row in rows if row["first_comment"] and "li-" in row["channels"]]
    for row in commented[1:]:
        row["first_comment"] = ""
    with open(home / "table" / "posts.csv", "w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, rows[0])
        out.writeheader()
        out.writerows(rows)
    return home / "table" / "posts.csv", rows


def command(home, *arguments):
    """The program's words and environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KICAU_", "DATABASE_URL", "DJANGO_"))}
    against = ",".join(
        f"{slug}={registry.network_package(slug)}.tests.spec:validate" for slug in registry.installed_slugs()
    )
    environment = {
        **kept,
        "KICAU_SANDBOX_VALIDATORS": against,
        "KICAU_DATA": str(home / "data"),
        "KICAU_TEST_FAST_DISK": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return [sys.executable, "-m", "kicau.cli", "demo", "--seconds", "20", *map(str, arguments)], environment


def run(home, *arguments):
    words, environment = command(home, *arguments)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=280, check=False)
    return done.returncode, done.stdout, done.stderr


def public(home):
    """What the sandboxes keep, read from their own store: {network: Counter of (account, text)}. None was sent a request
    that its network's own description does not allow."""
    from kicau.sandbox.all_networks import server_class

    found = {}
    for slug in default_ports():
        sandbox = server_class(slug)(folder=home / "data-demo" / "sandbox", base_url="http://127.0.0.1:1")
        found[slug] = (
            Counter(post.id for post in sandbox.public_posts()),
            Counter((post.account, post.text) for post in sandbox.public_posts()),
        )
        assert sandbox.violations == [], slug
        sandbox.store.close()
    return found


def read(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read()


def test_every_post_is_public_exactly_once_and_a_second_run_sends_nothing(home, table):
    path, rows = table
    code, out, err = run(home, "--exit", "--posts", path)
    assert code == 0, out[-3000:] + err
    targets = sum(len(row["channels"].split()) for row in rows)
    assert f"✓ {targets} deliveries on 9 channels" in out
    assert out.count("  published  ") >= 2 * targets  # once as it happens, once in the table
    first = public(home)
    assert sum(ids.total() for ids, _ in first.values()) >= targets
    for ids, texts in first.values():
        assert max(ids.values(), default=1) == 1
        assert {text for (_, text), n in texts.items() if n > 1} <= {""}

    out = stays_up_and_stops_in_order(home, path)
    assert f"All {len(rows)} posts were imported before. Nothing is published twice." in out
    assert f"✓ {targets} deliveries on 9 channels" in out
    assert public(home) == first


def stays_up_and_stops_in_order(home, path):
    """The second run, which says where to look, and whose pages are looked at; gives what it said."""
    words, environment = command(home, "--posts", path)
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        try:
            said = []
            for line in child.stdout:
                said.append(line)
                if "until you press Ctrl-C" in line:
                    break
            state = json.loads((home / "data-demo" / "demo.json").read_text())
            assert json.loads(read(f"http://127.0.0.1:{state['web']}/readyz"))["ok"]
            assert any(state["password"] in line for line in said)
            for port in state["sandboxes"].values():
                assert b"sandbox" in read(f"http://127.0.0.1:{port}/")
            code, _, err = run(home)
            assert code == 1
            assert "is already running with the data folder" in err
        finally:  # else a failure would wait for it for ever
            child.terminate()
        assert child.wait(45) == 0
    wanted = {"web": state["web"], **state["sandboxes"]}
    assert choose_ports(wanted) == wanted, "every port is free again"
    return "".join(said)
