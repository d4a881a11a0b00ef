"""Where files lie on disk, and the networks' own copies of them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core import signing

from kicau.connector.content import Recipe, RenderedMedia
from kicau.connector.serialization import from_json, to_json
from kicau.connector.session import MediaFile
from kicau.media.decoder import convert_file, create_thumbnail
from kicau.media.probe import UnusableFile
from kicau.media.usage_metadata_writer import UsageMark, marked_file

PUBLIC_URL_HOURS = 24  # how long a signed address works; a network fetches within minutes
EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "application/pdf": ".pdf",
}
_SIGNING_SALT = "kicau.media.public"


def original_path(ref: str) -> Path:
    """The path of an original. Raises ValueError for what is no ref."""
    workspace, _, digest = ref.partition("/")
    if not (len(workspace) == 32 and len(digest) == 64 and (workspace + digest).isalnum()):
        raise ValueError(f"{ref!r} is no medium's key")
    return Path(settings.KICAU_DATA) / "media" / workspace / digest[:2] / digest


def store_file(source: Path, ref: str) -> Path:
    """Move a file into the library, atomically; one that is there already is the same by its content."""
    target = original_path(ref)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.chmod(source, 0o600)
    os.replace(source, target)
    return target


def scratch_file() -> Path:
    """A fresh file's path on the library's own disk, so that keeping it is a rename."""
    handle, name = tempfile.mkstemp(dir=scratch_folder())
    os.close(handle)
    return Path(name)


def scratch_folder() -> Path:
    folder = Path(settings.KICAU_DATA) / "media" / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def network_copy(media: RenderedMedia) -> MediaFile:
    """The bytes as the network gets them, converted now where that was not done yet. Raises UnusableFile, OSError."""
    path = original_path(media.media.ref)
    if media.recipe is None:
        return MediaFile(
            path=path, mime=media.media.mime, size=path.stat().st_size, name=_file_name(media, media.media.mime)
        )
    made = path.with_name(f"{path.name}.{_recipe_key(media.recipe)}{EXTENSIONS.get(media.recipe.mime, '')}")
    if not made.exists():
        convert_file(path, media.recipe, made)
    return MediaFile(
        path=made, mime=media.recipe.mime, size=made.stat().st_size, name=_file_name(media, media.recipe.mime)
    )


def thumbnail_path(ref: str, at_ms: int | None = None) -> Path | None:
    """A small JPEG of a picture or a video for lists, made once; None where there is nothing to show. Raises OSError.

    `at_ms`: of a video, the frame at this time, to the tenth of a second.
    """
    path = original_path(ref)
    stem = path.name + (f".at-{at_ms // 100}" if at_ms is not None else "")
    made, none = path.with_name(f"{stem}.small.jpg"), path.with_name(f"{stem}.small.none")
    if made.exists():
        return made
    if none.exists():
        return None
    try:
        if create_thumbnail(path, made, at_ms=None if at_ms is None else at_ms // 100 * 100):
            return made
    except UnusableFile:
        pass
    none.touch()
    return None


def public_url(media: RenderedMedia, mark: UsageMark | None = None, limit: int = 0) -> str:
    """A signed address under the instance's public one, for networks that fetch; works PUBLIC_URL_HOURS. What is behind it
    carries `mark` where it takes one within `limit` bytes."""
    recipe = to_json(media.recipe) if media.recipe else None
    told: dict[str, Any] = {"r": media.media.ref, "m": media.media.mime, "c": recipe}
    if mark:
        told["x"] = [mark.value, mark.constraint, limit]
    ticket = signing.dumps(told, salt=_SIGNING_SALT, compress=True)
    mime = media.recipe.mime if media.recipe else media.media.mime
    return f"{settings.KICAU_PUBLIC_URL}/m/{quote(ticket)}{EXTENSIONS.get(mime, '')}"


def file_by_ticket(ticket: str) -> tuple[str, MediaFile]:
    """(key in the library, file) that a signed address stands for. Raises signing.BadSignature, FileNotFoundError."""
    for extension in EXTENSIONS.values():
        ticket = ticket.removesuffix(extension)
    said = signing.loads(ticket, salt=_SIGNING_SALT, max_age=PUBLIC_URL_HOURS * 3600)
    value, constraint, limit = said.get("x") or ("", "", 0)
    mark = UsageMark(value=value, constraint=constraint) if value else None
    return said["r"], marked_file(_file_of_ticket(said), mark, limit)


def _file_of_ticket(said: Mapping[str, Any]) -> MediaFile:
    path = original_path(said["r"])
    if said["c"] is None:
        return MediaFile(path=path, mime=said["m"], size=path.stat().st_size, name=path.name)
    recipe = from_json(Recipe, said["c"])
    made = path.with_name(f"{path.name}.{_recipe_key(recipe)}{EXTENSIONS.get(recipe.mime, '')}")
    if not made.exists():
        convert_file(path, recipe, made)
    return MediaFile(path=made, mime=recipe.mime, size=made.stat().st_size, name=made.name)


def _recipe_key(recipe: Recipe) -> str:
    said = {name: value for name, value in asdict(recipe).items() if value is not None}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _file_name(media: RenderedMedia, mime: str) -> str:
    stem = Path(media.media.name or "file").stem[:80] or "file"
    return stem + EXTENSIONS.get(mime, Path(media.media.name).suffix)
