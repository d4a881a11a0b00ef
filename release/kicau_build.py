"""The build backend: setuptools', with compiled translations and the bill of materials (`.dist-info/sboms`, PEP 770)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403 (every hook of the backend that is not below)

ROOT = Path(__file__).resolve().parent.parent
SBOM = "sboms/kicau.cdx.json"


def build_wheel(folder: str, settings: Any = None, metadata: str | None = None) -> str:
    """setuptools' wheel with compiled translations, and one file more, which is listed in its RECORD."""
    compile_catalogs()
    name: str = build_meta.build_wheel(folder, settings, metadata)
    sys.path.insert(0, str(ROOT))
    try:
        from release import sbom
    finally:
        sys.path.remove(str(ROOT))
    put_in(Path(folder) / name, SBOM, sbom.text(ROOT).encode())
    return name


def build_editable(folder: str, settings: Any = None, metadata: str | None = None) -> str:
    compile_catalogs()
    name: str = build_meta.build_editable(folder, settings, metadata)
    return name


def build_sdist(folder: str, settings: Any = None) -> str:
    compile_catalogs()
    name: str = build_meta.build_sdist(folder, settings)
    return name


def compile_catalogs() -> None:
    sys.path.insert(0, str(ROOT))
    try:
        from kicau.base.message_catalogs import compile_stale_catalogs
    finally:
        sys.path.remove(str(ROOT))
    compile_stale_catalogs()


def put_in(wheel: Path, name: str, content: bytes) -> None:
    """Add a file to a wheel's .dist-info folder."""
    fresh = wheel.with_name(f"{wheel.name}.new")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as new:
        record = next(one for one in old.namelist() if one.endswith(".dist-info/RECORD"))
        place = f"{record.removesuffix('RECORD')}{name}"
        for info in old.infolist():
            if info.filename != record:
                new.writestr(info, old.read(info.filename))
        about = zipfile.ZipInfo(place, old.getinfo(record).date_time)
        about.external_attr, about.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
        new.writestr(about, content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows = list(csv.reader(io.StringIO(old.read(record).decode())))
        rows.insert(len(rows) - 1, [place, f"sha256={digest}", str(len(content))])
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        new.writestr(old.getinfo(record), out.getvalue())
    fresh.replace(wheel)
