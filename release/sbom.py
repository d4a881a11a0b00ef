"""A software bill of materials (CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/, looked up 2026-12-02) of what Kicau
runs with: everything that requirements.lock names with its hashes and who needs it, and what comes bundled.

    python -m release.sbom [FILE]

The same lock gives the same bytes: no time and no random number is in it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
OURSELVES = "kicau"


@dataclass(slots=True)
class Locked:
    """One package of a lock file."""

    name: str
    version: str
    hashes: list[str] = field(default_factory=list)
    needed_by: list[str] = field(default_factory=list)

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{normal(self.name)}@{self.version}"


def normal(name: str) -> str:
    """A package's name as the registry compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(text: str) -> list[Locked]:
    """Everything that a lock file pins, in its order."""
    found: list[Locked] = []
    for line in text.splitlines():
        if pin := PIN.match(line):
            found.append(Locked(pin[1], pin[2]))
        elif found:
            found[-1].hashes += HASH.findall(line)
            by = re.match(r"\s+#\s+(?:via\s+)?([A-Za-z0-9][\w.-]*)", line)
            if by and by[1] != "via":
                found[-1].needed_by.append(normal(by[1]))
    return found


def version(root: Path) -> str:
    found = re.search(r'^__version__ = "([^"]+)"', (root / "kicau" / "__init__.py").read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError("kicau/__init__.py names no version")
    return found[1]


def make(root: Path = ROOT) -> dict[str, Any]:
    """The document, ready for json.dumps."""
    lock = (root / "requirements.lock").read_text("utf-8")
    packages = locked(lock)
    bundled = tomllib.loads((root / "release" / "bundled.toml").read_text("utf-8"))["component"]
    ours = f"pkg:pypi/{OURSELVES}@{version(root)}"
    refs = {OURSELVES: ours, **{normal(one.name): one.purl for one in packages}}
    components = [_package(one) for one in packages] + [_bundled(one, root) for one in bundled]
    needs: dict[str, set[str]] = {one["bom-ref"]: set() for one in components} | {ours: set()}
    for one in packages:
        for by in one.needed_by:
            needs[refs[by]].add(one.purl)
    for one in bundled:
        needs[refs[normal(one["within"])]].add(_reference(one))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, ours + lock + json.dumps(bundled))}",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": OURSELVES,
                "version": version(root),
                "purl": ours,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": sorted(components, key=lambda one: str(one["bom-ref"])),
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(needs.items())],
    }


def _package(one: Locked) -> dict[str, Any]:
    """A release has several files, one for each platform: their hashes are those of which pip takes one."""
    return {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "scope": "required",
        "properties": [{"name": "pip:hash", "value": f"sha256:{digest}"} for digest in sorted(one.hashes)],
    }


def _reference(one: dict[str, str]) -> str:
    return one.get("purl") or f"{one['within']}/{one['name']}"


def _bundled(one: dict[str, str], root: Path) -> dict[str, Any]:
    content = (root / one["path"]).read_bytes() if "path" in one else None
    hashes = [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}] if content else []
    return {
        "type": one["type"],
        "bom-ref": _reference(one),
        "name": one["name"],
        **{name: one[name] for name in ("version", "purl", "cpe") if name in one},
        **({"hashes": hashes} if hashes else {}),
        "licenses": [{"license": {"id": one["licence"]}}],
        "scope": "required",
        "properties": [{"name": "kicau:within", "value": one["within"]}],
    }


def text(root: Path = ROOT) -> str:
    return json.dumps(make(root), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text(), "utf-8")
    else:
        sys.stdout.write(text())
