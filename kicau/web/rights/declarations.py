"""What this workspace declares to crawlers, and what a page or picture of others declares."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.archive import declaration_scanner
from kicau.base import outbound
from kicau.base.errors import ValidationFailed, validation_failed
from kicau.rights.models import USES
from kicau.web.core.labels import errors_by_field
from kicau.web.core.labels import localize_sentence as in_words
from kicau.web.core.views import MemberRequest, member_page
from kicau.web.rights import labels as w
from kicau.web.rights import rights
from kicau.workspaces import actions as workspaces

VALUE_TONES = {"allow": "leaf", "deny": "ember", "conditional": "sun"}


@member_page
@require_POST
def update_declarations(request: MemberRequest) -> HttpResponse:
    terms_url, marks = request.POST.get("terms_url", "").strip(), "marks_media" in request.POST
    try:
        workspaces.update_workspace(request.actor, terms_url=terms_url, marks_media=marks)
    except ValidationFailed as exc:
        return rights.render_rights(request, errors_by_field(exc), terms_url=terms_url, marks_media=marks)
    messages.success(request, _("Your changes are saved."))
    return redirect("rights")


@member_page
@require_POST
def read_declarations(request: MemberRequest) -> HttpResponse:
    """An address is fetched, through the guard; a file is read and not kept."""
    file, url = request.FILES.get("file"), request.POST.get("url", "").strip()
    try:
        found = (
            _read_file(request, file)
            if file is not None
            else outbound.run_request(request.actor.person_id, declaration_scanner.scan_address, request.actor, url)
        )
    except ValidationFailed as exc:
        return rights.render_rights(request, errors_by_field(exc), url=url)
    kept = len(declaration_scanner.record_declarations(request.actor, found)) if "keep" in request.POST else None
    faults = [
        in_words(fault) for fault in [*(fault for source in found.heard for fault in source.faults), *found.faults]
    ]
    return render(
        request,
        "rights/read_declarations.html",
        {"found": found, "answers": _verdicts_by_use(found), "faults": faults, "kept": kept},
    )


def _read_file(request: MemberRequest, file: UploadedFile[Any]) -> declaration_scanner.DeclarationScan:
    if (file.size or 0) > declaration_scanner.MAX_FILE_BYTES:
        raise validation_failed(
            "file",
            "The file that you chose is too large. Choose a file of at most {limit} MB.",
            limit=declaration_scanner.MAX_FILE_BYTES // 1_000_000,
        )
    return declaration_scanner.scan_file(request.actor, (file.name or "")[:200], file.read())


def _verdicts_by_use(found: declaration_scanner.DeclarationScan) -> list[tuple[Any, Any, str, str]]:
    """(use, value, tone, who says so) in the order of uses."""
    told = []
    for use in USES:
        if value := found.says.get(use):
            by = [
                f"{w.VOCABULARY_LABELS[one.vocabulary]} ({w.DECLARATION_PLACE_LABELS.get(source.where, source.where)})"
                for source in found.heard
                for one in source.declarations
                if one.says.get(use) == value
            ]
            told.append(
                (
                    w.USE_LABELS[use][0],
                    w.VALUE_LABELS[value],
                    VALUE_TONES[value],
                    get_text_list(list(dict.fromkeys(by)), _("and")),
                )
            )
    return told
