"""Endpoints: the library of files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, cast

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header
from ninja import File, Form, Query, Router
from ninja.files import UploadedFile
from pydantic import Field

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import READ_SCOPE, WRITE_SCOPE, UuidPath, waits_for_network
from kicau.api.schemas import media as s
from kicau.api.schemas.base import Schema
from kicau.base import outbound
from kicau.base.errors import NotFound
from kicau.media import actions, library, link_previews
from kicau.media.models import Medium
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Media"])
CHUNK_BYTES = 1 << 18  # bytes read and sent at once
_FILE_RESPONSE = {"content": {mime: {"schema": {"type": "string", "format": "binary"}} for mime in library.EXTENSIONS}}


class UploadFields(Schema):
    """Form fields that accompany the file."""

    alt: str = Field("", max_length=200_000, description="Alt text.")
    title: str = Field("", max_length=300, description="Title of a document.")
    tags: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(
        default_factory=list,
        max_length=50,
        description="The workspace's own tag for the file. Repeat the field for several.",
    )


@routes.get("/media", response=s.MediumPage, summary="List the media library", openapi_extra=READ_SCOPE)
def list_media(request: HttpRequest, asked: Query[s.MediaQuery]) -> dict[str, Any]:
    """Newest first."""
    rows = actions.all_media(authenticated_actor(request))
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.tag:
        rows = rows.filter(tags__contains=[asked.tag])
    return paginate(rows, ("-created_at", "-id"), asked, _medium_schema)


@routes.post("/media", response={201: s.Medium}, summary="Upload a file", openapi_extra=WRITE_SCOPE)
def upload_medium(
    request: HttpRequest,
    fields: Form[UploadFields],
    file: Annotated[UploadedFile, File(description="The file.")],
) -> s.Medium:
    """Use multipart/form-data, at most 600 MB. A file with the same content is stored only once, and the existing file is
    returned. Kicau determines the type from the content, not the name."""
    actor = authenticated_actor(request)
    actor.require(Permission.WRITE)
    name = Path(file.name or "file").name or "file"
    kept = actions.add_medium(actor, _upload_path(file), name, alt=fields.alt, title=fields.title, tags=fields.tags)
    return _medium_schema(kept)


@routes.post("/media/fetch", response={201: s.Medium}, summary="Import a file from a URL", openapi_extra=WRITE_SCOPE)
@waits_for_network
def fetch_medium(request: HttpRequest, given: s.MediumFetch) -> s.Medium:
    """The URL must be public and the file at most 600 MB."""
    return _medium_schema(
        outbound.run_request(
            authenticated_actor(request).person_id,
            actions.fetch_medium,
            authenticated_actor(request),
            given.url,
            alt=given.alt,
        )
    )


@routes.post(
    "/media/link-preview",
    response=s.LinkedPage,
    summary="Retrieve link preview data of a page",
    openapi_extra=WRITE_SCOPE,
)
@waits_for_network
def get_link_preview(request: HttpRequest, given: s.LinkedPageInput) -> s.LinkedPage:
    """Returns the title, description and image, which are cached for a day. If the page cannot be read, `why` contains the reason."""
    found = outbound.run_request(
        authenticated_actor(request).person_id,
        link_previews.read_page,
        authenticated_actor(request),
        given.url,
        refresh=given.refresh,
    )
    return s.LinkedPage(
        url=found.url,
        title=found.title,
        description=found.description,
        picture=str(found.picture_id) if found.picture_id else None,
        why=found.why,
        read_at=found.read_at,
    )


@routes.get("/media/{medium_id}", response=s.Medium, summary="Retrieve a file", openapi_extra=READ_SCOPE)
def get_medium(request: HttpRequest, medium_id: UuidPath) -> s.Medium:
    return _medium_schema(actions.one_medium(authenticated_actor(request), medium_id))


@routes.patch("/media/{medium_id}", response=s.Medium, summary="Update a file's metadata", openapi_extra=WRITE_SCOPE)
def change_medium(request: HttpRequest, medium_id: UuidPath, change: s.MediumChange) -> s.Medium:
    """The file itself never changes."""
    return _medium_schema(actions.update_medium(authenticated_actor(request), medium_id, **change.model_dump()))


@routes.get(
    "/media/{medium_id}/file",
    summary="Download a file",
    openapi_extra={**READ_SCOPE, "responses": {200: {"description": "The original, byte for byte.", **_FILE_RESPONSE}}},
)
def download_medium(request: HttpRequest, medium_id: UuidPath) -> StreamingHttpResponse:
    row = _readable_medium(authenticated_actor(request), medium_id)
    path = library.original_path(row.ref)
    # Under ASGI, what is not asynchronous would be read into memory whole.
    content = file_chunks(path) if isinstance(request, ASGIRequest) else FileResponse(path.open("rb"))
    answer = StreamingHttpResponse(content, content_type=row.mime)
    answer["Content-Length"] = str(row.size)
    answer["Content-Disposition"] = content_disposition_header(True, row.name) or "attachment"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


async def file_chunks(path: Path) -> AsyncIterator[bytes]:
    """A file's content, for an answer under ASGI."""
    with await asyncio.to_thread(path.open, "rb") as source:
        while chunk := await asyncio.to_thread(source.read, CHUNK_BYTES):
            yield chunk


def _readable_medium(actor: Actor, medium_id: str) -> Medium:
    row = actions.one_medium(actor, medium_id)
    if not library.original_path(row.ref).exists():
        raise NotFound("file of the medium", row.name)
    return row


def _upload_path(file: UploadedFile) -> Path:
    """Uploads always come as files (settings.FILE_UPLOAD_HANDLERS), whatever their size."""
    assert isinstance(file, TemporaryUploadedFile), settings.FILE_UPLOAD_HANDLERS
    return Path(file.temporary_file_path())


def _medium_schema(row: Medium) -> s.Medium:
    return s.Medium(
        id=str(row.id),
        name=row.name,
        kind=cast(s.MediaFileKind, row.kind),
        mime=row.mime,
        size=row.size,
        sha256=row.sha256,
        width=row.width,
        height=row.height,
        duration_ms=row.duration_ms,
        frames=row.frames,
        pages=row.pages,
        alt=row.alt,
        title=row.title,
        tags=row.tags,
        origin=row.origin,
        origin_detail=row.origin_detail,
        ai_use=row.ai_use,
        created_at=row.created_at,
    )
