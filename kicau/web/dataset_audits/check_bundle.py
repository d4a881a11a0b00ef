"""Checking an evidence bundle, and the program that checks one without Kicau."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from kicau.dataset_audit import actions
from kicau.evidence import verify
from kicau.web.core import files
from kicau.web.core.views import MemberRequest, member_page

MAX_BUNDLE_BYTES = 256 << 20  # bytes of a bundle that is checked


@member_page
@require_safe
def bundle(request: MemberRequest, audit_id: str) -> HttpResponseBase:
    path = actions.audit_bundle(request.actor, actions.get_audit(request.actor, audit_id))
    return files.send_file(
        request, path, "application/json", {"Content-Disposition": 'attachment; filename="evidence.json"'}
    )


@member_page
@require_safe
def verifier(request: MemberRequest) -> HttpResponseBase:
    """The one file that checks a bundle without Kicau."""
    return files.send_file(
        request,
        Path(verify.__file__),
        "text/x-python; charset=utf-8",
        {"Content-Disposition": 'attachment; filename="verify.py"'},
    )


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def check_bundle(request: MemberRequest) -> HttpResponse:
    """A bundle from anybody: accepted or refused, with the reason, by the same verifier."""
    file = request.FILES.get("bundle")
    shown: dict[str, Any] = {"key": request.POST.get("key", "").strip()}
    language = "id" if (get_language() or "").startswith("id") else "en"
    if request.method == "POST":
        trouble = _("First choose an evidence file to check.") if file is None else ""
        if file is not None and (file.size or 0) > MAX_BUNDLE_BYTES:
            trouble = _(
                "On this page, you can check evidence files of up to 256 MB. To check a larger file, download the program verify.py below and run it on your computer."
            )
        if file is None or trouble:
            return render(request, "dataset_audits/check_bundle.html", shown | {"wrong": [trouble]}, status=422)
        try:
            shown |= {"holds": verify.verify(file.read(), shown["key"] or None, language=language), "name": file.name}
        except verify.Refused as wrong:
            shown |= {"refused": wrong.told(language), "name": file.name}
    return render(request, "dataset_audits/check_bundle.html", shown)
