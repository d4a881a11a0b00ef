"""What this workspace says to crawlers, and what a page or a picture of others declares."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.archive import declaring, hearing
from kicau.base.errors import unacceptable
from kicau.rights.models import USES
from kicau.web import archive_words as w
from kicau.web.frame import Asked, attempt, page
from kicau.web.words import told as in_words
from kicau.workspaces import acts as workspaces

TONES = {"allow": "leaf", "deny": "ember", "conditional": "sun"}


def forms(request: Asked) -> list[tuple[declaring.Form, Any, Any]]:
    """Each with its name and where it is put."""
    return [(form, *w.FORMS[form.slug]) for form in declaring.forms(request.actor)]


@page
@require_POST
def speak(request: Asked) -> HttpResponse:
    attempt(request, lambda: workspaces.change_workspace(request.actor, terms_url=request.POST.get("terms_url", "").strip(), marks_media="marks_media" in request.POST), _("Saved."))  # fmt: skip
    return redirect("rights")


@page
@require_POST
def read(request: Asked) -> HttpResponse:
    """An address is fetched, through the guard; a file is read and not kept."""
    file = request.FILES.get("file")
    if file is not None:
        if (file.size or 0) > hearing.LARGEST:
            raise unacceptable("file", "Files of at most {limit} MB are read.", limit=hearing.LARGEST // 1_000_000)
        found = hearing.hear_file(request.actor, (file.name or "")[:200], file.read())
    else:
        found = async_to_sync(hearing.hear)(request.actor, request.POST.get("url", "").strip())
    kept = len(hearing.keep(request.actor, found)) if "keep" in request.POST else None
    faults = [
        in_words(fault) for fault in [*(fault for source in found.heard for fault in source.faults), *found.faults]
    ]
    return render(request, "web/rights/heard.html", {"found": found, "answers": _answers(found), "faults": faults, "kept": kept})  # fmt: skip


def _answers(found: hearing.Hearing) -> list[tuple[Any, Any, str, str]]:
    """(use, value, tone, who says so) in the order of uses."""
    told = []
    for use in USES:
        if value := found.says.get(use):
            by = [f"{w.VOCABULARIES[one.vocabulary]} ({w.PLACES.get(source.where, source.where)})" for source in found.heard for one in source.declarations if one.says.get(use) == value]  # fmt: skip
            told.append((w.USES[use][0], w.VALUES[value], TONES[value], get_text_list(list(dict.fromkeys(by)), _("and"))))  # fmt: skip
    return told
