"""Many posts from one table: every problem is shown before anything is made."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base.errors import DomainError, NotFound
from kicau.media import library
from kicau.publishing.imports import bulk_import
from kicau.publishing.imports.bulk_import import BulkImportReport, CsvRowProblem
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, member_page
from kicau.workspaces.actors import Permission

UPLOAD_LIFETIME_SECONDS = 24 * 3600  # seconds for which an uploaded table waits for its yes
MAX_ROWS_SHOWN = 200  # rows with problems
REQUEST_FILE_NAME = "asked.json"  # in a table's folder: its name and whose it is


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def upload_table(request: MemberRequest) -> HttpResponse:
    """Take a table and its files, and show what importing them would do."""
    request.actor.require(Permission.PUBLISH)
    table = request.FILES.get("table")
    if request.method != "POST" or not isinstance(table, UploadedFile):
        sentence = _("Choose the CSV file that you want to import.") if request.method == "POST" else ""
        return render(request, "imports/bulk_import.html", {"sentence": sentence}, status=422 if sentence else 200)
    _delete_old_uploads()
    folder = Path(tempfile.mkdtemp(dir=library.scratch_folder(), prefix="import-"))
    note = {"table": Path(table.name or "posts.csv").name, "workspace": str(request.actor.workspace.id)}
    (folder / REQUEST_FILE_NAME).write_text(json.dumps(note), "utf-8")
    (folder / "files").mkdir()
    _save_upload(table, folder / "table")
    for file in request.FILES.getlist("file"):
        _save_upload(file, folder / "files" / Path(file.name or "file").name)
    try:
        report = _check_upload(request, folder)
    except DomainError as exc:
        shutil.rmtree(folder, ignore_errors=True)
        return render(request, "imports/bulk_import.html", {"sentence": error_sentence(exc)}, status=422)
    return render(request, "imports/bulk_import.html", _report_context(report, folder.name))


@member_page
@require_POST
def run_import(request: MemberRequest, name: str) -> HttpResponse:
    """Make and schedule the rows that are ready."""
    request.actor.require(Permission.PUBLISH)
    folder = _upload_folder(request, name)
    report = _check_upload(request, folder)
    try:
        done = bulk_import.create_posts(
            request.actor, report, folder / "files", confirm="confirm" in request.POST, skip_bad="skip" in request.POST
        )
    except DomainError as exc:
        return render(
            request,
            "imports/bulk_import.html",
            _report_context(report, name) | {"sentence": error_sentence(exc)},
            status=422,
        )
    shutil.rmtree(folder, ignore_errors=True)
    text = ngettext(
        "%(n)s post was imported and scheduled.", "%(n)s posts were imported and scheduled.", len(done.drafts)
    )
    messages.success(request, text % {"n": len(done.drafts)})
    return redirect("calendar")


@dataclass(frozen=True, slots=True)
class ImportRowReport:
    """A row of the table with what is to be said about it."""

    number: int
    problems: list[CsvRowProblem]
    notices: list[CsvRowProblem]


def _report_context(report: BulkImportReport, name: str) -> dict[str, object]:
    rows: dict[int, ImportRowReport] = {}
    for problem in report.problems:
        rows.setdefault(problem.row, ImportRowReport(problem.row, [], [])).problems.append(problem)
    for notice in report.notices:
        rows.setdefault(notice.row, ImportRowReport(notice.row, [], [])).notices.append(notice)
    ordered = sorted(rows.values(), key=lambda row: (not row.problems, row.number))
    return {
        "report": report,
        "name": name,
        "rows": ordered[:MAX_ROWS_SHOWN],
        "hidden": max(0, len(ordered) - MAX_ROWS_SHOWN),
        "costs": [(micro, currency) for currency, micro in report.cost.items()],
    }


def _check_upload(request: MemberRequest, folder: Path) -> BulkImportReport:
    note = json.loads((folder / REQUEST_FILE_NAME).read_text("utf-8"))
    table = bulk_import.read_posts((folder / "table").read_bytes(), note["table"])
    return bulk_import.check_posts(request.actor, table, folder / "files")


def _upload_folder(request: MemberRequest, name: str) -> Path:
    """An uploaded table of this workspace. Raises NotFound."""
    folder = library.scratch_folder() / name
    try:
        note = json.loads((folder / REQUEST_FILE_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        raise NotFound("table", name) from None
    if not name.startswith("import-") or note["workspace"] != str(request.actor.workspace.id):
        raise NotFound("table", name)
    return folder


def _save_upload(file: Any, target: Path) -> None:
    with target.open("wb") as out:
        for piece in file.chunks():
            out.write(piece)


def _delete_old_uploads() -> None:
    """Tables that nobody said yes to are gone after a day, by the clock that dates the files: storage may be elsewhere."""
    scratch = library.scratch_folder()
    with tempfile.TemporaryFile(dir=scratch) as fresh:
        now = os.fstat(fresh.fileno()).st_mtime
    for folder in scratch.glob("import-*"):
        if now - folder.stat().st_mtime > UPLOAD_LIFETIME_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
