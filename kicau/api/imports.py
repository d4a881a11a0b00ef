"""Endpoints: many posts from one table, checked first, then made."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import File, Form, Router
from ninja.files import UploadedFile
from pydantic import Field

from kicau.api.core import serializers
from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.routes import PUBLISH_SCOPE, WRITE_SCOPE
from kicau.api.schemas.base import ZONE_DESCRIPTION, FieldError, Schema, ZoneName
from kicau.media import library
from kicau.publishing.imports import bulk_import
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Imports"])
TableUpload = Annotated[
    UploadedFile,
    File(description="A CSV file as spreadsheet programs write it. For its columns, see docs/how-to/import-posts.md."),
]
MediaUploads = Annotated[
    list[UploadedFile],
    File(description="The files that the table refers to, by name without folders. Repeat the field for several."),
]


class ImportFields(Schema):
    """Form fields that accompany the table."""

    timezone: ZoneName = Field(
        "", description=f"Time zone of rows without one. {ZONE_DESCRIPTION} Default: the workspace's."
    )


class ImportCreate(ImportFields):
    """Form fields that accompany the table for an import."""

    confirm: bool = Field(
        False,
        description="true: the token's person has read the posts and confirms them, for networks whose terms require this.",
    )
    skip_bad: bool = Field(
        False, description="true: skip rows with problems. false: import nothing if any row has a problem."
    )


class ImportRowProblem(FieldError):
    """A problem in one cell."""

    row: int = Field(description="Row number as in a spreadsheet. The header is row 1.")
    column: str = Field(description="The column to correct.")


class ImportCheckReport(Schema):
    """What an import of the table would do."""

    table: str = Field(description="File name of the table.")
    ready: int = Field(description="Number of rows that can be imported.")
    skipped: list[str] = Field(description="Each `ref` that was imported before. Its row is skipped.")
    problems: list[ImportRowProblem] = Field(description="All problems, by row.")
    notices: list[ImportRowProblem] = Field(description="All notices, by row.")
    deliveries: int = Field(description="Number of deliveries from the rows that can be imported.")
    unconfirmed: int = Field(description="Number of deliveries that require confirmation by a person.")
    cost: dict[str, int] = Field(description="Price of publishing, in millionths of each currency.")


class ImportedPosts(Schema):
    """Result of an import."""

    posts: list[str] = Field(description="IDs of the posts, in the order of the table.")
    deliveries: int = Field(description="Number of scheduled deliveries.")
    skipped: list[str] = Field(description="Each `ref` that was imported before. Its row was skipped.")
    notices: list[FieldError] = Field(description="Notices for the author.")


@routes.post("/imports/check", response=ImportCheckReport, summary="Check a table of posts", openapi_extra=WRITE_SCOPE)
def check_import(
    request: HttpRequest,
    fields: Form[ImportFields],
    table: TableUpload,
    files: MediaUploads = [],  # noqa: B006 (never changed)
) -> ImportCheckReport:
    """Returns all problems of all rows. Nothing is imported."""
    with _checked_upload(authenticated_actor(request), fields, table, files) as (report, _):
        return ImportCheckReport(
            table=report.table,
            ready=len(report.ready),
            skipped=[ref for _, ref in report.skipped],
            problems=_skipped_rows(report.problems),
            notices=_skipped_rows(report.notices),
            deliveries=report.deliveries,
            unconfirmed=report.unconfirmed,
            cost=dict(report.cost),
        )


@routes.post("/imports", response={201: ImportedPosts}, summary="Import a table of posts", openapi_extra=PUBLISH_SCOPE)
def create_import(
    request: HttpRequest,
    fields: Form[ImportCreate],
    table: TableUpload,
    files: MediaUploads = [],  # noqa: B006 (never changed)
) -> ImportedPosts:
    """Imports and schedules all rows or none (but see `skip_bad`). Rows whose `ref` was imported before are skipped, so you
    can send the same table again."""
    actor = authenticated_actor(request)
    actor.require(Permission.PUBLISH)
    with _checked_upload(actor, fields, table, files) as (report, folder):
        made = bulk_import.create_posts(actor, report, folder, confirm=fields.confirm, skip_bad=fields.skip_bad)
    return ImportedPosts(
        posts=[str(draft.id) for draft in made.drafts],
        deliveries=len(made.deliveries),
        skipped=[ref for _, ref in report.skipped],
        notices=serializers.error_list(made.notices),
    )


@contextmanager
def _checked_upload(
    actor: Actor, fields: ImportFields, table: UploadedFile, files: Iterable[UploadedFile]
) -> Iterator[tuple[bulk_import.BulkImportReport, Path]]:
    """The report, and the folder in which its files lie for as long."""
    actor.require(Permission.WRITE)
    read = bulk_import.read_posts(table.read(), Path(table.name or "posts.csv").name)
    folder = Path(tempfile.mkdtemp(dir=library.scratch_folder()))
    try:
        for file in files:
            with (folder / Path(file.name or "file").name).open("wb") as out:
                shutil.copyfileobj(file, out)
        yield bulk_import.check_posts(actor, read, folder, zone=fields.timezone), folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _skipped_rows(found: Iterable[bulk_import.CsvRowProblem]) -> list[ImportRowProblem]:
    return [ImportRowProblem(**_row_problem(one), row=one.row, column=one.column) for one in found]


def _row_problem(one: bulk_import.CsvRowProblem) -> dict[str, Any]:
    return one.problem.fields() | {"field": f"rows.{one.row}.{one.column}"}
