"""Versions of a training set: creating one, its page, its files."""

from __future__ import annotations

import json

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.training_sets import actions, recipients
from kicau.training_sets.models import TrainingSetVersion, VersionState
from kicau.web.core import files
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.training_sets import labels as w
from kicau.workspaces.actors import Permission

FILE_MIME_TYPES = {
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "sig": "text/plain",
}


@member_page
@require_POST
def order_version(request: MemberRequest, set_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: actions.order_version(request.actor, set_id),
        _("Kicau is creating the training set. You can leave this page, and Kicau continues."),
    )
    return redirect("training-set", set_id=set_id)


@member_page
@require_safe
def version_detail(request: MemberRequest, set_id: str, number: int) -> HttpResponse:
    return render_version(request, actions.get_version(request.actor, set_id, number))


def render_version(
    request: MemberRequest, row: TrainingSetVersion, wrong: dict[str, list[str]] | None = None
) -> HttpResponse:
    """With `wrong`, the form that notes a recipient as it was filled in."""
    who = list(recipients.list_recipients(request.actor).filter(version=row))
    taken = list(row.delta.get("reasons", {}).values())
    shown = {
        "of": row.set,
        "version": row,
        "people": who,
        "reasons": w.exclusion_reasons(row.excluded, row.reasons, row.set),
        "left_out": sum(row.excluded.values()),
        "files": [
            (name, told, w.FILE_LABELS.get(name) or w.SPLIT_FILE_LABELS.get(name.partition(".")[0]))
            for name, told in sorted(row.files.items(), key=lambda f: w.file_order(f[0]))
        ],
        "taken": len(row.delta.get("record_ids", ())),
        "taken_reasons": w.count_sentences(taken, row.reasons),
        "may_give": row.state == VersionState.READY,
        "unreviewed": actions.COPIES_UNREVIEWED if row.set.copy_reviews.exists() else "",
        "seconds": (row.ready_at - row.created_at).total_seconds() if row.ready_at and row.delta else None,
    }
    shown |= {"form": request.POST, "errors": wrong or {}}
    return render(request, "training_sets/version_detail.html", shown, status=422 if wrong else 200)


@member_page
@require_safe
def version_file(request: MemberRequest, set_id: str, number: int, name: str) -> HttpResponseBase:
    path = actions.file_of(request.actor, actions.get_version(request.actor, set_id, number), name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return files.send_file(request, path, FILE_MIME_TYPES[name.rpartition(".")[2]], headers)


@member_page
@require_safe
def version_delta(request: MemberRequest, set_id: str, number: int) -> HttpResponse:
    """The signed list of what a version is without."""
    request.actor.require(Permission.SETTINGS)
    return signed_list(actions.get_version(request.actor, set_id, number))


def signed_list(row: TrainingSetVersion) -> HttpResponse:
    answer = HttpResponse(
        json.dumps(recipients.version_delta(row), ensure_ascii=False, indent=1), content_type="application/json"
    )
    answer["Content-Disposition"] = f'attachment; filename="delta-{row.number}.json"'
    return answer
