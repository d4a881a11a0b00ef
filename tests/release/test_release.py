"""What a release says of itself: a bill of materials that others' tools read, true to the lock and to what is bundled, and
a look at known vulnerabilities that is never red for want of an answer."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from packageurl import PackageURL
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from kicau.base import clock, message_catalogs, postgres
from release import kicau_build, sbom, vulnerabilities

ROOT = Path(sbom.__file__).resolve().parents[1]


def validator() -> Draft7Validator:
    """CycloneDX's own schema, with the two that it refers to, as its Python library brings them."""
    kept = {
        name: json.loads(files("cyclonedx.schema._res").joinpath(f"{name}.SNAPSHOT.schema.json").read_text("utf-8"))
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    }
    registry = Registry().with_resources(
        (f"{kept['bom-1.6']['$id'].rsplit('/', 1)[0]}/{name}.SNAPSHOT.schema.json", Resource(one, DRAFT7))
        for name, one in kept.items()
    )
    return Draft7Validator(kept["bom-1.6"], registry=registry)


def test_the_bill_of_materials_is_valid_and_complete():
    made = sbom.make()
    validator().validate(made)
    for broken in ({"specVersion": 1.6}, {"components": [{"type": "thing", "name": "x"}]}):
        with pytest.raises(ValidationError):
            validator().validate({**made, **broken})
    refs = {one["bom-ref"]: one for one in made["components"]}
    assert len(refs) == len(made["components"])
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pinned = set(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    libraries = {(one["name"], one["version"]) for one in refs.values() if one.get("purl", "").startswith("pkg:pypi/")}
    assert libraries == pinned
    hashes = [p for one in refs.values() for p in one["properties"] if p["name"] == "pip:hash"]
    assert len(hashes) == lock.count("--hash=sha256:")
    for one in refs.values():
        if "purl" in one:
            assert PackageURL.from_string(one["purl"]).version == one["version"]
    edges = {one["ref"]: set(one["dependsOn"]) for one in made["dependencies"]}
    ours = made["metadata"]["component"]["bom-ref"]
    assert set(edges) == {*refs, ours}
    reached, new = set(), {ours}
    while new:
        reached |= new
        new = {on for ref in new for on in edges[ref]} - reached
    assert reached == {*refs, ours}, "everything is there because something needs it"
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {sbom.normal(re.match(r"[\w.-]+", one)[0]) for one in asked}
    assert {refs[ref]["name"] for ref in edges[ours] if "pkg:pypi" in ref} >= names
    assert sbom.text() == sbom.text()


def test_what_comes_bundled_is_what_is_named():
    named = {one["name"]: one for one in tomllib.loads((ROOT / "release" / "bundled.toml").read_text())["component"]}
    said = subprocess.run(
        [str(postgres.program_path("postgres")), "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout.split()[-1] == named["postgresql"]["version"]
    control = postgres.program_path("postgres").parents[1] / "share" / "postgresql" / "extension" / "vector.control"
    assert f"'{named['pgvector']['version']}'" in control.read_text()
    vendor = {path.relative_to(ROOT).as_posix() for path in (ROOT / "kicau" / "web" / "static" / "vendor").iterdir()}
    assert {one["path"] for one in named.values() if "path" in one} == {v for v in vendor if not v.endswith(".txt")}
    assert f'"{named["htmx"]["version"]}"' in (ROOT / named["htmx"]["path"]).read_text("utf-8")


def test_a_wheel_brings_it_and_its_record_is_right(tmp_path):
    wheel = tmp_path / "kicau-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as new:
        new.writestr("kicau/__init__.py", "")
        new.writestr("kicau-1.dist-info/RECORD", "kicau/__init__.py,sha256=x,0\nkicau-1.dist-info/RECORD,,\n")
    kicau_build.put_in(wheel, kicau_build.SBOM, sbom.text().encode())
    with zipfile.ZipFile(wheel) as made:
        assert made.testzip() is None
        content = made.read("kicau-1.dist-info/sboms/kicau.cdx.json")
        rows = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(made.read("kicau-1.dist-info/RECORD").decode()))}  # fmt: skip
        assert set(rows) == set(made.namelist())
    validator().validate(json.loads(content))
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    assert rows["kicau-1.dist-info/sboms/kicau.cdx.json"] == (f"sha256={digest}", str(len(content)))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["build-system"]["build-backend"] == kicau_build.__name__.rpartition(".")[2]
    for hook in ("build_editable", "build_sdist", "get_requires_for_build_wheel", "prepare_metadata_for_build_wheel"):
        assert callable(getattr(kicau_build, hook))


class PackageRegistry(BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, bytes]]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, body = self.answers.get(self.path, (404, b"{}"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def registry(monkeypatch) -> Iterator[type[PackageRegistry]]:
    """A registry on loopback, which is pip's here."""
    here = type("Here", (PackageRegistry,), {"answers": {}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), here)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/mirror/simple/")
    yield here
    server.shutdown()
    server.server_close()


@pytest.fixture
def lock(tmp_path) -> str:
    path = tmp_path / "some.lock"
    path.write_text("Some_Thing==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\nother==2.0\n")
    return str(path)


WEAK = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-0001"],
    "fixed_in": ["1.1"],
    "summary": "It opens doors.",
    "withdrawn": None,
}


def tell(registry: type[PackageRegistry], *rows: dict[str, object]) -> None:
    registry.answers["/mirror/pypi/some-thing/1.0/json"] = (200, json.dumps({"vulnerabilities": rows}).encode())
    registry.answers["/mirror/pypi/other/2.0/json"] = (200, b'{"vulnerabilities": []}')


def test_what_is_known_to_be_vulnerable_is_named(registry, lock, capsys, tmp_path, monkeypatch):
    tell(registry, WEAK, {**WEAK, "id": "PYSEC-2026-2", "withdrawn": "2026-11-01"})
    assert vulnerabilities.main([lock]) == 1
    said = capsys.readouterr().out
    assert "Some_Thing 1.0: PYSEC-2026-1 CVE-2026-0001; fixed in 1.1. It opens doors." in said
    assert "1 known vulnerabilities in 2 packages" in said
    accepted = tmp_path / "accepted.toml"
    monkeypatch.setattr(vulnerabilities, "ACCEPTED", accepted)
    today = clock.now().date()
    for until, code in ((today + timedelta(days=9), 0), (today - timedelta(days=9), 1)):
        accepted.write_text(f'[[accepted]]\nid = "CVE-2026-0001"\nuntil = {until}\nwhy = "It has no doors."\n')
        assert vulnerabilities.main([lock]) == code
    tell(registry)
    accepted.write_text("")
    assert vulnerabilities.main([lock]) == 0


@pytest.mark.parametrize("answer", [(503, b"away"), (200, b"no json"), (200, b"{}"), (200, b"[]"), (200, b'{"vulnerabilities": 1}')])  # fmt: skip
def test_a_registry_that_does_not_tell_is_no_failure(registry, lock, capsys, answer):
    registry.answers = dict.fromkeys(("/mirror/pypi/some-thing/1.0/json", "/mirror/pypi/other/2.0/json"), answer)
    assert vulnerabilities.main([lock]) == 0
    assert "did not tell of 2 of 2" in capsys.readouterr().err


def test_no_registry_is_no_failure_and_one_that_is_away_is_not_asked_on_and_on(lock, capsys, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert vulnerabilities.main([lock]) == 0
    asked = []

    def ask(one: sbom.Locked) -> bytes:
        asked.append(one.name)
        raise vulnerabilities.NoAnswer("away")

    packages = sbom.locked((ROOT / "requirements.lock").read_text("utf-8"))
    found, silent = vulnerabilities.look(packages, ask, date(2026, 1, 1))
    assert (found, len(silent), len(asked)) == ([], len(packages), 3)


def test_it_names_no_registry():
    for path in (ROOT / "release").glob("*"):
        if path.is_file():
            assert not re.search(r"https?://[\w.-]*(pypi|pythonhosted|npmjs)", path.read_text("utf-8")), path
    assert sys.executable


def test_what_is_built_has_the_compiled_translations(monkeypatch):
    """Each hook that takes files from the source has them compiled before setuptools looks."""
    done: list[str] = []
    monkeypatch.setattr(message_catalogs, "compile_stale_catalogs", lambda: done.append("compiled"))
    for hook, arguments in (("build_sdist", ("f", None)), ("build_editable", ("f", None, None))):
        monkeypatch.setattr(kicau_build.build_meta, hook, lambda *_: done.append("built") or "kicau")
        assert getattr(kicau_build, hook)(*arguments) == "kicau"
    assert done == ["compiled", "built"] * 2
