"""Archives in small: as a network packs them, and taken in."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from kicau.archive.imports import actions, import_job


def tweet(number: int, text: str, **more) -> dict:
    return {
        "tweet": {
            "id_str": str(1000 + number),
            "full_text": text,
            "created_at": f"Wed Oct 10 20:{number // 60:02d}:{number % 60:02d} +0000 2018",
            "lang": "in",
            **more,
        }
    }


def assigned(name: str, value: object) -> str:
    return f"window.YTD.{name} = {json.dumps(value, indent=2, ensure_ascii=False)}"


def account(id_: str = "4242", handle: str = "kopisenja") -> str:
    return assigned(
        "account.part0", [{"account": {"accountId": id_, "username": handle, "accountDisplayName": "Kopi Senja"}}]
    )


def zipped(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


@pytest.fixture
def archive(tmp_path):
    """A function that packs posts as X does: archive(tweet(1, "…"), …)."""
    count = iter(range(99))

    def make(
        *tweets: dict, name: str = "", more: dict[str, str | bytes] | None = None, owner: str | None = None
    ) -> Path:
        files = {
            "data/account.js": owner or account(),
            "data/tweets.js": assigned("tweets.part0", list(tweets)),
            **(more or {}),
        }
        return zipped(tmp_path / (name or f"archive-{next(count)}.zip"), files)

    return make


@pytest.fixture
def take(actor):
    """A function that imports a file to its end, as our own where nothing else is said, and gives the Import."""

    def run(path: Path, acquired: str = "imported", **more):
        row = actions.begin_import(actor, path, acquired=acquired, **more)
        return import_job.run_import(row.id)

    return run


def unpacked(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))
