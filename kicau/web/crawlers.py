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

from kicau.archive import hearing
from kicau.base import outbound
from kicau.base.errors import Unacceptable, unacceptable
from kicau.rights.models import USES
from kicau.web import archive_words as w
from kicau.web import rights_page
from kicau.web.frame import Asked, page
from kicau.web.words import by_field
from kicau.web.words import told as in_words
from kicau.workspaces import acts as workspaces

TONES = {"allow": "leaf", "deny": "ember", "conditional": "sun"}


@page
@require_POST
def speak(request: Asked) -> HttpResponse:
    terms_url, marks = request.POST.get("terms_url", "").strip(), "marks_media" in request.POST
    try:
        workspaces.change_workspace(request.actor, terms_url=terms_url, marks_media=marks)
    except Unacceptable as exc:
        return rights_page.shown(request, by_field(exc), terms_url=terms_url, marks_media=marks)
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
            else outbound.run(request.actor.person_id, hearing.hear, request.actor, url)
        )
    except Unacceptable as exc:
        return rights_page.shown(request, by_field(exc), url=url)
    kept = len(hearing.keep(request.actor, found)) if "keep" in request.POST else None
    faults = [
        in_words(fault) for fault in [*(fault for source in found.heard for fault in source.faults), *found.faults]
    ]
    return render(
        request, "web/rights/heard.html", {"found": found, "answers": _answers(found), "faults": faults, "kept": kept}
    )


def _of_file(request: Asked, file: UploadedFile[Any]) -> hearing.Hearing:
    if (file.size or 0) > hearing.LARGEST:
        raise unacceptable("file", "Files of at most {limit} MB are read.", limit=hearing.LARGEST // 1_000_000)
    return hearing.hear_file(request.actor, (file.name or "")[:200], file.read())


def _answers(found: hearing.Hearing) -> list[tuple[Any, Any, str, str]]:
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
