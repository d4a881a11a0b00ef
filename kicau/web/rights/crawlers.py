"""What this workspace says to crawlers, and what a page or a picture of others declares."""

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
from kicau.base.errors import Unacceptable, unacceptable
from kicau.rights.models import USES
from kicau.web.core.labels import by_field
from kicau.web.core.labels import told as in_words
from kicau.web.core.views import Asked, page
from kicau.web.rights import labels as w
from kicau.web.rights import rights
from kicau.workspaces import actions as workspaces

TONES = {"allow": "leaf", "deny": "ember", "conditional": "sun"}


@page
@require_POST
def speak(request: Asked) -> HttpResponse:
    terms_url, marks = request.POST.get("terms_url", "").strip(), "marks_media" in request.POST
    try:
        workspaces.change_workspace(request.actor, terms_url=terms_url, marks_media=marks)
    except Unacceptable as exc:
        return rights.shown(request, by_field(exc), terms_url=terms_url, marks_media=marks)
    messages.success(request, _("Saved."))
    return redirect("rights")


@page
@require_POST
def read(request: Asked) -> HttpResponse:
    """An address is fetched, through the guard; a file is read and not kept."""
    file, url = request.FILES.get("file"), request.POST.get("url", "").strip()
    try:
        found = (
            _of_file(request, file)
            if file is not None
            else outbound.run(request.actor.person_id, declaration_scanner.hear, request.actor, url)
        )
    except Unacceptable as exc:
        return rights.shown(request, by_field(exc), url=url)
    kept = len(declaration_scanner.keep(request.actor, found)) if "keep" in request.POST else None
    faults = [
        in_words(fault) for fault in [*(fault for source in found.heard for fault in source.faults), *found.faults]
    ]
    return render(
        request, "web/rights/heard.html", {"found": found, "answers": _answers(found), "faults": faults, "kept": kept}
    )


def _of_file(request: Asked, file: UploadedFile[Any]) -> declaration_scanner.Hearing:
    if (file.size or 0) > declaration_scanner.LARGEST:
        raise unacceptable(
            "file", "Files of at most {limit} MB are read.", limit=declaration_scanner.LARGEST // 1_000_000
        )
    return declaration_scanner.hear_file(request.actor, (file.name or "")[:200], file.read())


def _answers(found: declaration_scanner.Hearing) -> list[tuple[Any, Any, str, str]]:
    """(use, value, tone, who says so) in the order of uses."""
    told = []
    for use in USES:
        if value := found.says.get(use):
            by = [
                f"{w.VOCABULARIES[one.vocabulary]} ({w.PLACES.get(source.where, source.where)})"
                for source in found.heard
                for one in source.declarations
                if one.says.get(use) == value
            ]
            told.append(
                (w.USES[use][0], w.VALUES[value], TONES[value], get_text_list(list(dict.fromkeys(by)), _("and")))
            )
    return told
