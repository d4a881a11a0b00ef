"""Adding to and changing the media library: each act once."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiohttp
import structlog
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import QuerySet

from kicau.base.errors import NotFound, ValidationFailed, validation_failed
from kicau.base.ids import as_uuid
from kicau.connector.content import Problem
from kicau.connector.transport import ssrf
from kicau.connector.transport.ssrf import guarded_session
from kicau.media import embedded_usage_metadata, library
from kicau.media.decoder import crop_file, probe_file
from kicau.media.models import Medium
from kicau.media.probe import MediaInfo, UnusableFile
from kicau.rights.models import Origin, check_ai_use
from kicau.vocabularies.sources import SourceDeclarations, scan_headers
from kicau.workspaces.actors import Actor, Permission

log = structlog.get_logger("kicau.media")

MAX_FILE_BYTES = 600_000_000  # bytes: above every network's own limit that we know (512 MB)
MEASURED_FIELDS = (
    "kind",
    "mime",
    "size",
    "width",
    "height",
    "duration_ms",
    "fps",
    "bitrate",
    "video_codec",
    "audio_codec",
    "frames",
    "pages",
    "colour",
)


def add_medium(
    actor: Actor,
    source: Path,
    name: str,
    *,
    alt: str = "",
    title: str = "",
    tags: Iterable[str] = (),
    origin: str = Origin.COMPOSED,
    origin_detail: str = "",
    ai_use: Mapping[str, str] | None = None,
    move: bool = False,
    heard: Iterable[SourceDeclarations] = (),
) -> Medium:
    """Look into a file and keep it; the same content is kept once in a workspace, and then returned as it was.

    What the file says of its own use (and what was `heard` where it came from) is written down, and restricts `ai_use`.
    `move` takes the file away from where it lies (it must be on the library's disk). Raises ValidationFailed with the
    reason where the content cannot be used; OSError where the disk refuses.
    """
    actor.require(Permission.WRITE)
    found = _probe_within_limit(source, name)
    known = Medium.objects.filter(workspace=actor.workspace, sha256=found.sha256).first()
    if known and library.original_path(known.ref).exists():
        return _add_missing_alt(known, alt)
    told = (*heard, *embedded_usage_metadata.read_declarations(source, origin_detail or name)) if known is None else ()
    medium = known or Medium(
        workspace=actor.workspace,
        sha256=found.sha256,
        name=Path(name).name[:255],
        alt=alt,
        title=title[:300],
        tags=list(tags),
        origin=origin,
        origin_detail=origin_detail,
        ai_use=embedded_usage_metadata.apply_restrictions(check_ai_use(ai_use or actor.workspace.ai_use), told),
        added_by=actor.person,
        **{measure: getattr(found, measure) for measure in MEASURED_FIELDS},
    )
    library.store_file(source if move else _copy_to_scratch(source), medium.ref)
    return medium if known else _save_medium(actor, medium, told)


def _probe_within_limit(source: Path, name: str) -> MediaInfo:
    try:
        if source.stat().st_size > MAX_FILE_BYTES:
            raise validation_failed(
                "file",
                "{name} is {actual} MB, but the media library accepts files of at most {limit} MB. Upload a smaller file.",
                name=name,
                actual=source.stat().st_size // 1_000_000,
                limit=MAX_FILE_BYTES // 1_000_000,
            )
        return probe_file(source, name)
    except UnusableFile as exc:
        raise ValidationFailed([Problem(code=exc.code, message=exc.message, params=exc.params, field="file")]) from exc
    except FileNotFoundError:
        raise validation_failed(
            "file",
            "Kicau cannot find the archive file {name} on the server. Check the location of the file.",
            name=name,
        ) from None


def _copy_to_scratch(source: Path) -> Path:
    copy = library.scratch_file()
    try:
        shutil.copyfile(source, copy)
    except OSError:
        copy.unlink(missing_ok=True)
        raise
    return copy


@transaction.atomic
def _save_medium(actor: Actor, new: Medium, told: tuple[SourceDeclarations, ...]) -> Medium:
    """The medium as it is saved: another request may have saved the same content a moment ago."""
    fields = {f.name: getattr(new, f.name) for f in Medium._meta.fields if f.name not in ("workspace", "sha256")}
    medium, made = Medium.objects.get_or_create(workspace=actor.workspace, sha256=new.sha256, defaults=fields)
    if made:
        actor.record("medium.added", medium.id, name=medium.name)
        embedded_usage_metadata.record_declarations(medium, told, actor.person_id)
    return medium


async def fetch_medium(actor: Actor, url: str, *, alt: str = "") -> Medium:
    """Add a file from a public address. Raises ValidationFailed where it cannot be fetched or is inside our network."""
    actor.require(Permission.WRITE)
    if not url.startswith(("http://", "https://")):
        raise validation_failed("url", "Enter the web address of a file that begins with https:// or http://.")
    copy = await asyncio.to_thread(library.scratch_file)
    try:
        heard = tuple(scan_headers(url, await _download(url, copy)))
        name = unquote(Path(urlsplit(url).path).name) or "file"
        return await sync_to_async(add_medium)(
            actor, copy, name, alt=alt, origin=Origin.FETCHED, origin_detail=url[:500], move=True, heard=heard
        )
    finally:
        copy.unlink(missing_ok=True)


async def _download(url: str, target: Path) -> list[tuple[str, str]]:
    """Returns the headers of the answer."""
    try:
        async with guarded_session(timeout=120) as client, client.get(url, max_redirects=5) as answer:
            if answer.status != 200:
                raise validation_failed(
                    "url",
                    "Kicau could not download the file, because the server at {url} returned the error status {status}. Enter another web address.",
                    url=url,
                    status=answer.status,
                )
            got = 0
            with open(target, "wb") as out:  # noqa: ASYNC230 (a local disk; chunks are small)
                async for chunk in answer.content.iter_chunked(1 << 18):
                    got += len(chunk)
                    if got > MAX_FILE_BYTES:
                        raise validation_failed(
                            "url",
                            "The file at {url} is larger than {limit} MB, which is the limit for files in Kicau. Use a smaller file.",
                            url=url,
                            limit=MAX_FILE_BYTES // 1_000_000,
                        )
                    out.write(chunk)
            return list(answer.headers.items())
    except (TimeoutError, aiohttp.ClientError, OSError) as exc:
        log.warning("an address could not be reached", url=url[:200], why=ssrf.failure_reason(exc))
        raise ValidationFailed([ssrf.unreachable_message(url)]) from exc


@transaction.atomic
def update_medium(
    actor: Actor,
    medium_id: UUID | str,
    *,
    alt: str | None = None,
    title: str | None = None,
    tags: Iterable[str] | None = None,
    ai_use: Mapping[str, str] | None = None,
) -> Medium:
    actor.require(Permission.WRITE)
    medium = one_medium(actor, medium_id)
    if alt is not None:
        medium.alt = alt
    if title is not None:
        medium.title = title[:300]
    if tags is not None:
        medium.tags = [tag[:60] for tag in tags]
    if ai_use is not None:
        medium.ai_use = check_ai_use(ai_use)
    medium.save()
    actor.record("medium.changed", medium.id, name=medium.name)
    return medium


def crop_medium(actor: Actor, medium_id: UUID | str, left: float, top: float, width: float, height: float) -> Medium:
    """A picture's part as a new medium with the same description and tags; the original stays. Shares of 0 to 1.

    Raises NotAllowed, NotFound, ValidationFailed; OSError where the disk refuses.
    """
    actor.require(Permission.WRITE)
    medium = one_medium(actor, medium_id)
    inside = all(0 <= n <= 1 for n in (left, top, width, height)) and left + width <= 1.001 and top + height <= 1.001
    if not inside or width * medium.width < 1 or height * medium.height < 1:
        raise validation_failed(
            "crop",
            "The crop area must be inside the image and at least one pixel wide and high. Move the area or change its size.",
        )
    copy = library.scratch_file()
    try:
        crop_file(library.original_path(medium.ref), (left, top, width, height), copy)
        name = f"{Path(medium.name).stem[:200]}-{round(width * medium.width)}x{round(height * medium.height)}"
        return add_medium(
            actor,
            copy,
            name + Path(medium.name).suffix[:10],
            alt=medium.alt,
            title=medium.title,
            tags=medium.tags,
            origin=medium.origin,
            origin_detail=f"part of {medium.id}",
            ai_use=medium.ai_use,
            move=True,
        )
    except UnusableFile as exc:
        params = {"name": medium.name, **exc.params}
        raise ValidationFailed([Problem(code=exc.code, message=exc.message, params=params, field="crop")]) from exc
    finally:
        copy.unlink(missing_ok=True)


def one_medium(actor: Actor, medium_id: UUID | str) -> Medium:
    """Raises NotFound."""
    actor.require(Permission.READ)
    found = Medium.objects.filter(workspace=actor.workspace, id=as_uuid(medium_id)).first()
    if found is None:
        raise NotFound("medium", medium_id)
    return found


def all_media(actor: Actor) -> QuerySet[Medium]:
    """The workspace's library, newest first."""
    actor.require(Permission.READ)
    return Medium.objects.filter(workspace=actor.workspace).order_by("-created_at", "-id")


def _add_missing_alt(medium: Medium, alt: str) -> Medium:
    """A file that is added again brings its alt text along where there was none."""
    if alt and not medium.alt:
        medium.alt = alt
        medium.save(update_fields=["alt"])
    return medium
