"""The template of a network (docs/how-to/network-template) passes the contract as it stands, copied as the guide says."""

from __future__ import annotations

import importlib
import shutil
import tempfile
from pathlib import Path

import kicau.networks

ROOT = Path(__file__).resolve().parents[2]
COPIED = Path(tempfile.mkdtemp(prefix="kicau-template-"))
shutil.copytree(ROOT / "docs" / "how-to" / "network-template", COPIED / "newnet")
kicau.networks.__path__.append(str(COPIED))  # as if it lay beside the others
TestTemplate = importlib.import_module("kicau.networks.newnet.tests.test_contract").TestNewnet


def teardown_module() -> None:
    kicau.networks.__path__.remove(str(COPIED))
    shutil.rmtree(COPIED, ignore_errors=True)


def test_the_guide_names_every_file_of_the_template():
    guide = (ROOT / "docs" / "how-to" / "add-a-network.md").read_text("utf-8")
    files = {
        p.name
        for p in (ROOT / "docs" / "how-to" / "network-template").rglob("*")
        if p.is_file() and p.name != "__init__.py" and "__pycache__" not in p.parts
    }
    assert {name for name in files if f"`{name}`" not in guide and f"/{name}`" not in guide} == set()
