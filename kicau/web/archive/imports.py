"""Imports into the archive: the list, starting, stopping and resuming one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.archive import item_queries
from kicau.archive.imports import actions
from kicau.archive.imports.readers import readable_networks
from kicau.archive.models import ArchiveImport, ImportState
from kicau.base.errors import DomainError
from kicau.connector import registry
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, is_partial, member_page, run_action
from kicau.web.rights import labels as w
from kicau.workspaces.actors import Permission


@member_page
@require_safe
def import_list(request: MemberRequest) -> HttpResponse:
    return _render_imports(request)


def _render_imports(request: MemberRequest, wrong: list[str] | None = None) -> HttpResponse:
    """With `wrong`, the form as it was filled in; a browser gives no file back."""
    rows = list(actions.list_imports(request.actor)[:100])
    shown = {
        "rows": [_import_context(row) for row in rows],
        "readable": readable_networks(),
        "networks": registry.installed_slugs(),
        "wrong": wrong,
        "form": {name: request.POST.get(name, "") for name in ("network", "account", "acquired")},
        "ways": w.OWNERSHIP_QUESTIONS.items(),
    }
    template = "archive/import_rows.html" if is_partial(request) else "archive/import_list.html"
    return render(request, template, shown, status=422 if wrong else 200)


@member_page
@require_POST
def begin_import(request: MemberRequest) -> HttpResponse:
    request.actor.require(Permission.WRITE)
    files, wrong = request.FILES.getlist("file"), []
    told = {name: request.POST.get(name, "").strip() for name in ("network", "account", "acquired")}
    for file in files:
        try:
            row = actions.begin_upload(request.actor, file, **told)
            if row.state != "asking":
                messages.success(
                    request, _("Kicau is importing the file %(name)s. You can leave this page.") % {"name": row.name}
                )
        except DomainError as exc:
            wrong.append(error_sentence(exc))
    if not files:
        wrong.append(_("First choose a file to import."))
    return _render_imports(request, wrong) if wrong else redirect("archive-imports")


@member_page
@require_POST
def act_on_import(request: MemberRequest, import_id: str, action: str) -> HttpResponse:
    actor = request.actor
    what = {
        "own": lambda: actions.answer_import(actor, import_id, "imported"),
        "received": lambda: actions.answer_import(actor, import_id, "received"),
        "stop": lambda: actions.stop_import(actor, import_id),
        "resume": lambda: actions.resume_import(actor, import_id),
        "values": lambda: actions.answer_values(actor, import_id, request.POST.dict()),
    }.get(action)
    if what is not None:
        run_action(
            request,
            what,
            _("The import was stopped. Posts and files that were already imported stay in the archive.")
            if action == "stop"
            else _("Kicau is importing the file in the background. You can continue working."),
        )
    return redirect("archive-imports")


# Codes of what an archive says of itself that was not found in it: shown without a click.
INCOMPLETE_SKIP_CODES = frozenset(
    {"incomplete", "missing", "partial", "missing-posts", "missing-nodes", "cut", "no-list"}
)


def _import_context(row: ArchiveImport) -> dict[str, Any]:
    share = min(100, round(100 * row.read / row.expected)) if row.expected else 0
    state = actions.display_state(row)
    nothing = state == ImportState.DONE and bool(row.skips) and not row.new + row.known
    asks_values = row.problem.get("code") == actions.VALUES_QUESTION and row.state == ImportState.ASKING
    badge = (
        w.HAS_QUESTION_BADGE
        if asks_values
        else w.NOTHING_IMPORTED_BADGE
        if nothing
        else w.WAITING_TO_RESUME_BADGE
        if state != row.state
        else w.IMPORT_STATE_BADGES[state]
    )
    return {
        "row": row,
        "state": state,
        "working": row.state in ("waiting", "running"),  # its section reloads itself, and no other's half-filled form
        "badge": badge,
        "nothing": nothing,
        "is_incomplete": any(one["code"] in INCOMPLETE_SKIP_CODES for one in row.skips),
        "share": share,
        "problem": item_queries.problem_from_json(row.problem) if row.problem else None,
        "skips": [(item_queries.problem_from_json(one), one) for one in row.skips],
        "way": w.ACQUISITION_LABELS[row.acquired],
        "values": [
            (
                one,
                w.COLUMN_LABELS[one.column],
                [(meaning, w.MEANING_LABELS[one.column][meaning]) for meaning in one.meanings],
            )
            for one in (actions.unknown_values(row) if row.state == ImportState.ASKING else ())
        ],
    }
