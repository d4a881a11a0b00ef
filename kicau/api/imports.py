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

from kicau.api.core import problems, serializers
from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.routes import PUBLISH_SCOPE, WRITE_SCOPE
from kicau.api.schemas.base import ZONE_DESCRIPTION, FieldError, Schema, ZoneName
from kicau.media import library
from kicau.publishing.imports import bulk_import
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Imports"])
TableUpload = Annotated[
    UploadedFile,
    File(
        description="A CSV file, in any of the forms that spreadsheets write; docs/how-to/import-posts.md tells its columns."
    ),
]
MediaUploads = Annotated[
    list[UploadedFile],
    File(description="The files that the table names, without folders; repeat the field for several."),
]


class ImportFields(Schema):
    """What goes with the table."""

    timezone: ZoneName = Field(
        "", description=f"In which times are meant where a row says nothing. {ZONE_DESCRIPTION} Empty: the workspace's."
    )


class ImportCreate(ImportFields):
    """What goes with the table, when its posts are made."""

    confirm: bool = Field(
        False,
        description="True: the token's person has read the posts and confirms them, for networks whose terms ask for that.",
    )
    skip_bad: bool = Field(
        False, description="True: leave out rows that have problems. False: with a single problem, nothing is made."
    )


class ImportRowProblem(FieldError):
    """What is wrong with one cell."""

    row: int = Field(description="As a spreadsheet counts: the header is row 1.")
    column: str = Field(description="The column in which it is mended.")


class ImportCheckReport(Schema):
    """What importing the table would do."""

    table: str = Field(description="The table's name.")
    ready: int = Field(description="Rows that can be imported.")
    skipped: list[str] = Field(description="Each `ref` that is here already, and so is left out.")
    problems: list[ImportRowProblem] = Field(description="Everything that is wrong, row by row.")
    notices: list[ImportRowProblem] = Field(description="Everything that is worth knowing, row by row.")
    deliveries: int = Field(description="How many deliveries the ready rows make.")
    unconfirmed: int = Field(description="How many of them a person must confirm.")
    cost: dict[str, int] = Field(description="Price of publishing them: millionths of each currency.")


class ImportedPosts(Schema):
    """What was imported."""

    posts: list[str] = Field(description="Ids of the posts, in the table's order.")
    deliveries: int = Field(description="How many deliveries were scheduled.")
    skipped: list[str] = Field(description="Each `ref` that was here already, and so was left out.")
    notices: list[FieldError] = Field(description="What the author should know.")


@routes.post("/imports/check", response=ImportCheckReport, summary="Check a table of posts", openapi_extra=WRITE_SCOPE)
def check_import(
    request: HttpRequest,
    fields: Form[ImportFields],
    table: TableUpload,
    files: MediaUploads = [],  # noqa: B006 (never changed)
) -> ImportCheckReport:
    """Every problem of every row, before anything is made."""
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
    """All of them are written and scheduled, or none (but see `skip_bad`). Rows whose `ref` is here already are left
    out, so that a table may be sent again."""
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
    return problems.error_entry(one.problem) | {"field": f"rows.{one.row}.{one.column}"}
